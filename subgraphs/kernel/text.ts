import { Refusal } from './refusal.ts';

/**
 * The one rule for text that somebody enters: at the edge (`inputs.ts`, routes), in the kernel and in imports.
 * Text that is stored already is never judged by it.
 */

/** Longest text that the edge takes, in characters. The rules of each field allow less. */
export const MAX_INPUT_TEXT_CHARS = 4_000;
/** Most items that the edge takes in one list. The rules of each list allow less. */
export const MAX_INPUT_ITEMS = 1_000;
/** Longest id that the edge takes. A license identifier has 98 characters at most. */
export const MAX_INPUT_ID_CHARS = 200;
/** Longest text of a file within a request: CSV, JSON, PEM or base64. A request has 1 MiB at most. */
export const MAX_INPUT_FILE_CHARS = 1_000_000;

/**
 * The form that a text must have.
 * `LINE`: no line break. `LINES`: LINE FEED separates lines.
 * `FILE`: also TAB, CR LF and a byte order mark at the start; whoever reads the file checks each of its texts.
 */
export type TextForm = 'LINE' | 'LINES' | 'FILE';

/** What a text may be: its form, and its most characters (code points). */
export interface TextRule {
  form: TextForm;
  maxChars: number;
}

/** What is wrong with a text. `character` is null if the text is too long; `position` counts characters from 1. */
export type TextProblem =
  | { kind: 'TOO_LONG'; maxChars: number }
  | { kind: CharacterFault; character: string; position: number };

/** Each kind of character that no text may have, and the words for it. The first pattern that matches names it. */
const CHARACTER_FAULTS = {
  LONE_SURROGATE: { pattern: /\p{Cs}/u, words: '不成对的代理码' },
  LINE_BREAK: { pattern: /[\n\r\u2028\u2029\u0085\v\f]/u, words: '换行符' },
  TAB: { pattern: /\t/u, words: '制表符' },
  CONTROL: { pattern: /\p{Cc}/u, words: '控制字符' },
  DIRECTION: { pattern: /\p{Bidi_Control}/u, words: '改变文字方向的字符' },
  NONCHARACTER: { pattern: /\p{Noncharacter_Code_Point}/u, words: '非字符' },
  INVISIBLE: { pattern: /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u, words: '看不见的字符' },
  PRIVATE_USE: { pattern: /\p{Co}/u, words: '自造字' },
} as const;

type CharacterFault = keyof typeof CHARACTER_FAULTS;

const FAULTY = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}`;
const FAULTY_CHARACTERS = {
  LINE: new RegExp(`[${FAULTY}]`, 'u'),
  LINES: new RegExp(String.raw`(?!\n)[${FAULTY}]`, 'u'),
  // Only what no file format can mean. A CSV or JSON file holds texts of its own, which its reader checks.
  FILE: /[\0\p{Cs}]/u,
} as const satisfies Record<TextForm, RegExp>;

/** Returns the first problem of a text, or null. An empty text has none. */
export function findTextProblem(text: string, { form, maxChars }: TextRule): TextProblem | null {
  // A character has at most two code units. This spares counting the characters of a huge text.
  if (text.length > 2 * maxChars || countCharacters(text, maxChars) > maxChars) return { kind: 'TOO_LONG', maxChars };
  const match = FAULTY_CHARACTERS[form].exec(text);
  if (!match) return null;
  const [character] = match;
  return { kind: nameFault(character), character, position: [...text.slice(0, match.index)].length + 1 };
}

/** Returns the number of characters, or the number of code units if not even those are more than `maxChars`. */
function countCharacters(text: string, maxChars: number): number {
  return text.length <= maxChars ? text.length : [...text].length;
}

function nameFault(character: string): CharacterFault {
  const names = Object.keys(CHARACTER_FAULTS) as CharacterFault[];
  return names.find((name) => CHARACTER_FAULTS[name].pattern.test(character)) ?? 'INVISIBLE';
}

/** Returns a problem in words, for example `第3字 U+200B 是看不见的字符`. */
export function describeTextProblem(problem: TextProblem): string {
  if (problem.kind === 'TOO_LONG') return `最多 ${problem.maxChars} 字`;
  return `第${problem.position}字 ${formatCodePoint(problem.character)} 是${CHARACTER_FAULTS[problem.kind].words}，请删去`;
}

/** Returns the code point of a character's first code point, for example `U+200B`. */
export function formatCodePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Returns a text from outside with a blank for each line break and control character: it cannot start a new line. */
export function toOneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

/**
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED unless `text` is one line of 1 to `maxChars` visible characters without
 * blanks at either end.
 */
export function requireLine(text: string, maxChars: number, field: string): void {
  requireText(text, { form: 'LINE', maxChars }, field);
}

/** Like `requireLine`, but LINE FEED may separate lines. */
export function requireLines(text: string, maxChars: number, field: string): void {
  requireText(text, { form: 'LINES', maxChars }, field);
}

/** Refuses REASON_MISSING if `text` is blank, and otherwise as `requireLines` (or for `LINE`, `requireLine`) does. */
export function requireReason(
  text: string,
  maxChars: number,
  field = 'reason',
  form: Exclude<TextForm, 'FILE'> = 'LINES',
): void {
  if (text.trim() === '') throw new Refusal('REASON_MISSING', field);
  requireText(text, { form, maxChars }, field);
}

function requireText(text: string, rule: TextRule, field: string): void {
  requireTextForm(text, rule, field);
  if (text === '' || text !== text.trim()) throw new Refusal('FIELD_MALFORMED', field, '不能为空，首尾不能有空白');
}

/** Refuses FIELD_TOO_LONG, FIELD_MALFORMED if `text` breaks a rule. An empty text breaks none. */
export function requireTextForm(text: string, rule: TextRule, field: string): void {
  const problem = findTextProblem(text, rule);
  if (problem) {
    const code = problem.kind === 'TOO_LONG' ? 'FIELD_TOO_LONG' : 'FIELD_MALFORMED';
    throw new Refusal(code, field, describeTextProblem(problem));
  }
}
