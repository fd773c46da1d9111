import type { Database, Reader, Transaction } from '../../../db/client.ts';
import type { Identity, Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import { readReforms } from '../../kernel/organ/organ-store.ts';
import { competentOrgan, hasEnded } from '../../kernel/organ/reform.ts';
import { OPERATOR_ID, type OperatorEnding } from '../../kernel/proposal/workflow.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { TokenError } from '../../kernel/sealing/token.ts';
import { listSuperiors } from '../exception/store.ts';
import { organFact } from '../tables.ts';
import {
  type Account,
  buildPerson,
  DEMONSTRATION_ISSUER,
  endWithOrgan,
  type PersonChange,
  type Post,
  REGISTER_APPROVERS,
} from './appointment.ts';
import type { ListedChange } from './list.ts';
import { type PlannedChange, planChanges, type RegisterPlan } from './plan.ts';
import * as store from './store.ts';
import type { AppointmentSource } from './tables.ts';

export interface PersonDependencies {
  db: Database;
  now: Clock;
  /** The issuer of people for whom a change names none. */
  issuer: string;
}

/** Who takes part in a change: by id, and by the name that lists show. */
interface Participant {
  id: string;
  name: string;
}

/** Who approved a proposal, and for which organ. */
export interface Approval {
  organ: string | null;
  approver: Participant;
}

/** What a change of the register made, and who must approve it. */
export interface PeopleEffect {
  people: store.StoredAppointment[];
  /** The organ whose approver or supervisor approves it, perhaps a superior one. Null: another administrator does. */
  approvalOrgan: string | null;
}

/**
 * Finds out what a list of changes would do if it were approved at `at`. The register is locked until the transaction
 * ends. `knownOrgans`: by default those of the plan's matters.
 */
export async function planList(
  tx: Transaction,
  listed: readonly ListedChange[],
  at: Date,
  knownOrgans?: readonly OrganFact[],
): Promise<RegisterPlan> {
  await store.lockRegister(tx);
  const { shares, organs: reformed } = await readReforms(tx, organFact);
  const stored = await store.listLines(tx, [...new Set(listed.map(({ change }) => change.subject))]);
  const lines = stored.map((line) => endWithOrgan(line, shares));
  const named =
    knownOrgans ?? (await store.listOrgans(tx, [...new Set(listed.flatMap(({ change }) => change.organ ?? []))]));
  const organs = new Map([...reformed, ...named.map((organ) => [organ.id, organ] as const)]);
  for (const { change } of listed) {
    if (change.organ !== null && hasEnded(shares, change.organ, laterDay(change.from, dayOf(at))))
      organs.delete(change.organ);
  }
  return planChanges({ lines, organs, at }, listed);
}

const laterDay = (one: Day | null, other: Day): Day => (one !== null && one > other ? one : other);

/**
 * Changes the register, as an approved proposal; `approval` is null for the rehearsal when it is proposed.
 * Nobody takes part in a change of their own rights. All changes must be of the people of one organ.
 * Refuses OWN_RIGHTS, PEOPLE_OF_SEVERAL_ORGANS, PROPOSAL_OUTDATED, and what the first impossible change is refused.
 */
export async function changePeople(
  tx: Transaction,
  changes: readonly PersonChange[],
  { proposer, approval, at }: { proposer: Participant; approval: Approval | null; at: Date },
): Promise<PeopleEffect> {
  const subjects = changes.map(({ subject }) => subject);
  const approver = approval?.approver ?? proposer;
  if ([proposer, approver].some(({ id }) => subjects.includes(id))) throw new Refusal('OWN_RIGHTS', 'changes');
  const plan = await planList(
    tx,
    changes.map((change, i) => ({ line: i + 1, change })),
    at,
  );
  if (plan.refusal) throw plan.refusal;
  const [first] = plan.planned;
  if (first === undefined) throw new Refusal('LINE_WITHOUT_CHANGE', 'changes');
  if (plan.planned.some(({ organ }) => organ !== first.organ)) throw new Refusal('PEOPLE_OF_SEVERAL_ORGANS', 'changes');
  const approvalOrgan = await findApprovalOrgan(tx, first.organ, subjects, at);
  if (approval !== null && approval.organ !== approvalOrgan) throw new Refusal('PROPOSAL_OUTDATED', 'proposal');
  const source = 'PROPOSAL' as const;
  await enterPlan(tx, plan.planned, { source, ...signBy(proposer, approver), recordedAt: at });
  return { people: await store.listLines(tx, subjects), approvalOrgan };
}

/**
 * Returns the organ whose people approve: the organ of the change. If at most one person of it may approve, and is
 * concerned, a superior organ does, so that administrators replace no approvers. Null if there is none with approvers,
 * and for people without an organ: then another administrator does. A change of several approvers at once is for the
 * organ alone.
 */
async function findApprovalOrgan(
  db: Reader,
  organ: string | null,
  subjects: readonly string[],
  at: Date,
): Promise<string | null> {
  if (organ === null) return null;
  // The people of a former organ are for its successor to end.
  const competent = competentOrgan((await readReforms(db, organFact)).shares, organ, null, dayOf(at));
  if (competent !== organ) return findApprovalOrgan(db, competent, subjects, at);
  const approvers = { organ, roles: REGISTER_APPROVERS };
  const others = await store.countHolders(db, { ...approvers, except: subjects }, at);
  if (others > 0 || (await store.countHolders(db, { ...approvers, except: [] }, at)) > 1) return organ;
  for (const superior of await listSuperiors(db, organ, dayOf(at))) {
    if ((await store.countHolders(db, { ...approvers, organ: superior, except: subjects }, at)) > 0) return superior;
  }
  return null;
}

type Recording = store.Signatures & { source: AppointmentSource; recordedAt: Date };

async function enterPlan(tx: Transaction, planned: readonly PlannedChange[], recording: Recording): Promise<void> {
  const { source, ...signed } = recording;
  const storedIds = new Map<string, string>();
  for (const { change, effect, lineId } of planned) {
    for (const { from, to, roles, ...line } of effect.entered) {
      const id = crypto.randomUUID();
      storedIds.set(lineId, id);
      await store.insertLine(tx, { id, ...line, roles: [...roles], validFrom: from, validTo: to, source, ...signed });
    }
    for (const { id, at: endedAt } of effect.ended) {
      const appointmentId = storedIds.get(id) ?? id;
      await store.insertEnd(tx, { appointmentId, endedAt, reason: change.reason, ...signed });
    }
  }
}

const signBy = (proposer: Participant, approver: Participant): store.Signatures => ({
  ...{ proposedById: proposer.id, proposedBy: proposer.name },
  ...{ approvedById: approver.id, approvedBy: approver.name },
});

/**
 * Finds the person of an identity in the register (see `ResolvePerson`). A sign-in counts from when the person proved
 * who they are. If the issuer does not say when, the token may have been renewed in a session that was ended, so that
 * none counts once a session of the person was ended. Throws TokenError SESSION_ENDED.
 */
export async function resolvePerson(db: Database, identity: Identity, now: Date): Promise<Person | null> {
  const person = buildPerson(identity, await store.findLineOfPerson(db, identity.subject, now));
  if (person === null) return null;
  const sessionEnd = await store.findSessionEnd(db, person.id);
  const { authTime } = identity;
  const isEnded = sessionEnd !== null && (authTime === null || authTime <= sessionEnd);
  if (isEnded || (await store.isLoggedOut(db, identity))) throw new TokenError('SESSION_ENDED');
  return person;
}

/** The least number of administrators: one proposes, another approves. */
const LEAST_ADMINISTRATORS = 2;

/**
 * Names the first administrators of an office, by its operator. Only as many as are missing to two, so that the
 * operator names nobody while two people can do it themselves. Refuses ADMINISTRATORS_NAMED.
 */
export async function nameAdministrators(
  tx: Transaction,
  people: readonly (Account & Pick<Post, 'name'>)[],
  operator: string,
  at: Date,
): Promise<void> {
  await store.lockRegister(tx);
  const administrators = { organ: null, roles: ['ADMINISTRATOR'], except: [] } as const;
  const missing = LEAST_ADMINISTRATORS - (await store.countHolders(tx, administrators, at));
  if (missing <= 0) throw new Refusal('ADMINISTRATORS_NAMED');
  if (people.length !== missing) throw new Refusal('FIELD_MALFORMED', 'people', `须指定 ${missing} 人`);
  const posts = people.map((account) => ({ ...account, ...ADMINISTRATION_POST }));
  const signer = { id: OPERATOR_ID, name: operator };
  const planned = await enterPosts(tx, posts, { source: 'OPERATOR', ...signBy(signer, signer), recordedAt: at });
  if (planned < missing) throw new Refusal('PERSON_TWO_PLACES', 'people');
}

/** Ends a line of the register at once, for the operator. Must be called inside a transaction. */
export async function endLine(tx: Transaction, id: string, { operator, reason, at }: OperatorEnding): Promise<void> {
  const signer = { id: OPERATOR_ID, name: operator };
  await store.insertEnd(tx, { appointmentId: id, endedAt: at, reason, recordedAt: at, ...signBy(signer, signer) });
}

const ADMINISTRATION_POST = { organ: null, roles: ['ADMINISTRATOR'], window: null } as const;

/** Enters posts without a proposal. Returns the number of new lines. Refuses what the first of them is refused. */
async function enterPosts(
  tx: Transaction,
  posts: readonly (Account & Post)[],
  recording: Recording,
  organs?: readonly OrganFact[],
): Promise<number> {
  const listed = posts.map((post, i): ListedChange => {
    const change = { action: 'ENTER', ...post, from: null, to: null, reason: null } as const;
    return { line: i + 1, change };
  });
  const plan = await planList(tx, listed, recording.recordedAt, organs);
  if (plan.refusal) throw plan.refusal;
  await enterPlan(tx, plan.planned, recording);
  return plan.planned.length;
}

export type DemonstrationPeople = readonly (Omit<Post, 'name'> & Pick<Person, 'id' | 'name'>)[];

/**
 * Enters the invented people of a demonstration, as an issuer of development knows them, unless the register has them
 * already. They have no rights where an office's own issuer says who somebody is.
 */
export async function enterDemonstration(
  tx: Transaction,
  people: DemonstrationPeople,
  organs: readonly OrganFact[],
  at: Date,
): Promise<void> {
  const lines = await store.listLines(
    tx,
    people.map(({ id }) => id),
  );
  const known = new Set(lines.map(({ subject }) => subject));
  const newPeople = people.filter(({ id }) => !known.has(id));
  const posts = newPeople.map(({ id: subject, name, organ, roles, window }) => ({
    ...{ issuer: DEMONSTRATION_ISSUER, subject },
    ...{ name, organ, roles, window },
  }));
  const signer = { id: 'demonstration', name: '示范' };
  await enterPosts(tx, posts, { source: 'DEMONSTRATION', ...signBy(signer, signer), recordedAt: at }, organs);
}
