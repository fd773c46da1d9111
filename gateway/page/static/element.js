/** Creates elements. Text becomes text nodes only, so text from a file, a code or an answer is never parsed as HTML. */

/** @typedef {Node | string | null} Child */

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...Child} children
 */
export function element(tag, attributes = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, text] of Object.entries(attributes)) created.setAttribute(name, text);
  created.append(...children.filter((one) => one !== null));
  return created;
}

/**
 * Returns the element with an id. Throws if it is missing, because page and script are of the same release.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const match = document.getElementById(id);
  if (!match) throw new Error(`no element ${id}`);
  return match;
}

/**
 * Creates a list of labels and texts. Omits lines without text.
 * @param {[string, string | null | undefined][]} lines
 */
export function facts(lines) {
  const shown = lines.filter(([, text]) => text);
  const items = shown.map(([label, text]) =>
    element('div', {}, element('dt', {}, label), element('dd', {}, text ?? '')),
  );
  return element('dl', {}, ...items);
}
