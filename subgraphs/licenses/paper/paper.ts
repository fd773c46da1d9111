import { isLive, LICENSE_STATE_LABELS, type ValidityState } from '../../kernel/license-acts.ts';
import type { PAPER_KINDS } from '../../kernel/license-type/reissued-sheet.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';

/** State of a sheet that carries a version (纸质证照状态). */
export type SheetState = 'PRINTED' | 'DELIVERED' | 'RECALLED' | 'SPOILED' | 'LOST';
/** Kind of a sheet: 正本 or 副本. */
export type PaperKind = (typeof PAPER_KINDS)[number];
/**
 * State of a numbered blank (空白证照). Every blank has exactly one. `IN_TRANSIT`: sent to another organ, which has not
 * confirmed it; it still counts in the stock of the sender. `VOIDED`: taken out of the stock, never used.
 */
export type BlankState = 'IN_STOCK' | 'IN_TRANSIT' | 'ASSIGNED' | SheetState | 'VOIDED';
/** Who received the blanks of a demonstration: its seed. */
export const SEED_ACTOR = '初始化';

export interface Blank {
  number: string;
  /** How many of the last signs of its number are its running number; the others are the prefix (字头). */
  digits: number;
  organ: string;
  state: BlankState;
  identifier: string | null;
  /** Type code of the licenses that are printed on it. Null: of every type. */
  licenseType: string | null;
}

/** What a sheet needs of its blank: the stock, and the type of the license. */
export interface BlankNeed {
  organ: string;
  licenseType: string;
}

/** Numbers of blanks that follow each other: `prefix` and a number of `digits` digits, both ends included. */
export interface BlankRange {
  prefix: string;
  digits: number;
  from: number;
  to: number;
}

/** A delivery of blanks (号段). `licenseType`: the type code of the licenses that are printed on them, or null. */
export interface BlankBox extends BlankRange {
  organ: string;
  licenseType: string | null;
}

/** Names a range of blanks for a person, by the numbers as they are printed. */
export function describeRange(range: BlankRange): string {
  return `空白证照 ${writeBlankNumber(range, range.from)} 至 ${writeBlankNumber(range, range.to)} 号`;
}

/** Writes the number of a blank as it is printed. */
function writeBlankNumber({ prefix, digits }: Pick<BlankRange, 'prefix' | 'digits'>, serial: number): string {
  return `${prefix}${String(serial).padStart(digits, '0')}`;
}

const NUMBERED_BLANK = /^[0-9A-Z]{0,20}[0-9]$/;

/**
 * Returns the number of the blank `offset` after another one, as printed: KB001200000009 and then KB001200000010.
 * Refuses FIELD_MALFORMED for a text that does not end in a number, or whose number would need another digit.
 */
export function writeFollowingBlank(first: string, offset: number): string {
  if (!NUMBERED_BLANK.test(first)) throw new Refusal('FIELD_MALFORMED', 'firstBlank', '空白证照编号须以数字结尾');
  const [digits = ''] = new RegExp(`[0-9]{1,${MAX_SERIAL_DIGITS}}$`).exec(first) ?? [];
  const serial = String(Number(digits) + offset).padStart(digits.length, '0');
  if (serial.length > digits.length) throw new Refusal('FIELD_MALFORMED', 'firstBlank', '编号不够各行使用');
  return `${first.slice(0, first.length - digits.length)}${serial}`;
}

/** Which sheet of a version it is: its kind, and its place among the sheets of its kind, from 1. */
export interface SheetPlace {
  blankNumber: string;
  kind: PaperKind;
  place: number;
}

/** The blanks of a new version: one for the original, one for each duplicate in order. */
export interface SheetBlanks {
  blankNumber: string;
  duplicateBlanks: string[];
}

/** Lists the numbers of the blanks, that of the original first. */
export function listBlanksOf({ blankNumber, duplicateBlanks }: SheetBlanks): string[] {
  return [blankNumber, ...duplicateBlanks];
}

/** Lists the sheets of a new version, the original first. */
export function listSheetPlaces({ blankNumber, duplicateBlanks }: SheetBlanks): SheetPlace[] {
  return [
    { blankNumber, kind: 'ORIGINAL', place: 1 },
    ...duplicateBlanks.map((number, i) => ({ blankNumber: number, kind: 'DUPLICATE' as const, place: i + 1 })),
  ];
}

/** A sheet of paper with a version. `validity` is the state of that version on the day of the question. */
export interface Sheet {
  identifier: string;
  blankNumber: string;
  kind: PaperKind;
  place: number;
  state: SheetState;
  validity: ValidityState;
  printedAt: Date;
  deliveredAt: Date | null;
  recalledAt: Date | null;
}

/** The states of a version whose paper may be handed out. */
const DELIVERABLE: readonly ValidityState[] = ['VALID', 'NOT_YET_VALID'];

/**
 * Returns the blank if it is in the organ's stock and for licenses of the type, or of every type.
 * Else refuses what `requireInStock` refuses, or BLANK_OF_ANOTHER_TYPE.
 */
export function requireFitting(blank: Blank | null, { organ, licenseType }: BlankNeed, field: string): Blank {
  const stocked = requireInStock(blank, organ, field);
  const { licenseType: only } = stocked;
  if (only !== null && only !== licenseType) throw new Refusal('BLANK_OF_ANOTHER_TYPE', field);
  return stocked;
}

/**
 * Returns the blank if it is in the organ's stock.
 * Else refuses BLANK_UNKNOWN, BLANK_OF_ANOTHER_ORGAN, BLANK_SPOILED, BLANK_IN_TRANSIT or BLANK_USED.
 */
export function requireInStock(blank: Blank | null, organ: string, field: string): Blank {
  if (!blank) throw new Refusal('BLANK_UNKNOWN', field);
  if (blank.organ !== organ) throw new Refusal('BLANK_OF_ANOTHER_ORGAN', field);
  if (blank.state === 'SPOILED' || blank.state === 'VOIDED') throw new Refusal('BLANK_SPOILED', field);
  if (blank.state === 'IN_TRANSIT') throw new Refusal('BLANK_IN_TRANSIT', field);
  if (blank.state !== 'IN_STOCK') throw new Refusal('BLANK_USED', field);
  return blank;
}

/**
 * Requires a blank in the organ's stock for each sheet of a version, and none twice. `duplicates`: how many the license
 * type says. Refuses BLANK_COUNT_WRONG, BLANK_TWICE, and what `requireFitting` refuses, all at once.
 */
export function requireBlanks(
  requested: SheetBlanks,
  blanks: ReadonlyMap<string, Blank>,
  { duplicates, ...need }: BlankNeed & { duplicates: number },
): void {
  const numbers = listBlanksOf(requested);
  checkAll(
    () => {
      if (requested.duplicateBlanks.length === duplicates) return;
      throw new Refusal('BLANK_COUNT_WRONG', 'duplicateBlanks', `应为副本填写 ${duplicates} 张空白证照`);
    },
    ...numbers.map((number, i) => () => {
      const field = i === 0 ? 'blankNumber' : `duplicateBlanks[${i - 1}]`;
      if (numbers.indexOf(number) < i) throw new Refusal('BLANK_TWICE', field);
      requireFitting(blanks.get(number) ?? null, need, field);
    }),
  );
}

/** Lists the sheets of a version that nobody spoiled: the original first, then the duplicates in their order. */
export function listStanding<Standing extends Pick<Sheet, 'state' | 'kind' | 'place'>>(
  sheets: readonly Standing[],
): Standing[] {
  const rank = ({ kind, place }: Standing) => (kind === 'ORIGINAL' ? 0 : place);
  return sheets.filter(({ state }) => state !== 'SPOILED').sort((one, other) => rank(one) - rank(other));
}

/**
 * Returns the sheet of a version that a counter acts on next: the first one that is printed, or else at the holder, or
 * else lost, which may turn up, or else the first. Returns null without sheets.
 */
export function pickNextSheet<Standing extends Pick<Sheet, 'state' | 'kind' | 'place'>>(
  sheets: readonly Standing[],
): Standing | null {
  const standing = listStanding(sheets);
  const inState = (wanted: SheetState) => standing.find(({ state }) => state === wanted);
  return inState('PRINTED') ?? inState('DELIVERED') ?? inState('LOST') ?? standing[0] ?? null;
}

/**
 * Refuses PAPER_NOT_PRINTED unless the sheet is printed and not yet delivered, and PAPER_NOT_IN_FORCE unless its
 * version is in force or will be on its first day.
 */
export function requireDeliverable(sheet: Sheet | null): Sheet {
  return requirePrinted(sheet, (validity) => DELIVERABLE.includes(validity));
}

/** Refuses PAPER_NOT_PRINTED as `requireDeliverable`, and PAPER_NOT_IN_FORCE unless its version is live. */
export function requireSpoilable(sheet: Sheet | null): Sheet {
  return requirePrinted(sheet, isLive);
}

function requirePrinted(sheet: Sheet | null, isFit: (validity: ValidityState) => boolean): Sheet {
  if (sheet?.state !== 'PRINTED') throw new Refusal('PAPER_NOT_PRINTED', 'blankNumber');
  if (isFit(sheet.validity)) return sheet;
  throw new Refusal('PAPER_NOT_IN_FORCE', 'blankNumber', `现为“${LICENSE_STATE_LABELS[sheet.validity]}”`);
}

/** States of a sheet that may come back: a lost one may turn up. */
const RECALLABLE: readonly SheetState[] = ['PRINTED', 'DELIVERED', 'LOST'];

/**
 * Refuses PAPER_NOT_DELIVERED unless the sheet is printed, delivered or lost, and its version is out of force for good.
 */
export function requireRecallable(sheet: Sheet | null): Sheet {
  const isOut = sheet !== null && RECALLABLE.includes(sheet.state);
  if (!isOut || isLive(sheet.validity)) throw new Refusal('PAPER_NOT_DELIVERED', 'blankNumber');
  return sheet;
}

/** Whether a delivered sheet must be returned. It is an open duty until its recall is recorded. */
export function isRecallDue(sheet: Sheet): boolean {
  return sheet.state === 'DELIVERED' && !isLive(sheet.validity);
}

/** Maximum of blanks in one call. */
const MAX_RANGE_BLANKS = 1000;
const PREFIX_FORM = /^[0-9A-Z]{1,12}$/;
/** Digits after the prefix, unless a box says otherwise. Releases up to 0.4.1 knew no other number. */
export const SERIAL_DIGITS = 8;
/** Maximum of digits after the prefix: what comes before them is the same on all blanks of a box. */
const MAX_SERIAL_DIGITS = 9;

/** Returns the numbers of a range of blanks, in order. Refuses FIELD_MALFORMED, FIELD_TOO_LONG. */
export function listBlankNumbers(range: BlankRange): string[] {
  const { prefix, digits, from, to } = range;
  checkAll(
    () => {
      if (!PREFIX_FORM.test(prefix)) throw new Refusal('FIELD_MALFORMED', 'prefix', '字头为 1 至 12 位数字或大写字母');
    },
    () => {
      if (digits < 1 || digits > MAX_SERIAL_DIGITS)
        throw new Refusal('FIELD_MALFORMED', 'digits', `字头之后为 1 至 ${MAX_SERIAL_DIGITS} 位数字`);
    },
    () => {
      if (from < 1) throw new Refusal('FIELD_MALFORMED', 'from', '起号至少为 1');
      if (to < from) throw new Refusal('FIELD_MALFORMED', 'from', '止号小于起号');
      if (to >= 10 ** Math.min(digits, MAX_SERIAL_DIGITS))
        throw new Refusal('FIELD_MALFORMED', 'from', `止号超过 ${digits} 位`);
      if (to - from >= MAX_RANGE_BLANKS) throw new Refusal('FIELD_TOO_LONG', 'to', `一次最多 ${MAX_RANGE_BLANKS} 张`);
    },
  );
  return Array.from({ length: to - from + 1 }, (_, i) => writeBlankNumber(range, from + i));
}
