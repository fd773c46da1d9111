import { and, eq, gte, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import { hasRole, type Person } from '../../kernel/actor.ts';
import { EVERYBODY, keysOfText, windowScope } from '../../kernel/finding/keys.ts';
import { contains, hasAll, hasAny, worthOfTexts } from '../../kernel/finding/keys-store.ts';
import { organsOf } from '../../kernel/organ/place.ts';
import { isHeldBy } from '../store.ts';
import { certificateTask, license } from '../tables.ts';
import { type DayRange, keysOfRange } from './finding.ts';

/** What a list of licenses looks for. All conditions that are not null must hold. Texts are folded. */
export interface LicenseQuery {
  /** A part of the number, the holder's name or the license's name. */
  text: string | null;
  /** A part of the holder's name. */
  holder: string | null;
  /** The complete type code, in capitals. */
  typeCode: string | null;
  /** Id of the issuing organ. */
  organ: string | null;
  validFrom: DayRange | null;
  validUntil: DayRange | null;
}

const { number, printed, name, holderName, typeCode, validFrom, validUntil } = license;
const ISSUER = sql`(${license.issuer} ->> 'id')`;
/** SQL: the keys of a license, exactly as the index has them. */
const KEYS = sql`licenses.find_keys(${license.parties}, ${license.window}, ${printed}, ${holderName}, ${name}, ${typeCode}, ${ISSUER}, ${validFrom}, ${validUntil})`;
const NUMBER = sql`licenses.fold_text(${printed})`;
const HOLDER = sql`licenses.fold_text(${holderName})`;
const NAME = sql`licenses.fold_text(${name})`;

/**
 * Returns the condition for the licenses of a query, answered by the index for the organs and the window of the
 * person. The licenses of a holder, and those on which a window's cases act, are few, and have an index of their own.
 */
export function buildQueryCondition(actor: Person, query: LicenseQuery): SQL | undefined {
  if (Object.values(query).every((condition) => condition === null)) return undefined;
  const { window, holderCode } = actor;
  const scopes = hasRole(actor, 'AUDITOR', 'LIBRARY')
    ? [EVERYBODY]
    : [...organsOf(actor), ...(window === null ? [] : [windowScope(window)])];
  const isFound = and(
    or(
      ...scopes.map((scope) => buildScopeCondition(scope, query)),
      holderCode === null ? undefined : isHeldBy(holderCode),
      window === null ? undefined : sql`${number} in ${buildTaskNumbers(window)}`,
      sql`false`,
    ),
    buildExactCondition(query),
  );
  // The array is computed first, and once: no plan walks all licenses in the order of the list to read their keys.
  return sql`${license.serial} = any(array(select serial from licenses.license where ${isFound}))`;
}

/** SQL: the numbers of the licenses on which cases act that a window accepted. */
function buildTaskNumbers(window: string): SQL {
  return sql`(select ${certificateTask.content} ->> 'licenseNumber' from ${certificateTask} where ${and(
    eq(certificateTask.window, window),
    isNull(certificateTask.voidedAt),
    sql`${certificateTask.content} ->> 'licenseNumber' is not null`,
  )})`;
}

function buildScopeCondition(scope: string, query: LicenseQuery): SQL | undefined {
  const { text, holder, validFrom: firstDays, validUntil: lastDays } = query;
  const keys = [
    ...(text === null ? [] : keysOfText(scope, text)),
    ...(holder === null ? [] : keysOfText(scope, holder)),
    ...(query.typeCode === null ? [] : [`${scope}|t:${query.typeCode}`]),
    ...(query.organ === null ? [] : [`${scope}|o:${query.organ}`]),
  ];
  return and(
    keys.length === 0 ? undefined : hasAll(KEYS, keys),
    firstDays === null ? undefined : hasAny(KEYS, keysOfRange(scope, 'f', firstDays)),
    lastDays === null ? undefined : hasAny(KEYS, keysOfRange(scope, 'u', lastDays)),
  );
}

/** SQL: what the keys tell roughly, exactly. */
function buildExactCondition(query: LicenseQuery): SQL | undefined {
  const { text, holder, validFrom: firstDays, validUntil: lastDays } = query;
  return and(
    text === null ? undefined : or(contains(NUMBER, text), contains(HOLDER, text), contains(NAME, text)),
    holder === null ? undefined : contains(HOLDER, holder),
    query.typeCode === null ? undefined : eq(typeCode, query.typeCode),
    query.organ === null ? undefined : sql`${ISSUER} = ${query.organ}`,
    ...isWithin(validFrom, firstDays),
    ...isWithin(validUntil, lastDays),
  );
}

/** SQL: a day is in a range. The sum keeps the index of days, which knows no scope, out of the plan. */
function isWithin(column: typeof validFrom | typeof validUntil, range: DayRange | null): (SQL | undefined)[] {
  if (range === null) return [];
  const { from, to } = range;
  const day = sql`(${column} + 0)`;
  return [from === null ? undefined : gte(day, from), to === null ? undefined : lte(day, to)];
}

/** SQL: how well a folded text finds a license by number or holder: 3 to 1, and 0 by the license's name. */
export function worthOf(folded: string): SQL<number> {
  return worthOfTexts([NUMBER, HOLDER], folded);
}
