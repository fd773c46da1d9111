import { and, arrayContains, asc, eq, exists, inArray, or, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import { hasRole, type Person } from '../kernel/actor.ts';
import type { Day } from '../kernel/day.ts';
import type { ValidityState } from '../kernel/license-acts.ts';
import { organsOf } from '../kernel/organ/place.ts';
import { textArray } from '../kernel/organ/place-store.ts';
import { stateOn } from '../kernel/period/validity.ts';
import type { LicenseHead } from './license.ts';
import * as tables from './tables.ts';

const { act, certificateTask, license, licenseVersion } = tables;

/** A version with the license it belongs to. */
export interface StoredLicense {
  license: typeof license.$inferSelect;
  version: typeof licenseVersion.$inferSelect;
}

/** Returns the state of a stored version on a day. */
export function stateOfVersion({ version }: Pick<StoredLicense, 'version'>, day: Day): ValidityState {
  return stateOn(version.state, version, day);
}

/** Maps a stored version to what the state machine needs on a day. */
export function toHead(stored: StoredLicense, day: Day): LicenseHead {
  const { number, identifier, version: count, state: storedState, record } = stored.version;
  const { issuer, parties, counters, window } = stored.license;
  const state = stateOfVersion(stored, day);
  return { number, identifier, version: count, state, storedState, record, issuer, parties, counters, window };
}

/** SQL: the cases that a window accepted and that act, or acted, on the license of the outer query. */
function buildTaskQuery(window: string): SQL {
  return sql`(select 1 from ${certificateTask} where ${certificateTask.content}->>'licenseNumber' = ${license.number}
    and ${certificateTask.window} = ${window} and ${certificateTask.voidedAt} is null)`;
}

/** SQL: the license has a holder with this code today. */
export function isHeldBy(code: string): SQL | undefined {
  return or(eq(license.holderCode, code), arrayContains(license.coHolderCodes, [code]));
}

/** SQL: a version names a holder with this code. */
function isVersionHeldBy(record: SQLWrapper, code: string): SQL | undefined {
  const coHolder = JSON.stringify([{ CZZTDM: code }]);
  return or(sql`${record} ->> 'CZZTDM' = ${code}`, sql`${record} -> 'KZ_GY' -> 'GYR' @> ${coHolder}::jsonb`);
}

/**
 * SQL condition for the versions that a person may see: joins `license` and `version`.
 * Readers of a license are its holders, its organs, the window that accepted a case of it, the library and auditors.
 * The versions before a transfer are of another holder, so the holder does not see them.
 */
export function buildVisibilityCondition(
  actor: Person,
  version: { record: SQLWrapper } = licenseVersion,
): SQL | undefined {
  if (hasRole(actor, 'AUDITOR', 'LIBRARY')) return undefined;
  return or(
    actor.holderCode === null
      ? undefined
      : and(isHeldBy(actor.holderCode), isVersionHeldBy(version.record, actor.holderCode)),
    buildOfficeCondition({ organs: organsOf(actor), window: actor.window }),
  );
}

/** SQL condition for the licenses that an office reads: those of its organs, and those with cases of its window. */
export function buildOfficeCondition({ organs, window }: { organs: readonly string[]; window: string | null }) {
  return or(
    organs.length === 0 ? undefined : sql`${license.parties} && ${textArray(organs)}`,
    window === null ? undefined : eq(license.window, window),
    window === null ? undefined : exists(buildTaskQuery(window)),
    sql`false`,
  );
}

/** Finds versions that a person may see, by values of a column, oldest first. Null as `actor` is a public reader. */
export function findVersions(
  db: Reader,
  by: 'identifier' | 'number' | 'caseId',
  values: readonly string[],
  actor: Person | null,
): Promise<StoredLicense[]> {
  return db
    .select({ license, version: licenseVersion })
    .from(licenseVersion)
    .innerJoin(license, eq(license.number, licenseVersion.number))
    .where(and(inArray(licenseVersion[by], [...values]), actor === null ? undefined : buildVisibilityCondition(actor)))
    .orderBy(asc(licenseVersion.number), asc(licenseVersion.version));
}

/** Returns for each case the identifier of the version that its act made or acted on. */
export async function findIdentifiersByCase(db: Reader, caseIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .select({ caseId: act.caseId, identifier: act.identifier })
    .from(act)
    .where(and(inArray(act.caseId, [...caseIds]), eq(act.state, 'DONE')));
  return new Map(rows.map((row) => [row.caseId ?? '', row.identifier]));
}

/** Locks a license until the transaction ends. Returns its current version, or null if there is no such license. */
export async function lockHead(tx: Transaction, number: string): Promise<StoredLicense | null> {
  const isHead = eq(licenseVersion.identifier, license.headIdentifier);
  const ofNumber = eq(license.number, number);
  // Two queries, because a join that locks would read the version that was current before it got the lock.
  const [[lockedRow], [headRow]] = await inOrder(tx, [
    (tx) => tx.select().from(license).where(ofNumber).for('update'),
    (tx) => tx.select({ version: licenseVersion }).from(license).innerJoin(licenseVersion, isHead).where(ofNumber),
  ]);
  if (!lockedRow) return null;
  if (!headRow) throw new Error(`license ${number} has no version ${lockedRow.headIdentifier}`);
  return { license: lockedRow, version: headRow.version };
}

/** Returns the identifiers of the newest versions by license number. */
export async function findHeadIdentifiers(db: Reader, numbers: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .select({ number: license.number, identifier: license.headIdentifier })
    .from(license)
    .where(inArray(license.number, [...numbers]));
  return new Map(rows.map((row) => [row.number, row.identifier]));
}

/** Whether a person may see the current version under `number`. */
export async function maySeeNumber(db: Reader, actor: Person, number: string): Promise<boolean> {
  const rows = await db
    .select({ number: license.number })
    .from(license)
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, license.headIdentifier))
    .where(and(eq(license.number, number), buildVisibilityCondition(actor)));
  return rows.length > 0;
}
