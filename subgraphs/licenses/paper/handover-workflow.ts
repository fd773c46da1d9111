import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { redrive } from '../../kernel/events/outbox-store.ts';
import { requireLicenseIdentifier } from '../../kernel/identifier.ts';
import { requireAllowed, requireOrgan } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import * as ledger from '../act/ledger-store.ts';
import { lockCurrentLicense } from '../act/prepare-workflow.ts';
import { LICENSES_POLICY } from '../policy.ts';
import * as store from '../store.ts';
import { listBlankNumbers } from './paper.ts';
import { lockBlank, lockSheet, type SheetRow } from './store.ts';

/** Dependencies of the delivery and recall of paper. */
export interface HandoverDependencies {
  db: Database;
  now: Clock;
}

export interface SheetInput {
  identifier: string;
  blankNumber: string;
  dryRun: boolean;
}

function requireSheet(sheet: SheetRow | null): SheetRow {
  if (!sheet) throw new Error('the sheet is gone');
  return sheet;
}

/** Records that the paper certificate of the current version reached its holder (送达). */
export function deliverSheet(
  deps: HandoverDependencies,
  actor: Actor,
  { identifier, blankNumber, dryRun }: SheetInput,
): Promise<SheetRow> {
  return transact(deps.db, dryRun, async (tx) => {
    const stored = await lockCurrentLicense(tx, identifier);
    const head = store.toHead(stored);
    requireAllowed(LICENSES_POLICY.deliverCertificate, { head }, actor);
    await lockBlank(tx, blankNumber);
    const sheet = await lockSheet(tx, blankNumber, identifier);
    const clerk = requireAllowed(LICENSES_POLICY.deliverCertificate, { head, sheet }, actor);
    const { number, caseId } = stored.version;
    await ledger.enterSheet(tx, { identifier, blankNumber, number, caseId }, 'DELIVERED', clerk.name, deps.now());
    return requireSheet(await lockSheet(tx, blankNumber, identifier));
  });
}

/** Records that a sheet of a version out of force came back (收回). The version may be any one under its number. */
export function recallSheet(
  deps: HandoverDependencies,
  actor: Actor,
  { identifier, blankNumber, dryRun }: SheetInput,
): Promise<SheetRow> {
  return transact(deps.db, dryRun, async (tx) => {
    const { serial } = requireLicenseIdentifier(identifier, 'identifier');
    const stored = await store.lockHead(tx, serial);
    if (!stored) throw new Refusal('LICENSE_UNKNOWN', 'identifier');
    const head = store.toHead(stored);
    requireAllowed(LICENSES_POLICY.recallCertificate, { head }, actor);
    await lockBlank(tx, blankNumber);
    const lockedSheet = await lockSheet(tx, blankNumber, identifier);
    const clerk = requireAllowed(LICENSES_POLICY.recallCertificate, { head, sheet: lockedSheet }, actor);
    const sheet = { identifier, blankNumber, number: serial, caseId: null };
    await ledger.enterSheet(tx, sheet, 'RECALLED', clerk.name, deps.now());
    return requireSheet(await lockSheet(tx, blankNumber, identifier));
  });
}

/** Takes numbered blanks into the stock of the keeper's organ. Returns how many. */
export async function receiveBlanks(
  deps: HandoverDependencies,
  actor: Actor,
  range: { prefix: string; from: number; to: number; dryRun: boolean },
): Promise<number> {
  const keeper = requireAllowed(LICENSES_POLICY.receiveBlanks, null, actor);
  const organ = requireOrgan(keeper);
  const numbers = listBlankNumbers(range.prefix, range.from, range.to);
  const entry = { actor: keeper.name, at: deps.now() };
  await transact(deps.db, range.dryRun, (tx) => ledger.receiveBlanks(tx, numbers, organ, entry));
  return numbers.length;
}

/**
 * Sends the waiting acts of a license to the city library now.
 * Refuses IDENTIFIER_INVALID, LICENSE_UNKNOWN, ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER, and COLLECTION_NOT_FAILED if
 * nothing waits.
 */
export function redriveCollection(
  deps: HandoverDependencies,
  actor: Actor,
  { identifier, dryRun }: { identifier: string; dryRun: boolean },
): Promise<void> {
  return transact(deps.db, dryRun, async (tx) => {
    const { serial } = requireLicenseIdentifier(identifier, 'identifier');
    const stored = await store.lockHead(tx, serial);
    if (!stored) throw new Refusal('LICENSE_UNKNOWN', 'identifier');
    requireAllowed(LICENSES_POLICY.redriveCollection, { head: store.toHead(stored) }, actor);
    const hasWaiting = await redrive(tx, ledger.messages, 'library', ledger.licenseStream(serial));
    if (!hasWaiting) throw new Refusal('COLLECTION_NOT_FAILED', 'identifier');
  });
}
