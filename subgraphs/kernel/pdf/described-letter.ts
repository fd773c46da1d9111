/**
 * A letter that the fonts lack, described (字形描述): `〔⿰口丨 U+20B9F〕`. The description is an ideographic description
 * sequence (Unicode, section 18.2), the code point says which letter it is: a later font shows it, a search finds it.
 */

const BRACKETS = /〔([^〔〕]*)〕/gu;
const COMPOSITION = /[\u2FF0-\u2FFF\u31EF]/u;
const PARTS = /^(\S+) U\+([0-9A-F]{4,6})$/u;
/** How many parts each sign of composition has. */
const OPERANDS: readonly { signs: RegExp; count: number }[] = [
  { signs: /[\u2FFE\u2FFF]/u, count: 1 },
  { signs: /[\u2FF2\u2FF3]/u, count: 3 },
  { signs: COMPOSITION, count: 2 },
];
/** A letter, a radical or a stroke. */
const COMPONENT = /[\p{Script=Han}\u31C0-\u31E5]/u;
/** Most signs and components of a description (Unicode has none longer than 16). */
const MAX_SEQUENCE = 16;

/** Returns the letters that a text describes; `letter` is null for a description that breaks the rule. */
export function listDescribed(text: string): { description: string; letter: string | null }[] {
  return [...text.matchAll(BRACKETS)]
    .filter(([, content = '']) => COMPOSITION.test(content))
    .map(([description, content = '']) => {
      const [, sequence = '', code = ''] = PARTS.exec(content) ?? [];
      return { description, letter: isSequence(sequence) ? toLetter(code) : null };
    });
}

/** Whether signs and components compose exactly one letter. */
function isSequence(sequence: string): boolean {
  const signs = [...sequence];
  if (signs.length < 2 || signs.length > MAX_SEQUENCE) return false;
  let open = 1;
  for (const sign of signs) {
    if (open === 0) return false;
    const operator = OPERANDS.find((row) => row.signs.test(sign));
    if (!operator && !COMPONENT.test(sign)) return false;
    open += operator ? operator.count - 1 : -1;
  }
  return open === 0;
}

/** Returns the Han letter of a code point, or null. Its block may be newer than this platform's Unicode. */
function toLetter(code: string): string | null {
  const value = Number.parseInt(code, 16);
  const isHan = (value >= 0x3400 && value <= 0x9fff) || (value >= 0x20000 && value <= 0x3ffff);
  return isHan ? String.fromCodePoint(value) : null;
}
