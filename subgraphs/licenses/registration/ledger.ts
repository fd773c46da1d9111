import { listCsvLines, splitCsvLine } from '../../kernel/foreign/csv.ts';
import { JsonTooComplex, parseForeignJson } from '../../kernel/foreign/json.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';

/**
 * Reads a ledger of existing paper (存量台账): CSV with a header line, or a JSON array of objects with the same names.
 * Says what is in each cell; what the cells mean, `line.ts` says. Pure: it runs in a worker.
 */

/** Maximum of lines of a ledger, without its header. An office sends a longer one in several files. */
export const MAX_LEDGER_LINES = 5_000;
/** Maximum of characters of an unknown column's name that a message repeats. */
const MAX_HEADING_CHARS = 40;

/** The columns that every ledger may have, besides one for each line of the license type, under its label. */
export const COLUMNS = {
  number: '证照编号',
  holder: '持证主体',
  holderCode: '持证主体代码',
  codeKind: '持证主体代码类型',
  coOwnership: '共有方式',
  share: '持证主体份额',
  coHolders: '其他共有人',
  issuer: '发证机关',
  issuedOn: '颁发日期',
  validFrom: '有效期起始',
  validUntil: '有效期截止',
  scan: '扫描件SHA256',
} as const;
/** Columns without which no license can be entered. */
const REQUIRED = [COLUMNS.number, COLUMNS.holder, COLUMNS.holderCode, COLUMNS.issuedOn, COLUMNS.validUntil];

/** A fault or a note of a line: where it is, its code, and a sentence for a person. */
export interface LineProblem {
  line: number;
  column: string | null;
  code: RefusalCode;
  message: string;
}

export function toLineProblem(line: number, { code, field, message }: Refusal): LineProblem {
  return { line, column: field, code, message };
}

/** A line of a ledger: the text of each filled cell, by its column. */
export interface LedgerRow {
  /** Of a CSV as an editor counts, of JSON the place in the array, from 1. */
  line: number;
  cells: Readonly<Record<string, string>>;
}

export interface Ledger {
  encoding: 'UTF-8' | 'GB18030';
  rows: LedgerRow[];
  problems: LineProblem[];
}

/**
 * Reads a ledger. `labels` are those of the license type. A broken line is a problem of that line alone. Refuses
 * LEDGER_UNREADABLE, IMPORT_EMPTY, IMPORT_TOO_LARGE.
 */
export function readLedger({ bytes, labels }: { bytes: Uint8Array; labels: readonly string[] }): Ledger {
  const { text, encoding } = decode(bytes);
  const known = new Set<string>([...Object.values(COLUMNS), ...labels]);
  const read = /^\uFEFF?\s*\[/.test(text) ? readJson(text, known) : readCsv(text, known);
  return { encoding, ...read };
}

/** Decodes UTF-8, or else GB18030, in which spreadsheets of offices save CSV. Refuses LEDGER_UNREADABLE. */
function decode(bytes: Uint8Array): { text: string; encoding: Ledger['encoding'] } {
  for (const encoding of ['UTF-8', 'GB18030'] as const) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
      if (!text.includes('\0')) return { text, encoding };
    } catch {
      // The next encoding may fit.
    }
  }
  throw new Refusal('LEDGER_UNREADABLE', 'file');
}

type Rows = Pick<Ledger, 'rows' | 'problems'>;

function readCsv(text: string, known: ReadonlySet<string>): Rows {
  const [header, ...body] = listCsvLines(text);
  requireLines(header === undefined ? 0 : body.length);
  const columns = splitCsvLine(header?.text ?? '');
  const faults = checkColumns(columns, known).map((refusal) => toLineProblem(header?.line ?? 1, refusal));
  if (columns === null || faults.length > 0) return { rows: [], problems: faults };
  const rows: LedgerRow[] = [];
  const problems: LineProblem[] = [];
  for (const { line, text: lineText } of body) {
    const cells = splitCsvLine(lineText);
    if (cells?.length !== columns.length) {
      const detail = cells === null ? '引号不成对' : `应有 ${columns.length} 格，实有 ${cells.length} 格`;
      problems.push(toLineProblem(line, new Refusal('LINE_BROKEN', null, detail)));
    } else rows.push({ line, cells: keepFilled(columns.map((column, i) => [column, cells[i] ?? ''])) });
  }
  return { rows, problems };
}

function readJson(text: string, known: ReadonlySet<string>): Rows {
  const list = parseList(text);
  requireLines(list.length);
  const rows: LedgerRow[] = [];
  const problems: LineProblem[] = [];
  for (const [i, value] of list.entries()) {
    const line = i + 1;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      problems.push(toLineProblem(line, new Refusal('LINE_BROKEN', null, '应为对象')));
      continue;
    }
    const faults = checkColumns(Object.keys(value), known);
    const cells = Object.entries(value).filter(([, cell]) => cell !== null);
    const wrong = cells.filter(([, cell]) => typeof cell !== 'string' && typeof cell !== 'number');
    faults.push(...wrong.map(([column]) => new Refusal('LINE_BROKEN', column.slice(0, MAX_HEADING_CHARS), '应为文字')));
    problems.push(...faults.map((refusal) => toLineProblem(line, refusal)));
    if (faults.length === 0)
      rows.push({ line, cells: keepFilled(cells.map(([column, cell]) => [column, String(cell).trim()])) });
  }
  return { rows, problems };
}

function parseList(text: string): unknown[] {
  try {
    const value = parseForeignJson(text.replace(/^\uFEFF/, ''));
    if (Array.isArray(value)) return value;
  } catch (error) {
    // Any other error says that it is no JSON.
    if (error instanceof JsonTooComplex) throw new Refusal('IMPORT_TOO_LARGE', 'file');
  }
  throw new Refusal('LEDGER_UNREADABLE', 'file');
}

function requireLines(count: number): void {
  if (count === 0) throw new Refusal('IMPORT_EMPTY', 'file');
  if (count > MAX_LEDGER_LINES) throw new Refusal('IMPORT_TOO_LARGE', 'file', `最多 ${MAX_LEDGER_LINES} 行`);
}

function checkColumns(columns: readonly string[] | null, known: ReadonlySet<string>): Refusal[] {
  if (columns === null) return [new Refusal('LINE_BROKEN', null, '引号不成对')];
  const missing = REQUIRED.filter((column) => !columns.includes(column));
  const faults = columns.flatMap((column, i) => {
    const heading = column.slice(0, MAX_HEADING_CHARS);
    if (!known.has(column)) return new Refusal('COLUMN_UNKNOWN', heading);
    return columns.indexOf(column) < i ? new Refusal('COLUMN_TWICE', heading) : [];
  });
  return [...missing.map((column) => new Refusal('COLUMN_MISSING', column)), ...faults];
}

function keepFilled(cells: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(cells.filter(([, text]) => text !== ''));
}
