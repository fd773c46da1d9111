import { isDay } from '../day.ts';
import { isCitizenNumber } from '../identity/citizen.ts';
import { isUscc } from '../identity/uscc.ts';
import { describeTextProblem, findTextProblem } from '../text.ts';
import type { LicenseLine, LineKind } from './line.ts';

/** The typed content of a license (制证信息): the text of each of its type's lines, checked line by line. */

/** The text of one line. An empty text is a line without content. */
export interface ContentLine {
  key: string;
  text: string;
}

/** What can be wrong with a line of a content. */
export const CONTENT_FAULTS = [
  'UNKNOWN',
  'REPEATED',
  'MISSING',
  'ILLEGIBLE',
  'TOO_LONG',
  'WRONG_KIND',
  'NOT_A_CHOICE',
  'MALFORMED',
] as const;

/** One fault of a content, in words for a person. */
export interface ContentFault {
  /** Place in the content, from 0. Null for a required line that is not there at all. */
  index: number | null;
  key: string;
  fault: (typeof CONTENT_FAULTS)[number];
  message: string;
}

/** What a text of each kind is, or null if it is any text. */
const KINDS: Record<LineKind, { isValid: (text: string) => boolean; words: string } | null> = {
  TEXT: null,
  LONG_TEXT: null,
  CHOICE: null,
  CHOICES: null,
  DATE: { isValid: isDay, words: '应为日期，如 2026-01-01' },
  INTEGER: { isValid: (text) => /^(0|-?[1-9]\d{0,17})$/.test(text), words: '应为整数，至多 18 位' },
  DECIMAL: {
    isValid: (text) => /^(0|[1-9]\d{0,17})(\.\d{1,10})?$/.test(text),
    words: '应为数字，如 12.5，整数至多 18 位、小数至多 10 位',
  },
  CODE_USCC: { isValid: isUscc, words: '不是统一社会信用代码' },
  CITIZEN_NUMBER: { isValid: isCitizenNumber, words: '不是公民身份号码' },
  PHONE: { isValid: (text) => /^\+?\d[\d-]{4,19}$/.test(text), words: '不是电话号码' },
};

/** What each sign of a pattern stands for. Every other sign stands for itself. */
const PATTERN_SIGNS: Readonly<Record<string, RegExp>> = {
  '#': /^[0-9]$/,
  '@': /^[A-Z]$/,
  '&': /^[0-9A-Z]$/,
  '?': /^.$/u,
};

/**
 * Returns whether a text has the form of a pattern, sign by sign: `#` a digit, `@` a capital letter, `&` either of
 * them, `?` any character, anything else itself. Takes one comparison for each character.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const [signs, characters] = [[...pattern], [...text]];
  return (
    signs.length === characters.length &&
    signs.every((sign, i) => {
      const character = characters[i] ?? '';
      return PATTERN_SIGNS[sign]?.test(character) ?? sign === character;
    })
  );
}

/** Lists every fault of a content by the lines of its type: those of each line in order, then what is missing. */
export function listContentFaults(
  { lines }: { lines: readonly LicenseLine[] },
  content: readonly ContentLine[],
): ContentFault[] {
  const lineByKey = new Map(lines.map((line) => [line.key, line]));
  const keys = content.map(({ key }) => key);
  const faults = content.flatMap(({ key, text }, index): ContentFault[] => {
    const line = lineByKey.get(key);
    const found = (fault: ContentFault['fault'], message: string) => [{ index, key, fault, message }];
    if (line === undefined) return found('UNKNOWN', `此类证照没有“${key}”这一项`);
    if (keys.indexOf(key) < index) return found('REPEATED', `“${line.label}”重复`);
    if (text === '') return line.required ? found('MISSING', `“${line.label}”必须填写`) : [];
    const problem = findLineProblem(line, text);
    return problem === null ? [] : found(problem.fault, `“${line.label}”${problem.words}`);
  });
  const absent = lines.filter(({ key, required }) => required && !keys.includes(key));
  return [
    ...faults,
    ...absent.map(
      ({ key, label }): ContentFault => ({ index: null, key, fault: 'MISSING', message: `“${label}”必须填写` }),
    ),
  ];
}

/** Returns what is wrong with the text of a line that has one, or null. */
export function findLineProblem(
  line: LicenseLine,
  text: string,
): { fault: ContentFault['fault']; words: string } | null {
  const problem = findTextProblem(text, { form: 'LINE', maxChars: line.maxLength });
  if (problem) {
    const fault = problem.kind === 'TOO_LONG' ? 'TOO_LONG' : 'ILLEGIBLE';
    return { fault, words: describeTextProblem(problem) };
  }
  if (text !== text.trim()) return { fault: 'ILLEGIBLE', words: '首尾不能有空白' };
  const kind = KINDS[line.kind];
  if (kind !== null && !kind.isValid(text)) return { fault: 'WRONG_KIND', words: kind.words };
  if (!isChosen(line, text)) return { fault: 'NOT_A_CHOICE', words: `应为 ${line.choices.join('、')} 之一` };
  if (line.pattern === null || matchesPattern(line.pattern, text)) return null;
  return { fault: 'MALFORMED', words: `格式应为 ${line.pattern}` };
}

/** Whether a text is one of the line's choices, or several different ones separated by `、`. */
function isChosen({ kind, choices }: LicenseLine, text: string): boolean {
  if (kind === 'CHOICE') return choices.includes(text);
  if (kind !== 'CHOICES') return true;
  const chosen = text.split('、');
  return new Set(chosen).size === chosen.length && chosen.every((choice) => choices.includes(choice));
}

/** Returns a content as a license records it: label and text of each line that has one, in the order of the type. */
export function toFields(
  { lines }: { lines: readonly LicenseLine[] },
  content: readonly ContentLine[],
): { label: string; text: string }[] {
  const textByKey = new Map(content.map(({ key, text }) => [key, text]));
  return lines.flatMap(({ key, label }) => {
    const text = textByKey.get(key) ?? '';
    return text === '' ? [] : [{ label, text }];
  });
}

/**
 * Returns what a license records as the content of a type. A label that the type does not have keeps its label as key:
 * `listContentFaults` names it.
 */
export function readFields(
  { lines }: { lines: readonly LicenseLine[] },
  fields: readonly { label: string; text: string }[],
): ContentLine[] {
  const keyByLabel = new Map(lines.map(({ key, label }) => [label, key]));
  return fields.map(({ label, text }) => ({ key: keyByLabel.get(label) ?? label, text }));
}

/** Returns the labels of lines that the sheet of a license does not show: those that its type does not print. */
export function listUnprinted(type: { lines: readonly LicenseLine[] }, lines: readonly { label: string }[]): string[] {
  const hidden = new Set(type.lines.flatMap(({ label, printed }) => (printed ? [] : label)));
  return lines.flatMap(({ label }) => (hidden.has(label) ? label : []));
}
