import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { type DeliveryInput, readDelivery, requireDelivery } from '../../kernel/delivery/delivery.ts';
import { requirePrintableRecipients } from '../../kernel/delivery/recipients.ts';
import { redrive } from '../../kernel/events/outbox-store.ts';
import type { Act } from '../../kernel/license-acts.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { LIBRARY_CONSUMERS, licenseStream, messages } from '../act/event-store.ts';
import * as ledger from '../act/ledger-store.ts';
import { lockCurrentVersion, lockLicenseOf } from '../act/prepare-workflow.ts';
import { LICENSES_POLICY } from '../policy.ts';
import { registerStream } from '../register/store.ts';
import * as store from '../store.ts';
import { findService } from '../task/store.ts';
import { lockBlank, lockBlanks } from './blank-store.ts';
import { lockPrintedSheets, lockSheet, type SheetOnDay } from './store.ts';

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

function requireSheet(sheet: SheetOnDay | null): SheetOnDay {
  if (!sheet) throw new Error('the sheet is gone');
  return sheet;
}

/**
 * Records that the paper of a current version reached its holder (送达): the named sheet, and with it every printed one
 * of the version, original and duplicates together. Returns the named sheet.
 * Refuses what `requireDelivery` refuses.
 */
export function deliverSheet(
  deps: HandoverDependencies,
  actor: Actor,
  { identifier, blankNumber, delivery: input = null, dryRun }: SheetInput & { delivery?: DeliveryInput | null },
): Promise<SheetOnDay> {
  return transact(deps.db, dryRun, async (tx) => {
    const at = deps.now();
    const today = dayOf(at);
    const stored = await lockCurrentVersion(tx, identifier, today);
    const head = store.toHead(stored, today);
    const clerk = requireAllowed(LICENSES_POLICY.deliverCertificate, { head }, actor);
    await lockBlank(tx, blankNumber);
    const sheet = await lockSheet(tx, { blankNumber, identifier }, today);
    const { number, caseId } = stored.version;
    const receivers = { addressee: head.record.CZZT, service: await findService(tx, caseId) };
    checkAll(
      () => requireAllowed(LICENSES_POLICY.deliverCertificate, { head, sheet }, actor),
      () => requireDelivery(input, head.record.KZ_CZ as Act, { receivers, on: today }),
      () => requirePrintableRecipients(input),
      () => requireOfPaper(input),
    );
    const blankNumbers = await lockPrintedSheets(tx, identifier);
    await lockBlanks(tx, blankNumbers);
    const delivery = readDelivery(input, receivers);
    const handover = { identifier, blankNumbers, number, caseId, delivery };
    await ledger.enterDelivered(tx, handover, clerk.name, at);
    return requireSheet(await lockSheet(tx, { blankNumber, identifier }, today));
  });
}

/** Refuses FIELD_MALFORMED for paper that is delivered electronically. */
function requireOfPaper(input: DeliveryInput | null): void {
  if (input?.method === 'ELECTRONIC')
    throw new Refusal('FIELD_MALFORMED', 'delivery.method', '纸质证照不能以电子方式送达');
}

/** Records that a sheet of a version out of force came back (收回). The version may be any one under its number. */
export function recallSheet(
  deps: HandoverDependencies,
  actor: Actor,
  { identifier, blankNumber, dryRun }: SheetInput,
): Promise<SheetOnDay> {
  return transact(deps.db, dryRun, async (tx) => {
    const stored = await lockLicenseOf(tx, identifier);
    const at = deps.now();
    const today = dayOf(at);
    const head = store.toHead(stored, today);
    requireAllowed(LICENSES_POLICY.recallCertificate, { head }, actor);
    await lockBlank(tx, blankNumber);
    const lockedSheet = await lockSheet(tx, { blankNumber, identifier }, today);
    const clerk = requireAllowed(LICENSES_POLICY.recallCertificate, { head, sheet: lockedSheet }, actor);
    await ledger.enterRecalled(tx, { identifier, blankNumber }, clerk.name, at);
    return requireSheet(await lockSheet(tx, { blankNumber, identifier }, today));
  });
}

/**
 * Sends the waiting acts of a license, and what the register stated of it, to the city library now.
 * Refuses IDENTIFIER_INVALID, LICENSE_UNKNOWN, ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER, and COLLECTION_NOT_FAILED if
 * nothing waits.
 */
export function redriveCollection(
  deps: HandoverDependencies,
  actor: Actor,
  { identifier, dryRun }: { identifier: string; dryRun: boolean },
): Promise<void> {
  return transact(deps.db, dryRun, async (tx) => {
    const stored = await lockLicenseOf(tx, identifier);
    requireAllowed(LICENSES_POLICY.redriveCollection, { head: store.toHead(stored, dayOf(deps.now())) }, actor);
    const { number } = stored.license;
    const { changes, statements } = LIBRARY_CONSUMERS;
    const hasActs = await redrive(tx, messages, changes, licenseStream(number));
    const hasStatements = await redrive(tx, messages, statements, registerStream(number));
    if (!hasActs && !hasStatements) throw new Refusal('COLLECTION_NOT_FAILED', 'identifier');
  });
}
