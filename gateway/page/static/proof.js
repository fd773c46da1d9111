import { lang } from './words.js';

/** Draws a proof: the path from the leaf (bottom) to the root (top), with the sibling hashes beside it. */

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 640;
const ROW = 64;
const BOX = { width: 190, height: 36 };
const MIDDLE = (WIDTH - BOX.width) / 2;
/** Number of characters shown of a hash. */
const SHOWN = 16;

const words =
  lang === 'zh'
    ? { leaf: '本条', root: '树根', title: '从本条到树根', left: '左邻', right: '右邻' }
    : { leaf: 'this entry', root: 'root', title: 'From this entry to the root', left: 'left', right: 'right' };

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
function draw(name, attributes, ...children) {
  const created = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, String(value));
  created.append(...children);
  return created;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} hash
 * @param {string} kind
 * @param {string} label
 */
function box(x, y, hash, kind, label) {
  return draw(
    'g',
    { class: kind },
    draw('rect', { x, y, width: BOX.width, height: BOX.height, rx: 6 }),
    draw('text', { x: x + BOX.width / 2, y: y + 15, class: 'label' }, label),
    draw('text', { x: x + BOX.width / 2, y: y + 29, class: 'hash' }, `${hash.slice(0, SHOWN)}…`),
  );
}

/**
 * @param {import('./tlog.js').Climbed[]} steps
 * @param {import('./tlog.js').Proof} proof
 */
export function drawProof(steps, { index }) {
  const height = steps.length * ROW + 8;
  const top = (/** @type {number} */ row) => height - (row + 1) * ROW + (ROW - BOX.height) / 2;
  const parts = steps.flatMap(({ hash, sibling, side }, row) => {
    const y = top(row);
    const isRoot = row === steps.length - 1;
    const label = row === 0 ? `${words.leaf} ${index}` : isRoot ? words.root : '';
    const own = box(MIDDLE, y, hash, isRoot ? 'root' : row === 0 ? 'leaf' : 'node', label);
    if (sibling === null) return [own];
    const below = top(row - 1);
    const x = side === 'left' ? 8 : WIDTH - BOX.width - 8;
    const from = x + BOX.width / 2;
    const line = (/** @type {number} */ at) =>
      draw('line', { x1: at, y1: below, x2: WIDTH / 2, y2: y + BOX.height, class: 'way' });
    const siblingBox = box(x, below, sibling, 'sibling', side === 'left' ? words.left : words.right);
    return [line(WIDTH / 2), line(from), siblingBox, own];
  });
  const title = draw('title', {}, words.title);
  return draw(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${height}`, class: 'proof', role: 'img', 'aria-label': words.title },
    title,
    ...parts,
  );
}
