import { parse } from 'csv-parse/sync';
import { ROLES, type Role } from '../../kernel/actor.ts';
import { isDay } from '../../kernel/day.ts';
import { JsonTooComplex, parseForeignJson } from '../../kernel/foreign/json.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';
import { describeTextProblem, findTextProblem } from '../../kernel/text.ts';
import { PERSON_ACTIONS, type PersonChange } from './appointment.ts';

/** Lists of changes of the register of people, as an office keeps them: CSV (RFC 4180) or JSON. See docs/people.md. */

export type ListFormat = 'CSV' | 'JSON';

/** With JSON and three bytes a character, a list stays within the gateway's body limit of 1 MiB. */
const MAX_LIST_CHARS = 200_000;
/** Maximum of changes in a list. */
const MAX_LIST_LINES = 1_000;
const MAX_CELL_CHARS = 500;
const MAX_HEADING_CHARS = 40;

/** A change, and the line of the list that states it: as an editor counts, or the item's number in JSON. */
export interface ListedChange {
  line: number;
  change: PersonChange;
}

/** What is wrong with a line, and where. */
export interface ListProblem {
  line: number;
  column: string | null;
  code: RefusalCode;
  /** A sentence for a person, in Chinese. */
  message: string;
}

export interface ParsedPeople {
  changes: ListedChange[];
  problems: ListProblem[];
}

export function toListProblem(line: number, { code, field, message }: Refusal): ListProblem {
  return { line, column: field, code, message };
}

/** The texts of one line by column. */
type Cells = ReadonlyMap<string, string>;

const COLUMNS = ['action', 'subject', 'issuer', 'name', 'organ', 'roles', 'window', 'from', 'to', 'reason'] as const;
type Column = (typeof COLUMNS)[number];
const REQUIRED: readonly Column[] = ['action', 'subject'];

/**
 * Parses a list. `issuer` is that of lines that name none. Each line is either a change or has a problem.
 * Refuses IMPORT_TOO_LARGE, IMPORT_EMPTY, FIELD_MALFORMED (no JSON list).
 */
export function parsePeople(format: ListFormat, text: string, issuer: string): ParsedPeople {
  if (text.length > MAX_LIST_CHARS) throw new Refusal('IMPORT_TOO_LARGE', 'list', `最多 ${MAX_LIST_CHARS} 字`);
  const { rows, problems } = format === 'JSON' ? readItems(text) : readLines(text);
  if (rows.length === 0 && problems.length === 0) throw new Refusal('IMPORT_EMPTY', 'list');
  const changes: ListedChange[] = [];
  for (const { line, cells } of rows) {
    const refusals: Refusal[] = [];
    const change = readChange(cells, issuer, refusals);
    if (refusals.length === 0) changes.push({ line, change });
    problems.push(...refusals.map((refusal) => toListProblem(line, refusal)));
  }
  return { changes, problems };
}

interface Row {
  line: number;
  cells: Cells;
}

/** Reads a change from the texts of a line. Appends what is wrong to `refusals`; the change then means nothing. */
function readChange(cells: Cells, defaultIssuer: string, refusals: Refusal[]): PersonChange {
  for (const [column, text] of cells) {
    const problem = findTextProblem(text, { form: 'LINE', maxChars: MAX_CELL_CHARS });
    if (problem === null) continue;
    const code = problem.kind === 'TOO_LONG' ? 'FIELD_TOO_LONG' : 'FIELD_MALFORMED';
    refusals.push(new Refusal(code, column, describeTextProblem(problem)));
  }
  const text = (column: Column) => cells.get(column)?.trim() || null;
  const requireText = (column: Column) => {
    const value = text(column);
    if (value === null) refusals.push(new Refusal('VALUE_MISSING', column));
    return value ?? '';
  };
  const choice = <Value extends string>(value: string, values: readonly Value[], column: Column) => {
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) refusals.push(new Refusal('VALUE_UNKNOWN', column, `可填 ${values.join('、')}`));
    return found ?? (values[0] as Value);
  };
  const day = (column: Column) => {
    const value = text(column);
    if (value !== null && !isDay(value)) refusals.push(new Refusal('DAY_INVALID', column));
    return value;
  };
  const action = choice(requireText('action'), PERSON_ACTIONS, 'action');
  const roles = splitRoles(text('roles')).map((role): Role => choice(role, ROLES, 'roles'));
  if (action !== 'END') for (const column of ['name', 'roles'] as const) requireText(column);
  else requireText('reason');
  return {
    ...{ action, roles, subject: requireText('subject'), issuer: text('issuer') ?? defaultIssuer },
    ...{ name: text('name'), organ: text('organ'), window: text('window') },
    ...{ from: day('from'), to: day('to'), reason: text('reason') },
  };
}

/** Roles stand in one cell, separated by blanks or `、`. */
function splitRoles(text: string | null): string[] {
  return text === null ? [] : text.split(/[ 、]/).filter((role) => role !== '');
}

function requireFew({ length }: readonly unknown[]): void {
  if (length > MAX_LIST_LINES) throw new Refusal('IMPORT_TOO_LARGE', 'list', `最多 ${MAX_LIST_LINES} 行`);
}

/** Reads CSV, one record a line. An unclosed quote spoils only its own line. */
function readLines(text: string): { rows: Row[]; problems: ListProblem[] } {
  const texts = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const filled = texts.map((line, i) => ({ line: i + 1, text: line })).filter((row) => /[^\s,]/.test(row.text));
  const [header, ...body] = filled;
  if (header === undefined || body.length === 0) throw new Refusal('IMPORT_EMPTY', 'list');
  requireFew(body);
  const columns = splitLine(header.text);
  const problems = checkHeader(columns).map((refusal) => toListProblem(header.line, refusal));
  if (columns === null || problems.length > 0) return { rows: [], problems };
  const rows: Row[] = [];
  for (const { line, text: lineText } of body) {
    const cells = splitLine(lineText);
    if (cells?.length === columns.length) {
      rows.push({ line, cells: new Map(columns.map((column, i) => [column, cells[i] ?? ''])) });
      continue;
    }
    const detail = cells === null ? QUOTES : `应有 ${columns.length} 格，实有 ${cells.length} 格`;
    problems.push(toListProblem(line, new Refusal('LINE_BROKEN', null, detail)));
  }
  return { rows, problems };
}

const QUOTES = '引号不成对';

/** Returns the trimmed cells of a line, or null if its quotes do not match. */
function splitLine(text: string): string[] | null {
  try {
    const [cells] = parse(text, { trim: true }) as string[][];
    return cells ?? null;
  } catch {
    return null;
  }
}

function checkHeader(columns: readonly string[] | null): Refusal[] {
  if (columns === null) return [new Refusal('LINE_BROKEN', null, QUOTES)];
  const missing = REQUIRED.filter((column) => !columns.includes(column));
  const unfit = columns.flatMap((column, i) => {
    const heading = column.slice(0, MAX_HEADING_CHARS);
    if (!isColumn(column)) return new Refusal('COLUMN_UNKNOWN', heading);
    return columns.indexOf(column) < i ? new Refusal('COLUMN_TWICE', heading) : [];
  });
  return [...missing.map((column) => new Refusal('COLUMN_MISSING', column)), ...unfit];
}

function isColumn(text: string): text is Column {
  return (COLUMNS as readonly string[]).includes(text);
}

/** Reads JSON: a list of objects with the columns as keys. `roles` may be a list of texts. */
function readItems(text: string): { rows: Row[]; problems: ListProblem[] } {
  const items = parseItems(text);
  requireFew(items);
  const rows: Row[] = [];
  const problems: ListProblem[] = [];
  for (const [i, item] of items.entries()) {
    const cells = new Map<string, string>();
    const refusals = readItem(item, cells);
    if (refusals.length === 0) rows.push({ line: i + 1, cells });
    problems.push(...refusals.map((refusal) => toListProblem(i + 1, refusal)));
  }
  return { rows, problems };
}

function parseItems(text: string): unknown[] {
  try {
    const value = parseForeignJson(text.replace(/^\uFEFF/, ''));
    if (Array.isArray(value)) return value;
  } catch (error) {
    if (error instanceof JsonTooComplex) throw new Refusal('IMPORT_TOO_LARGE', 'list');
  }
  throw new Refusal('FIELD_MALFORMED', 'list', '应为 JSON 列表');
}

function readItem(item: unknown, cells: Map<string, string>): Refusal[] {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return [new Refusal('LINE_BROKEN')];
  return Object.entries(item).flatMap(([key, value]) => {
    if (!isColumn(key)) return [new Refusal('COLUMN_UNKNOWN', key.slice(0, MAX_HEADING_CHARS))];
    const isRoles = key === 'roles' && Array.isArray(value) && value.every((role) => typeof role === 'string');
    if (value !== null && !isRoles && typeof value !== 'string') return [new Refusal('VALUE_UNKNOWN', key, '应为文字')];
    if (value !== null) cells.set(key, isRoles ? value.join(' ') : String(value));
    return [];
  });
}
