import { type Day, within } from '../kernel/day.ts';
import type {
  Assignment,
  DelegationFact,
  EventPayload,
  LicenseAction,
  Mode,
  OrganFact,
  OutcomeFact,
  PowerType,
} from '../kernel/events.ts';

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
interface Period {
  validFrom: Day | null;
  validTo: Day | null;
}

/** A mode for a time, between a city and a county organ. */
export interface Delegation extends Period {
  mode: Mode;
  cityOrgan: string;
  countyOrgan: string;
}

/** The organ that supervises a matter on one level, for a time; organ null while nobody is named. */
export interface IndustryOrgan extends Period {
  level: 'CITY' | 'COUNTY';
  organ: string | null;
}

/** A matter with its delegations and industry organs through time. */
export interface Matter {
  row: Omit<MatterRow, 'mode' | 'validFrom' | 'cityIndustry' | 'countyIndustry'>;
  delegations: readonly Delegation[];
  industryOrgans: readonly IndustryOrgan[];
}

/** The sub-item, or the main item where there is none. */
export function nameOf(row: { mainItem: string; subItem: string | null }): string {
  return row.subItem ?? row.mainItem;
}

/** The delegation in force on a day, or null where the matter is not delegated then. */
export function delegationOn(matter: Matter, on: Day): Delegation | null {
  return matter.delegations.find((one) => within(on, one.validFrom, one.validTo)) ?? null;
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
function nearest(day: Day, { validFrom, validTo }: Period): Day {
  if (validFrom !== null && day < validFrom) return validFrom;
  return validTo !== null && validTo < day ? validTo : day;
}

const NO_INDUSTRY_ORGAN = '行业主管部门待明确：审批局不承担监管，须由办公室指定';

/** Who accepts, examines, decides, seals, is liable and supervises: derived from the mode, never typed in (实施方案二、三.5). */
export function responsibilities(matter: Matter, delegation: Delegation, on: Day): DelegationFact {
  const { mode, validFrom, validTo, cityOrgan: city, countyOrgan: county } = delegation;
  const industryOrgan = (level: 'CITY' | 'COUNTY') =>
    matter.industryOrgans.find((one) => one.level === level && within(on, one.validFrom, one.validTo))?.organ ?? null;
  const industry = { city: industryOrgan('CITY'), county: industryOrgan('COUNTY') };
  const organs = { cityOrgan: city, countyOrgan: county, industry };
  const base = { mode, validFrom, validTo, ...organs, runningCases: 'FOLLOW' as const };
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

/** The snapshot that other subgraphs keep of a matter. Industry organs are those of the day nearest to `on` in each period. */
export function factOf(matter: Matter, organs: readonly OrganFact[], on: Day): EventPayload<'DelegationChanged'> {
  const { id, mainItem, subItem, powerType, licenseAction, outcome, cityOrgan, countyOrgan } = matter.row;
  const delegations = matter.delegations.map((one) => responsibilities(matter, one, nearest(on, one)));
  const named = new Set([cityOrgan, countyOrgan]);
  for (const { accepts, examines, decides, seals, liable, supervises } of delegations) {
    for (const { organ, second } of [accepts, examines, decides, seals, liable, supervises]) {
      for (const one of [organ, second]) if (one !== null) named.add(one);
    }
  }
  return {
    matterId: id,
    mainItem,
    subItem,
    name: nameOf(matter.row),
    powerType,
    licenseAction,
    outcome,
    cityOrgan,
    countyOrgan,
    delegations,
    organs: organs.filter((organ) => named.has(organ.id)),
  };
}
