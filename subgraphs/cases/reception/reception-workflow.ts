import type { Transaction } from '../../../db/client.ts';
import { transact } from '../../../db/client.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import { type Day, dayOf, isDay, isWithin } from '../../kernel/day.ts';
import type { DelegationFact } from '../../kernel/events/events.ts';
import { countMostDuplicates } from '../../kernel/license-type/reissued-sheet.ts';
import { requirePrintableText } from '../../kernel/pdf/document.ts';
import { delegationOn, type MatterFact } from '../../kernel/period/delegation.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll, checkEach, RefusalCollector } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import { clockOf } from '../calendar/clock.ts';
import { loadCalendar } from '../calendar/store.ts';
import { actOf, buildStep, type Case, divisionOf, situationOf } from '../case.ts';
import { toLabels } from '../content/check.ts';
import { labelFor, labelLines } from '../content/labels.ts';
import { findTypeOfCase } from '../content/store.ts';
import { findGuideFacts, findMatter } from '../fact/store.ts';
import type { SubmittedMaterial } from '../material/material.ts';
import { addMaterials, listMaterials, type NewMaterial } from '../material/store.ts';
import { type HandIn, prepareMaterials } from '../material/workflow.ts';
import { requirePrintableApplication } from '../notice/render.ts';
import { toNoticeSettings, writeNotice } from '../notice/workflow.ts';
import { requireCaseAction } from '../policy.ts';
import { findStanding, holdStanding } from '../standing/store.ts';
import * as store from '../store.ts';
import {
  act,
  type CaseCommand,
  lockUpToDateCase,
  requirePreparedAction,
  requireReason,
  type WorkflowDependencies,
} from '../workflow.ts';
import { loadAcceptance } from './acceptance-workflow.ts';
import { MAX_TEXT_CHARS, requireApplication } from './application.ts';
import { toConsentData } from './consent.ts';
import { guideForHandIn } from './guide.ts';
import { type NamedLicenses, recordHolderChecks } from './holder-check-workflow.ts';
import { type IntakeLimits, startOfIntake } from './intake.ts';
import { resolveRequest } from './license-name-workflow.ts';
import { RECEPTION_POLICY, requireAcceptingOrgan } from './policy.ts';
import { digestOf, type Request } from './request.ts';
import { loadSituations } from './situation-workflow.ts';
import { findRequest, insertCase, lockOpenApplications, takeCaseNumber } from './store.ts';

/** Receiving and accepting applications at a window or counter (收件、受理、补正). */

export interface ReceptionDependencies extends WorkflowDependencies {
  intake: IntakeLimits;
}

const MAX_REQUEST_KEY_CHARS = 64;
/** Most items of a supplement notice, and below the days that it allows if the clerk sets no last day. */
const MAX_SUPPLEMENT_ITEMS = 30;
const DEFAULT_SUPPLEMENT_DAYS = 30;
/** Most days that a supplement notice may allow. */
const MAX_SUPPLEMENT_DAYS = 365;

/**
 * Returns the matter and its delegation on the day of an application. Refuses MATTER_UNKNOWN, MATTER_NOT_DELEGATED.
 */
async function requireDelegatedMatter(tx: Transaction, matterId: string, today: Day) {
  const matter = await findMatter(tx, matterId, today);
  if (!matter) throw new Refusal('MATTER_UNKNOWN', 'matter');
  return { matter, delegation: delegationOn(matter, today) };
}

/**
 * Receives an application (收件), filed by the applicant from anywhere or taken in by a clerk.
 * Refuses MATTER_UNKNOWN, MATTER_NOT_DELEGATED, ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER, NOT_YOUR_RECORD,
 * REQUEST_KEY_REUSED, APPLICATIONS_TOO_MANY, HOLDER_CHECKS_TOO_MANY, and the refusals of `requireApplication` and
 * `attachMaterials`. A clerk's rehearsal does not tell APPLICATIONS_TOO_MANY: it would test a code without a trace.
 */
export async function receiveApplication(deps: ReceptionDependencies, actor: Actor, typed: Request): Promise<Case> {
  const request = await resolveRequest(deps.db, typed, dayOf(deps.now()));
  await recordHolderChecks(deps, actor, await namedBy(deps, request));
  return transact(deps.db, request.dryRun, async (tx) => {
    const at = deps.now();
    const { matter, delegation } = await requireDelegatedMatter(tx, request.matterId, dayOf(at));
    const applicantCode = request.application.applicant.code;
    const person = requireAllowed(RECEPTION_POLICY.receiveApplication, { matter, delegation, applicantCode }, actor);
    const waiting = await lockOpenApplications(tx, applicantCode, startOfIntake(at));
    const { subject, isNew } = await openCase(tx, request, { matter, delegation, person, at });
    const isTold = person.holderCode === applicantCode || !request.dryRun;
    if (isNew && isTold && waiting >= deps.intake.openApplications)
      throw new Refusal('APPLICATIONS_TOO_MANY', 'applicant.code');
    return subject;
  });
}

/** Returns what a request names. Without a situation it is for what its matter is for today. */
async function namedBy({ db, now }: ReceptionDependencies, request: Request): Promise<NamedLicenses> {
  const { application, materials, matterId } = request;
  const { applicant, coOwnership, licenseNumber } = application;
  const today = dayOf(now());
  const matter = licenseNumber === null ? null : await findMatter(db, matterId, today);
  const delegation = matter?.delegations.find(({ validFrom, validTo }) => isWithin(today, validFrom, validTo));
  const act = application.act ?? delegation?.licenseAction ?? 'ISSUE';
  const coHolderCodes = coOwnership?.coHolders.map(({ code }) => code) ?? [];
  return { applicantCode: applicant.code, coHolderCodes, act, licenseNumber, materials };
}

/**
 * Receives and accepts at the counter in one act (收件、受理).
 * Refuses what `receiveApplication` and `acceptApplication` refuse.
 */
export async function receiveAndAccept(deps: ReceptionDependencies, actor: Actor, typed: Request): Promise<Case> {
  const request = await resolveRequest(deps.db, typed, dayOf(deps.now()));
  await recordHolderChecks(deps, actor, await namedBy(deps, request));
  return transact(deps.db, request.dryRun, async (tx) => {
    const at = deps.now();
    const { matter, delegation } = await requireDelegatedMatter(tx, request.matterId, dayOf(at));
    const applicantCode = request.application.applicant.code;
    const person = requireAllowed(RECEPTION_POLICY.acceptCase, { matter, delegation, applicantCode }, actor);
    const { subject, isNew } = await openCase(tx, request, { matter, delegation, person, at });
    if (isNew) return enterAcceptance(deps, tx, subject, person, at);
    // An earlier request with this key made the case. Lock it, so that concurrent actions run one at a time, and use
    // its current state.
    const current = await lockUpToDateCase(tx, subject.id, at);
    if (current.step !== 'RECEIVED') return current;
    return enterAcceptance(deps, tx, current, requireCaseAction('acceptApplication', current, person), at);
  });
}

async function openCase(
  tx: Transaction,
  request: Request,
  context: { matter: MatterFact; delegation: DelegationFact; person: Person; at: Date },
): Promise<{ subject: Case; isNew: boolean }> {
  const { materials, requestKey, consent } = request;
  const { matter, delegation, person, at } = context;
  const faults = new RefusalCollector();
  faults.check(() => {
    if (requestKey !== null) requireLine(requestKey, MAX_REQUEST_KEY_CHARS, 'requestKey');
  });
  const digest = digestOf(request);
  const findEarlier = async () => (requestKey === null ? null : findRequest(tx, person.id, requestKey));
  const isKeyFit = !faults.hasRefusals;
  const earlierRequest = isKeyFit ? await findEarlier() : null;
  if (earlierRequest) return { subject: requireSameRequest(earlierRequest, digest), isNew: false };

  const typeOf = await findTypeOfCase(tx, { delegation, steps: [] }, dayOf(at));
  const { type, published } = typeOf;
  const application = { ...request.application, fields: toLabels(type, request.application.fields) };
  const { licenseNumber } = application;
  const standing = await findStanding(tx, { id: null, licenseNumber });
  const license = labelFor(actOf({ ...application, delegation }), standing, typeOf);
  const guides = await findGuideFacts(tx, [matter.matterId]);
  const offered = (await loadSituations(tx, [matter], guides, dayOf(at)))(matter, delegation);
  const licenseMatter = license && (await findMatter(tx, license.license.matterId, dayOf(at)));
  const duplicates = published && countMostDuplicates(published.versions);
  const facts = { type, duplicates, offered, today: dayOf(at), matterId: matter.matterId, licenseMatter };
  faults.check(() => requireApplication(delegation, application, license, facts));
  faults.check(() => requirePrintableApplication(application));
  const data = faults.check(
    () => toConsentData(consent, { person, act: actOf({ ...application, delegation }), license, at }),
    null,
  );
  const place = { ...application, caseId: null, matter, delegation };
  const handedIn = await faults.checkLater(() => prepareHandIn(tx, place, person, materials, at), []);
  // Two requests with the same key ran at the same time. The other one took the uploads, and its case is the answer.
  const concurrentRequest = faults.hasRefusals && isKeyFit ? await findEarlier() : null;
  if (concurrentRequest) return { subject: requireSameRequest(concurrentRequest, digest), isNew: false };
  faults.settle();
  const county = divisionOf(matter, delegation.countyOrgan);
  if (county === null) throw new Error(`matter ${matter.matterId} names no county organ`);
  const number = await takeCaseNumber(tx, county, dayOf(at));
  const file = { id: crypto.randomUUID(), number, matter, delegation, ...application, acceptedBy: null, guide: null };
  const stored = await insertCase(
    tx,
    { file, divisionCode: county, request: { by: person.id, key: requestKey, digest } },
    buildStep(person, 'RECEIVED', at, { data }),
  );
  if (stored) {
    await addMaterials(tx, stored.subject.id, handedIn, { actor: person, at });
    return { subject: stored.subject, isNew: true };
  }
  // The same, without uploads. The other request was first.
  const firstRequest = await findEarlier();
  if (!firstRequest) throw new Error('a request key without a case');
  return { subject: requireSameRequest(firstRequest, digest), isNew: false };
}

/** Checks materials (收取材料) against the guide in force that day. `caseId` is null before the case is there. */
export async function prepareHandIn(
  tx: Transaction,
  place: Pick<Case, 'matter' | 'delegation' | 'applicant' | 'act'> & Pick<HandIn, 'caseId'>,
  actor: Person,
  submitted: readonly SubmittedMaterial[],
  at: Date,
): Promise<NewMaterial[]> {
  const { caseId, matter, delegation, applicant } = place;
  const guides = (await findGuideFacts(tx, [matter.matterId])).get(matter.matterId) ?? null;
  const county = divisionOf(matter, delegation.countyOrgan);
  const guide =
    guides && county !== null
      ? guideForHandIn(guides, { on: dayOf(at), divisionCode: county, situation: situationOf(place) })
      : null;
  const handIn = { caseId, applicantCode: applicant.code, actor, guide, submitted, at };
  const faults = new RefusalCollector();
  const materials = await faults.checkLater(() => prepareMaterials(tx, handIn), []);
  // Without a guide, the code is the name of the material on the notice.
  faults.check(() =>
    checkEach(submitted, ({ code }, i) => requirePrintableText(code, { field: `materials[${i}].code` })),
  );
  faults.settle();
  return materials;
}

function requireSameRequest(earlierRequest: { stored: store.StoredCase; digest: string }, digest: string): Case {
  if (earlierRequest.digest !== digest) throw new Refusal('REQUEST_KEY_REUSED', 'requestKey');
  return earlierRequest.stored.subject;
}

/**
 * Accepts a received application (受理). From then on the case keeps today's matter, mode, guide and version of the
 * license type.
 * Refuses MATTER_NOT_DELEGATED, AGREEMENT_MISSING, MATERIALS_MISSING, and what the action refuses.
 */
export function acceptApplication(deps: WorkflowDependencies, command: CaseCommand): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const clerk = requireCaseAction('acceptApplication', subject, command.actor);
    return enterAcceptance(deps, tx, subject, clerk, at);
  });
}

async function enterAcceptance(
  { publicUrl, identity }: Pick<WorkflowDependencies, 'publicUrl' | 'identity'>,
  tx: Transaction,
  subject: Case,
  clerk: Person,
  at: Date,
): Promise<Case> {
  await holdStanding(tx, subject.licenseNumber);
  const accept = await loadAcceptance(tx, [subject], clerk, dayOf(at));
  const acceptance = accept(subject);
  const { matter, acceptedBy, guide } = acceptance;
  const typeOf = await findTypeOfCase(tx, { ...acceptance, steps: [] }, dayOf(at));
  // Since the application was received, the type may have given a line another label.
  const fields = labelLines(subject.fields, typeOf);
  const data = typeOf.type && { typeVersion: typeOf.type.version };
  const record = { ...buildStep(clerk, 'ACCEPTED', at, { data }), organ: acceptedBy };
  const accepted = await store.addStep(tx, subject, record, { ...acceptance, fields });
  const clock = clockOf({
    steps: accepted.steps,
    guideLimits: guide,
    powerType: matter.powerType,
    calendar: await loadCalendar(tx),
    now: at,
  });
  const received = (await listMaterials(tx, [subject.id])).map(({ name, kind, copies }) => ({
    name,
    copies: kind === 'PAPER' ? copies : null,
  }));
  const limits = {
    statutoryDays: guide?.statutoryDays ?? clock.limitDays,
    promisedDays: guide?.promisedDays ?? null,
    dueOn: clock.dueOn,
  };
  await writeNotice(tx, {
    kind: 'ACCEPTANCE',
    subject: accepted,
    step: record,
    organ: acceptedBy,
    facts: { limits, received },
    clerk: { person: clerk, identity },
    publicUrl,
  });
  return accepted;
}

/** Tells the applicant, once and completely, what is missing (一次性告知) and the last day to bring it. */
export function askSupplement(
  deps: WorkflowDependencies,
  command: CaseCommand,
  request: { items: readonly string[]; until: Day | null },
): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const clerk = requireCaseAction('askSupplement', subject, command.actor);
    const until = request.until ?? daysLater(at, DEFAULT_SUPPLEMENT_DAYS);
    checkAll(
      () => requireItems(request.items),
      () => {
        if (!isDay(until) || until <= dayOf(at) || until > daysLater(at, MAX_SUPPLEMENT_DAYS))
          throw new Refusal('FIELD_MALFORMED', 'until');
      },
    );
    const data = { supplement: { items: [...request.items], until } };
    const step = buildStep(clerk, 'SUPPLEMENT_ASKED', at, { data });
    const missing = request.items.map((name) => ({ name, remark: null }));
    const facts = { missing, supplementBy: until };
    const organ = counterOf(subject, clerk);
    await writeNotice(tx, { kind: 'SUPPLEMENT', subject, step, organ, facts, ...toNoticeSettings(deps, clerk) });
    return store.addStep(tx, subject, step);
  });
}

function requireItems(items: readonly string[]): void {
  if (items.length === 0) throw new Refusal('ITEMS_MISSING', 'items');
  if (items.length > MAX_SUPPLEMENT_ITEMS)
    throw new Refusal('FIELD_TOO_LONG', 'items', `最多 ${MAX_SUPPLEMENT_ITEMS} 项`);
  checkEach(items, (item, i) => {
    requireLine(item, MAX_TEXT_CHARS, `items[${i}]`);
    requirePrintableText(item, { field: `items[${i}]` });
  });
}

/** Returns the organ in whose name the clerk acts. */
function counterOf({ matter, delegation }: Case, clerk: Person): string {
  return requireAcceptingOrgan(clerk, matter, delegation);
}

function daysLater(at: Date, days: number): Day {
  return dayOf(new Date(at.getTime() + days * 86_400_000));
}

/** Closes a case that was not supplemented (补交不来办结). Refuses SUPPLEMENT_NOT_DUE until the last day has passed. */
export function closeUnsupplemented(deps: WorkflowDependencies, command: CaseCommand): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const clerk = await requirePreparedAction(tx, 'closeUnsupplemented', { subject, actor: command.actor, at });
    return store.addStep(tx, subject, buildStep(clerk, 'SUPPLEMENT_MISSED', at));
  });
}

/** Refuses acceptance (不予受理), with a reason. */
export function refuseAcceptance(deps: WorkflowDependencies, command: CaseCommand, reason: string): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const clerk = requireCaseAction('refuseAcceptance', subject, command.actor);
    requireReason(reason);
    const step = buildStep(clerk, 'NOT_ACCEPTED', at, { note: reason });
    const organ = counterOf(subject, clerk);
    await writeNotice(tx, { kind: 'REFUSAL', subject, step, organ, ...toNoticeSettings(deps, clerk) });
    return store.addStep(tx, subject, step);
  });
}

/** Withdraws the application (撤回申请). Possible until the decision. */
export function withdraw(deps: WorkflowDependencies, command: CaseCommand, reason: string): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const person = requireCaseAction('withdrawCase', subject, command.actor);
    requireReason(reason);
    return store.addStep(tx, subject, buildStep(person, 'WITHDRAWN', at, { note: reason }));
  });
}
