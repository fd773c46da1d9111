import { parse } from 'csv-parse/sync';
import type { z } from 'zod';
import { type Guide, GuideRefusal, guideSchema, listInconsistencies, type Problem } from './guide.ts';
import { type Overlay, overlaySchema } from './overlay.ts';

/** Parses guides and overlays from the files that offices write. docs/guides.md describes the formats. */

export const FORMATS = ['JSON', 'CSV'] as const;
export type Format = (typeof FORMATS)[number];

/** Maximum of characters of a file. */
export const MAX_FILE_CHARS = 200_000;
/** Maximum of problems in one answer. */
export const MAX_PROBLEMS = 100;

/** Parses a file that holds one complete and consistent guide. Refuses GUIDE_FILE_INVALID with every problem found. */
export function parseGuide(format: Format, text: string): Guide {
  const file = parseFile(format, text, GUIDE_ROWS);
  const guide = checkSchema(guideSchema, file);
  requireNoProblems(listInconsistencies(guide), file);
  return guide;
}

/**
 * Parses a file that holds one overlay. Refuses GUIDE_FILE_INVALID. Whether it fits the city's guide is checked later.
 */
export function parseOverlay(format: Format, text: string): Overlay {
  return checkSchema(overlaySchema, parseFile(format, text, OVERLAY_ROWS));
}

/** What a file holds, or every problem of it. Problems of a refusal do not leave a worker by themselves. */
export type FileReading<Content> =
  | { content: Content; problems: null }
  | { content: null; problems: readonly Problem[] };

export function readFile<Content>(parseContent: () => Content): FileReading<Content> {
  try {
    return { content: parseContent(), problems: null };
  } catch (error) {
    if (!(error instanceof GuideRefusal)) throw error;
    return { content: null, problems: error.problems };
  }
}

/** Reads a file that holds one guide, as `parseGuide` does. */
export function readGuideFile({ format, text }: { format: Format; text: string }): FileReading<Guide> {
  return readFile(() => parseGuide(format, text));
}

/** Reads a file that holds one overlay, as `parseOverlay` does. */
export function readOverlayFile({ format, text }: { format: Format; text: string }): FileReading<Overlay> {
  return readFile(() => parseOverlay(format, text));
}

/** The value that a file holds, and the position of each of its parts in the file. */
interface ParsedFile {
  value: unknown;
  placeOf: (path: readonly PropertyKey[]) => string;
}

function parseFile(format: Format, text: string, rows: RowMappings): ParsedFile {
  if (text.length > MAX_FILE_CHARS) throwRefusal([{ place: '', message: `文件最多 ${MAX_FILE_CHARS} 字` }]);
  return format === 'JSON' ? parseJson(text) : parseTable(text, rows);
}

export function parseJson(text: string): ParsedFile {
  try {
    return { value: JSON.parse(text), placeOf: formatPath };
  } catch {
    return throwRefusal([{ place: '', message: '不是 JSON' }]);
  }
}

/** `materials[2].copies` */
function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

export function checkSchema<Schema extends z.ZodType>(schema: Schema, { value, placeOf }: ParsedFile): z.infer<Schema> {
  const result = schema.safeParse(value, { error: describeIssue });
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, MAX_PROBLEMS);
  return throwRefusal(issues.map((issue) => ({ place: placeOf(issue.path), message: issue.message })));
}

const KINDS: Record<string, string> = {
  int: '整数',
  number: '整数',
  string: '文字',
  boolean: '是或否',
  array: '列表',
  object: '对象',
};
const UNITS: Record<string, string> = { string: '字', array: '项', number: '' };

/** Describes an issue in a sentence for a person. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? '未填写' : `应为${KINDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return issue.origin === 'string' ? '未填写' : `须${issue.inclusive ? '不小于' : '大于'} ${issue.minimum}`;
    case 'too_big':
      return `最多 ${issue.maximum} ${UNITS[issue.origin] ?? ''}`.trim();
    case 'invalid_value':
      return `应为 ${issue.values.join('、')} 之一`;
    case 'unrecognized_keys':
      return `没有此项：${issue.keys.join('、')}`;
    default:
      return undefined;
  }
}

function throwRefusal(problems: readonly Problem[]): never {
  throw new GuideRefusal('GUIDE_FILE_INVALID', problems.slice(0, MAX_PROBLEMS));
}

/** Refuses GUIDE_FILE_INVALID if there are problems. `file` maps their places to positions in the file. */
export function requireNoProblems(problems: readonly Problem[], file?: ParsedFile): void {
  if (problems.length === 0) return;
  if (!file) throwRefusal(problems);
  const parsePath = (place: string) =>
    [...place.matchAll(/\w+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
  throwRefusal(problems.map(({ place, message }) => ({ place: file.placeOf(parsePath(place)), message })));
}

/** How a cell is read: as text, as a number, as yes or no, as a list. */
type Reading = 'text' | 'number' | 'flag' | 'list';
const COLUMNS = {
  part: 'text',
  code: 'text',
  name: 'text',
  text: 'text',
  form: 'text',
  copies: 'number',
  required: 'flag',
  days: 'number',
  amount_fen: 'number',
  basis: 'text',
  license_type: 'text',
  formats: 'list',
  situations: 'list',
  address: 'text',
  hours: 'text',
  phone: 'text',
} as const satisfies Record<string, Reading>;
type Column = keyof typeof COLUMNS;

/** What a row with this `part` holds: a property of the whole file, or an entry of one of its lists. */
interface RowMapping {
  /** The list of which the row is an entry, or null if its cells are properties of the whole. */
  list: string | null;
  /** Whether a file without such a row has no such list. Else it has an empty one. */
  optional?: true;
  /** Property by column. With `bare`, the entry has no properties and is the cell itself. */
  cells: Partial<Record<Column, string>>;
  bare?: true;
  reading?: Reading;
}
type RowMappings = Readonly<Record<string, RowMapping>>;

const COUNTER_ROW: RowMapping = {
  list: 'counters',
  cells: { name: 'name', address: 'address', hours: 'hours', phone: 'phone' },
};
const SHARED_ROWS = {
  matter: { list: null, cells: { text: 'matterId' } },
  valid_from: { list: null, cells: { text: 'validFrom' } },
  sample: { list: null, cells: { text: 'sample' }, reading: 'flag' },
  note: { list: null, cells: { text: 'note' } },
  promised: { list: null, cells: { days: 'promisedDays' } },
  counter: COUNTER_ROW,
} as const satisfies RowMappings;

const GUIDE_ROWS: RowMappings = {
  ...SHARED_ROWS,
  situation: { list: 'situations', cells: { text: 'text' }, bare: true, optional: true },
  condition: { list: 'conditions', cells: { text: 'text' }, bare: true },
  step: { list: 'steps', cells: { name: 'name', text: 'what', days: 'limitDays' } },
  material: {
    list: 'materials',
    cells: {
      code: 'code',
      name: 'name',
      form: 'form',
      copies: 'copies',
      required: 'required',
      basis: 'basis',
      license_type: 'licenseType',
      formats: 'formats',
      situations: 'situations',
    },
  },
  fee: { list: 'fees', cells: { name: 'name', amount_fen: 'amountFen', basis: 'basis' } },
  statutory: { list: null, cells: { days: 'statutoryDays', basis: 'statutoryBasis' } },
};

const OVERLAY_ROWS: RowMappings = {
  ...SHARED_ROWS,
  version: { list: null, cells: { text: 'version' }, reading: 'number' },
  division: { list: null, cells: { text: 'divisionCode' } },
  remove_material: { list: 'removeMaterials', cells: { code: 'code' }, bare: true },
  remove_step: { list: 'removeSteps', cells: { name: 'name' }, bare: true },
  material: { list: 'materials', cells: { code: 'code', copies: 'copies', required: 'required' } },
  step: { list: 'steps', cells: { name: 'name', days: 'limitDays' } },
  fee: { list: 'fees', cells: { name: 'name', amount_fen: 'amountFen' } },
  statutory: { list: null, cells: { days: 'statutoryDays' } },
};

type Line = { record: Record<string, string>; info: { lines: number } };

/** Parses a table whose column `part` says what each row is. Refuses GUIDE_FILE_INVALID, naming each bad line. */
function parseTable(text: string, rows: RowMappings): ParsedFile {
  const value: Record<string, unknown> = {};
  for (const { list, optional } of Object.values(rows)) if (list !== null && !optional) value[list] = [];
  const lineOf = new Map<string, number>();
  const problems: Problem[] = [];
  const addProblem = (line: number, message: string) => problems.push({ place: `第 ${line} 行`, message });
  for (const { record, info } of parseCsv(text)) {
    const part = record.part?.trim() ?? '';
    const row = Object.hasOwn(rows, part) ? rows[part] : undefined;
    if (row === undefined) {
      addProblem(info.lines, `part 不能是“${part}”，应为 ${Object.keys(rows).join('、')} 之一`);
      continue;
    }
    const rowCells = readCells(record, row);
    for (const column of rowCells.stray) addProblem(info.lines, `${part} 行没有 ${column} 一栏，应为空`);
    if (row.list === null) {
      for (const [property, content] of Object.entries(rowCells.entry)) {
        if (lineOf.has(property)) addProblem(info.lines, `${part} 已在第 ${lineOf.get(property)} 行写过`);
        value[property] = content;
        lineOf.set(property, info.lines);
      }
    } else {
      value[row.list] ??= [];
      const entries = value[row.list] as unknown[];
      lineOf.set(`${row.list}[${entries.length}]`, info.lines);
      entries.push(row.bare ? Object.values(rowCells.entry)[0] : rowCells.entry);
    }
  }
  if (problems.length > 0) throwRefusal(problems);
  const placeOf = (path: readonly PropertyKey[]) => {
    const line = lineOf.get(formatPath(path.slice(0, 2))) ?? lineOf.get(formatPath(path.slice(0, 1)));
    const rest = formatPath(line !== undefined && path.length > 1 ? path.slice(2) : path);
    return line === undefined ? rest : `第 ${line} 行 ${rest}`.trim();
  };
  return { value, placeOf };
}

function parseCsv(text: string): Line[] {
  try {
    return parse(text, { columns: parseHeader, bom: true, info: true, skip_empty_lines: true });
  } catch (error) {
    if (error instanceof GuideRefusal) throw error;
    const { lines, message } = error as Error & { lines?: number };
    return throwRefusal([{ place: lines === undefined ? '' : `第 ${lines} 行`, message: `不是 CSV：${message}` }]);
  }
}

function parseHeader(header: string[]): string[] {
  const columns = header.map((column) => column.trim());
  const place = '第 1 行';
  const unknownColumns = columns.filter((column) => !Object.hasOwn(COLUMNS, column));
  requireNoProblems([
    ...(columns.includes('part') ? [] : [{ place, message: '缺少 part 一栏' }]),
    ...(unknownColumns.length === 0 ? [] : [{ place, message: `没有此栏：${unknownColumns.join('、')}` }]),
    ...columns.flatMap((column, i) => (columns.indexOf(column) < i ? [{ place, message: `${column} 一栏重复` }] : [])),
  ]);
  return columns;
}

/** Returns the filled cells of a row by property. `stray` names filled cells that such a row does not have. */
function readCells(
  record: Record<string, string>,
  row: RowMapping,
): { entry: Record<string, unknown>; stray: string[] } {
  const entry: Record<string, unknown> = {};
  const stray: string[] = [];
  for (const [column, reading] of Object.entries(COLUMNS) as [Column, Reading][]) {
    const cell = record[column]?.trim() ?? '';
    if (cell === '' || column === 'part') continue;
    const property = row.cells[column];
    if (property === undefined) stray.push(column);
    else entry[property] = readCell(cell, row.reading ?? reading);
  }
  return { entry, stray };
}

const FLAGS = new Map([
  ['true', true],
  ['是', true],
  ['false', false],
  ['否', false],
]);

/** A cell that cannot be read stays text, and the schema reports it. */
function readCell(cell: string, reading: Reading): unknown {
  if (reading === 'number') return /^\d{1,12}$/.test(cell) ? Number(cell) : cell;
  if (reading === 'list') return cell.split(/[、,，;；\s]+/).filter((entry) => entry !== '');
  if (reading === 'flag') return FLAGS.get(cell) ?? cell;
  return cell;
}
