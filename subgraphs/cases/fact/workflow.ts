import type { Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import type { Delivery } from '../../kernel/delivery/delivery.ts';
import type { Envelope, EventPayload } from '../../kernel/events/events.ts';
import type {} from '../../kernel/events/guide-fact.ts';
import { receiveOnce } from '../../kernel/events/outbox-store.ts';
import { endsSheet, isLive, makesVersion, servesReplaced } from '../../kernel/license-acts.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { putOrganFact } from '../../kernel/organ/organ-store.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { putPeerProposal } from '../attention/store.ts';
import { loadCalendar } from '../calendar/store.ts';
import { actOf, buildSystemStep, type Case, type Step, type StepRecord } from '../case.ts';
import { writeDeliveryReceipt } from '../notice/workflow.ts';
import { addFormerHolder } from '../reception/consent.ts';
import * as store from '../store.ts';
import { putCaseLicense, putDuty } from '../supervision/store.ts';
import { openPushes, recordOrderAnswer, sendWaitingPushes } from '../supervision/workflow.ts';
import { organFact } from '../tables.ts';
import type { WorkflowDependencies } from '../workflow.ts';
import {
  addLicenseFacts,
  findLicense,
  listUndelivered,
  putAcceptanceSeal,
  putGuideFact,
  putLicenseFact,
  putLicenseTypeFact,
  putMatterFact,
} from './store.ts';

/** Handles an event of matters or licenses, once. Throws for an event type that cases do not consume. */
export function receive(
  { db, now, publicUrl }: WorkflowDependencies,
  producer: string,
  event: Envelope,
): Promise<void> {
  return db.transaction((tx) =>
    receiveOnce(tx, store.messages, producer, event, async () => {
      switch (event.type) {
        case 'DelegationChanged':
          await putMatterFact(tx, event.payload);
          return sendWaitingPushes(tx, event.payload, now());
        case 'OrganChanged':
          return putOrganFact(tx, organFact, event.payload);
        case 'GuideChanged':
          return putGuideFact(tx, event.payload);
        case 'LicenseTypeChanged':
          return putLicenseTypeFact(tx, event.payload);
        case 'LicenseChanged':
          return handleLicenseChange(tx, event.payload, publicUrl);
        case 'LicensesRegistered':
          return addLicenseFacts(tx, event.payload.licenses);
        case 'RegisterStated':
          return handleStatement(tx, event.payload);
        case 'CertificateDelivered':
          return handleDelivery(tx, event.payload, publicUrl);
        case 'TaskVoided': {
          const { caseId, actor, organ, reason, voidedAt } = event.payload;
          const at = new Date(voidedAt);
          const voidedCase = await addEventStep(tx, caseId, 'VOIDED', at, { actor, organ, note: reason });
          if (voidedCase) await openPushes(tx, voidedCase, 'VOIDED', at, await loadCalendar(tx));
          return;
        }
        case 'OrderAnswered':
          return recordOrderAnswer(tx, event.payload);
        case 'SealChanged':
          return putAcceptanceSeal(tx, event.payload);
        case 'DutyChanged':
          return putDuty(tx, event.payload);
        case 'ProposalChanged':
          return putPeerProposal(tx, event.payload);
        default:
          throw new Error(`cases take no ${event.type}`);
      }
    }),
  );
}

/**
 * Stores the new state of a license. Certifies the case that caused the act.
 * Ends certified cases whose paper is not delivered if this act ends it. Nobody can deliver such paper any more. Paper
 * of a version that stays in force until its renewal begins is still delivered, and what a correction replaced is
 * served with it.
 */
async function handleLicenseChange(
  tx: Transaction,
  event: EventPayload<'LicenseChanged'>,
  publicUrl: string,
): Promise<void> {
  const { number, caseId, changedAt } = event;
  const at = new Date(changedAt);
  const isKept = (event.earlier !== null && makesVersion(event.act)) || servesReplaced(event.act);
  const [, , , undelivered] = await inOrder(tx, [
    (tx) => putLicenseFact(tx, event),
    caseId === null ? null : (tx) => putCaseLicense(tx, caseId, number),
    (tx) => addEventStep(tx, caseId, 'CERTIFIED', at),
    (tx) => (endsSheet(event.act) && !isKept ? listUndelivered(tx, number, caseId) : []),
  ]);
  for (const id of undelivered) await addEventStep(tx, id, 'UNDELIVERED', at);
  if (caseId !== null && servesReplaced(event.act)) await serveReplaced(tx, caseId, number, publicUrl);
}

/**
 * Enters the end of a license that the register stated. Ends certified cases whose paper is not delivered. The stream
 * is not the license's own: a statement that arrives before its version is sent again, and one that arrives after a
 * later act changes nothing. A spoiled sheet concerns no case.
 */
async function handleStatement(tx: Transaction, event: EventPayload<'RegisterStated'>): Promise<void> {
  const { act, number, version, state, statedAt } = event;
  if (act !== 'LAPSE') return;
  const fact = await findLicense(tx, number);
  if (!fact || fact.version < version) throw new Error(`license ${number} has no version ${version} yet`);
  if (fact.version > version || !isLive(fact.state)) return;
  await putLicenseFact(tx, { ...fact, state });
  for (const id of await listUndelivered(tx, number, null))
    await addEventStep(tx, id, 'UNDELIVERED', new Date(statedAt));
}

/**
 * Enters the delivery of a certificate, and writes its receipt. There is none if an earlier release took a text that
 * cannot be printed.
 */
async function handleDelivery(
  tx: Transaction,
  { caseId, number, deliveredAt, delivery }: EventPayload<'CertificateDelivered'>,
  publicUrl: string,
): Promise<void> {
  const at = new Date(deliveredAt);
  const subject = await enterDelivered(tx, caseId, { at, delivery, number: printedNumber(number), publicUrl });
  if (subject && servesReplaced(actOf(subject))) await serveReplaced(tx, subject.id, number, publicUrl);
}

/** What reached whom. `number`: the license as printed, or null for a decision whose own sheet was replaced. */
interface Served {
  at: Date;
  delivery: Delivery | undefined;
  number: string | null;
  publicUrl: string;
}

async function enterDelivered(tx: Transaction, caseId: string | null, served: Served): Promise<Case | null> {
  const { at, number, publicUrl } = served;
  const stored = caseId === null ? null : await store.lockCase(tx, caseId);
  const delivery =
    stored && served.delivery
      ? addFormerHolder(stored.subject, actOf(stored.subject), served.delivery)
      : served.delivery;
  const details = delivery ? { data: { delivery } } : {};
  const subject = await addEventStep(tx, caseId, 'DELIVERED', at, details);
  if (!subject || !delivery) return subject;
  const license = number === null ? null : { name: subject.delegation.outcome.name, number };
  const step = { at, note: null, finding: null };
  try {
    await writeDeliveryReceipt(tx, { subject, step, delivery, license, clerk: null, publicUrl });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  return subject;
}

/**
 * Enters that the decisions which a case's act replaced before they were served reached the same person with it (更正后一并
 * 送达). Does nothing until the case is delivered. Delivery and act arrive on different streams, so both ask.
 */
async function serveReplaced(tx: Transaction, caseId: string, number: string, publicUrl: string): Promise<void> {
  const findStep = (subject: Case | undefined, name: Step) => subject?.steps.find(({ step }) => step === name);
  const subject = (await store.lockCase(tx, caseId))?.subject;
  const [delivered, certified] = [findStep(subject, 'DELIVERED'), findStep(subject, 'CERTIFIED')];
  if (!delivered || !certified) return;
  const waiting = await store.findCases(tx, await listUndelivered(tx, number, caseId));
  for (const earlier of waiting) {
    const replaced = findStep(earlier?.subject, 'CERTIFIED');
    if (!earlier || !replaced || replaced.at > certified.at) continue;
    const served = { at: delivered.at, delivery: delivered.data?.delivery, number: null, publicUrl };
    await enterDelivered(tx, earlier.subject.id, served);
  }
}

/**
 * Adds a step caused by an event and returns the new state. Returns null if there is no case or if it has this step
 * already.
 */
async function addEventStep(
  tx: Transaction,
  caseId: string | null,
  step: 'CERTIFIED' | 'DELIVERED' | 'UNDELIVERED' | 'VOIDED',
  at: Date,
  details: Partial<Pick<StepRecord, 'actor' | 'organ' | 'note' | 'data'>> = {},
): Promise<Case | null> {
  if (caseId === null) return null;
  const stored = await store.lockCase(tx, caseId);
  if (!stored) throw new Error(`no case ${caseId}`);
  const hasStep = (stepName: Step) => stored.subject.steps.some((record) => record.step === stepName);
  if (hasStep(step)) return null;
  // The two events arrive on different streams. A delivery that arrives before the certificate implies the certificate.
  if (step === 'DELIVERED' && !hasStep('CERTIFIED')) {
    await addEventStep(tx, caseId, 'CERTIFIED', at);
    return addEventStep(tx, caseId, 'DELIVERED', at, details);
  }
  return store.addStep(tx, stored.subject, { ...buildSystemStep('licenses', '电子证照系统', step, at), ...details });
}
