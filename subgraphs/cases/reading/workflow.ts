import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { maskCode } from '../../kernel/identifier.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { maskCodes } from '../../kernel/privacy/mask.ts';
import { type Phase, requirePurpose, type StatedPurpose } from '../../kernel/privacy/purpose.ts';
import { buildReading, type ReadingObject, type ReadingSubject } from '../../kernel/privacy/reading.ts';
import { addReading } from '../../kernel/privacy/reading-store.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { Case } from '../case.ts';
import { isSecondPerson } from '../exception/workflow.ts';
import { findCases, type StoredCase } from '../store.ts';
import { isVisible, READING_POLICY, type VisibleCase } from './policy.ts';
import { reading } from './tables.ts';

const OPEN_STEPS: ReadonlySet<Case['step']> = new Set([
  ...(['RECEIVED', 'SUPPLEMENT_ASKED', 'ACCEPTED', 'EXAMINED', 'FORWARDED'] as const),
]);
const phaseOf = ({ step }: Case): Phase => (OPEN_STEPS.has(step) ? 'OPEN' : 'ENDED');

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

/** An applicant with the code, and the lines of the application: complete, or masked in a rehearsal. */
export type Disclosure = Pick<Case, 'applicant' | 'fields'>;

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
  const disclosure = await transact(db, dryRun, async (tx) => {
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
  const { applicant, fields } = disclosure;
  if (!dryRun) return { applicant, fields };
  return {
    applicant: { ...applicant, code: maskCode(applicant.code) },
    fields: fields.map(({ label, text }) => ({ label: maskCodes(label), text: maskCodes(text) })),
  };
}
