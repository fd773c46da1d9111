import type { LicenseLine, LineKind } from '../../kernel/license-type/line.ts';
import { situationLabel } from '../../kernel/license-type/situation.ts';
import type { LicenseType } from '../../kernel/license-type/type.ts';
import type { Problem } from '../guide/guide.ts';

/** What differs between two versions of a license type, as a person reads it. */

/** One difference. `before` and `after` are texts for a person, null for what is not there. */
export interface TypeDifference {
  change: 'ADDED' | 'REMOVED' | 'CHANGED';
  /** The line that differs (信息项). Null for what the type says as a whole. */
  lineKey: string | null;
  lineLabel: string | null;
  /** What of it differs: 名称、最多字数, or 信息项 for a whole line. */
  what: string;
  before: string | null;
  after: string | null;
  /** The same as one sentence. */
  text: string;
}

/** How a person reads the members of a `Thing`: name, and text of a value. */
type MemberTable<Thing> = {
  [Member in keyof Thing]: readonly [name: string, write: (value: Thing[Member]) => string | null];
};

const writeText = (text: string | number | null): string | null => (text === null ? null : String(text));
const writeTruth = (isTrue: boolean): string => (isTrue ? '是' : '否');
const writeList = (list: readonly (string | number)[]): string | null => (list.length === 0 ? null : list.join('、'));

const KIND_LABELS: Readonly<Record<LineKind, string>> = {
  TEXT: '文字',
  LONG_TEXT: '长文字',
  DATE: '日期',
  INTEGER: '整数',
  DECIMAL: '小数',
  CODE_USCC: '统一社会信用代码',
  CITIZEN_NUMBER: '公民身份号码',
  PHONE: '电话号码',
  CHOICE: '单选',
  CHOICES: '多选',
};
const GROUP_LABELS = { HOLDER: '持证主体信息', PERMISSION: '许可信息', MANAGEMENT: '管理信息' } as const;

const LINE_MEMBERS: MemberTable<Omit<LicenseLine, 'key'>> = {
  label: ['名称', writeText],
  help: ['填写说明', writeText],
  example: ['填写示例', writeText],
  kind: ['类别', (kind) => KIND_LABELS[kind]],
  group: ['分组', (group) => GROUP_LABELS[group]],
  required: ['是否必填', writeTruth],
  maxLength: ['最多字数', writeText],
  pattern: ['格式', writeText],
  choices: ['可选内容', writeList],
  printed: ['是否印在证面上', writeTruth],
  published: ['是否公示', writeTruth],
  inCode: ['是否写入二维码', writeTruth],
  source: ['依据', writeText],
  sample: ['是否为示例', writeTruth],
};

function writeTerm({ kind, months }: LicenseType['term']): string {
  if (kind === 'NONE') return '长期';
  if (kind === 'FIXED') return `${months} 个月`;
  return months === null ? '由决定写明' : `由决定写明，未写明的 ${months} 个月`;
}

const TYPE_MEMBERS: MemberTable<Omit<LicenseType, 'code' | 'lines' | 'removes'>> = {
  name: ['名称', writeText],
  basis: ['设定依据', writeText],
  validFrom: ['施行日期', writeText],
  sample: ['是否为示例', writeTruth],
  note: ['说明', writeText],
  numberFormats: [
    '编号规则',
    (formats) =>
      writeList(
        formats.map(({ issuer, template, source }) => {
          const basis = source === null ? '' : `（${source}）`;
          return `${issuer ?? '其他机关'} ${template}${basis}`;
        }),
      ),
  ],
  term: ['有效期', writeTerm],
  originals: ['正本张数', writeText],
  duplicates: ['副本张数', writeText],
  template: ['证面模板', writeText],
  acts: ['办理情形', (acts) => writeList(acts.map(situationLabel))],
  warningDays: ['到期提醒天数', writeList],
};

/** The name of a whole line among what differs. */
const LINE = '信息项';

type LineName = Pick<LicenseLine, 'key' | 'label'> | null;

function buildDifference(line: LineName, what: string, before: string | null, after: string | null): TypeDifference {
  const isWhole = line !== null && what === LINE;
  const change = isWhole && before === null ? 'ADDED' : isWhole && after === null ? 'REMOVED' : 'CHANGED';
  const name = line === null ? what : isWhole ? `信息项“${line.label}”` : `信息项“${line.label}”的${what}`;
  const sentences = {
    ADDED: `新增${name}：${after}`,
    REMOVED: `删除${name}`,
    CHANGED: `${name}由“${before ?? '无'}”改为“${after ?? '无'}”`,
  };
  const { key: lineKey = null, label: lineLabel = null } = line ?? {};
  return { change, lineKey, lineLabel, what, before, after, text: sentences[change] };
}

/** Compares the members of two things that a table names. Before the first version there is nothing. */
function compareMembers<Thing extends object>(
  line: LineName,
  table: MemberTable<Thing>,
  before: Thing | null,
  after: Thing,
): TypeDifference[] {
  return (Object.keys(table) as (keyof Thing)[]).flatMap((member) => {
    const [what, write] = table[member];
    const [oldText, newText] = [before && write(before[member]), write(after[member])];
    return oldText === newText ? [] : [buildDifference(line, what, oldText, newText)];
  });
}

/** Describes a whole line: 企业负责人，文字，至多 50 字，必填. */
function describeLine({ label, kind, maxLength, required }: LicenseLine): string {
  return [label, KIND_LABELS[kind], `至多 ${maxLength} 字`, ...(required ? ['必填'] : [])].join('，');
}

/** Lists what differs between two versions of a type: what it says as a whole, then each line, then their order. */
export function listTypeDifferences(before: LicenseType | null, after: LicenseType): TypeDifference[] {
  const oldLines = before?.lines ?? [];
  const oldByKey = new Map(oldLines.map((line) => [line.key, line]));
  const keys = new Set(after.lines.map(({ key }) => key));
  const order = oldLines.filter(({ key }) => keys.has(key));
  const newOrder = after.lines.filter(({ key }) => oldByKey.has(key));
  const writeOrder = (lines: readonly LicenseLine[]) =>
    writeList(lines.map(({ key }) => oldByKey.get(key)?.label ?? key));
  const [oldText, newText] = [writeOrder(order), writeOrder(newOrder)];
  return [
    ...compareMembers(null, TYPE_MEMBERS, before, after),
    ...oldLines
      .filter(({ key }) => !keys.has(key))
      .map((line) => buildDifference(line, LINE, describeLine(line), null)),
    ...after.lines.flatMap((line) => {
      const oldLine = oldByKey.get(line.key);
      if (oldLine === undefined) return [buildDifference(line, LINE, null, describeLine(line))];
      return compareMembers<Omit<LicenseLine, 'key'>>(oldLine, LINE_MEMBERS, oldLine, line);
    }),
    ...(oldText === newText ? [] : [buildDifference(null, '信息项的顺序', oldText, newText)]),
  ];
}

/**
 * Lists what is wrong with the lines that a version removes. They may stand on licenses, so `removes` must name each
 * line that is gone, or that has another label, and nothing else.
 */
export function listRemovalProblems(before: LicenseType | null, after: LicenseType): Problem[] {
  const labels = new Map(after.lines.map(({ key, label }) => [key, label]));
  const removed = (before?.lines ?? []).filter(({ key, label }) => labels.get(key) !== label);
  const unstated = removed.filter(({ key }) => !after.removes.includes(key));
  const removedKeys = new Set(removed.map(({ key }) => key));
  return [
    ...unstated.map(({ key, label }) => ({
      place: 'removes',
      message: `已制发的证照可能载有“${label}”，删除或改名须在 removes 中写明 ${key}`,
    })),
    ...after.removes
      .filter((key) => !removedKeys.has(key))
      .map((key) => ({ place: 'removes', message: `上一版没有删除或改名的信息项 ${key}` })),
  ];
}
