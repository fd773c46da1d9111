import type { Day } from '../../kernel/day.ts';
import type { Mode, OrganFact, OutcomeFact, RunningCases } from '../../kernel/events/events.ts';
import type { LicenseAction } from '../../kernel/license-acts.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';
import {
  findIndustryOrgan,
  findLegalBasis,
  findPeriod,
  getOutcome,
  insertPeriod,
  type Matter,
  type Period,
} from '../matter.ts';

/** Maximum of periods in one history of a matter. */
export const MAX_PERIODS = 100;
/** The value of `mode` in a list that ends the delegation. */
export const END_MODE = 'END';

/** The values of a matter on a day, by the columns of a list. */
export interface MatterValues {
  /** Null before the matter was first delegated. */
  mode: Mode | typeof END_MODE | null;
  city_organ: string;
  county_organ: string;
  city_industry: string | null;
  county_industry: string | null;
  outcome_kind: OutcomeFact['kind'];
  outcome_name: string;
  license_type: string | null;
  validity_months: number | null;
  license_action: LicenseAction | null;
  legal_basis: string | null;
  legal_basis_source: string | null;
}
type Column = keyof MatterValues;

const DELEGATION_COLUMNS: readonly Column[] = ['mode', 'city_organ', 'county_organ'];
const OUTCOME_COLUMNS: readonly Column[] = [
  'outcome_kind',
  'outcome_name',
  'license_type',
  'validity_months',
  'license_action',
];
const BASIS_COLUMNS: readonly Column[] = ['legal_basis', 'legal_basis_source'];
const ORGAN_COLUMNS = ['city_organ', 'county_organ', 'city_industry', 'county_industry'] as const;

/** A parsed line of a list: what it sets for a matter from a day on. */
export interface ImportLine {
  /** As an editor counts: the header is line 1. */
  line: number;
  matterId: string;
  validFrom: Day;
  /** The values that the line sets. A column that is absent or empty leaves its value unchanged. */
  set: Partial<MatterValues>;
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

export function toProblem(line: number, { code, field, message }: Refusal): Problem {
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
export interface ImportResult {
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
  /** Organs whose end is known (机构改革). Absent: none. */
  ended?: ReadonlySet<string>;
  today: Day;
}

/** Applies the lines of a list, those of each matter from its earliest day on. */
export function applyList(lines: readonly ImportLine[], register: Register): ImportResult {
  const result: ImportResult = { changes: [], unchanged: 0, matters: [], problems: [] };
  for (const [id, ownLines] of Map.groupBy(lines, (line) => line.matterId)) {
    const original = register.matters.get(id);
    if (original === undefined) {
      const unknownRefusal = new Refusal('MATTER_UNKNOWN', 'matter');
      result.problems.push(...ownLines.map(({ line }) => toProblem(line, unknownRefusal)));
      continue;
    }
    let matter = original;
    for (const line of ownLines.toSorted((a, b) => (a.validFrom < b.validFrom ? -1 : 1))) {
      const refusals = validateLine(matter, line, register);
      const changedMatter = refusals.length > 0 ? matter : applyLine(matter, line);
      refusals.push(...checkPeriods(original, matter, changedMatter, line, register.today));
      if (refusals.length > 0) {
        result.problems.push(...refusals.map((refusal) => toProblem(line.line, refusal)));
      } else if (changedMatter === matter) {
        result.unchanged++;
      } else {
        result.changes.push(describeChange(matter, changedMatter, line));
        matter = changedMatter;
      }
    }
    if (matter !== original) result.matters.push(matter);
  }
  result.changes.sort((a, b) => a.line - b.line);
  return result;
}

/** Returns the values on a day, as a list would write them. */
function readValues(matter: Matter, on: Day): MatterValues {
  const period = findPeriod(matter.periods, on);
  const { outcome, licenseAction } = getOutcome(matter, on);
  const basis = findLegalBasis(matter, on);
  return {
    mode: period && (period.mode ?? END_MODE),
    city_organ: period?.cityOrgan ?? matter.row.cityOrgan,
    county_organ: period?.countyOrgan ?? matter.row.countyOrgan,
    city_industry: findIndustryOrgan(matter, 'CITY', on),
    county_industry: findIndustryOrgan(matter, 'COUNTY', on),
    outcome_kind: outcome.kind,
    outcome_name: outcome.name,
    license_type: outcome.licenseType,
    validity_months: outcome.validityMonths,
    license_action: licenseAction,
    legal_basis: basis?.text ?? null,
    legal_basis_source: basis?.source ?? null,
  };
}

/** Checks a line by itself: its organs, its mode, its outcome. */
function validateLine(matter: Matter, line: ImportLine, { organs, ended }: Register): Refusal[] {
  const { set, validFrom } = line;
  const values = readValues(matter, validFrom);
  const refusals = ORGAN_COLUMNS.flatMap((column) => {
    const organId = set[column];
    if (organId === undefined || organId === null) return [];
    if (ended?.has(organId)) return [new Refusal('ORGAN_OVER', column)];
    return checkOrgan(matter, column, organs.get(organId), organs);
  });
  const organColumns = (['city_organ', 'county_organ'] as const).filter((column) => set[column] !== undefined);
  if (set.mode === END_MODE) {
    const hasEnded = values.mode === END_MODE && findPeriod(matter.periods, validFrom)?.validFrom !== validFrom;
    if (values.mode === null || hasEnded) refusals.push(new Refusal('MODE_ENDS_NOTHING', 'mode'));
    refusals.push(...organColumns.map((column) => new Refusal('MODE_ENDS_ALONE', column)));
    if (line.runningCases === 'FOLLOW') refusals.push(new Refusal('MODE_ENDS_ALONE', 'running_cases'));
  } else if (organColumns.length > 0 && set.mode === undefined && (values.mode === null || values.mode === END_MODE)) {
    refusals.push(new Refusal('MODE_MISSING', 'mode'));
  }
  const outcome = OUTCOME_COLUMNS.some((column) => set[column] !== undefined)
    ? checkOutcome({ ...values, ...set })
    : [];
  return [...refusals, ...outcome, ...checkBasis(set)];
}

function checkOrgan(
  matter: Matter,
  column: (typeof ORGAN_COLUMNS)[number],
  organ: OrganFact | undefined,
  organs: ReadonlyMap<string, OrganFact>,
): Refusal[] {
  if (organ === undefined) return [new Refusal('ORGAN_UNKNOWN', column)];
  const printedOrgan = organs.get(column.startsWith('city') ? matter.row.cityOrgan : matter.row.countyOrgan);
  if (organ.level !== printedOrgan?.level) return [new Refusal('ORGAN_OF_ANOTHER_LEVEL', column)];
  return organ.divisionCode === printedOrgan.divisionCode ? [] : [new Refusal('ORGAN_OF_ANOTHER_DIVISION', column)];
}

/** A decision document has neither type nor validity and acts on no license; everything else has a type. */
function checkOutcome(values: MatterValues): Refusal[] {
  if (values.outcome_kind !== 'DECISION') {
    return values.license_type === null ? [new Refusal('OUTCOME_INCOHERENT', 'license_type', '证照须有类型代码')] : [];
  }
  const filledColumns = (['license_type', 'validity_months', 'license_action'] as const).filter(
    (column) => values[column] !== null,
  );
  return filledColumns.map((column) => new Refusal('OUTCOME_INCOHERENT', column, '决定文书此格须填 NONE'));
}

/** A basis says where it was taken from, and nothing has a source without a basis. */
function checkBasis({ legal_basis: text, legal_basis_source: source = null }: Partial<MatterValues>): Refusal[] {
  if (text == null) return source === null ? [] : [new Refusal('VALUE_MISSING', 'legal_basis')];
  return source === null ? [new Refusal('VALUE_MISSING', 'legal_basis_source')] : [];
}

/** Lists a matter's separate histories. */
function listHistories(matter: Matter): (readonly Period[])[] {
  const levelOrgans = (level: 'CITY' | 'COUNTY') => matter.industryOrgans.filter((entry) => entry.level === level);
  return [matter.periods, levelOrgans('CITY'), levelOrgans('COUNTY'), matter.outcomes, matter.legalBases];
}

/**
 * Checks that a line does not change the past. If it changes a history, its day must not be before the first day of the
 * period that is current at the time of import. Also checks that the histories stay within their limit.
 */
function checkPeriods(
  original: Matter,
  oldMatter: Matter,
  newMatter: Matter,
  { validFrom }: ImportLine,
  today: Day,
): Refusal[] {
  const findStart = (history: readonly Period[] = []) => history.find((entry) => entry.validFrom === validFrom);
  const histories = listHistories(newMatter);
  const rewriteRefusals = histories.flatMap((history, i) => {
    if (findStart(history) === findStart(listHistories(oldMatter)[i])) return [];
    const current =
      listHistories(original)[i]?.findLast((entry) => (entry.validFrom ?? '') <= today)?.validFrom ?? null;
    if (current === null || validFrom >= current) return [];
    return new Refusal('DAY_IN_CLOSED_PERIOD', 'valid_from', `现行期间自 ${current} 起`);
  });
  const isTooLong = histories.some((history) => history.length > MAX_PERIODS);
  const limitRefusals = isTooLong ? [new Refusal('HISTORY_TOO_LONG', 'valid_from', `最多 ${MAX_PERIODS} 段`)] : [];
  return [...rewriteRefusals.slice(0, 1), ...limitRefusals];
}

/** Applies a line to a matter. Returns the same object if the line repeats the current state. */
function applyLine(matter: Matter, { set, validFrom, runningCases }: ImportLine): Matter {
  const oldValues = readValues(matter, validFrom);
  const newValues = { ...oldValues, ...set };
  const differs = (columns: readonly Column[]) => columns.some((column) => newValues[column] !== oldValues[column]);
  const openPeriod = { validFrom, validTo: null };
  let changed = matter;
  const period = findPeriod(matter.periods, validFrom);
  const oldRunningCases = period?.validFrom === validFrom && period.mode !== null ? period.runningCases : null;
  const newRunningCases = newValues.mode === END_MODE ? 'STAY' : (runningCases ?? oldRunningCases ?? 'FOLLOW');
  if (differs(DELEGATION_COLUMNS) || (oldRunningCases !== null && newRunningCases !== oldRunningCases)) {
    const mode = newValues.mode === END_MODE ? null : newValues.mode;
    const organs = { cityOrgan: newValues.city_organ, countyOrgan: newValues.county_organ };
    changed = {
      ...changed,
      periods: insertPeriod(changed.periods, { mode, ...organs, runningCases: newRunningCases, ...openPeriod }),
    };
  }
  for (const [level, column] of [
    ['CITY', 'city_industry'],
    ['COUNTY', 'county_industry'],
  ] as const) {
    if (!differs([column])) continue;
    const otherOrgans = changed.industryOrgans.filter((entry) => entry.level !== level);
    const ownOrgans = changed.industryOrgans.filter((entry) => entry.level === level);
    changed = {
      ...changed,
      industryOrgans: [...otherOrgans, ...insertPeriod(ownOrgans, { level, organ: newValues[column], ...openPeriod })],
    };
  }
  if (differs(OUTCOME_COLUMNS)) {
    const outcome = {
      kind: newValues.outcome_kind,
      name: newValues.outcome_name,
      licenseType: newValues.license_type,
      validityMonths: newValues.validity_months,
    };
    const licenseAction = newValues.license_action;
    changed = { ...changed, outcomes: insertPeriod(changed.outcomes, { outcome, licenseAction, ...openPeriod }) };
  }
  if (differs(BASIS_COLUMNS)) {
    const { legal_basis: text } = newValues;
    const basis = { text, source: text === null ? null : newValues.legal_basis_source, isSample: false };
    changed = { ...changed, legalBases: insertPeriod(changed.legalBases, { ...basis, ...openPeriod }) };
  }
  return changed;
}

/** Describes what a line changed, column by column. */
function describeChange(oldMatter: Matter, newMatter: Matter, { line, matterId, validFrom }: ImportLine): MatterChange {
  const [oldValues, newValues] = [readValues(oldMatter, validFrom), readValues(newMatter, validFrom)];
  const period = findPeriod(newMatter.periods, validFrom);
  const findLastDay = (column: Column): Day | null => {
    if (DELEGATION_COLUMNS.includes(column)) return period?.validTo ?? null;
    if (OUTCOME_COLUMNS.includes(column)) return getOutcome(newMatter, validFrom).validTo;
    if (BASIS_COLUMNS.includes(column)) return findPeriod(newMatter.legalBases, validFrom)?.validTo ?? null;
    const level = column === 'city_industry' ? 'CITY' : 'COUNTY';
    const levelOrgans = newMatter.industryOrgans.filter((entry) => entry.level === level);
    return findPeriod(levelOrgans, validFrom)?.validTo ?? null;
  };
  const text = (value: string | number | null) => (value === null ? null : String(value));
  const fields: FieldChange[] = (Object.keys(newValues) as Column[])
    .filter((column) => newValues[column] !== oldValues[column])
    .map((column) => ({
      field: column,
      before: text(oldValues[column]),
      after: text(newValues[column]),
      validTo: findLastDay(column),
    }));
  const oldPeriod = oldMatter.periods.find((entry) => entry.validFrom === validFrom);
  if (oldPeriod?.mode && period?.mode && oldPeriod.runningCases !== period.runningCases) {
    const [oldChoice, newChoice] = [oldPeriod.runningCases, period.runningCases];
    fields.push({ field: 'running_cases', before: oldChoice, after: newChoice, validTo: period.validTo });
  }
  const changesDelegation = newMatter.periods !== oldMatter.periods;
  return { line, matterId, validFrom, runningCases: changesDelegation ? (period?.runningCases ?? null) : null, fields };
}
