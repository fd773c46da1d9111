import { parse } from 'csv-parse/sync';
import { type Day, isDay } from '../../kernel/day.ts';
import { MODES, type Mode, OUTCOME_KINDS, RUNNING_CASES, type RunningCases } from '../../kernel/events.ts';
import { isUscc } from '../../kernel/identifier.ts';
import { LICENSE_ACTIONS } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { END, type ImportLine, type Problem, problemOf, type Values } from './import.ts';

/**
 * Maximum of characters of a list. With JSON and three bytes a character, it stays within the gateway's body limit of 1
 * MiB.
 */
export const CSV_LENGTH = 200_000;
/** Maximum of lines of a list, including its header. */
export const LINES_MOST = 1_000;
/** In a cell that may be empty, sets the empty value. */
const NONE = 'NONE';
const ID_LENGTH = 64;
const NAME_LENGTH = 100;
/** Maximum of characters of an unknown column's name that a message repeats. */
const HEADING_LENGTH = 40;
const MONTHS = /^[1-9]\d{0,3}$/;
const LICENSE_TYPE_LENGTH = 21;

type Cell<Value> = (text: string, column: string) => Value;

function oneOf<Value extends string>(values: readonly Value[]): Cell<Value> {
  return (text, column) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new Refusal('VALUE_UNKNOWN', column, `可填 ${values.join('、')}`);
    return found;
  };
}

function textOf(most: number): Cell<string> {
  return (text, column) => {
    if (text.length > most) throw new Refusal('FIELD_TOO_LONG', column, `最多 ${most} 字`);
    return text;
  };
}

function orNone<Value>(cell: Cell<Value>): Cell<Value | null> {
  return (text, column) => (text === NONE ? null : cell(text, column));
}

const day: Cell<Day> = (text, column) => {
  if (!isDay(text)) throw new Refusal('DAY_INVALID', column);
  return text;
};

const licenseType: Cell<string> = (text, column) => {
  const good = text.length === LICENSE_TYPE_LENGTH && isUscc(text.slice(0, -3)) && /\d{3}$/.test(text);
  if (!good) throw new Refusal('VALUE_UNKNOWN', column, '须为 18 位统一社会信用代码加 3 位数字');
  return text;
};

const months: Cell<number> = (text, column) => {
  if (!MONTHS.test(text)) throw new Refusal('VALUE_UNKNOWN', column, '须为正整数');
  return Number(text);
};

/** Columns that identify the line. */
const KEYS = { matter: textOf(ID_LENGTH), valid_from: day };
/** Columns that set a value; named as in seeds/matters.csv. */
const SETS: { readonly [Column in keyof Values]: Cell<Values[Column]> } = {
  mode: oneOf<Mode | typeof END>([...MODES, END]),
  city_organ: textOf(ID_LENGTH),
  county_organ: textOf(ID_LENGTH),
  city_industry: orNone(textOf(ID_LENGTH)),
  county_industry: orNone(textOf(ID_LENGTH)),
  outcome_kind: oneOf(OUTCOME_KINDS),
  outcome_name: textOf(NAME_LENGTH),
  license_type: orNone(licenseType),
  validity_months: orNone(months),
  license_action: orNone(oneOf(LICENSE_ACTIONS)),
};
const CELLS: Readonly<Record<string, Cell<unknown>>> = { ...KEYS, ...SETS, running_cases: oneOf(RUNNING_CASES) };

/** The lines of a list that can be read, and the problems of those that cannot. */
export interface ReadList {
  lines: ImportLine[];
  problems: Problem[];
}

/**
 * Parses a list: CSV by RFC 4180, one record a line. A quoted cell may hold commas and quotes but no line break, so an
 * unclosed quote spoils only its own line. Refuses IMPORT_TOO_LARGE, IMPORT_EMPTY.
 */
export function readList(csv: string): ReadList {
  if (csv.length > CSV_LENGTH) throw new Refusal('IMPORT_TOO_LARGE', 'csv', `最多 ${CSV_LENGTH} 字`);
  const texts = csv.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const filled = texts.map((text, i) => ({ line: i + 1, text })).filter(({ text }) => /[^\s,]/.test(text));
  if (filled.length > LINES_MOST) throw new Refusal('IMPORT_TOO_LARGE', 'csv', `最多 ${LINES_MOST} 行`);
  const [head, ...rest] = filled;
  if (head === undefined || rest.length === 0) throw new Refusal('IMPORT_EMPTY', 'csv');
  const columns = splitLine(head.text);
  const wrong = checkHead(columns);
  const problems = wrong.map((refusal) => problemOf(head.line, refusal));
  // Without these two columns no line can be identified, so no problems of lines are reported.
  if (columns === null || wrong.some(({ code }) => code === 'COLUMN_MISSING')) return { lines: [], problems };
  const lines: ImportLine[] = [];
  const seen = new Map<string, number>();
  for (const { line, text } of rest) {
    const read = readLine(line, columns, splitLine(text), seen);
    if (Array.isArray(read)) problems.push(...read.map((refusal) => problemOf(line, refusal)));
    else lines.push(read);
  }
  return { lines, problems };
}

/** Returns the trimmed cells of a line, or null if its quotes do not match. */
function splitLine(text: string): string[] | null {
  try {
    const [cells] = parse(text, { trim: true }) as string[][];
    return cells ?? null;
  } catch {
    return null;
  }
}

function checkHead(columns: readonly string[] | null): Refusal[] {
  if (columns === null) return [new Refusal('LINE_BROKEN', null, QUOTES)];
  const missing = Object.keys(KEYS).filter((column) => !columns.includes(column));
  const wrong = columns.flatMap((column, i) => {
    const shown = column.slice(0, HEADING_LENGTH);
    if (!Object.hasOwn(CELLS, column)) return new Refusal('COLUMN_UNKNOWN', shown);
    return columns.indexOf(column) < i ? new Refusal('COLUMN_TWICE', shown) : [];
  });
  return [...missing.map((column) => new Refusal('COLUMN_MISSING', column)), ...wrong];
}

const QUOTES = '引号不成对';

/** Parses a line. Returns it, or everything that is wrong with it. `seen` holds the earlier lines by matter and day. */
function readLine(
  line: number,
  columns: readonly string[],
  cells: readonly string[] | null,
  seen: Map<string, number>,
): ImportLine | Refusal[] {
  if (cells === null) return [new Refusal('LINE_BROKEN', null, QUOTES)];
  if (cells.length !== columns.length) {
    return [new Refusal('LINE_BROKEN', null, `应有 ${columns.length} 格，实有 ${cells.length} 格`)];
  }
  const refusals: Refusal[] = [];
  const values: Record<string, unknown> = {};
  for (const [i, column] of columns.entries()) {
    const cell = CELLS[column];
    // An unknown or repeated column is reported once, for the header.
    if (!Object.hasOwn(CELLS, column) || cell === undefined) continue;
    try {
      const text = requireLegible(cells[i] ?? '', column);
      if (text !== '') values[column] = cell(text, column);
      else if (Object.hasOwn(KEYS, column)) throw new Refusal('VALUE_MISSING', column);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push(error);
    }
  }
  const { matter, valid_from, running_cases, ...set } = values;
  const read = {
    line,
    matterId: matter as string,
    validFrom: valid_from as Day,
    // The cell function of each column returned the value.
    set: set as Partial<Values>,
    runningCases: (running_cases ?? null) as RunningCases | null,
  };
  if (matter !== undefined && valid_from !== undefined) refusals.push(...checkTwice(read, seen));
  const says = Object.keys(set).length > 0 || read.runningCases !== null;
  if (refusals.length === 0 && !says) refusals.push(new Refusal('LINE_WITHOUT_CHANGE'));
  return refusals.length > 0 ? refusals : read;
}

function checkTwice({ line, matterId, validFrom }: ImportLine, seen: Map<string, number>): Refusal[] {
  const key = `${validFrom} ${matterId}`;
  const first = seen.get(key);
  if (first !== undefined) return [new Refusal('LINE_TWICE', 'matter', `见第 ${first} 行`)];
  seen.set(key, line);
  return [];
}

/** Refuses characters that the register cannot store or show. */
function requireLegible(text: string, column: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (!text.isWellFormed() || /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/u.test(text)) {
    throw new Refusal('FIELD_MALFORMED', column);
  }
  return text;
}
