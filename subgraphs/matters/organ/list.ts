import type { Day } from '../../kernel/day.ts';
import { isUscc } from '../../kernel/identity/uscc.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';
import { buildChoiceCell, buildTextCell, type Cell, dayCell, type ParsedLine, parseTable } from '../import/csv.ts';
import type { Problem } from '../import/import.ts';

/** A list of changes of organs (机构改革): CSV, one change a line. See docs/import.md. */

export const ORGAN_ACTIONS = ['ENTER', 'RENAME', 'END'] as const;
export type OrganAction = (typeof ORGAN_ACTIONS)[number];

const MAX_ID_CHARS = 64;
const MAX_NAME_CHARS = 60;
const MAX_MARK_CHARS = 20;
const MAX_MATTERS_CHARS = 8_000;

/** A line of a list. What its action does not use is null. */
export interface OrganLine {
  line: number;
  organ: string;
  validFrom: Day;
  action: OrganAction;
  name: string | null;
  level: 'CITY' | 'COUNTY' | null;
  divisionCode: string | null;
  uscc: string | null;
  documentMark: string | null;
  successor: string | null;
  /** The matters of the successor's share. Null: everything that no other line names. */
  matters: readonly string[] | null;
}

function buildFormCell(isFit: (text: string) => boolean, code: RefusalCode, detail: string): Cell<string> {
  return (text, column) => {
    if (!isFit(text)) throw new Refusal(code, column, detail);
    return text;
  };
}

const id = buildFormCell(
  (text) => text.length <= MAX_ID_CHARS && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text),
  'VALUE_UNKNOWN',
  '小写字母、数字和连字符',
);

const COLUMNS = {
  organ: id,
  valid_from: dayCell,
  action: buildChoiceCell(ORGAN_ACTIONS),
  name: buildTextCell(MAX_NAME_CHARS),
  level: buildChoiceCell(['CITY', 'COUNTY'] as const),
  division_code: buildFormCell((text) => /^\d{6}$/.test(text), 'VALUE_UNKNOWN', '须为 6 位行政区划代码'),
  uscc: buildFormCell(isUscc, 'VALUE_UNKNOWN', '须为 18 位统一社会信用代码'),
  document_mark: buildTextCell(MAX_MARK_CHARS),
  successor: id,
  matters: buildTextCell(MAX_MATTERS_CHARS),
} as const satisfies Record<string, Cell<unknown>>;

/** The columns that each action needs, and those that it may have besides the keys. */
const USES: Readonly<Record<OrganAction, { needed: readonly string[]; allowed: readonly string[] }>> = {
  ENTER: { needed: ['name', 'level', 'division_code', 'uscc'], allowed: ['document_mark'] },
  RENAME: { needed: ['name'], allowed: [] },
  END: { needed: ['successor'], allowed: ['matters'] },
};

/** The lines of a list that can be read, and the problems of those that cannot. */
export interface ParsedOrgans {
  lines: OrganLine[];
  problems: Problem[];
}

/** Parses a list of changes of organs. See `parseTable`. */
export function parseOrgans(csv: string): ParsedOrgans {
  const form = { columns: COLUMNS, keys: ['organ', 'valid_from', 'action'] };
  const { lines, problems } = parseTable(csv, form, ({ values }) => checkUses(values));
  return { lines: lines.map(toLine), problems };
}

function checkUses(values: ParsedLine['values']): Refusal[] {
  const action = values.action as OrganAction | undefined;
  if (action === undefined) return [];
  const { needed, allowed } = USES[action];
  const missing = needed.filter((column) => values[column] === undefined);
  const keys = ['organ', 'valid_from', 'action'];
  const extra = Object.keys(values).filter((column) => ![...keys, ...needed, ...allowed].includes(column));
  return [
    ...missing.map((column) => new Refusal('VALUE_MISSING', column)),
    ...extra.map((column) => new Refusal('VALUE_UNKNOWN', column, `${action} 不填此格`)),
  ];
}

function toLine({ line, values }: ParsedLine): OrganLine {
  const read = <Value>(column: keyof typeof COLUMNS) => (values[column] ?? null) as Value;
  const matters = read<string | null>('matters');
  return {
    line,
    ...{ organ: read<string>('organ'), validFrom: read<Day>('valid_from'), action: read<OrganAction>('action') },
    ...{ name: read<string | null>('name'), level: read<OrganLine['level']>('level') },
    ...{ divisionCode: read<string | null>('division_code'), uscc: read<string | null>('uscc') },
    ...{ documentMark: read<string | null>('document_mark'), successor: read<string | null>('successor') },
    matters: matters === null ? null : matters.split(/\s+/).filter((code) => code !== ''),
  };
}
