import type { Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { type DeliveryInput, readDelivery, requireDelivery } from '../../kernel/delivery/delivery.ts';
import { requirePrintableRecipients } from '../../kernel/delivery/recipients.ts';
import { computeContentDigest, type GrantContent } from '../../kernel/events/events.ts';
import { requirePrintableText } from '../../kernel/pdf/document.ts';
import { issuerOf, partiesOf } from '../../kernel/period/delegation.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import {
  openPersonSigning,
  type PersonSignatureInput,
  type PersonSigning,
  type SignatureRequest,
} from '../../kernel/sealing/signing-workflow.ts';
import { loadCalendar } from '../calendar/store.ts';
import { acceptingWindow, actOf, buildStep, type Case, situationOf } from '../case.ts';
import { listChanges } from '../content/check.ts';
import { labelFor } from '../content/labels.ts';
import { findTypeOfCase } from '../content/store.ts';
import { printException } from '../exception/exception.ts';
import { listUsedExceptions, toStepData } from '../exception/step.ts';
import { currentOn } from '../fact/license.ts';
import { requireValidLicenses } from '../material/workflow.ts';
import { requirePrintableApplication } from '../notice/render.ts';
import { prepareDecision, toNoticeSettings, writeDeliveryReceipt } from '../notice/workflow.ts';
import { serviceOf } from '../party/party.ts';
import { requireCaseAction } from '../policy.ts';
import { publicationOf } from '../publication/publication.ts';
import { addFormerHolder } from '../reception/consent.ts';
import { findStanding, holdStanding } from '../standing/store.ts';
import * as store from '../store.ts';
import { openPushes } from '../supervision/workflow.ts';
import { act, type CaseCommand, requireNote, requirePreparedAction, type WorkflowDependencies } from '../workflow.ts';
import { type DecisionInput, decide, placeOf } from './decide.ts';
import { changedLines, grantedLines } from './printed.ts';
import { appendCaseGranted } from './store.ts';

/**
 * Decides a case, with the decider's own signature if one is given. Returns the case, and in a rehearsal what to sign.
 * Refuses what `decideCase` and `openPersonSigning` refuse.
 */
export async function decideInPerson(
  deps: WorkflowDependencies,
  command: CaseCommand,
  input: DecisionInput,
  signature: PersonSignatureInput | null,
): Promise<{ decided: Case; request: SignatureRequest | null }> {
  const { actor, dryRun } = command;
  const signing = await openPersonSigning(deps.personSigning, actor, { input: signature, dryRun });
  const decided = await decideCase(deps, command, input, signing);
  return { decided, request: dryRun ? signing.request() : null };
}

/**
 * Decides a case (决定). One transaction writes the decision, the decider's seal authorisation, and what is sealed by it.
 * That is the decision document (决定书), and where the case ends in a license the event that opens the certificate task.
 */
export function decideCase(
  deps: WorkflowDependencies,
  command: CaseCommand,
  input: DecisionInput,
  signing: PersonSigning,
): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const approver = requireCaseAction('decideCase', subject, command.actor);
    await holdStanding(tx, subject.licenseNumber);
    const standing = await findStanding(tx, subject, approver);
    const authorisedAt = signing.timeOf(at);
    const typeOf = await findTypeOfCase(tx, subject, dayOf(authorisedAt));
    const { type } = typeOf;
    const license = labelFor(actOf(subject), standing, typeOf);
    const grant = decide(subject, input, { license, type }, dayOf(authorisedAt));
    const content = grant && { ...grant, salt: signing.salt };
    requirePrintableDecision(subject, approver, input.reason, content);
    if (input.decision === 'GRANTED') await requireValidLicenses(tx, subject.id, dayOf(at));
    const exceptions = listUsedExceptions(subject, subject.delegation.decides.organ, approver, true);
    const current = license && currentOn(license, dayOf(authorisedAt));
    const amended = grant === null ? [] : changedLines(grant, current, listChanges(subject, license, type));
    const data = toStepData(exceptions, amended, publicationOf(subject.matter, input));
    const details = { note: input.reason, finding: input.decision, data };
    const step = buildStep(approver, 'DECIDED', at, details);
    const decided = await store.addStep(tx, subject, step);
    await openPushes(tx, decided, input.decision, at, await loadCalendar(tx));
    const place = placeOf(subject, approver, exceptions);
    const printed = { exceptions: exceptions.map(printException) };
    const { authorisation } = await prepareDecision(tx, {
      ...{ subject, step: { ...step, at: authorisedAt }, organ: issuerOf(subject) },
      facts: content ? { ...printed, granted: grantedLines(content, license), changes: amended } : printed,
      grant: content && { act: content.action, contentDigest: computeContentDigest(content) },
      ...{ decider: approver, place, identity: deps.identity, signing },
    });
    if (content) await announceGrant(tx, subject, { content, authorisation, at });
    return decided;
  });
}

/**
 * Delivers a decision document (送达), and writes the receipt of the delivery (送达回证).
 * Refuses DECISION_NOT_SEALED while it waits for its seal, and what `requireDelivery` refuses.
 */
export function deliverDecision(
  deps: WorkflowDependencies,
  command: CaseCommand,
  { note = null, delivery: input = null }: { note?: string | null; delivery?: DeliveryInput | null },
): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const clerk = await requirePreparedAction(tx, 'deliverDecision', { subject, actor: command.actor, at });
    const receivers = { addressee: subject.applicant.name, service: serviceOf(subject) };
    checkAll(
      () => note !== null && requireNote(note, 'note'),
      () => requireDelivery(input, situationOf(subject), { receivers, on: dayOf(at) }),
      () => requirePrintableRecipients(input),
    );
    const delivery = addFormerHolder(subject, situationOf(subject), readDelivery(input, receivers));
    const step = buildStep(clerk, 'DELIVERED', at, { note, data: { delivery } });
    await writeDeliveryReceipt(tx, {
      subject,
      step: { ...step, note: null },
      delivery,
      license: null,
      ...toNoticeSettings(deps, clerk),
    });
    return store.addStep(tx, subject, step);
  });
}

/** Refuses FIELD_MALFORMED where the license or the decision document could not be printed. */
function requirePrintableDecision(
  subject: Case,
  approver: Person,
  reason: string | null,
  content: GrantContent | null,
): void {
  if (reason !== null) requirePrintableText(reason, { field: 'reason', form: 'LINES' });
  if (content === null) return;
  requirePrintableApplication({ applicant: content.holder, fields: content.fields });
  requirePrintableText(content.licenseName, { field: null, label: '证照名称' });
  requirePrintableText(issuerOf(subject).name, { field: null, label: '机关名称' });
  requirePrintableText(approver.name, { field: null, label: '决定人姓名' });
}

async function announceGrant(
  tx: Transaction,
  subject: Case,
  { content, authorisation, at }: { content: GrantContent; authorisation: string; at: Date },
): Promise<void> {
  const issuer = issuerOf(subject);
  const county = subject.matter.organs.find((organ) => organ.id === subject.delegation.countyOrgan);
  const parties = partiesOf(subject.delegation);
  const service = serviceOf(subject);
  await appendCaseGranted(
    tx,
    {
      caseId: subject.id,
      caseNumber: subject.number,
      content,
      contentDigest: computeContentDigest(content),
      authorisation,
      issuer,
      parties: parties.includes(issuer.id) ? parties : [...parties, issuer.id],
      counters: [...new Set([issuer.id, subject.acceptedBy ?? issuer.id])],
      handledBy: county?.divisionCode ?? issuer.divisionCode,
      window: acceptingWindow(subject),
      ...(service && { service }),
      decidedAt: at.toISOString(),
    },
    at,
  );
}
