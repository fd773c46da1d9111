/** Makes elements. Text becomes text nodes only: nothing out of a file, a code or an answer is ever read as HTML. */

/** @typedef {Node | string | null} Child */

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...Child} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, text] of Object.entries(attributes)) made.setAttribute(name, text);
  made.append(...children.filter((one) => one !== null));
  return made;
}

/**
 * The element of the page with an id; the page and its script are of one release.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/**
 * A list of labels and texts; a line without text is left out.
 * @param {[string, string | null | undefined][]} lines
 */
export function facts(lines) {
  const shown = lines.filter(([, text]) => text);
  const items = shown.map(([label, text]) =>
    element('div', {}, element('dt', {}, label), element('dd', {}, text ?? '')),
  );
  return element('dl', {}, ...items);
}
