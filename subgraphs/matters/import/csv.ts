import { type Day, isDay } from '../../kernel/day.ts';
import { MODES, type Mode, OUTCOME_KINDS, RUNNING_CASES, type RunningCases } from '../../kernel/events/events.ts';
import { listCsvLines, splitCsvLine } from '../../kernel/foreign/csv.ts';
import { isUscc } from '../../kernel/identity/uscc.ts';
import { LICENSE_ACTIONS } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { describeTextProblem, findTextProblem } from '../../kernel/text.ts';
import { END_MODE, type ImportLine, type MatterValues, type Problem, toProblem } from './import.ts';

/**
 * Maximum of characters of a list. With JSON and three bytes a character, it stays within the gateway's body limit of 1
 * MiB.
 */
export const MAX_CSV_CHARS = 200_000;
/** Maximum of lines of a list, including its header. */
export const MAX_LINES = 1_000;
/** In a cell that may be empty, sets the empty value. */
const NONE = 'NONE';
const MAX_ID_CHARS = 64;
const MAX_NAME_CHARS = 100;
/** Maximum of characters of a legal basis: decisions cite it in a sentence. */
const MAX_BASIS_CHARS = 300;
/** Maximum of characters of an unknown column's name that a message repeats. */
const MAX_HEADING_CHARS = 40;
const MONTHS = /^[1-9]\d{0,3}$/;
const LICENSE_TYPE_CHARS = 21;

export type Cell<Value> = (text: string, column: string) => Value;

export function buildChoiceCell<Value extends string>(values: readonly Value[]): Cell<Value> {
  return (text, column) => {
    const choice = values.find((value) => value === text);
    if (choice === undefined) throw new Refusal('VALUE_UNKNOWN', column, `可填 ${values.join('、')}`);
    return choice;
  };
}

export function buildTextCell(maxChars: number): Cell<string> {
  return (text, column) => {
    if (text.length > maxChars) throw new Refusal('FIELD_TOO_LONG', column, `最多 ${maxChars} 字`);
    return text;
  };
}

function allowNone<Value>(cell: Cell<Value>): Cell<Value | null> {
  return (text, column) => (text === NONE ? null : cell(text, column));
}

export const dayCell: Cell<Day> = (text, column) => {
  if (!isDay(text)) throw new Refusal('DAY_INVALID', column);
  return text;
};

const licenseType: Cell<string> = (text, column) => {
  const isValid = text.length === LICENSE_TYPE_CHARS && isUscc(text.slice(0, -3)) && /\d{3}$/.test(text);
  if (!isValid) throw new Refusal('VALUE_UNKNOWN', column, '须为 18 位统一社会信用代码加 3 位数字');
  return text;
};

const months: Cell<number> = (text, column) => {
  if (!MONTHS.test(text)) throw new Refusal('VALUE_UNKNOWN', column, '须为正整数');
  return Number(text);
};

/** Columns that identify the line. */
const KEY_COLUMNS = { matter: buildTextCell(MAX_ID_CHARS), valid_from: dayCell };
/** Columns that set a value; named as in seeds/matters.csv. */
const VALUE_COLUMNS: { readonly [Column in keyof MatterValues]: Cell<MatterValues[Column]> } = {
  mode: buildChoiceCell<Mode | typeof END_MODE>([...MODES, END_MODE]),
  city_organ: buildTextCell(MAX_ID_CHARS),
  county_organ: buildTextCell(MAX_ID_CHARS),
  city_industry: allowNone(buildTextCell(MAX_ID_CHARS)),
  county_industry: allowNone(buildTextCell(MAX_ID_CHARS)),
  outcome_kind: buildChoiceCell(OUTCOME_KINDS),
  outcome_name: buildTextCell(MAX_NAME_CHARS),
  license_type: allowNone(licenseType),
  validity_months: allowNone(months),
  license_action: allowNone(buildChoiceCell(LICENSE_ACTIONS)),
  legal_basis: allowNone(buildTextCell(MAX_BASIS_CHARS)),
  legal_basis_source: allowNone(buildTextCell(MAX_NAME_CHARS)),
};
const ALL_COLUMNS: Readonly<Record<string, Cell<unknown>>> = {
  ...KEY_COLUMNS,
  ...VALUE_COLUMNS,
  running_cases: buildChoiceCell(RUNNING_CASES),
};

/** The lines of a list that can be read, and the problems of those that cannot. */
export interface ParsedList {
  lines: ImportLine[];
  problems: Problem[];
}

/** What a list may have: its columns, and those that identify a line. */
interface ListForm {
  columns: Readonly<Record<string, Cell<unknown>>>;
  keys: readonly string[];
}

/** A line that can be read, by column. */
export interface ParsedLine {
  line: number;
  values: Readonly<Record<string, unknown>>;
}

/**
 * Parses a list: CSV by RFC 4180, one record a line. A quoted cell may hold commas and quotes but no line break, so an
 * unclosed quote spoils only its own line. `check` adds to the refusals of a line. Refuses IMPORT_TOO_LARGE,
 * IMPORT_EMPTY.
 */
export function parseTable(
  csv: string,
  form: ListForm,
  check: (line: ParsedLine, refusals: readonly Refusal[]) => Refusal[],
): { lines: ParsedLine[]; problems: Problem[] } {
  if (csv.length > MAX_CSV_CHARS) throw new Refusal('IMPORT_TOO_LARGE', 'csv', `最多 ${MAX_CSV_CHARS} 字`);
  const filledLines = listCsvLines(csv);
  if (filledLines.length > MAX_LINES) throw new Refusal('IMPORT_TOO_LARGE', 'csv', `最多 ${MAX_LINES} 行`);
  const [header, ...body] = filledLines;
  if (header === undefined || body.length === 0) throw new Refusal('IMPORT_EMPTY', 'csv');
  const columns = splitCsvLine(header.text);
  const headerRefusals = checkHeader(columns, form);
  const problems = headerRefusals.map((refusal) => toProblem(header.line, refusal));
  // Without the keys no line can be identified, so no problems of lines are reported.
  if (columns === null || headerRefusals.some(({ code }) => code === 'COLUMN_MISSING')) return { lines: [], problems };
  const lines: ParsedLine[] = [];
  for (const { line, text } of body) {
    const { values, refusals } = parseLine(columns, splitCsvLine(text), form);
    if (values) refusals.push(...check({ line, values }, refusals));
    if (values && refusals.length === 0) lines.push({ line, values });
    else problems.push(...refusals.map((refusal) => toProblem(line, refusal)));
  }
  return { lines, problems };
}

/** Parses a list of delegations. See `parseTable`. */
export function parseList(csv: string): ParsedList {
  const seen = new Map<string, number>();
  const form = { columns: ALL_COLUMNS, keys: Object.keys(KEY_COLUMNS) };
  const { lines, problems } = parseTable(csv, form, (parsed, refusals) => {
    const importLine = toImportLine(parsed);
    const { matterId, validFrom, set, runningCases } = importLine;
    const twice = matterId !== undefined && validFrom !== undefined ? checkDuplicate(importLine, seen) : [];
    const hasChange = Object.keys(set).length > 0 || runningCases !== null;
    const isEmpty = refusals.length === 0 && twice.length === 0 && !hasChange;
    return isEmpty ? [new Refusal('LINE_WITHOUT_CHANGE')] : twice;
  });
  return { lines: lines.map(toImportLine), problems };
}

function toImportLine({ line, values }: ParsedLine): ImportLine {
  const { matter, valid_from, running_cases, ...set } = values;
  return {
    line,
    matterId: matter as string,
    validFrom: valid_from as Day,
    // The cell function of each column returned the value.
    set: set as Partial<MatterValues>,
    runningCases: (running_cases ?? null) as RunningCases | null,
  };
}

function checkHeader(columns: readonly string[] | null, form: ListForm): Refusal[] {
  if (columns === null) return [new Refusal('LINE_BROKEN', null, QUOTES)];
  const missing = form.keys.filter((column) => !columns.includes(column));
  const columnRefusals = columns.flatMap((column, i) => {
    const heading = column.slice(0, MAX_HEADING_CHARS);
    if (!Object.hasOwn(form.columns, column)) return new Refusal('COLUMN_UNKNOWN', heading);
    return columns.indexOf(column) < i ? new Refusal('COLUMN_TWICE', heading) : [];
  });
  return [...missing.map((column) => new Refusal('COLUMN_MISSING', column)), ...columnRefusals];
}

const QUOTES = '引号不成对';

/** Parses a line. Returns its values, null if its cells cannot be told apart, and everything that is wrong with it. */
function parseLine(
  columns: readonly string[],
  cells: readonly string[] | null,
  form: ListForm,
): { values: Record<string, unknown> | null; refusals: Refusal[] } {
  if (cells === null) return { values: null, refusals: [new Refusal('LINE_BROKEN', null, QUOTES)] };
  if (cells.length !== columns.length) {
    const counts = `应有 ${columns.length} 格，实有 ${cells.length} 格`;
    return { values: null, refusals: [new Refusal('LINE_BROKEN', null, counts)] };
  }
  const refusals: Refusal[] = [];
  const values: Record<string, unknown> = {};
  for (const [i, column] of columns.entries()) {
    const cell = form.columns[column];
    // An unknown or repeated column is reported once, for the header.
    if (!Object.hasOwn(form.columns, column) || cell === undefined) continue;
    try {
      const text = requireLegible(cells[i] ?? '', column);
      if (text !== '') values[column] = cell(text, column);
      else if (form.keys.includes(column)) throw new Refusal('VALUE_MISSING', column);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push(error);
    }
  }
  return { values, refusals };
}

function checkDuplicate({ line, matterId, validFrom }: ImportLine, seen: Map<string, number>): Refusal[] {
  const key = `${validFrom} ${matterId}`;
  const firstLine = seen.get(key);
  if (firstLine !== undefined) return [new Refusal('LINE_TWICE', 'matter', `见第 ${firstLine} 行`)];
  seen.set(key, line);
  return [];
}

/** Refuses characters that no text may have. The length is for each column to say. */
function requireLegible(text: string, column: string): string {
  const problem = findTextProblem(text, { form: 'LINE', maxChars: Number.POSITIVE_INFINITY });
  if (problem) throw new Refusal('FIELD_MALFORMED', column, describeTextProblem(problem));
  return text;
}
