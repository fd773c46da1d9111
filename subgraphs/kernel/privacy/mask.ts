import { isCitizenNumber } from '../identity/citizen.ts';
import { IDENTITY_KINDS, maskCode } from '../identity/identity.ts';
import { isUscc } from '../identity/uscc.ts';

/** Masks the codes of people and organisations that stand in running text, such as a line of an application. Pure. */

/**
 * A license identifier, which names an office and no holder, or a run of letters and digits, also in full width, with a
 * single blank or hyphen where people put one.
 */
const RUNS = /1\.2\.156\.3005\.2(?:\.[0-9A-Z]+){5}|[0-9A-Za-z０-９Ａ-Ｚａ-ｚ]+(?:[ -][0-9A-Za-z０-９Ａ-Ｚａ-ｚ]+)*/g;
/** Numbers of passports and permits: they have no check character, so only their complete form is known. */
const DOCUMENT_NUMBERS = /(?<![0-9A-Za-z.-])(?:[A-Z]{3}-[0-9A-Z]{5,15}|[HM]\d{8}(?:\d{2})?)(?![0-9A-Za-z-])/g;
const {
  PASSPORT: { findFault: findPassportFault },
  HK_MACAO_PERMIT: { findFault: findPermitFault },
} = IDENTITY_KINDS;
/** Letters in front of or behind a number without a blank, as in `ID11010519491231002X`. */
const GLUED = /^([A-Za-zＡ-Ｚａ-ｚ]{0,10})([0-9０-９]{11,20}[XxＸｘ]?)([A-Za-zＡ-Ｚａ-ｚ]{0,10})$/;
const CODE_CHARS = 18;
/** A mobile number (手机号码). */
const MOBILE_NUMBER = /^(?:(?:00)?86)?1[3-9]\d{9}$/;
const MOBILE_CHARS = 11;
/** A passport of three letters, a hyphen and five characters. */
const MIN_CODE_CHARS = 9;
const MAX_CODE_CHARS = MOBILE_CHARS + '0086'.length;
/** Most parts in which people write one code. */
const MAX_PARTS = 6;

/**
 * Returns a text in which each valid citizen number, unified social credit code, passport, permit of Hong Kong and
 * Macao residents and mobile number is masked, except `ownCode`. A text without one is returned as it is.
 */
export function maskCodes(text: string, ownCode: string | null = null): string {
  if (text.length < MIN_CODE_CHARS) return text;
  const unnumbered = text.replace(DOCUMENT_NUMBERS, (number) => maskDocumentNumber(number, ownCode));
  return unnumbered.replace(RUNS, (run) =>
    run.length < MOBILE_CHARS || run.startsWith('1.2.') ? run : maskRun(run, ownCode),
  );
}

function maskDocumentNumber(number: string, ownCode: string | null): string {
  const isNumber = findPassportFault(number) === null || findPermitFault(number) === null;
  return isNumber && number !== ownCode ? maskCode(number) : number;
}

/** Masks within a run: whole parts, or several in a row that together are one code. */
function maskRun(run: string, ownCode: string | null): string {
  const parts = run.split(/([ -])/);
  let masked = '';
  for (let i = 0; i < parts.length; ) {
    const count = countCodeParts(parts, i, ownCode);
    const piece = parts.slice(i, i + Math.max(1, 2 * count - 1)).join('');
    masked += count === 0 ? maskGlued(piece, ownCode) : maskCode(piece);
    i += Math.max(1, 2 * count - 1);
  }
  return masked;
}

function maskGlued(part: string, ownCode: string | null): string {
  const [, before = '', code = '', after = ''] = GLUED.exec(part) ?? [];
  return countCodeParts([code], 0, ownCode) === 1 ? `${before}${maskCode(code)}${after}` : part;
}

/** Returns how many parts from `start` on are together a code to mask, or 0. Every second element is a separator. */
function countCodeParts(parts: readonly string[], start: number, ownCode: string | null): number {
  let joined = '';
  for (let count = 1; count <= MAX_PARTS; count++) {
    const part = parts[start + 2 * (count - 1)];
    if (part === undefined) return 0;
    joined += part.normalize('NFKC');
    if (joined.length > Math.max(CODE_CHARS, MAX_CODE_CHARS)) return 0;
    const code = joined.toUpperCase();
    // Letters of both cases are base64 or a name, and no code.
    const isOneCase = joined === code || joined === joined.toLowerCase();
    if (isOneCase && isCode(code) && code !== ownCode) return count;
  }
  return 0;
}

function isCode(text: string): boolean {
  return MOBILE_NUMBER.test(text) || (text.length === CODE_CHARS && (isCitizenNumber(text) || isUscc(text)));
}

/** Masks a natural person's name for the public: keeps the first character and replaces each other one by `*`. */
export function maskName(name: string): string {
  const [first = '', ...rest] = [...name];
  return first + '*'.repeat(rest.length);
}

/** A natural person who holds a license. An erasure empties the code. */
export interface PersonOfLines {
  name: string;
  code: string;
}

/** Before the number of a passport: the country that issued it, which the document itself prints elsewhere. */
const ISSUING_COUNTRY = /^[A-Z]{3}-/;
const HIDDEN_NUMBER = '***';

/**
 * Returns the lines that everybody may see: those of `labels`. The names of holders who are natural persons are masked
 * in them, as they are elsewhere, and the numbers of their documents are left out, with the country or without it.
 */
export function publishLines(
  lines: readonly { label: string; text: string }[],
  labels: ReadonlySet<string>,
  persons: readonly PersonOfLines[],
): { label: string; text: string }[] {
  return lines
    .filter(({ label }) => labels.has(label))
    .map(({ label, text }) => ({ label, text: hidePersons(text, persons) }));
}

/** A name or number that contains another one is masked first. */
function hidePersons(text: string, persons: readonly PersonOfLines[]): string {
  const numbers = persons.flatMap(({ code }) => (code === '' ? [] : [code, code.replace(ISSUING_COUNTRY, '')]));
  const masks = new Map([
    ...persons.map(({ name }) => [name, maskName(name)] as const),
    ...numbers.map((number) => [number, HIDDEN_NUMBER] as const),
  ]);
  return [...masks]
    .sort(([one], [other]) => other.length - one.length)
    .reduce((hidden, [part, mask]) => hidden.replaceAll(part, mask), text);
}
