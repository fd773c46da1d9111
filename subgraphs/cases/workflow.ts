import type { Database, Transaction } from '../../db/client.ts';
import { type Actor, type Person, requireRole, writeAuthorisation } from '../kernel/actor.ts';
import { type Clock, dayOf, isDay } from '../kernel/day.ts';
import { contentDigest, type Envelope, type GrantContent } from '../kernel/events.ts';
import { receiveOnce } from '../kernel/outbox.ts';
import { Refusal } from '../kernel/refusal.ts';
import {
  type Application,
  acceptingOrgan,
  type Case,
  delegationOn,
  type Finding,
  maySee,
  NAME_LENGTH,
  partiesOf,
  permissions,
  requireApplication,
  requireLine,
  type Step,
  TEXT_LENGTH,
} from './case.ts';
import { type DecisionInput, decide, issuerOf } from './decide.ts';
import type { MaterialGiven } from './material/material.ts';
import { attachMaterials } from './material/workflow.ts';
import * as store from './store.ts';

/** What the workflow of cases needs; nothing of it is read from the environment. */
export interface WorkflowDependencies {
  db: Database;
  now: Clock;
  authorisationKey: Uint8Array;
}

const AGREEMENT_NUMBER_LENGTH = 60;

/**
 * Accepts an application (收件、受理).
 * Refuses MATTER_UNKNOWN, MATTER_NOT_DELEGATED, ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER, AGREEMENT_MISSING, and whatever
 * `requireApplication` finds wrong with the application.
 */
export async function accept(
  { db, now }: WorkflowDependencies,
  actor: Actor,
  matterId: string,
  { materials, ...application }: Application & { materials: readonly MaterialGiven[] },
): Promise<Case> {
  const at = now();
  const today = dayOf(at);
  return db.transaction(async (tx) => {
    const clerk = requireRole(actor, 'WINDOW_CLERK');
    const matter = await store.findMatter(tx, matterId);
    if (!matter) throw new Refusal('MATTER_UNKNOWN', 'matter');
    const delegation = delegationOn(matter, today);
    const acceptedBy = acceptingOrgan(clerk, matter, delegation);
    if (delegation.mode === 'SUBSTANTIVE_REVIEW') {
      const agreed = await store.hasAgreement(tx, matter.cityOrgan, matter.countyOrgan, today);
      if (!agreed) throw new Refusal('AGREEMENT_MISSING', 'matter');
    }
    const named = application.licenseNumber;
    requireApplication(matter, application, named === null ? null : await store.findLicense(tx, named));
    const county = matter.organs.find((organ) => organ.id === matter.countyOrgan);
    if (!county) throw new Error(`matter ${matterId} names no county organ`);
    const number = await store.takeNumber(tx, county.divisionCode, today);
    const file = { id: crypto.randomUUID(), number, matter, delegation, ...application, acceptedBy };
    const first = { ...stepBy(clerk, 'ACCEPTED', at), organ: acceptedBy };
    await store.insertCase(
      tx,
      {
        file,
        divisionCode: county.divisionCode,
        parties: partiesOf(delegation),
        window: delegation.accepts.window ? county.divisionCode : null,
      },
      first,
    );
    await attachMaterials(tx, {
      caseId: file.id,
      applicantCode: file.applicant.code,
      actor: clerk,
      guide: null,
      given: materials,
      at,
      complete: true,
    });
    return requireCase(await store.lockCase(tx, file.id)).subject;
  });
}

/** Records the examination (审查). Refuses REASON_MISSING where something is found wrong and not said. */
export function examine(
  dependencies: WorkflowDependencies,
  actor: Actor,
  id: string,
  finding: 'APPROVED' | 'REFUSED',
  opinion: string | null,
): Promise<Case> {
  return act(dependencies, actor, id, async (tx, subject, at) => {
    const examiner = permissions.examineCase(subject, actor);
    if (finding === 'REFUSED' && opinion === null) throw new Refusal('REASON_MISSING', 'opinion');
    if (opinion !== null) requireLine(opinion, TEXT_LENGTH, 'opinion');
    return store.addStep(tx, subject, stepBy(examiner, 'EXAMINED', at, opinion, finding));
  });
}

/** Sends the case to the city organ (转报). */
export function forward(
  dependencies: WorkflowDependencies,
  actor: Actor,
  id: string,
  note: string | null,
): Promise<Case> {
  return act(dependencies, actor, id, async (tx, subject, at) => {
    const sender = permissions.forwardCase(subject, actor);
    if (note !== null) requireLine(note, TEXT_LENGTH, 'note');
    return store.addStep(tx, subject, stepBy(sender, 'FORWARDED', at, note));
  });
}

/**
 * Decides (决定). Where a license follows, the decision, the decider's seal authorisation and the event that opens the
 * certificate task are one transaction.
 */
export function decideCase(
  dependencies: WorkflowDependencies,
  actor: Actor,
  id: string,
  input: DecisionInput,
): Promise<Case> {
  return act(dependencies, actor, id, async (tx, subject, at) => {
    const approver = permissions.decideCase(subject, actor);
    const license = subject.licenseNumber === null ? null : await store.findLicense(tx, subject.licenseNumber);
    const content = decide(subject, input, license, dayOf(at));
    const decided = await store.addStep(tx, subject, stepBy(approver, 'DECIDED', at, input.reason, input.decision));
    if (content) await grant(tx, dependencies, { subject, approver, content, at });
    return decided;
  });
}

async function grant(
  tx: Transaction,
  { authorisationKey }: WorkflowDependencies,
  granted: { subject: Case; approver: Person; content: GrantContent; at: Date },
): Promise<void> {
  const { subject, approver, content, at } = granted;
  const issuer = issuerOf(subject);
  const county = subject.matter.organs.find((organ) => organ.id === subject.matter.countyOrgan);
  const digest = contentDigest(content);
  const authorisation = await writeAuthorisation('cases', authorisationKey, {
    actor: approver.id,
    actorName: approver.name,
    organ: issuer.id,
    matter: content.matterId,
    caseId: subject.id,
    act: content.action,
    contentDigest: digest,
    authorisedAt: at.toISOString(),
  });
  const parties = partiesOf(subject.delegation);
  await store.tellGranted(
    tx,
    {
      caseId: subject.id,
      caseNumber: subject.number,
      content,
      contentDigest: digest,
      authorisation,
      issuer,
      parties: parties.includes(issuer.id) ? parties : [...parties, issuer.id],
      handledBy: county?.divisionCode ?? issuer.divisionCode,
      decidedAt: at.toISOString(),
    },
    at,
  );
}

/** Records an undertaking agreement (承接协议): administrator. */
export async function recordAgreement({ db }: WorkflowDependencies, actor: Actor, row: store.Agreement): Promise<void> {
  requireRole(actor, 'ADMINISTRATOR');
  requireLine(row.number, AGREEMENT_NUMBER_LENGTH, 'number');
  for (const [field, day] of [
    ['validFrom', row.validFrom],
    ['validTo', row.validTo],
  ] as const) {
    if (day !== null && !isDay(day)) throw new Refusal('FIELD_MALFORMED', field);
  }
  if (row.validTo !== null && row.validTo < row.validFrom) throw new Refusal('FIELD_MALFORMED', 'validTo');
  requireLine(row.cityOrgan, NAME_LENGTH, 'cityOrgan');
  requireLine(row.countyOrgan, NAME_LENGTH, 'countyOrgan');
  await db.transaction((tx) => store.putAgreement(tx, row));
}

/** Takes what matters and licenses tell: matter facts, the act that a case waited for, the delivery that ends it. */
export function receive({ db }: WorkflowDependencies, producer: string, event: Envelope): Promise<void> {
  return db.transaction((tx) =>
    receiveOnce(tx, store.messages, producer, event, async () => {
      switch (event.type) {
        case 'DelegationChanged':
          return store.putMatterFact(tx, event.payload);
        case 'LicenseChanged':
          await store.putLicenseFact(tx, event.payload);
          return closeBy(tx, event.payload.caseId, 'CERTIFIED', new Date(event.payload.changedAt));
        case 'CertificateDelivered':
          return closeBy(tx, event.payload.caseId, 'DELIVERED', new Date(event.payload.deliveredAt));
        default:
          throw new Error(`cases take no ${event.type}`);
      }
    }),
  );
}

/** A step that an event brings; a case that has it already keeps it. */
async function closeBy(tx: Transaction, caseId: string | null, step: Step, at: Date): Promise<void> {
  if (caseId === null) return;
  const stored = await store.lockCase(tx, caseId);
  if (!stored) throw new Error(`no case ${caseId}`);
  const has = (one: Step) => stored.subject.steps.some((record) => record.step === one);
  if (has(step)) return;
  // The two events come by different streams; a delivery that overtakes the certificate implies it.
  if (step === 'DELIVERED' && !has('CERTIFIED')) {
    await closeBy(tx, caseId, 'CERTIFIED', at);
    return closeBy(tx, caseId, 'DELIVERED', at);
  }
  const record = { step, at, actorId: 'licenses', actor: '电子证照系统', organ: null, note: null, finding: null };
  await store.addStep(tx, stored.subject, record);
}

/** Runs one action on a case that nobody else can act on meanwhile; CASE_UNKNOWN also where the actor may not see it. */
function act(
  { db, now }: WorkflowDependencies,
  actor: Actor,
  id: string,
  run: (tx: Transaction, subject: Case, at: Date) => Promise<Case>,
): Promise<Case> {
  return db.transaction(async (tx) => {
    const stored = requireCase(await store.lockCase(tx, id));
    if (actor.kind !== 'person') throw new Refusal('ROLE_NOT_ALLOWED');
    const { subject, parties, window } = stored;
    if (!maySee(actor, { applicantCode: subject.applicant.code, parties, window }))
      throw new Refusal('CASE_UNKNOWN', 'case');
    return run(tx, subject, now());
  });
}

function requireCase(stored: store.StoredCase | null): store.StoredCase {
  if (!stored) throw new Refusal('CASE_UNKNOWN', 'case');
  return stored;
}

function stepBy(actor: Person, step: Step, at: Date, note: string | null = null, finding: Finding | null = null) {
  return { step, at, actorId: actor.id, actor: actor.name, organ: actor.organ, note, finding };
}
