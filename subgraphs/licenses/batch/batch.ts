import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { listBlanksOf, type SheetBlanks, writeFollowingBlank } from '../paper/paper.ts';

/** Many acts in one call (批量办理): each line is an act of its own, with its own result. */

/** Maximum of lines in one call. */
const MAX_BATCH_LINES = 100;

/** Refuses FIELD_MALFORMED without a line, FIELD_TOO_LONG with too many. */
export function requireLines(lines: readonly unknown[]): void {
  if (lines.length === 0) throw new Refusal('FIELD_MALFORMED', 'lines', '至少一行');
  if (lines.length > MAX_BATCH_LINES) throw new Refusal('FIELD_TOO_LONG', 'lines', `一次最多 ${MAX_BATCH_LINES} 行`);
}

/** What a line is about. No other line of the call may be about the same. */
export interface LineSubject {
  /** Its place in the line. */
  field: string;
  kind: 'SUBJECT' | 'BLANK';
  /** The case, the license version or the blank. */
  name: string;
}

const CODES = { SUBJECT: 'SUBJECT_TWICE', BLANK: 'BLANK_TWICE' } as const;

/**
 * Returns the check of each line: it refuses SUBJECT_TWICE and BLANK_TWICE for what another line names too. All lines
 * of the same subject are refused: nobody knows which of them is meant.
 */
export function checkSoleSubjects(lines: readonly (readonly LineSubject[])[]): (() => void)[] {
  const keyOf = ({ kind, name }: LineSubject) => `${kind} ${name}`;
  const namings = Map.groupBy(
    lines.flatMap((subjects, line) => [...new Set(subjects.map(keyOf))].map((key) => ({ key, line }))),
    ({ key }) => key,
  );
  const requireSole = (subject: LineSubject) => {
    if ((namings.get(keyOf(subject))?.length ?? 0) > 1) throw new Refusal(CODES[subject.kind], subject.field);
  };
  return lines.map((subjects) => () => checkAll(...subjects.map((subject) => () => requireSole(subject))));
}

/** A line of an issue. Without blanks of its own it takes the next ones of the box. */
export interface IssueLine {
  caseId: string;
  blankNumber: string | null;
  duplicateBlanks: readonly string[] | null;
}

/**
 * Returns the blanks of each line, or null for a line without one. A line that names none takes the next of
 * `firstBlank`: one for the original and, unless it names them, one for each duplicate. So a box is printed in the
 * order of the lines, and a repeated call numbers each line alike. A refused line leaves its blanks in stock.
 * `duplicates`: how many the license of each line has. Refuses FIELD_MALFORMED for a first blank without a number.
 */
export function planSheets(
  lines: readonly IssueLine[],
  firstBlank: string | null,
  duplicates: readonly number[],
): (SheetBlanks | null)[] {
  let taken = 0;
  const next = () => (firstBlank === null ? null : writeFollowingBlank(firstBlank, taken++));
  // Also a first blank that no line needs is checked.
  if (firstBlank !== null) writeFollowingBlank(firstBlank, 0);
  return lines.map(({ blankNumber, duplicateBlanks }, i) => {
    const isNumbered = blankNumber === null;
    const original = blankNumber ?? next();
    if (original === null) return null;
    if (duplicateBlanks !== null || !isNumbered) {
      return { blankNumber: original, duplicateBlanks: [...(duplicateBlanks ?? [])] };
    }
    const following = Array.from({ length: duplicates[i] ?? 0 }, next).filter((number) => number !== null);
    return { blankNumber: original, duplicateBlanks: following };
  });
}

/** What a line of an issue is about. */
export function listIssueSubjects({ caseId }: IssueLine, sheets: SheetBlanks | null): LineSubject[] {
  const blanks = sheets === null ? [] : listBlanksOf(sheets);
  return [
    { field: 'case', kind: 'SUBJECT', name: caseId },
    ...blanks.map((name, i): LineSubject => {
      const field = i === 0 ? 'blankNumber' : `duplicateBlanks[${i - 1}]`;
      return { field, kind: 'BLANK', name };
    }),
  ];
}

/** Returns the blanks of a line. Refuses FIELD_MALFORMED if it has none. */
export function requireSheets(sheets: SheetBlanks | null): SheetBlanks {
  if (sheets) return sheets;
  throw new Refusal('FIELD_MALFORMED', 'blankNumber', '请填写空白证照编号，或者填写首张空白证照编号');
}
