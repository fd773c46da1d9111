import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { type DeliveryInput, readDelivery } from '../../kernel/delivery/delivery.ts';
import { redrive } from '../../kernel/events/outbox-store.ts';
import { requirePrintableText } from '../../kernel/pdf/document.ts';
import { requireAllowed, requireOrgan } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { LIBRARY_CONSUMERS, licenseStream, messages } from '../act/event-store.ts';
import * as ledger from '../act/ledger-store.ts';
import { lockCurrentVersion, lockLicenseOf } from '../act/prepare-workflow.ts';
import { subjectOfBlanks } from '../countersign/countersign.ts';
import { countersign, lockWaiting } from '../countersign/workflow.ts';
import { LICENSES_POLICY } from '../policy.ts';
import { registerStream } from '../register/store.ts';
import * as store from '../store.ts';
import { receiveBlanks as insertBlanks, lockBlank, lockBlanks } from './blank-store.ts';
import { listBlankNumbers } from './paper.ts';
import { lockPrintedSheets, lockSheet, requireFreeNumbers, type SheetOnDay } from './store.ts';

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
 * Refuses what `readDelivery` refuses.
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
    requireAllowed(LICENSES_POLICY.deliverCertificate, { head }, actor);
    await lockBlank(tx, blankNumber);
    const sheet = await lockSheet(tx, { blankNumber, identifier }, today);
    const clerk = requireAllowed(LICENSES_POLICY.deliverCertificate, { head, sheet }, actor);
    const blankNumbers = await lockPrintedSheets(tx, identifier);
    await lockBlanks(tx, blankNumbers);
    const { number, caseId } = stored.version;
    const delivery = readDelivery(input, head.record.CZZT);
    requirePrintableText(delivery.recipient, { field: 'delivery.recipient', label: '收件人' });
    const handover = { identifier, blankNumbers, number, caseId, delivery };
    await ledger.enterDelivered(tx, handover, clerk.name, at);
    return requireSheet(await lockSheet(tx, { blankNumber, identifier }, today));
  });
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
 * Takes numbered blanks into the stock of the person's organ, when a second person states the same numbers. Returns how
 * many, or null for the first person. Refuses BLANK_RANGE_TAKEN, SECOND_PERSON_NEEDED.
 */
export async function receiveBlanks(
  deps: HandoverDependencies,
  actor: Actor,
  range: { prefix: string; from: number; to: number; dryRun: boolean },
): Promise<number | null> {
  const organ = requireOrgan(requireAllowed(LICENSES_POLICY.receiveBlanks, {}, actor));
  const numbers = listBlankNumbers(range.prefix, range.from, range.to);
  return transact(deps.db, range.dryRun, async (tx) => {
    const at = deps.now();
    const subject = subjectOfBlanks(organ, range);
    const first = await lockWaiting(tx, 'RECEIVE_BLANKS', subject, at);
    const person = requireAllowed(LICENSES_POLICY.receiveBlanks, { first }, actor);
    await requireFreeNumbers(tx, numbers);
    const batch = { kind: 'RECEIVE_BLANKS' as const, subject, organ, reason: null };
    if (!(await countersign(tx, first, batch, person, at))) return null;
    await insertBlanks(tx, numbers, organ, { actor: person.name, at });
    return numbers.length;
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
