import type { Person, Role } from '../../kernel/actor.ts';
import { catchRefusal, type PolicyRule, requireAllowed } from '../../kernel/policy.ts';
import type { AnnouncedKind } from '../../kernel/proposal/announcement.ts';
import { decisionRule, PROPOSAL_ORGAN, type Proposal } from '../../kernel/proposal/proposal.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type BlankBox, type BlankRange, describeRange, SERIAL_DIGITS } from '../paper/paper.ts';
import { STOCK_KEEPERS, WRITE_OFF_REASONS, type WriteOff, type WriteOffReason } from '../stock/stock.ts';

/**
 * What two persons of an organ ask for by the same mutation (双人复核). The first call is a proposal and changes nothing
 * else. The call of another person with the same subject approves it.
 */

/** Days in which the second person may ask. A proposal that nobody repeats then counts no more. */
const COUNTERSIGN_DAYS = 7;
const DAY_MS = 86_400_000;

/** What the first person asked for, as cases announce it. */
export const WISH_ANNOUNCEMENTS = {
  VOID_TASK: 'TASK_VOID_PROPOSED',
  DECLINE_ORDER: 'ORDER_DECLINE_PROPOSED',
  RECEIVE_BLANKS: 'BLANKS_PROPOSED',
  WRITE_OFF_BLANKS: 'BLANK_WRITE_OFF_PROPOSED',
} as const satisfies Record<string, AnnouncedKind>;

const SECOND_PERSONS = {
  VOID_TASK: ['APPROVER'],
  DECLINE_ORDER: ['APPROVER'],
  RECEIVE_BLANKS: STOCK_KEEPERS,
  WRITE_OFF_BLANKS: STOCK_KEEPERS,
} as const satisfies Record<string, readonly Role[]>;
export type CountersignedKind = keyof typeof SECOND_PERSONS;
export const COUNTERSIGNED_KINDS = Object.keys(SECOND_PERSONS) as CountersignedKind[];

/** What the first person asked for. */
export type Countersigned = Proposal<CountersignedKind>;

/** Who may be the second person: never the first one. */
export function countersignRule(kind: CountersignedKind): PolicyRule<Proposal> {
  return decisionRule([{ roles: SECOND_PERSONS[kind], place: PROPOSAL_ORGAN }]);
}

/** Returns why a person cannot be the second one, or null. Null too if nobody has asked yet, or nobody looked. */
export function refuseCountersign(first: Countersigned | null | undefined, person: Person): Refusal | null {
  if (!first) return null;
  return catchRefusal(() => requireAllowed(countersignRule(first.kind), first, person)) === null
    ? null
    : new Refusal('SECOND_PERSON_NEEDED');
}

/** Returns the instant from which on a first call counts no more. */
export function lapseOf(at: Date): Date {
  return new Date(at.getTime() + COUNTERSIGN_DAYS * DAY_MS);
}

/** Returns the instant since which a first call counts. */
export function countsSince(now: Date): Date {
  return new Date(now.getTime() - COUNTERSIGN_DAYS * DAY_MS);
}

/** Names a box of blanks, so that both persons state the same numbers and type. */
export function subjectOfBox({ organ, licenseType, ...range }: BlankBox): string {
  const parts = [organ, ...writeRange(range)];
  return (licenseType === null ? parts : [...parts, licenseType]).join(' ');
}

/** Writes a range into a subject. A range of eight digits is as releases up to 0.4.1 wrote it. */
function writeRange({ prefix, digits, from, to }: BlankRange): string[] {
  return [prefix, `${from}`, digits === SERIAL_DIGITS ? `${to}` : `${to}/${digits}`];
}

/** Reads what `writeRange` writes. */
function readRange([prefix = '', from = '', end = '']: readonly string[]): BlankRange {
  const [to, digits = SERIAL_DIGITS] = end.split('/');
  return { prefix, digits: Number(digits), from: Number(from), to: Number(to) };
}

/** Names a write-off of blanks, so that both persons state the same numbers and reason. */
export function subjectOfWriteOff({ organ, reason, ...range }: WriteOff): string {
  return [organ, ...writeRange(range), reason].join(' ');
}

/** Returns what `subjectOfBox` names, as a person reads it. */
export function describeBox(subject: string): string {
  const [, ...parts] = subject.split(' ');
  const licenseType = parts[3];
  return describeRange(readRange(parts)) + (licenseType === undefined ? '' : `，用于证照类型 ${licenseType}`);
}

/** Returns what `subjectOfWriteOff` names, as a person reads it. */
export function describeWriteOff(subject: string): string {
  const [, ...parts] = subject.split(' ');
  return `${describeRange(readRange(parts))}，${WRITE_OFF_REASONS[parts[3] as WriteOffReason]}`;
}
