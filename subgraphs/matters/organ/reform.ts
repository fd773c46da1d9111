import type { Day } from '../../kernel/day.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import { competentOrgan, nameOn, type OrganName, type Succession } from '../../kernel/organ/reform.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Problem, toProblem } from '../import/import.ts';
import { type DelegationPeriod, type IndustryOrgan, insertPeriod, type Matter, type Period } from '../matter.ts';
import type { OrganLine } from './list.ts';

/** What a list of changes of organs does (机构改革). Pure. */

/** The organs and their reforms so far. */
export interface OrganRegister {
  organs: ReadonlyMap<string, OrganFact>;
  shares: readonly Succession[];
  /** Ids of all matters. */
  matters: ReadonlySet<string>;
  today: Day;
}

/** What a list changes. If there is a problem, the rest does not count. */
export interface Reform {
  entered: OrganFact[];
  renamed: (OrganName & { organ: string })[];
  ended: Succession[];
  /** A sentence for each line that changes something. */
  differences: string[];
  /** Number of lines that repeat what is entered. */
  unchanged: number;
  problems: Problem[];
}

interface State extends Reform {
  organs: Map<string, OrganFact>;
}

/** Applies the lines of a list: new organs first, then names, then ends, so that the order of the lines is free. */
export function applyOrgans(lines: readonly OrganLine[], register: OrganRegister): Reform {
  const state: State = {
    ...{ entered: [], renamed: [], ended: [], differences: [], unchanged: 0, problems: [] },
    organs: new Map(register.organs),
  };
  const refuse = (line: OrganLine, refusals: readonly Refusal[]) => {
    state.problems.push(...refusals.map((refusal) => toProblem(line.line, refusal)));
    return refusals.length > 0;
  };
  for (const line of lines.filter(({ action }) => action === 'ENTER')) refuse(line, enter(line, state));
  for (const line of lines.filter(({ action }) => action === 'RENAME')) refuse(line, rename(line, state, register));
  const ends = lines.filter(({ action }) => action === 'END');
  for (const [, own] of Map.groupBy(ends, ({ organ }) => organ)) endOrgan(own, state, register, refuse);
  checkCircles(ends, state, register);
  state.problems.sort((one, other) => one.line - other.line);
  const { organs: _, ...reform } = state;
  return reform;
}

const toOrgan = ({ organ, name, level, divisionCode, uscc, documentMark }: OrganLine): OrganFact => ({
  ...{ id: organ, name: name ?? '', level: level ?? 'COUNTY' },
  ...{ divisionCode: divisionCode ?? '', uscc: uscc ?? '', documentMark },
});

function enter(line: OrganLine, state: State): Refusal[] {
  const organ = toOrgan(line);
  const known = state.organs.get(organ.id);
  if (known) {
    const isSame = (['name', 'level', 'divisionCode', 'uscc'] as const).every((field) => known[field] === organ[field]);
    if (!isSame) return [new Refusal('ORGAN_EXISTS', 'organ')];
    state.unchanged++;
    return [];
  }
  const others = [...state.organs.values()];
  const mark = organ.documentMark ?? null;
  const refusals = [
    ...(others.some(({ uscc }) => uscc === organ.uscc) ? [new Refusal('ORGAN_EXISTS', 'uscc')] : []),
    ...(mark !== null && others.some(({ documentMark }) => documentMark === mark)
      ? [new Refusal('ORGAN_EXISTS', 'document_mark')]
      : []),
  ];
  if (refusals.length > 0) return refusals;
  state.organs.set(organ.id, organ);
  state.entered.push(organ);
  state.differences.push(`第 ${line.line} 行 新设 ${organ.id} ${organ.name}（${organ.divisionCode}，${organ.uscc}）`);
  return [];
}

/** A change from a day that has passed would change what was done since. */
const refusePast = ({ validFrom }: OrganLine, today: Day) =>
  validFrom < today ? [new Refusal('DAY_PASSED', 'valid_from', `今天是 ${today}`)] : [];

function rename(line: OrganLine, state: State, { shares, today }: OrganRegister): Refusal[] {
  const organ = state.organs.get(line.organ);
  if (!organ) return [new Refusal('ORGAN_UNKNOWN', 'organ')];
  const { validFrom } = line;
  const name = line.name ?? '';
  const previousName = nameOn(organ, validFrom);
  if (previousName === name) {
    state.unchanged++;
    return [];
  }
  const refusals = refusePast(line, today);
  if (shares.some((share) => share.organ === organ.id)) refusals.push(new Refusal('ORGAN_OVER', 'organ'));
  if (refusals.length > 0) return refusals;
  state.renamed.push({ organ: organ.id, name, from: validFrom });
  const later = (organ.names ?? []).filter(({ from }) => from !== validFrom);
  state.organs.set(organ.id, { ...organ, names: [...later, { name, from: validFrom }] });
  state.differences.push(`第 ${line.line} 行 ${organ.id} 自 ${validFrom} 起由 ${previousName} 更名为 ${name}`);
  return [];
}

type Refuse = (line: OrganLine, refusals: readonly Refusal[]) => boolean;

/** Ends an organ by the lines that name its successors: one takes the rest, the others the matters that they name. */
function endOrgan(lines: readonly OrganLine[], state: State, register: OrganRegister, refuse: Refuse): void {
  const [first] = lines;
  const organ = first && state.organs.get(first.organ);
  if (!first) return;
  if (!organ) return void refuse(first, [new Refusal('ORGAN_UNKNOWN', 'organ')]);
  const shares = lines.map(toShare);
  const known = register.shares.filter((share) => share.organ === organ.id);
  if (known.length > 0) {
    if (describeShares(known) === describeShares(shares)) state.unchanged += lines.length;
    else refuse(first, [new Refusal('ORGAN_OVER', 'organ')]);
    return;
  }
  const refused = lines.map((line) => refuse(line, [...checkShare(line, first, organ, state, register)]));
  const rests = shares.filter(({ matters }) => matters === null).length;
  const named = shares.flatMap(({ matters }) => matters ?? []);
  const twice = named.find((matter, i) => named.indexOf(matter) < i);
  const whole = [
    ...(rests === 1 ? [] : [new Refusal('ORGAN_SHARE_UNFIT', 'matters', '须有且只有一行不写事项，承接其余')]),
    ...(twice === undefined ? [] : [new Refusal('ORGAN_SHARE_UNFIT', 'matters', `${twice} 写了两次`)]),
  ];
  if (refuse(first, whole) || refused.includes(true)) return;
  state.ended.push(...shares);
  for (const { line, validFrom, successor, matters } of lines) {
    const name = nameOn(state.organs.get(successor ?? '') ?? { name: '' }, validFrom);
    const part = matters === null ? '' : `（事项 ${matters.join('、')}）`;
    const former = `${organ.id} ${nameOn(organ, validFrom)}`;
    state.differences.push(`第 ${line} 行 ${former} 自 ${validFrom} 起撤并，由 ${successor} ${name} 承接${part}`);
  }
}

const toShare = ({ organ, successor, validFrom, matters }: OrganLine): Succession => ({
  ...{ organ, successor: successor ?? '', from: validFrom, matters },
});

const describeShares = (shares: readonly Succession[]) =>
  JSON.stringify(shares.map(({ successor, from, matters }) => [successor, from, matters?.toSorted() ?? null]).sort());

function checkShare(
  line: OrganLine,
  first: OrganLine,
  organ: OrganFact,
  state: State,
  { today, matters }: OrganRegister,
): Refusal[] {
  const refusals = refusePast(line, today);
  if (line.validFrom !== first.validFrom)
    refusals.push(new Refusal('ORGAN_SHARE_UNFIT', 'valid_from', '各行须为同一日'));
  const unknown = (line.matters ?? []).find((id) => !matters.has(id));
  if (unknown !== undefined) refusals.push(new Refusal('MATTER_UNKNOWN', 'matters', unknown));
  if (line.matters?.length === 0) refusals.push(new Refusal('VALUE_MISSING', 'matters'));
  const successor = state.organs.get(line.successor ?? '');
  if (!successor) return [...refusals, new Refusal('ORGAN_UNKNOWN', 'successor')];
  if (successor.level !== organ.level) refusals.push(new Refusal('ORGAN_OF_ANOTHER_LEVEL', 'successor'));
  else if (successor.divisionCode !== organ.divisionCode)
    refusals.push(new Refusal('ORGAN_OF_ANOTHER_DIVISION', 'successor'));
  return refusals;
}

/** Refuses ends whose successors lead back, and those whose successor has ended before it takes over. */
function checkCircles(ends: readonly OrganLine[], state: State, register: OrganRegister): void {
  const all = [...register.shares, ...state.ended];
  for (const line of ends) {
    const share = toShare(line);
    const hasPassed = all.some(({ organ, from }) => organ === share.successor && from < share.from);
    if (share.successor === share.organ || leadsBack(all, share))
      state.problems.push(toProblem(line.line, new Refusal('ORGAN_CIRCLE', 'successor')));
    else if (hasPassed) state.problems.push(toProblem(line.line, new Refusal('ORGAN_OVER', 'successor')));
  }
}

function leadsBack(shares: readonly Succession[], { organ, matters }: Succession): boolean {
  const end =
    shares
      .map(({ from }) => from)
      .toSorted()
      .at(-1) ?? '';
  try {
    for (const matter of [null, ...(matters ?? [])]) competentOrgan(shares, organ, matter, end);
    return false;
  } catch {
    return true;
  }
}

/**
 * Returns a matter with its organs after reforms: from the day of a succession on, each organ is the one that is
 * competent in its place, also in periods that are yet to come. Running cases follow. Returns the same object if no
 * organ of it ends.
 */
export function succeedMatter(matter: Matter, shares: readonly Succession[]): Matter {
  const days = [...new Set(shares.map(({ from }) => from))].sort();
  return days.reduce((current, day) => succeedOn(current, shares, day), matter);
}

function succeedOn(matter: Matter, shares: readonly Succession[], day: Day): Matter {
  const heir = (organ: string) => competentOrgan(shares, organ, matter.row.id, day);
  const movePeriod = (period: DelegationPeriod): DelegationPeriod => {
    const [cityOrgan, countyOrgan] = [heir(period.cityOrgan), heir(period.countyOrgan)];
    const isMoved = cityOrgan !== period.cityOrgan || countyOrgan !== period.countyOrgan;
    return isMoved ? { ...period, cityOrgan, countyOrgan, runningCases: 'FOLLOW' } : period;
  };
  const moveIndustry = (entry: IndustryOrgan): IndustryOrgan => {
    const organ = entry.organ === null ? null : heir(entry.organ);
    return organ === entry.organ ? entry : { ...entry, organ };
  };
  const ofLevel = (level: IndustryOrgan['level']) => matter.industryOrgans.filter((entry) => entry.level === level);
  const periods = moveHistory(matter.periods, day, movePeriod);
  const industryOrgans = [
    ...moveHistory(ofLevel('CITY'), day, moveIndustry),
    ...moveHistory(ofLevel('COUNTY'), day, moveIndustry),
  ];
  const isMoved =
    periods.some((period) => !matter.periods.includes(period)) ||
    industryOrgans.some((entry) => !matter.industryOrgans.includes(entry));
  return isMoved ? { ...matter, periods, industryOrgans } : matter;
}

/** Moves the periods of a history that begin on a day or later, and begins a new one where the day lies within one. */
function moveHistory<Item extends Period>(history: readonly Item[], day: Day, move: (item: Item) => Item): Item[] {
  const later = history.map((item) => ((item.validFrom ?? '') >= day ? move(item) : item));
  const running = later.find(
    ({ validFrom, validTo }) => (validFrom ?? '') < day && (validTo === null || validTo >= day),
  );
  const moved = running && move(running);
  return moved && moved !== running ? insertPeriod(later, { ...moved, validFrom: day }) : [...later];
}
