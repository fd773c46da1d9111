import { type Day, within } from '../kernel/day.ts';
import type {
  Assignment,
  DelegationFact,
  EventPayload,
  Mode,
  OrganFact,
  OutcomeFact,
  PowerType,
  RunningCases,
} from '../kernel/events.ts';
import type { LicenseAction } from '../kernel/license-acts.ts';

/** One printed cell, to the letter. */
export interface PrintedCell {
  column: string;
  text: string;
}

/** One reading that departs from what is printed (更正); never silent. */
export interface Correction {
  field: string;
  printed: string;
  corrected: string;
  reason: string;
}

/** A matter (事项) as a list hands it over: one row of the plan, read with care. */
export interface MatterRow {
  id: string;
  annex: number;
  row: number;
  mainItem: string;
  subItem: string | null;
  powerType: PowerType;
  cityOrgan: string;
  countyOrgan: string;
  /** Industry organ (行业主管部门) of each level, or null where the office has yet to name it. */
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

/** What stands between a city and a county organ for a time; mode null: the matter is not delegated then, its mode has ended. */
export interface DelegationPeriod extends Period {
  mode: Mode | null;
  cityOrgan: string;
  countyOrgan: string;
  /** Whether cases that run when the period begins go over to its organs. */
  runningCases: RunningCases;
}

/** A mode for a time, between a city and a county organ (下放关系). */
export interface Delegation extends DelegationPeriod {
  mode: Mode;
}

/** The organ that supervises a matter on one level, for a time; organ null while nobody is named. */
export interface IndustryOrgan extends Period {
  level: 'CITY' | 'COUNTY';
  organ: string | null;
}

/** What a case of a matter does to a license and ends in, for a time. */
export interface OutcomePeriod extends Period {
  licenseAction: LicenseAction | null;
  outcome: OutcomeFact;
}

/** What no list changes: the matter as the plan has it, with its provenance. */
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

/** A matter with what stands for it through time; each history oldest first, without a gap from its first day on. */
export interface Matter {
  row: MatterEntry;
  periods: readonly DelegationPeriod[];
  industryOrgans: readonly IndustryOrgan[];
  /** Reaches back without a first day: there is an outcome on every day. */
  outcomes: readonly OutcomePeriod[];
}

/** The sub-item, or the main item where there is none. */
export function nameOf(row: { mainItem: string; subItem: string | null }): string {
  return row.subItem ?? row.mainItem;
}

/** The period that a day falls into, or null where the day is before them all. */
export function periodOn<One extends Period>(periods: readonly One[], on: Day): One | null {
  return periods.find((one) => within(on, one.validFrom, one.validTo)) ?? null;
}

/** Every delegation, oldest first. */
export function delegationsOf(matter: Matter): Delegation[] {
  return matter.periods.filter((one): one is Delegation => one.mode !== null);
}

/** The delegation in force on a day, or null where the matter is not delegated then. */
export function delegationOn(matter: Matter, on: Day): Delegation | null {
  return periodOn(delegationsOf(matter), on);
}

/** The industry organ (行业主管部门) of a level on a day, or null where none is named. */
export function industryOn(matter: Matter, level: 'CITY' | 'COUNTY', on: Day): string | null {
  const ofLevel = matter.industryOrgans.filter((one) => one.level === level);
  return periodOn(ofLevel, on)?.organ ?? null;
}

/** What a case of the matter ends in on a day. */
export function outcomeOn(matter: Matter, on: Day): OutcomePeriod {
  const found = periodOn(matter.outcomes, on);
  if (!found) throw new RangeError(`matter ${matter.row.id} has no outcome on ${on}`);
  return found;
}

/** A matter as a list first brings it in. Its outcome holds from ever: a case may end in nothing else. */
export function openMatter(given: MatterRow): Matter {
  const { mode, validFrom, cityIndustry, countyIndustry, licenseAction, outcome, ...row } = given;
  const { cityOrgan, countyOrgan } = given;
  const period = { validFrom, validTo: null };
  return {
    row,
    periods: [{ mode, cityOrgan, countyOrgan, runningCases: 'FOLLOW', ...period }],
    industryOrgans: [
      { level: 'CITY', organ: cityIndustry, ...period },
      { level: 'COUNTY', organ: countyIndustry, ...period },
    ],
    outcomes: [{ licenseAction, outcome, validFrom: null, validTo: null }],
  };
}

/**
 * The periods of one assignment after `next` is brought in: it replaces the period of the same first day, ends the one
 * before it, and ends itself where a later one begins. History stays (事项划转).
 */
export function succeed<One extends Period>(known: readonly One[], next: One): One[] {
  const periods = [...known.filter((one) => one.validFrom !== next.validFrom), next];
  periods.sort((a, b) => ((a.validFrom ?? '') < (b.validFrom ?? '') ? -1 : 1));
  return periods.map((one, i) => {
    const following = periods[i + 1]?.validFrom;
    return following ? { ...one, validTo: dayBefore(following) } : one;
  });
}

/** The day before. */
export function dayBefore(day: Day): Day {
  const noon = new Date(`${day}T12:00:00Z`);
  noon.setUTCDate(noon.getUTCDate() - 1);
  return noon.toISOString().slice(0, 10);
}

/** The day of a period that lies nearest to `day`. */
export function nearest(day: Day, { validFrom, validTo }: Period): Day {
  if (validFrom !== null && day < validFrom) return validFrom;
  return validTo !== null && validTo < day ? validTo : day;
}

const NO_INDUSTRY_ORGAN = '行业主管部门待明确：审批局不承担监管，须由办公室指定';

/** Who accepts, examines, decides, seals, is liable and supervises: derived from the mode, never typed in (实施方案二、三.5). */
export function responsibilities(matter: Matter, delegation: Delegation, on: Day): DelegationFact {
  const { mode, cityOrgan: city, countyOrgan: county } = delegation;
  const industry = { city: industryOn(matter, 'CITY', on), county: industryOn(matter, 'COUNTY', on) };
  const { outcome, licenseAction } = outcomeOn(matter, on);
  const base = { ...delegation, industry, outcome, licenseAction };
  const at = (organ: string | null, reason: string, more: Partial<Assignment> = {}): Assignment => ({
    organ,
    second: null,
    window: false,
    reason,
    ...more,
  });
  const supervises = (level: 'CITY' | 'COUNTY', clause: string) => {
    const organ = level === 'CITY' ? industry.city : industry.county;
    return organ === null ? at(null, NO_INDUSTRY_ORGAN) : at(organ, clause);
  };
  const atWindow = { second: city, window: true };
  switch (mode) {
    case 'DIRECT':
      return {
        ...base,
        accepts: at(county, '实施方案二（一）：由承接单位直接作出审批决定'),
        examines: at(county, '实施方案二（一）'),
        decides: at(county, '实施方案二（一）：直接作出审批决定'),
        seals: at(county, '由实施方案二（一）推定：谁决定，谁用印'),
        liable: at(county, '实施方案三.5：县级单位对审批结果负责'),
        supervises: supervises('COUNTY', '实施方案三.5：县级行业主管部门负责监管'),
      };
    case 'SUBSTANTIVE_REVIEW':
      return {
        ...base,
        accepts: at(county, '实施方案二：市县有同等受理、审核权；三.2：综合受理窗口', atWindow),
        examines: at(county, '实施方案二（二）：行使实质性审核权', { second: city }),
        decides: at(city, '由实施方案二（二）、三.5推定：报市级审批部门，市级审批单位对审批结果负责'),
        seals: at(city, '实施方案二（二）：加盖市级审批专用章'),
        liable: at(city, '实施方案三.5：市级审批单位对审批结果负责；县级单位履行实质性审核责任并承担属地法律责任', {
          second: county,
        }),
        supervises: supervises('CITY', '实施方案三.5：市级行业主管部门监管'),
      };
    case 'WINDOW_FORWARD':
      return {
        ...base,
        accepts: at(county, '实施方案二：市县有同等的受理权；二（三）：“市县同权”窗口受理', atWindow),
        examines: at(county, '实施方案二（三）：窗口工作人员开展形式性审查', atWindow),
        decides: at(city, '实施方案二（三）：转递市级主管部门办理'),
        seals: at(city, '由实施方案二（三）推定：谁决定，谁用印'),
        liable: at(city, '实施方案三.5：市级审批部门对审批结果负责'),
        supervises: supervises('CITY', '实施方案三.5：市级行业主管部门负责监管'),
      };
  }
}

/** A delegation cut where the matter's industry organs or outcome change within it: in each piece everything stands still. */
function pieces(matter: Matter, delegation: Delegation): Delegation[] {
  const { validFrom, validTo } = delegation;
  const begins = [...matter.industryOrgans, ...matter.outcomes].map((one) => one.validFrom);
  const cuts = begins.filter((day) => day !== null && day !== validFrom && within(day, validFrom, validTo));
  return cuts.reduce((cut, day) => succeed(cut, { ...delegation, validFrom: day }), [delegation]);
}

/** The snapshot that other subgraphs keep of a matter: what stands on any day, past or to come. */
export function factOf(matter: Matter, organs: readonly OrganFact[]): EventPayload<'DelegationChanged'> {
  const { id, mainItem, subItem, powerType } = matter.row;
  const delegations = delegationsOf(matter)
    .flatMap((one) => pieces(matter, one))
    .map((one) => responsibilities(matter, one, one.validFrom ?? one.validTo ?? ALWAYS));
  const named = new Set(delegations.flatMap(organsOf));
  return {
    matterId: id,
    mainItem,
    subItem,
    name: nameOf(matter.row),
    powerType,
    delegations,
    organs: organs.filter((organ) => named.has(organ.id)),
  };
}

/** A day of a period that has neither a first nor a last. */
const ALWAYS: Day = '2022-04-13';

/** Every organ that a delegation names. */
function organsOf(fact: DelegationFact): (string | null)[] {
  const { accepts, examines, decides, seals, liable, supervises, industry } = fact;
  const charged = [accepts, examines, decides, seals, liable, supervises].flatMap((one) => [one.organ, one.second]);
  return [...charged, industry.city, industry.county];
}
