import type { Day } from '../../kernel/day.ts';
import type { Mode, OrganFact, OutcomeFact, RunningCases } from '../../kernel/events.ts';
import type { LicenseAction } from '../../kernel/license-acts.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';
import { industryOn, type Matter, outcomeOn, type Period, periodOn, succeed } from '../matter.ts';

/** Maximum of periods in one history of a matter. */
export const PERIODS_MOST = 100;
/** The value of `mode` in a list that ends the delegation. */
export const END = 'END';

/** The values of a matter on a day, by the columns of a list. */
export interface Values {
  /** Null before the matter was first delegated. */
  mode: Mode | typeof END | null;
  city_organ: string;
  county_organ: string;
  city_industry: string | null;
  county_industry: string | null;
  outcome_kind: OutcomeFact['kind'];
  outcome_name: string;
  license_type: string | null;
  validity_months: number | null;
  license_action: LicenseAction | null;
}
type Column = keyof Values;

const DELEGATION: readonly Column[] = ['mode', 'city_organ', 'county_organ'];
const OUTCOME: readonly Column[] = [
  'outcome_kind',
  'outcome_name',
  'license_type',
  'validity_months',
  'license_action',
];
const ORGANS = ['city_organ', 'county_organ', 'city_industry', 'county_industry'] as const;

/** A parsed line of a list: what it sets for a matter from a day on. */
export interface ImportLine {
  /** As an editor counts: the header is line 1. */
  line: number;
  matterId: string;
  validFrom: Day;
  /** The values that the line sets. A column that is absent or empty leaves its value unchanged. */
  set: Partial<Values>;
  /** Null if the line does not say. */
  runningCases: RunningCases | null;
}

/** What is wrong with a line, and where. */
export interface Problem {
  line: number;
  column: string | null;
  code: RefusalCode;
  /** A sentence for a person, in Chinese. */
  message: string;
}

export function problemOf(line: number, { code, field, message }: Refusal): Problem {
  return { line, column: field, code, message };
}

/** What one column of a line changes. Values are written as in a list, null if there is none. */
export interface FieldChange {
  field: string;
  before: string | null;
  after: string | null;
  /** Last day of the new value if a later period exists, else null. */
  validTo: Day | null;
}

/** What one line changes. */
export interface MatterChange {
  line: number;
  matterId: string;
  validFrom: Day;
  /** Whether the matter's running cases move to the new organs; null if the line does not change the delegation. */
  runningCases: RunningCases | null;
  fields: FieldChange[];
}

/** The result of applying a list. If there is a problem, the rest does not count. */
export interface Verdict {
  /** In the order of the lines. */
  changes: MatterChange[];
  /** Number of lines that repeat the current state. */
  unchanged: number;
  /** Each changed matter with its new histories. */
  matters: Matter[];
  problems: Problem[];
}

/** What the lines are checked against: the current matters and organs, by id. */
export interface Register {
  matters: ReadonlyMap<string, Matter>;
  organs: ReadonlyMap<string, OrganFact>;
  today: Day;
}

/** Applies the lines of a list, those of each matter from its earliest day on. */
export function applyList(lines: readonly ImportLine[], register: Register): Verdict {
  const verdict: Verdict = { changes: [], unchanged: 0, matters: [], problems: [] };
  for (const [id, own] of Map.groupBy(lines, (line) => line.matterId)) {
    const known = register.matters.get(id);
    if (known === undefined) {
      const unknown = new Refusal('MATTER_UNKNOWN', 'matter');
      verdict.problems.push(...own.map(({ line }) => problemOf(line, unknown)));
      continue;
    }
    let matter = known;
    for (const line of own.toSorted((a, b) => (a.validFrom < b.validFrom ? -1 : 1))) {
      const refusals = checkLine(matter, line, register);
      const after = refusals.length > 0 ? matter : bringIn(matter, line);
      refusals.push(...checkPeriods(known, matter, after, line, register.today));
      if (refusals.length > 0) {
        verdict.problems.push(...refusals.map((refusal) => problemOf(line.line, refusal)));
      } else if (after === matter) {
        verdict.unchanged++;
      } else {
        verdict.changes.push(describe(matter, after, line));
        matter = after;
      }
    }
    if (matter !== known) verdict.matters.push(matter);
  }
  verdict.changes.sort((a, b) => a.line - b.line);
  return verdict;
}

/** Returns the values on a day, as a list would write them. */
function valuesOn(matter: Matter, on: Day): Values {
  const period = periodOn(matter.periods, on);
  const { outcome, licenseAction } = outcomeOn(matter, on);
  return {
    mode: period && (period.mode ?? END),
    city_organ: period?.cityOrgan ?? matter.row.cityOrgan,
    county_organ: period?.countyOrgan ?? matter.row.countyOrgan,
    city_industry: industryOn(matter, 'CITY', on),
    county_industry: industryOn(matter, 'COUNTY', on),
    outcome_kind: outcome.kind,
    outcome_name: outcome.name,
    license_type: outcome.licenseType,
    validity_months: outcome.validityMonths,
    license_action: licenseAction,
  };
}

/** Checks a line by itself: its organs, its mode, its outcome. */
function checkLine(matter: Matter, line: ImportLine, { organs }: Register): Refusal[] {
  const { set, validFrom } = line;
  const before = valuesOn(matter, validFrom);
  const refusals = ORGANS.flatMap((column) => {
    const named = set[column];
    return named === undefined || named === null ? [] : checkOrgan(matter, column, organs.get(named), organs);
  });
  const movesOrgans = (['city_organ', 'county_organ'] as const).filter((column) => set[column] !== undefined);
  if (set.mode === END) {
    const ended = before.mode === END && periodOn(matter.periods, validFrom)?.validFrom !== validFrom;
    if (before.mode === null || ended) refusals.push(new Refusal('MODE_ENDS_NOTHING', 'mode'));
    refusals.push(...movesOrgans.map((column) => new Refusal('MODE_ENDS_ALONE', column)));
    if (line.runningCases === 'FOLLOW') refusals.push(new Refusal('MODE_ENDS_ALONE', 'running_cases'));
  } else if (movesOrgans.length > 0 && set.mode === undefined && (before.mode === null || before.mode === END)) {
    refusals.push(new Refusal('MODE_MISSING', 'mode'));
  }
  const outcome = OUTCOME.some((column) => set[column] !== undefined) ? checkOutcome({ ...before, ...set }) : [];
  return [...refusals, ...outcome];
}

function checkOrgan(
  matter: Matter,
  column: (typeof ORGANS)[number],
  named: OrganFact | undefined,
  organs: ReadonlyMap<string, OrganFact>,
): Refusal[] {
  if (named === undefined) return [new Refusal('ORGAN_UNKNOWN', column)];
  const printed = organs.get(column.startsWith('city') ? matter.row.cityOrgan : matter.row.countyOrgan);
  if (named.level !== printed?.level) return [new Refusal('ORGAN_OF_ANOTHER_LEVEL', column)];
  return named.divisionCode === printed.divisionCode ? [] : [new Refusal('ORGAN_OF_ANOTHER_DIVISION', column)];
}

/** A decision document has neither type nor validity and acts on no license; everything else has a type. */
function checkOutcome(after: Values): Refusal[] {
  if (after.outcome_kind !== 'DECISION') {
    return after.license_type === null ? [new Refusal('OUTCOME_INCOHERENT', 'license_type', '证照须有类型代码')] : [];
  }
  const filled = (['license_type', 'validity_months', 'license_action'] as const).filter((one) => after[one] !== null);
  return filled.map((column) => new Refusal('OUTCOME_INCOHERENT', column, '决定文书此格须填 NONE'));
}

/** Lists a matter's separate histories. */
function historiesOf(matter: Matter): (readonly Period[])[] {
  const ofLevel = (level: 'CITY' | 'COUNTY') => matter.industryOrgans.filter((one) => one.level === level);
  return [matter.periods, ofLevel('CITY'), ofLevel('COUNTY'), matter.outcomes];
}

/**
 * Checks that a line does not change the past. If it changes a history, its day must not be before the first day of the
 * period that is current at the time of import. Also checks that the histories stay within their limit.
 */
function checkPeriods(known: Matter, before: Matter, after: Matter, { validFrom }: ImportLine, today: Day): Refusal[] {
  const begins = (history: readonly Period[] = []) => history.find((one) => one.validFrom === validFrom);
  const histories = historiesOf(after);
  const rewritten = histories.flatMap((history, i) => {
    if (begins(history) === begins(historiesOf(before)[i])) return [];
    const current = historiesOf(known)[i]?.findLast((one) => (one.validFrom ?? '') <= today)?.validFrom ?? null;
    if (current === null || validFrom >= current) return [];
    return new Refusal('DAY_IN_CLOSED_PERIOD', 'valid_from', `现行期间自 ${current} 起`);
  });
  const tooLong = histories.some((history) => history.length > PERIODS_MOST);
  const limit = tooLong ? [new Refusal('HISTORY_TOO_LONG', 'valid_from', `最多 ${PERIODS_MOST} 段`)] : [];
  return [...rewritten.slice(0, 1), ...limit];
}

/** Applies a line to a matter. Returns the same object if the line repeats the current state. */
function bringIn(matter: Matter, { set, validFrom, runningCases }: ImportLine): Matter {
  const before = valuesOn(matter, validFrom);
  const after = { ...before, ...set };
  const differs = (columns: readonly Column[]) => columns.some((column) => after[column] !== before[column]);
  const next = { validFrom, validTo: null };
  let changed = matter;
  const period = periodOn(matter.periods, validFrom);
  const corrected = period?.validFrom === validFrom && period.mode !== null ? period.runningCases : null;
  const follow = after.mode === END ? 'STAY' : (runningCases ?? corrected ?? 'FOLLOW');
  if (differs(DELEGATION) || (corrected !== null && follow !== corrected)) {
    const mode = after.mode === END ? null : after.mode;
    const organs = { cityOrgan: after.city_organ, countyOrgan: after.county_organ };
    changed = { ...changed, periods: succeed(changed.periods, { mode, ...organs, runningCases: follow, ...next }) };
  }
  for (const [level, column] of [
    ['CITY', 'city_industry'],
    ['COUNTY', 'county_industry'],
  ] as const) {
    if (!differs([column])) continue;
    const others = changed.industryOrgans.filter((one) => one.level !== level);
    const own = changed.industryOrgans.filter((one) => one.level === level);
    changed = { ...changed, industryOrgans: [...others, ...succeed(own, { level, organ: after[column], ...next })] };
  }
  if (differs(OUTCOME)) {
    const outcome = {
      kind: after.outcome_kind,
      name: after.outcome_name,
      licenseType: after.license_type,
      validityMonths: after.validity_months,
    };
    const licenseAction = after.license_action;
    changed = { ...changed, outcomes: succeed(changed.outcomes, { outcome, licenseAction, ...next }) };
  }
  return changed;
}

/** Describes what a line changed, column by column. */
function describe(before: Matter, after: Matter, { line, matterId, validFrom }: ImportLine): MatterChange {
  const [was, is] = [valuesOn(before, validFrom), valuesOn(after, validFrom)];
  const period = periodOn(after.periods, validFrom);
  const endOf = (column: Column): Day | null => {
    if (DELEGATION.includes(column)) return period?.validTo ?? null;
    if (OUTCOME.includes(column)) return outcomeOn(after, validFrom).validTo;
    const level = column === 'city_industry' ? 'CITY' : 'COUNTY';
    const ofLevel = after.industryOrgans.filter((one) => one.level === level);
    return periodOn(ofLevel, validFrom)?.validTo ?? null;
  };
  const text = (value: string | number | null) => (value === null ? null : String(value));
  const fields: FieldChange[] = (Object.keys(is) as Column[])
    .filter((column) => is[column] !== was[column])
    .map((column) => ({
      field: column,
      before: text(was[column]),
      after: text(is[column]),
      validTo: endOf(column),
    }));
  const old = before.periods.find((one) => one.validFrom === validFrom);
  if (old?.mode && period?.mode && old.runningCases !== period.runningCases) {
    const [from, to] = [old.runningCases, period.runningCases];
    fields.push({ field: 'running_cases', before: from, after: to, validTo: period.validTo });
  }
  const delegates = after.periods !== before.periods;
  return { line, matterId, validFrom, runningCases: delegates ? (period?.runningCases ?? null) : null, fields };
}
