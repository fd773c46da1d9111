import { type Day, isWithin } from '../kernel/day.ts';
import type {
  Assignment,
  DelegationFact,
  EventPayload,
  Mode,
  OrganFact,
  OutcomeFact,
  PowerType,
  RunningCases,
} from '../kernel/events/events.ts';
import type { LicenseAction } from '../kernel/license-acts.ts';

/** One cell exactly as printed. */
export interface PrintedCell {
  column: string;
  text: string;
}

/** A value that departs from what is printed (更正), with its reason. No departure goes unrecorded. */
export interface Correction {
  field: string;
  printed: string;
  corrected: string;
  reason: string;
}

/** A matter (事项) as a list gives it: one row of the plan, with every correction recorded. */
export interface MatterRow {
  id: string;
  annex: number;
  row: number;
  mainItem: string;
  subItem: string | null;
  powerType: PowerType;
  cityOrgan: string;
  countyOrgan: string;
  /** Industry organ (行业主管部门) of each level, or null if the office has not named it yet. */
  cityIndustry: string | null;
  countyIndustry: string | null;
  mode: Mode;
  validFrom: Day | null;
  licenseAction: LicenseAction | null;
  outcome: OutcomeFact;
  printed: PrintedCell[];
  corrections: Correction[];
  flags: string[];
}

/** First and last day; null is an open end. */
export interface Period {
  validFrom: Day | null;
  validTo: Day | null;
}

/**
 * The relation between a city and a county organ for a time. `mode` is null if the matter is not delegated then: its
 * mode has ended.
 */
export interface DelegationPeriod extends Period {
  mode: Mode | null;
  cityOrgan: string;
  countyOrgan: string;
  /** Whether running cases move to the organs of the period when it begins. */
  runningCases: RunningCases;
}

/** A mode for a time, between a city and a county organ (下放关系). */
export interface Delegation extends DelegationPeriod {
  mode: Mode;
}

/** The organ that supervises a matter on one level, for a time. `organ` is null while none is named. */
export interface IndustryOrgan extends Period {
  level: 'CITY' | 'COUNTY';
  organ: string | null;
}

/** What a case of a matter does to a license and what it results in, for a time. */
export interface OutcomePeriod extends Period {
  licenseAction: LicenseAction | null;
  outcome: OutcomeFact;
}

/** What the law says that a matter rests on (设定依据), for a time. */
export interface LegalBasis extends Period {
  /** As a decision cites it, or null while none is entered. */
  text: string | null;
  /** Where the text was taken from, or null if there is no text. */
  source: string | null;
  /** A sample for trying out, which the office has not checked. */
  isSample: boolean;
}

/** The part of a matter that no list changes: the plan's entry with its provenance. */
export type MatterEntry = Pick<
  MatterRow,
  | 'id'
  | 'annex'
  | 'row'
  | 'mainItem'
  | 'subItem'
  | 'powerType'
  | 'cityOrgan'
  | 'countyOrgan'
  | 'printed'
  | 'corrections'
  | 'flags'
>;

/** A matter with its histories. Each is ordered oldest first and has no gap from its first day on. */
export interface Matter {
  row: MatterEntry;
  periods: readonly DelegationPeriod[];
  industryOrgans: readonly IndustryOrgan[];
  /** The first period has no first day: there is an outcome on every day. */
  outcomes: readonly OutcomePeriod[];
  /** May be empty, or begin later than the delegation. */
  legalBases: readonly LegalBasis[];
}

/** Returns the sub-item, or the main item if there is none. */
export function nameOf(row: { mainItem: string; subItem: string | null }): string {
  return row.subItem ?? row.mainItem;
}

/** Returns the period that contains a day, or null if the day is before them all. */
export function findPeriod<Item extends Period>(periods: readonly Item[], on: Day): Item | null {
  return periods.find((period) => isWithin(on, period.validFrom, period.validTo)) ?? null;
}

/** Returns every delegation, oldest first. */
export function listDelegations(matter: Matter): Delegation[] {
  return matter.periods.filter((period): period is Delegation => period.mode !== null);
}

/** Returns the delegation in force on a day, or null if the matter is not delegated then. */
export function findDelegation(matter: Matter, on: Day): Delegation | null {
  return findPeriod(listDelegations(matter), on);
}

/** Returns the industry organ (行业主管部门) of a level on a day, or null if none is named. */
export function findIndustryOrgan(matter: Matter, level: 'CITY' | 'COUNTY', on: Day): string | null {
  const levelOrgans = matter.industryOrgans.filter((entry) => entry.level === level);
  return findPeriod(levelOrgans, on)?.organ ?? null;
}

/** Returns what a case of the matter results in on a day. */
export function getOutcome(matter: Matter, on: Day): OutcomePeriod {
  const period = findPeriod(matter.outcomes, on);
  if (!period) throw new RangeError(`matter ${matter.row.id} has no outcome on ${on}`);
  return period;
}

/** Returns what a matter rests on by law on a day (设定依据), or null if nothing is entered. */
export function findLegalBasis(matter: Matter, on: Day): (LegalBasis & { text: string; source: string }) | null {
  const basis = findPeriod(matter.legalBases, on);
  return basis?.text == null ? null : { ...basis, text: basis.text, source: basis.source ?? '' };
}

/**
 * Builds a matter from its first row in a list. Its outcome has no first day: a case cannot result in anything else.
 */
export function buildMatter(matterRow: MatterRow, legalBases: readonly LegalBasis[] = []): Matter {
  const { mode, validFrom, cityIndustry, countyIndustry, licenseAction, outcome, ...row } = matterRow;
  const { cityOrgan, countyOrgan } = matterRow;
  const period = { validFrom, validTo: null };
  return {
    row,
    periods: [{ mode, cityOrgan, countyOrgan, runningCases: 'FOLLOW', ...period }],
    industryOrgans: [
      { level: 'CITY', organ: cityIndustry, ...period },
      { level: 'COUNTY', organ: countyIndustry, ...period },
    ],
    outcomes: [{ licenseAction, outcome, validFrom: null, validTo: null }],
    legalBases,
  };
}

/**
 * Adds `next` to a history and returns the history. `next` replaces the period with the same first day, ends the period
 * before it, and ends where a later one begins. Earlier periods stay (事项划转).
 */
export function insertPeriod<Item extends Period>(history: readonly Item[], next: Item): Item[] {
  const periods = [...history.filter((period) => period.validFrom !== next.validFrom), next];
  periods.sort((a, b) => ((a.validFrom ?? '') < (b.validFrom ?? '') ? -1 : 1));
  return periods.map((period, i) => {
    const nextFirstDay = periods[i + 1]?.validFrom;
    return nextFirstDay ? { ...period, validTo: dayBefore(nextFirstDay) } : period;
  });
}

/** Returns the day before. */
export function dayBefore(day: Day): Day {
  const noon = new Date(`${day}T12:00:00Z`);
  noon.setUTCDate(noon.getUTCDate() - 1);
  return noon.toISOString().slice(0, 10);
}

/** Returns the day of a period that is nearest to `day`. */
export function nearestDay(day: Day, { validFrom, validTo }: Period): Day {
  if (validFrom !== null && day < validFrom) return validFrom;
  return validTo !== null && validTo < day ? validTo : day;
}

const NO_INDUSTRY_ORGAN = '行业主管部门待明确：审批局不承担监管，须由办公室指定';

/**
 * Derives from the mode who accepts, examines, decides, seals, is liable and supervises (实施方案二、三.5). Nobody enters this
 * by hand.
 */
export function deriveResponsibilities(matter: Matter, delegation: Delegation, on: Day): DelegationFact {
  const { mode, cityOrgan: city, countyOrgan: county } = delegation;
  const industry = { city: findIndustryOrgan(matter, 'CITY', on), county: findIndustryOrgan(matter, 'COUNTY', on) };
  const { outcome, licenseAction } = getOutcome(matter, on);
  const base = { ...delegation, industry, outcome, licenseAction };
  const assign = (organ: string | null, reason: string, overrides: Partial<Assignment> = {}): Assignment => ({
    organ,
    second: null,
    window: false,
    reason,
    ...overrides,
  });
  const assignSupervisor = (level: 'CITY' | 'COUNTY', clause: string) => {
    const organ = level === 'CITY' ? industry.city : industry.county;
    return organ === null ? assign(null, NO_INDUSTRY_ORGAN) : assign(organ, clause);
  };
  const atWindow = { second: city, window: true };
  switch (mode) {
    case 'DIRECT':
      return {
        ...base,
        accepts: assign(county, '实施方案二（一）：由承接单位直接作出审批决定'),
        examines: assign(county, '实施方案二（一）'),
        decides: assign(county, '实施方案二（一）：直接作出审批决定'),
        seals: assign(county, '由实施方案二（一）推定：谁决定，谁用印'),
        liable: assign(county, '实施方案三.5：县级单位对审批结果负责'),
        supervises: assignSupervisor('COUNTY', '实施方案三.5：县级行业主管部门负责监管'),
      };
    case 'SUBSTANTIVE_REVIEW':
      return {
        ...base,
        accepts: assign(county, '实施方案二：市县有同等受理、审核权；三.2：综合受理窗口', atWindow),
        examines: assign(county, '实施方案二（二）：行使实质性审核权', { second: city }),
        decides: assign(city, '由实施方案二（二）、三.5推定：报市级审批部门，市级审批单位对审批结果负责'),
        seals: assign(city, '实施方案二（二）：加盖市级审批专用章'),
        liable: assign(city, '实施方案三.5：市级审批单位对审批结果负责；县级单位履行实质性审核责任并承担属地法律责任', {
          second: county,
        }),
        supervises: assignSupervisor('CITY', '实施方案三.5：市级行业主管部门监管'),
      };
    case 'WINDOW_FORWARD':
      return {
        ...base,
        accepts: assign(county, '实施方案二：市县有同等的受理权；二（三）：“市县同权”窗口受理', atWindow),
        examines: assign(county, '实施方案二（三）：窗口工作人员开展形式性审查', atWindow),
        decides: assign(city, '实施方案二（三）：转递市级主管部门办理'),
        seals: assign(city, '由实施方案二（三）推定：谁决定，谁用印'),
        liable: assign(city, '实施方案三.5：市级审批部门对审批结果负责'),
        supervises: assignSupervisor('CITY', '实施方案三.5：市级行业主管部门负责监管'),
      };
  }
}

/**
 * Splits a delegation where the matter's industry organs or outcome change within it. Nothing changes within a part.
 */
function splitDelegation(matter: Matter, delegation: Delegation): Delegation[] {
  const { validFrom, validTo } = delegation;
  const firstDays = [...matter.industryOrgans, ...matter.outcomes].map((entry) => entry.validFrom);
  const cutDays = firstDays.filter((day) => day !== null && day !== validFrom && isWithin(day, validFrom, validTo));
  return cutDays.reduce((parts, day) => insertPeriod(parts, { ...delegation, validFrom: day }), [delegation]);
}

/** Builds the snapshot that other subgraphs keep of a matter: what applies on any day, past or future. */
export function buildDelegationFact(matter: Matter, organs: readonly OrganFact[]): EventPayload<'DelegationChanged'> {
  const { id, mainItem, subItem, powerType } = matter.row;
  const delegations = listDelegations(matter)
    .flatMap((delegation) => splitDelegation(matter, delegation))
    .map((delegation) =>
      deriveResponsibilities(matter, delegation, delegation.validFrom ?? delegation.validTo ?? ANY_DAY),
    );
  const namedOrgans = new Set(delegations.flatMap(listOrgans));
  return {
    matterId: id,
    mainItem,
    subItem,
    name: nameOf(matter.row),
    powerType,
    delegations,
    organs: organs.filter((organ) => namedOrgans.has(organ.id)),
    legalBases: matter.legalBases.map(({ text, validFrom, validTo }) => ({ text, validFrom, validTo })),
  };
}

/** A day within a period that has neither a first nor a last day. */
const ANY_DAY: Day = '2022-04-13';

/** Lists every organ that a delegation names. */
function listOrgans(fact: DelegationFact): (string | null)[] {
  const { accepts, examines, decides, seals, liable, supervises, industry } = fact;
  const assignedOrgans = [accepts, examines, decides, seals, liable, supervises].flatMap((assignment) => [
    assignment.organ,
    assignment.second,
  ]);
  return [...assignedOrgans, industry.city, industry.county];
}
