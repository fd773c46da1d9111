import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { listOwners, type Owner, readHeld } from '../../kernel/identity/co-ownership.ts';
import { maskCode } from '../../kernel/identity/identity.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { searchByCode } from '../../kernel/privacy/code-search-workflow.ts';
import { maskCodes } from '../../kernel/privacy/mask.ts';
import { requirePurpose, type StatedPurpose } from '../../kernel/privacy/purpose.ts';
import { buildReading, type ReadingObject } from '../../kernel/privacy/reading.ts';
import { addReading } from '../../kernel/privacy/reading-store.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findFile, type StoredFile } from '../act/file-store.ts';
import type { LicenseRecord } from '../act/record.ts';
import { listLicensesOfHolder } from '../list/store.ts';
import { findVersions, maySeeNumber, type StoredLicense } from '../store.ts';
import { findTaskWindows } from '../task/store.ts';
import { READING_POLICY } from './policy.ts';
import { findFileOwner } from './store.ts';
import { reading } from './tables.ts';

export interface ReadingDependencies {
  db: Database;
  now: Clock;
  /** Searches of one person by a code that find nothing, within 24 hours. */
  holderChecks: number;
}

/**
 * Records, for each holder, that a person other than the holders reads an object of a license. Refuses what
 * `requirePurpose` refuses.
 */
export async function recordReading(
  tx: Transaction,
  actor: Person,
  { number, holderCodes }: { number: string; holderCodes: readonly string[] },
  stated: StatedPurpose,
  object: { object: ReadingObject; objectId: string; at: Date },
): Promise<void> {
  const purpose = requirePurpose(stated, actor, 'ENDED');
  for (const holderCode of new Set(holderCodes))
    await addReading(
      tx,
      reading,
      buildReading(actor, purpose, { subject: number, number: printedNumber(number), holderCode }, object),
    );
}

/**
 * Returns a file by its digest, or null if there is none that `actor` may read. The holder reads the own versions. The
 * organs and the window of the license, the library and auditors read it for a purpose, which is committed before.
 * Refuses what `requirePurpose` refuses.
 */
export function openFile(
  { db, now }: ReadingDependencies,
  actor: Actor,
  { digest, stated, dryRun }: { digest: string; stated: StatedPurpose; dryRun: boolean },
): Promise<StoredFile | null> {
  return transact(db, dryRun, async (tx) => {
    const owner = await findFileOwner(tx, digest);
    if (!owner || actor.kind !== 'person' || !(await maySeeNumber(tx, actor, owner.number))) return null;
    const isHolder = actor.holderCode !== null && owner.currentHolderCodes.includes(actor.holderCode);
    // A license that was transferred: its earlier versions hold the code of somebody else.
    if (isHolder && !owner.holderCodes.includes(actor.holderCode ?? '')) return null;
    if (!isHolder) {
      await recordReading(tx, actor, owner, stated, { object: 'DOCUMENT', objectId: digest, at: now() });
    }
    return findFile(tx, digest);
  });
}

/**
 * Finds the newest licenses of a holder that a person may see, by the complete code, for a purpose. Refuses
 * ROLE_NOT_ALLOWED, and what `searchByCode` refuses.
 */
export function findHolderLicenses(
  deps: ReadingDependencies,
  actor: Actor,
  request: { code: string; stated: StatedPurpose; dryRun: boolean },
): Promise<StoredLicense[]> {
  const person = requireAllowed(READING_POLICY.findHolderLicenses, null, actor);
  const search = { ...request, phase: 'ENDED' as const };
  return searchByCode({ ...deps, table: reading }, person, search, async (tx, code) => {
    const licenses = await listLicensesOfHolder(tx, person, code, dayOf(deps.now()));
    return licenses.map((found) => {
      const { number, identifier } = found.version;
      return {
        found,
        subject: { subject: number, number: printedNumber(number), holderCode: code },
        objectId: identifier,
      };
    });
  });
}

/** The holders and the lines of a license: complete, or masked in a rehearsal. */
export interface Disclosure {
  holders: Owner[];
  fields: LicenseRecord['KZ_NR'];
}

/**
 * Discloses the holder's code and the lines of a license version for a purpose, and records it. Refuses
 * LICENSE_UNKNOWN, ROLE_NOT_ALLOWED, and what `requirePurpose` refuses.
 */
export async function discloseHolder(
  { db, now }: ReadingDependencies,
  actor: Actor,
  request: { identifier: string; stated: StatedPurpose; dryRun: boolean },
): Promise<Disclosure> {
  const { identifier, stated, dryRun } = request;
  const record = await transact(db, dryRun, async (tx) => {
    const [stored] = await findVersions(tx, 'identifier', [identifier], null);
    if (!stored) throw new Refusal('LICENSE_UNKNOWN', 'identifier');
    const { record, number } = stored.version;
    const { parties, window } = stored.license;
    const windows = [...(window === null ? [] : [window]), ...(await findTaskWindows(tx, number))];
    const person = requireAllowed(READING_POLICY.discloseHolder, { parties, windows }, actor);
    const subject = { number, holderCodes: listOwners(readHeld(record)).map(({ code }) => code) };
    await recordReading(tx, person, subject, stated, { object: 'CODE', objectId: identifier, at: now() });
    return record;
  });
  const holders = listOwners(readHeld(record));
  if (!dryRun) return { holders, fields: record.KZ_NR };
  return {
    holders: holders.map((holder) => ({ ...holder, code: maskCode(holder.code) })),
    fields: record.KZ_NR.map(({ label, text }) => ({ label: maskCodes(label), text: maskCodes(text) })),
  };
}
