import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import type { CoOwnership } from '../../kernel/identity/co-ownership.ts';
import { maskCode } from '../../kernel/identity/identity.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { searchByCode } from '../../kernel/privacy/code-search-workflow.ts';
import { maskCodes } from '../../kernel/privacy/mask.ts';
import { type Phase, requirePurpose, type StatedPurpose } from '../../kernel/privacy/purpose.ts';
import { buildReading, type ReadingObject, type ReadingSubject } from '../../kernel/privacy/reading.ts';
import { addReading } from '../../kernel/privacy/reading-store.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { Case } from '../case.ts';
import { isSecondPerson } from '../exception/workflow.ts';
import { listCasesOfApplicant } from '../list/store.ts';
import { maskParties } from '../party/mask.ts';
import { findCases, type StoredCase } from '../store.ts';
import { isVisible, READING_POLICY, type VisibleCase } from './policy.ts';
import { reading } from './tables.ts';

const OPEN_STEPS: readonly Case['step'][] = ['RECEIVED', 'SUPPLEMENT_ASKED', 'ACCEPTED', 'EXAMINED', 'FORWARDED'];
const phaseOf = ({ step }: Case): Phase => (OPEN_STEPS.includes(step) ? 'OPEN' : 'ENDED');
/** The positions of cases in a phase. Null: all. */
const stepsOf = (phase: Phase | null) =>
  phase === 'OPEN' ? { of: OPEN_STEPS } : { exceptOf: phase === 'ENDED' ? OPEN_STEPS : [] };

/** Returns whose data a reading of a case concerns. */
export function subjectOf({ id, number, applicant }: Case): ReadingSubject {
  return { subject: id, number, holderCode: applicant.code };
}

/** Looks up who may open what a case holds. */
async function loadVisibility(
  tx: Transaction,
  actor: Person,
  { subject, parties, window }: StoredCase,
  at: Date,
): Promise<VisibleCase> {
  const isSecond = await isSecondPerson(tx, actor, parties, at);
  return { applicantCode: subject.applicant.code, parties, window, isSecondPerson: isSecond };
}

/** Returns a case by its id, or null if there is none whose files `actor` may open. */
export async function findVisibleCase(
  tx: Transaction,
  actor: Person,
  id: string,
  at: Date,
): Promise<StoredCase | null> {
  const [stored] = await findCases(tx, [id]);
  return stored && isVisible(await loadVisibility(tx, actor, stored, at), actor) ? stored : null;
}

/**
 * Records that `actor` reads an object of a case. The applicant reads the own data without a purpose and a record. The
 * caller must commit the transaction before it sends anything of the object. Refuses what `requirePurpose` refuses.
 */
export async function recordReading(
  tx: Transaction,
  actor: Person,
  { subject }: Pick<StoredCase, 'subject'>,
  stated: StatedPurpose,
  object: { object: ReadingObject; objectId: string; at: Date },
): Promise<void> {
  if (actor.holderCode === subject.applicant.code) return;
  const purpose = requirePurpose(stated, actor, phaseOf(subject));
  await addReading(tx, reading, buildReading(actor, purpose, subjectOf(subject), object));
}

/**
 * Finds the newest cases of an applicant that a person may see, by the complete code, for a purpose that fits their
 * phase. Refuses ROLE_NOT_ALLOWED, and what `searchByCode` refuses.
 */
export function findApplicantCases(
  deps: { db: Database; now: Clock; intake: { holderChecks: number } },
  actor: Actor,
  request: { code: string; stated: StatedPurpose; dryRun: boolean },
): Promise<StoredCase[]> {
  const person = requireAllowed(READING_POLICY.findApplicantCases, null, actor);
  const { holderChecks } = deps.intake;
  const search = { ...request, phase: null };
  return searchByCode({ ...deps, table: reading, holderChecks }, person, search, async (tx, code, phase) => {
    const viewer = { actor: person, today: dayOf(deps.now()) };
    const cases = await listCasesOfApplicant(tx, viewer, code, stepsOf(phase));
    return cases.map((found) => ({ found, subject: subjectOf(found.subject), objectId: found.subject.id }));
  });
}

/** An applicant with the code, and the lines of the application: complete, or masked in a rehearsal. */
export type Disclosure = Pick<Case, 'applicant' | 'agent' | 'contact' | 'fields'> & {
  coHolders: CoOwnership['coHolders'] | null;
};

/**
 * Discloses the applicant's code and the lines of the application for a purpose, and records it. Refuses CASE_UNKNOWN,
 * ROLE_NOT_ALLOWED, and what `requirePurpose` refuses.
 */
export async function discloseApplicant(
  { db, now }: { db: Database; now: Clock },
  actor: Actor,
  request: { caseId: string; stated: StatedPurpose; dryRun: boolean },
): Promise<Disclosure> {
  const { caseId, stated, dryRun } = request;
  const disclosure: Case = await transact(db, dryRun, async (tx) => {
    const [stored] = await findCases(tx, [caseId]);
    if (!stored) throw new Refusal('CASE_UNKNOWN', 'case');
    if (actor.kind !== 'person') throw new Refusal('ROLE_NOT_ALLOWED');
    const at = now();
    const visibility = await loadVisibility(tx, actor, stored, at);
    if (!isVisible(visibility, actor)) throw new Refusal('CASE_UNKNOWN', 'case');
    const person = requireAllowed(READING_POLICY.discloseApplicant, visibility, actor);
    await recordReading(tx, person, stored, stated, { object: 'CODE', objectId: caseId, at });
    return stored.subject;
  });
  const { applicant, coOwnership, agent, contact, fields } = disclosure;
  const coHolders = coOwnership?.coHolders ?? null;
  if (!dryRun) return { applicant, coHolders, agent, contact, fields };
  return {
    applicant: { ...applicant, code: maskCode(applicant.code) },
    coHolders: coHolders?.map((one) => ({ ...one, code: maskCode(one.code) })) ?? null,
    ...maskParties({ agent, contact }),
    fields: fields.map(({ label, text }) => ({ label: maskCodes(label), text: maskCodes(text) })),
  };
}
