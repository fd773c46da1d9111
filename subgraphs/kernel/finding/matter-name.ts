import { listPairs } from './fold.ts';

/** The least share of a sub-item's letter pairs in its main item with which it says by itself what it is. */
const MIN_SHARED_PAIRS = 0.5;
const MAX_DISPLAY_NAME_CHARS = 160;

/**
 * Returns the name by which a screen or a letter calls a matter (事项). It is one line of up to 160 characters.
 * The name is the sub-item alone if that repeats most of the main item, and `主项：子项` if it does not: 抵押权登记 or
 * 《森林法》第57条…以外的情形 says nothing alone. A sub-item of several lines is cut to the first one.
 * It is for people: what is stored, signed or sent keeps the printed items.
 */
export function displayNameOf({ mainItem, subItem }: { mainItem: string; subItem: string | null }): string {
  const main = toLine(mainItem);
  const sub = subItem === null ? '' : toHeading(subItem);
  const name = sub === '' ? main : namesItself(main, sub) ? sub : `${main}：${sub}`;
  const characters = [...name];
  if (characters.length <= MAX_DISPLAY_NAME_CHARS) return name;
  return `${characters.slice(0, MAX_DISPLAY_NAME_CHARS - 1).join('')}…`;
}

/** Removes blanks beside Chinese characters, where the print has them by chance, and joins lines. */
function toLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/(?<=\p{Script=Han}) | (?=\p{Script=Han})/gu, '')
    .trim();
}

/** Returns the first line of a sub-item without its list mark, with 等 if lines follow. */
function toHeading(subItem: string): string {
  const [first = '', ...rest] = subItem.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (rest.length === 0) return toLine(first);
  const heading = toLine(first.replace(/^\s*[(（][一二三四五六七八九十\d]{1,3}[)）]/, ''));
  return `${heading.replace(/[;；:：。，,]$/, '')}等`;
}

function namesItself(main: string, sub: string): boolean {
  if (sub.includes(main)) return true;
  const ofMain = new Set(listPairs(main));
  const ofSub = listPairs(sub);
  return ofSub.filter((pair) => ofMain.has(pair)).length >= ofSub.length * MIN_SHARED_PAIRS;
}
