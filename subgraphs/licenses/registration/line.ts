import { type Day, isDay } from '../../kernel/day.ts';
import type { Holder, OrganFact } from '../../kernel/events/events.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { isCitizenNumber } from '../../kernel/identity/citizen.ts';
import type { CoOwnership } from '../../kernel/identity/co-ownership.ts';
import {
  HOLDER_CODE_KINDS,
  type HolderCodeKind,
  IDENTITY_KINDS,
  normaliseHolderCode,
  requireHolderCode,
} from '../../kernel/identity/identity.ts';
import { findLineProblem, toFields } from '../../kernel/license-type/content.ts';
import { endsInMark } from '../../kernel/license-type/license-key.ts';
import { isWrittenBy, MAX_NUMBER_CHARS, templateFor } from '../../kernel/license-type/number.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { describeTextProblem, findTextProblem } from '../../kernel/text.ts';
import { readCoHolders } from './holder/co-holders.ts';
import { COLUMNS, type LedgerRow, type LineProblem, toLineProblem } from './ledger.ts';

/** What the cells of a ledger mean: each line is a license that exists on paper, or named faults. Pure. */

const MAX_NAME_CHARS = 100;
/** The end of a license without one, as ledgers write it. */
const ENDLESS = '长期';
const DIGEST = /^[0-9a-f]{64}$/;
/** Kinds of codes by their label, without what it says of the form; and as ledgers write some of them. */
const CODE_KINDS: Readonly<Record<string, HolderCodeKind>> = {
  ...Object.fromEntries(HOLDER_CODE_KINDS.map((kind) => [IDENTITY_KINDS[kind].label.split('（', 1)[0] ?? '', kind])),
  居民身份证: 'CITIZEN_NUMBER',
};

/** Of which licenses a ledger is. */
export interface LedgerScope {
  issuer: OrganFact;
  /** The version of their type that judges their lines. */
  type: LicenseTypeVersion;
  today: Day;
}

/** A license on paper, as a line of a ledger has it. */
export interface PaperLicense {
  line: number;
  number: string;
  holder: Holder;
  /** Absent where there is one holder. */
  coOwnership?: CoOwnership;
  issuedOn: Day;
  validFrom: Day;
  validUntil: Day | null;
  fields: { label: string; text: string }[];
  /** SHA-256 of the scan, or null. */
  scan: string | null;
}

/** Reads the lines of a ledger. A line with faults is none of the licenses; all its faults are named. */
export function readLines(
  rows: readonly LedgerRow[],
  scope: LedgerScope,
): { licenses: PaperLicense[]; problems: LineProblem[] } {
  const licenses: PaperLicense[] = [];
  const problems: LineProblem[] = [];
  const lineByNumber = new Map<string, number>();
  for (const row of rows) {
    const faults: Refusal[] = [];
    const license = readLine(row, scope, faults);
    const folded = foldText(license.number);
    const first = lineByNumber.get(folded);
    if (first !== undefined) faults.push(new Refusal('LEDGER_NUMBER_TWICE', COLUMNS.number, `见第 ${first} 行`));
    else if (folded !== '') lineByNumber.set(folded, row.line);
    problems.push(...faults.map((fault) => toLineProblem(row.line, fault)));
    if (faults.length === 0) licenses.push(license);
  }
  return { licenses, problems };
}

function readLine({ line, cells }: LedgerRow, scope: LedgerScope, faults: Refusal[]): PaperLicense {
  /** Reads one cell. A fault is noted, and `absent` stands for what could not be read. */
  const read = <Value>(column: string, absent: Value, parse: (text: string) => Value): Value => {
    const text = cells[column];
    try {
      if (text !== undefined) return parse(text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      faults.push(error);
    }
    return absent;
  };
  const require = <Value>(column: string, absent: Value, parse: (text: string) => Value): Value => {
    if (cells[column] === undefined) faults.push(new Refusal('VALUE_MISSING', column));
    return read(column, absent, parse);
  };
  const number = require(COLUMNS.number, '', (text) => readNumber(text, scope));
  const name = require(COLUMNS.holder, '', (text) => readText(text, MAX_NAME_CHARS, COLUMNS.holder));
  const kind = read(COLUMNS.codeKind, null, (text) => readCodeKind(text));
  const code = require(COLUMNS.holderCode, null, (text) => readCode(text, kind, scope.today));
  read(COLUMNS.issuer, null, (text) => requireIssuer(text, scope));
  const issuedOn = require(COLUMNS.issuedOn, '', (text) => readPast(text, scope.today));
  const validFrom = read(COLUMNS.validFrom, issuedOn, (text) => readDay(text, COLUMNS.validFrom));
  const validUntil = require(COLUMNS.validUntil, null, (text) => readEnd(text, validFrom));
  const scan = read(COLUMNS.scan, null, readDigest);
  const fields = readFields(cells, scope, faults);
  const holder = { name, ...(code ?? NO_CODE) };
  const others = readOthers(cells, holder, scope, faults);
  const coOwnership = others === null ? {} : { coOwnership: others };
  return { line, number, holder, ...coOwnership, issuedOn, validFrom, validUntil, fields, scan };
}

function readOthers(cells: LedgerRow['cells'], holder: Holder, scope: LedgerScope, faults: Refusal[]) {
  try {
    return readCoHolders(cells, holder, scope.type, {
      readName: (text, column) => readText(text, MAX_NAME_CHARS, column),
      readCode: (text, kind) =>
        readCode(text, kind === '' ? null : readCodeKind(kind, COLUMNS.coHolders), scope.today, COLUMNS.coHolders),
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    faults.push(error);
    return null;
  }
}

const NO_CODE = { codeKind: 'USCC', code: '' } as const;

function readText(text: string, maxChars: number, column: string): string {
  const problem = findTextProblem(text, { form: 'LINE', maxChars });
  if (problem?.kind === 'TOO_LONG') throw new Refusal('FIELD_TOO_LONG', column, `最多 ${maxChars} 字`);
  if (problem) throw new Refusal('FIELD_MALFORMED', column, describeTextProblem(problem));
  return text;
}

/** Reads a number as it is printed. Refuses LICENSE_NUMBER_OF_ANOTHER if only another issuer writes such numbers. */
function readNumber(text: string, { issuer: { id, divisionCode }, type: { numberFormats } }: LedgerScope): string {
  const number = readText(text, MAX_NUMBER_CHARS, COLUMNS.number);
  if (endsInMark(number)) throw new Refusal('FIELD_MALFORMED', COLUMNS.number, '末尾不能是 @ 和八位十六进制数字');
  const isOf = (template: string) => isWrittenBy(template, number, divisionCode);
  const others = numberFormats.filter(({ issuer }) => issuer !== null && issuer !== id);
  if (others.some(({ template }) => isOf(template)) && !isOf(templateFor(numberFormats, id)))
    throw new Refusal('LICENSE_NUMBER_OF_ANOTHER', COLUMNS.number);
  return number;
}

function readCodeKind(text: string, column: string = COLUMNS.codeKind): HolderCodeKind {
  const kind = CODE_KINDS[text];
  if (kind === undefined) throw new Refusal('VALUE_UNKNOWN', column, `可填 ${Object.keys(CODE_KINDS).join('、')}`);
  return kind;
}

/** Reads a code. Without a kind it is what its own form says. */
function readCode(
  text: string,
  kind: HolderCodeKind | null,
  today: Day,
  column: string = COLUMNS.holderCode,
): Pick<Holder, 'codeKind' | 'code'> {
  const code = normaliseHolderCode(text);
  const codeKind = kind ?? (isCitizenNumber(code) ? 'CITIZEN_NUMBER' : 'USCC');
  requireHolderCode(codeKind, code, column, today);
  return { codeKind, code };
}

function requireIssuer(text: string, { issuer }: LedgerScope): null {
  if (text !== issuer.name && text !== issuer.uscc)
    throw new Refusal('LICENSE_NUMBER_OF_ANOTHER', COLUMNS.issuer, `本文件登记的是${issuer.name}的证照`);
  return null;
}

/** Reads a day as ledgers write it: 2019-03-05, 2019/3/5, 2019.3.5, 20190305 or 2019年3月5日. Refuses DAY_INVALID. */
function readDay(text: string, column: string): Day {
  const parts = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/.exec(text) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  const [, year = '', month = '', day = ''] = parts ?? [];
  const written = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  if (parts === null || !isDay(written)) throw new Refusal('DAY_INVALID', column);
  return written;
}

function readPast(text: string, today: Day): Day {
  const day = readDay(text, COLUMNS.issuedOn);
  if (day > today) throw new Refusal('DAY_INVALID', COLUMNS.issuedOn, '晚于今日');
  return day;
}

function readEnd(text: string, validFrom: Day): Day | null {
  if (text === ENDLESS) return null;
  const day = readDay(text, COLUMNS.validUntil);
  if (day < validFrom) throw new Refusal('DAY_INVALID', COLUMNS.validUntil, '早于有效期起始');
  return day;
}

function readDigest(text: string): string {
  const digest = text.toLowerCase();
  if (!DIGEST.test(digest)) throw new Refusal('FIELD_MALFORMED', COLUMNS.scan, '须为 64 位十六进制的 SHA-256');
  return digest;
}

/**
 * Reads the lines of the license. What the ledger lacks is supplied by the first act that makes a version: a required
 * line may be absent here, and a line that is there must be as its type says.
 */
function readFields(cells: LedgerRow['cells'], { type }: LedgerScope, faults: Refusal[]): PaperLicense['fields'] {
  const content = type.lines.flatMap((line) => {
    const text = cells[line.label];
    if (text === undefined) return [];
    const problem = findLineProblem(line, text);
    if (problem !== null) faults.push(new Refusal('FIELD_MALFORMED', line.label, problem.words));
    return { key: line.key, text };
  });
  return toFields(type, content);
}
