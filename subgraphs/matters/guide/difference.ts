import type { Guide } from './guide.ts';

/** A difference between two guides. */
export interface Difference {
  part: 'CONDITION' | 'STEP' | 'MATERIAL' | 'FEE' | 'LIMIT' | 'COUNTER';
  change: 'ADDED' | 'REMOVED' | 'CHANGED';
  /** A sentence for a person: what it was, what it is. */
  text: string;
  /** Whether it asks more of people or offers them less. What is not clearly easier for them counts as more. */
  widens: boolean;
}

interface Said {
  text: string;
  widens: boolean;
}

const FORMS = { ORIGINAL: '原件', COPY: '复印件', ORIGINAL_SEEN: '原件核验后退回', ELECTRONIC: '电子件' } as const;
const daysOf = (days: number | null) => (days === null ? '不设时限' : `${days} 个工作日`);
const yuanOf = (fen: number) => `${(fen / 100).toFixed(2)} 元`;

/** Compares two limits in working days. No limit counts as the longest. */
function limitSaid(label: string, from: number | null, to: number | null): Said[] {
  if (from === to) return [];
  const widens = to === null || (from !== null && to > from);
  return [{ text: `${label}由 ${daysOf(from)}${widens ? '延长' : '缩短'}至 ${daysOf(to)}`, widens }];
}

function amountSaid(label: string, from: number, to: number, written = (amount: number) => `${amount} `): Said[] {
  if (from === to) return [];
  const text = `${label}由 ${written(from)}${to > from ? '增' : '减'}至 ${written(to)}`;
  return [{ text: text.trimEnd(), widens: to > from }];
}

function wordsSaid(label: string, from: string | null, to: string | null): Said[] {
  return from === to ? [] : [{ text: `${label}由“${from ?? '无'}”改为“${to ?? '无'}”`, widens: true }];
}

/** Compares two lists entry by entry. `title` identifies an entry: the same title means the same entry. */
function compare<Entry>(
  part: Difference['part'],
  [from, to]: readonly [readonly Entry[], readonly Entry[]],
  title: (entry: Entry) => string,
  changed: (from: Entry, to: Entry) => Said[],
): Difference[] {
  // A counter serves people; every other entry asks something of them.
  const helps = part === 'COUNTER';
  const before = new Map(from.map((entry) => [title(entry), entry]));
  const after = new Set(to.map(title));
  const removed = from.filter((entry) => !after.has(title(entry)));
  return [
    ...removed.map((entry): Difference => ({ part, change: 'REMOVED', text: `${title(entry)}：取消`, widens: helps })),
    ...to.flatMap((entry): Difference[] => {
      const known = before.get(title(entry));
      if (known === undefined) return [{ part, change: 'ADDED', text: `${title(entry)}：新增`, widens: !helps }];
      return changed(known, entry).map(({ text, widens }) => ({
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

/** Lists every difference of `to` from `from`, each in a sentence. */
export function differences(from: Guide, to: Guide): Difference[] {
  const limits = [
    ...limitSaid('法定时限', from.statutoryDays, to.statutoryDays),
    ...limitSaid('承诺时限', from.promisedDays, to.promisedDays),
    ...wordsSaid('法定时限的依据', from.statutoryBasis, to.statutoryBasis),
  ];
  return [
    ...compare(
      'CONDITION',
      [from.conditions, to.conditions],
      (text) => `条件“${text}”`,
      () => [],
    ),
    ...compare('STEP', [from.steps, to.steps], titles.step, (a, b) => [
      ...limitSaid('时限', a.limitDays, b.limitDays),
      ...wordsSaid('内容', a.what, b.what),
    ]),
    ...compare('MATERIAL', [from.materials, to.materials], titles.material, (a, b) => [
      ...amountSaid('份数', a.copies, b.copies),
      ...(a.required === b.required
        ? []
        : [{ text: b.required ? '由可选改为必需' : '由必需改为可选', widens: b.required }]),
      ...wordsSaid('形式', FORMS[a.form], FORMS[b.form]),
      ...wordsSaid('名称', a.name, b.name),
      ...wordsSaid('依据', a.basis, b.basis),
      ...wordsSaid('可替代的电子证照', a.licenseType, b.licenseType),
    ]),
    ...compare('FEE', [from.fees, to.fees], titles.fee, (a, b) => [
      ...amountSaid('金额', a.amountFen, b.amountFen, yuanOf),
      ...wordsSaid('依据', a.basis, b.basis),
    ]),
    ...limits.map((said): Difference => ({ part: 'LIMIT', change: 'CHANGED', ...said })),
    ...compare(
      'COUNTER',
      [from.counters, to.counters],
      ({ name }) => `窗口“${name}”`,
      (a, b) => [
        ...wordsSaid('地址', a.address, b.address),
        ...wordsSaid('时间', a.hours, b.hours),
        ...wordsSaid('电话', a.phone, b.phone),
      ],
    ),
  ];
}
