import { type FileFormat, listFileFormats } from '../../kernel/events/guide-fact.ts';
import { LICENSE_ACTIONS, type LicenseAction } from '../../kernel/license-acts.ts';
import { situationLabel } from '../../kernel/license-type/situation.ts';
import type { Guide } from './guide.ts';

/** A difference between two guides. */
export interface Difference {
  part: 'SITUATION' | 'CONDITION' | 'STEP' | 'MATERIAL' | 'FEE' | 'LIMIT' | 'COUNTER';
  change: 'ADDED' | 'REMOVED' | 'CHANGED';
  /** A sentence for a person: what it was, what it is. */
  text: string;
  /** Whether it asks more of people or offers them less. What is not clearly easier for them counts as more. */
  widens: boolean;
}

type GuideMaterial = Guide['materials'][number];

interface Change {
  text: string;
  widens: boolean;
}

const FORMS = { ORIGINAL: '原件', COPY: '复印件', ORIGINAL_SEEN: '原件核验后退回', ELECTRONIC: '电子件' } as const;
const formatDays = (days: number | null) => (days === null ? '不设时限' : `${days} 个工作日`);
const formatYuan = (fen: number) => `${(fen / 100).toFixed(2)} 元`;

/** Compares two limits in working days. No limit counts as the longest. */
function compareLimits(label: string, from: number | null, to: number | null): Change[] {
  if (from === to) return [];
  const widens = to === null || (from !== null && to > from);
  return [{ text: `${label}由 ${formatDays(from)}${widens ? '延长' : '缩短'}至 ${formatDays(to)}`, widens }];
}

function compareAmounts(label: string, from: number, to: number, format = (amount: number) => `${amount} `): Change[] {
  if (from === to) return [];
  const text = `${label}由 ${format(from)}${to > from ? '增' : '减'}至 ${format(to)}`;
  return [{ text: text.trimEnd(), widens: to > from }];
}

function compareTexts(label: string, from: string | null, to: string | null): Change[] {
  return from === to ? [] : [{ text: `${label}由“${from ?? '无'}”改为“${to ?? '无'}”`, widens: true }];
}

/** Compares the formats that a material takes. One format less asks more of people. */
function compareFormats(from: readonly FileFormat[], to: readonly FileFormat[]): Change[] {
  const missing = from.filter((format) => !to.includes(format));
  if (missing.length === 0 && to.every((format) => from.includes(format))) return [];
  return [{ text: `文件格式由 ${from.join('、')} 改为 ${to.join('、')}`, widens: missing.length > 0 }];
}

/** Compares the situations that a material is for. One situation more asks more of people. */
function compareMaterialSituations(from: GuideMaterial, to: GuideMaterial): Change[] {
  const listOf = ({ situations }: GuideMaterial): readonly LicenseAction[] => situations ?? LICENSE_ACTIONS;
  const [before, after] = [listOf(from), listOf(to)];
  const added = after.filter((act) => !before.includes(act));
  if (added.length === 0 && before.every((act) => after.includes(act))) return [];
  const describe = ({ situations }: GuideMaterial) => situations?.map(situationLabel).join('、') ?? '全部';
  return [{ text: `适用情形由 ${describe(from)} 改为 ${describe(to)}`, widens: added.length > 0 }];
}

/** Compares two lists entry by entry. `title` identifies an entry: the same title means the same entry. */
function compareLists<Entry>(
  part: Difference['part'],
  [from, to]: readonly [readonly Entry[], readonly Entry[]],
  title: (entry: Entry) => string,
  compareEntries: (from: Entry, to: Entry) => Change[],
): Difference[] {
  // A counter and a situation serve people; every other entry asks something of them.
  const servesPeople = part === 'COUNTER' || part === 'SITUATION';
  const oldByTitle = new Map(from.map((entry) => [title(entry), entry]));
  const newTitles = new Set(to.map(title));
  const removedEntries = from.filter((entry) => !newTitles.has(title(entry)));
  return [
    ...removedEntries.map(
      (entry): Difference => ({ part, change: 'REMOVED', text: `${title(entry)}：取消`, widens: servesPeople }),
    ),
    ...to.flatMap((entry): Difference[] => {
      const oldEntry = oldByTitle.get(title(entry));
      if (oldEntry === undefined)
        return [{ part, change: 'ADDED', text: `${title(entry)}：新增`, widens: !servesPeople }];
      return compareEntries(oldEntry, entry).map(({ text, widens }) => ({
        part,
        change: 'CHANGED',
        text: `${title(entry)}：${text}`,
        widens,
      }));
    }),
  ];
}

/** Returns the title by which people know an entry of each list. */
export const titles = {
  step: ({ name }: { name: string }) => `环节“${name}”`,
  material: ({ code }: { code: string }) => `材料 ${code}`,
  fee: ({ name }: { name: string }) => `收费“${name}”`,
} as const;

/** Compares for which situations (办理情形) two guides take applications. One that names none takes all. */
function compareSituations(from: Guide, to: Guide): Difference[] {
  const listOf = ({ situations }: Guide): readonly LicenseAction[] => situations ?? LICENSE_ACTIONS;
  return compareLists(
    'SITUATION',
    [listOf(from), listOf(to)],
    (act) => `情形“${situationLabel(act)}”`,
    () => [],
  );
}

/** Lists every difference of `to` from `from`, each in a sentence. */
export function listDifferences(from: Guide, to: Guide): Difference[] {
  const limits = [
    ...compareLimits('法定时限', from.statutoryDays, to.statutoryDays),
    ...compareLimits('承诺时限', from.promisedDays, to.promisedDays),
    ...compareTexts('法定时限的依据', from.statutoryBasis, to.statutoryBasis),
  ];
  return [
    ...compareSituations(from, to),
    ...compareLists(
      'CONDITION',
      [from.conditions, to.conditions],
      (text) => `条件“${text}”`,
      () => [],
    ),
    ...compareLists('STEP', [from.steps, to.steps], titles.step, (a, b) => [
      ...compareLimits('时限', a.limitDays, b.limitDays),
      ...compareTexts('内容', a.what, b.what),
    ]),
    ...compareLists('MATERIAL', [from.materials, to.materials], titles.material, (a, b) => [
      ...compareAmounts('份数', a.copies, b.copies),
      ...(a.required === b.required
        ? []
        : [{ text: b.required ? '由可选改为必需' : '由必需改为可选', widens: b.required }]),
      ...compareTexts('形式', FORMS[a.form], FORMS[b.form]),
      ...compareTexts('名称', a.name, b.name),
      ...compareTexts('依据', a.basis, b.basis),
      ...compareTexts('可替代的电子证照', a.licenseType, b.licenseType),
      ...compareFormats(listFileFormats(a), listFileFormats(b)),
      ...compareMaterialSituations(a, b),
    ]),
    ...compareLists('FEE', [from.fees, to.fees], titles.fee, (a, b) => [
      ...compareAmounts('金额', a.amountFen, b.amountFen, formatYuan),
      ...compareTexts('依据', a.basis, b.basis),
    ]),
    ...limits.map((limitChange): Difference => ({ part: 'LIMIT', change: 'CHANGED', ...limitChange })),
    ...compareLists(
      'COUNTER',
      [from.counters, to.counters],
      ({ name }) => `窗口“${name}”`,
      (a, b) => [
        ...compareTexts('地址', a.address, b.address),
        ...compareTexts('时间', a.hours, b.hours),
        ...compareTexts('电话', a.phone, b.phone),
      ],
    ),
  ];
}
