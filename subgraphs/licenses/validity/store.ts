import { type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { Day } from '../../kernel/day.ts';
import { IN_FORCE, type LicenseState, type ValidityState } from '../../kernel/license-acts.ts';
import { license } from '../tables.ts';

/** The rule of `stateOn` in SQL. No other statement applies the period to a state. */

/** The columns of a license or a version that decide on its state. */
export interface ValidityColumns {
  state: SQLWrapper;
  validFrom: SQLWrapper;
  validUntil: SQLWrapper;
  supersededFrom: SQLWrapper;
}

function isIn(state: SQLWrapper, states: readonly LicenseState[]): SQL {
  const list = states.map((one) => sql`${one}`);
  return sql`${state} in (${sql.join(list, sql`, `)})`;
}

/** SQL: the state on a day, by the rule of `stateOn`. */
export function buildStateOn(columns: ValidityColumns, day: Day): SQL<ValidityState> {
  const { state, validFrom, validUntil, supersededFrom } = columns;
  return sql`case when ${isIn(state, IN_FORCE)} and ${supersededFrom} <= ${day}::date then 'SUPERSEDED'
    when ${isIn(state, IN_FORCE)} and ${validUntil} < ${day}::date then 'LAPSED'
    when ${state} = 'VALID' and ${validFrom} > ${day}::date then 'NOT_YET_VALID' else ${state} end`;
}

/** Stored states from which the period may make another one. */
const ORIGINS: Partial<Record<ValidityState, readonly LicenseState[]>> = {
  SUPERSEDED: [...IN_FORCE, 'SUPERSEDED'],
  LAPSED: [...IN_FORCE, 'LAPSED'],
  NOT_YET_VALID: ['VALID'],
};

/** SQL condition: the state on a day is `wanted`. */
export function buildStateCondition(columns: ValidityColumns, wanted: ValidityState, day: Day): SQL {
  const stored = ORIGINS[wanted] ?? [wanted as LicenseState];
  return sql`(${isIn(columns.state, stored)} and ${buildStateOn(columns, day)} = ${wanted})`;
}

/**
 * SQL: the identifier of the current version of a license on a day. While a renewal waits for its first day, that is
 * the version before it.
 */
export function buildCurrentIdentifier(day: Day): SQL<string> {
  return sql`case when ${license.headFrom} > ${day}::date then ${license.earlierIdentifier} else ${license.headIdentifier} end`;
}
