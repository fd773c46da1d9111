import { hash } from 'node:crypto';
import { type Identity, MAX_SUBJECT_CHARS, type Person, type Role } from '../../kernel/actor.ts';
import { type Day, isDay, startOfDay } from '../../kernel/day.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import type { Succession } from '../../kernel/organ/reform.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll, checkEach } from '../../kernel/refusals/collector.ts';
import { requireLine, requireReason } from '../../kernel/text.ts';

/**
 * The register of people (人员岗位登记): where a person is, with which roles, from when to when. The issuer says who
 * somebody is; only the register says what that person may do.
 */

/** The issuer of invented people. No provider has this name, so their lines are of use in development only. */
export const DEMONSTRATION_ISSUER = 'urn:tongquan:demonstration';

/** Whom an issuer identifies. The subject of a line is also the person's id in the hub. */
export interface Account {
  issuer: string;
  subject: string;
}

/** What a person is: the place and what may be done there. */
export interface Post {
  name: string;
  /** Null for auditors, the library and administrators. */
  organ: string | null;
  roles: readonly Role[];
  /** Division of the integrated window to which the person is seconded, or null. */
  window: string | null;
}

/** A line of the register: a post from one instant until another, which no longer belongs to it. */
export interface Appointment extends Account, Post {
  id: string;
  from: Date;
  /** Null if it has no end. */
  to: Date | null;
}

/** 入岗, 变更, 离岗. A change ends the person's line and enters another. */
export const PERSON_ACTIONS = ['ENTER', 'CHANGE', 'END'] as const;
export type PersonAction = (typeof PERSON_ACTIONS)[number];

/** A change of the register, as it is proposed. `END` has no post, and needs a reason. */
export interface PersonChange extends Account {
  action: PersonAction;
  name: string | null;
  organ: string | null;
  roles: readonly Role[];
  window: string | null;
  /** First day. Null: from the approval on. It never counts from before the approval. */
  from: Day | null;
  /** Last day. Null: without end, or for `END` at the moment of the approval. */
  to: Day | null;
  reason: string | null;
}

/** Begins the id of every holder. No subject of the register does. */
const HOLDER_PREFIX = 'holder:';
const MAX_ISSUER_CHARS = 200;
const MAX_NAME_CHARS = 64;
const MAX_REASON_CHARS = 500;

/** Where each role is held: at an organ, or without one. Nobody is appointed an applicant. */
const PLACES: Readonly<Record<Role, 'ORGAN' | 'NONE' | null>> = {
  APPLICANT: null,
  WINDOW_CLERK: 'ORGAN',
  REVIEWER: 'ORGAN',
  APPROVER: 'ORGAN',
  SEAL_KEEPER: 'ORGAN',
  SEAL_APPROVER: 'ORGAN',
  SUPERVISOR: 'ORGAN',
  AUDITOR: 'NONE',
  LIBRARY: 'NONE',
  ADMINISTRATOR: 'NONE',
};
/** Roles whose holder has no other: an auditor reviews what all others do, and the library is a system. */
const LONE_ROLES: readonly Role[] = ['AUDITOR', 'LIBRARY'];

/** Who approves for an organ a change of its people, besides the person concerned. */
export const REGISTER_APPROVERS = ['APPROVER', 'SUPERVISOR'] as const satisfies readonly Role[];

/**
 * Refuses FIELD_MALFORMED, FIELD_TOO_LONG, REASON_MISSING, ROLES_UNFIT, WINDOW_UNFIT unless a change is well-formed and
 * its roles fit its organ. `organ` is the organ that it names; null if it names none.
 */
export function requireChange(change: PersonChange, organ: OrganFact | null): void {
  checkAll(
    () => requireSubject(change.subject),
    () => requireLine(change.issuer, MAX_ISSUER_CHARS, 'issuer'),
    () => requireRealDay(change.from, 'from'),
    () => requireRealDay(change.to, 'to'),
    () => (change.action === 'END' ? requireEnd(change) : requireNewPost(change, organ)),
  );
}

function requireSubject(subject: string): void {
  requireLine(subject, MAX_SUBJECT_CHARS, 'subject');
  if (subject.startsWith(HOLDER_PREFIX)) throw new Refusal('FIELD_MALFORMED', 'subject');
}

function requireRealDay(day: Day | null, field: string): void {
  if (day !== null && !isDay(day)) throw new Refusal('FIELD_MALFORMED', field);
}

function requireNewPost(change: PersonChange, organ: OrganFact | null): void {
  checkAll(
    () => requirePost(readPost(change), organ),
    () => {
      if (change.reason !== null) throw new Refusal('FIELD_MALFORMED', 'reason', '只有离岗填写理由');
    },
  );
}

function requireEnd(change: PersonChange): void {
  const extra = (['name', 'organ', 'window', 'from'] as const).filter((field) => change[field] !== null);
  const fields = change.roles.length > 0 ? [...extra, 'roles'] : extra;
  checkAll(
    () => requireReason(change.reason ?? '', MAX_REASON_CHARS),
    () =>
      checkEach(fields, (field) => {
        throw new Refusal('FIELD_MALFORMED', field, '离岗只填写人员、最后一日和理由');
      }),
  );
}

function readPost({ name, organ, roles, window }: PersonChange): Post {
  return { name: name ?? '', organ, roles, window };
}

function requirePost({ name, roles, window }: Post, organ: OrganFact | null): void {
  checkAll(
    () => requireLine(name, MAX_NAME_CHARS, 'name'),
    () => requireRoles(roles, organ),
    () => requireWindow(window, roles, organ),
  );
}

function requireRoles(roles: readonly Role[], organ: OrganFact | null): void {
  if (roles.length === 0) throw new Refusal('FIELD_MALFORMED', 'roles', '至少一个岗位');
  if (new Set(roles).size < roles.length) throw new Refusal('FIELD_MALFORMED', 'roles', '岗位重复');
  const place = organ === null ? 'NONE' : 'ORGAN';
  const unfit = roles.find((role) => PLACES[role] !== place);
  if (unfit !== undefined) throw new Refusal('ROLES_UNFIT', 'roles', describeUnfit(unfit));
  const lone = roles.find((role) => LONE_ROLES.includes(role));
  if (lone !== undefined && roles.length > 1) throw new Refusal('ROLES_UNFIT', 'roles', `${lone} 不得兼任其他岗位`);
}

function requireWindow(window: string | null, roles: readonly Role[], organ: OrganFact | null): void {
  if (window === null) return;
  if (!roles.includes('WINDOW_CLERK')) throw new Refusal('WINDOW_UNFIT', 'window', '只有 WINDOW_CLERK 在综合窗口');
  if (organ?.level !== 'COUNTY' || organ.divisionCode !== window) {
    throw new Refusal('WINDOW_UNFIT', 'window', '须为所在县级机关的行政区划代码');
  }
}

function describeUnfit(role: Role): string {
  const place = PLACES[role];
  if (place === null) return `${role} 不在人员岗位登记中`;
  return place === 'ORGAN' ? `${role} 须属于一个机关` : `${role} 不属于任何机关`;
}

/** What a change makes of the lines of its subject: new lines, and ends of others. Both empty: nothing changes. */
export interface RegisterEffect {
  entered: readonly Omit<Appointment, 'id'>[];
  ended: readonly { id: string; at: Date }[];
}

/**
 * Applies a well-formed change, approved at `at`, to all lines of its subject, also those of other issuers: a person is
 * in one place at a time. `describe` names a line in a refusal.
 * Refuses APPOINTMENT_UNKNOWN, PERSON_TWO_PLACES, FIELD_MALFORMED.
 */
export function applyChange(
  lines: readonly Appointment[],
  change: PersonChange,
  at: Date,
  describe: (line: Appointment) => string = describeLine,
): RegisterEffect {
  if (change.action === 'END') return endLines(lines, change, at);
  const { issuer, subject } = change;
  const from = change.from === null ? at : laterOf(startOfDay(change.from), at);
  const to = change.to === null ? null : endOfDay(change.to);
  if (to !== null && to <= from) throw new Refusal('FIELD_MALFORMED', 'to', '最后一日已过，或者早于第一日');
  const newLine = { issuer, subject, ...readPost(change), from, to };
  const current = lines.find((line) => line.issuer === issuer && isInForce(line, from));
  if (current !== undefined && hasSamePost(current, newLine)) return { entered: [], ended: [] };
  if (change.action === 'CHANGE' && current === undefined) throw new Refusal('APPOINTMENT_UNKNOWN', 'subject', subject);
  const replaced = change.action === 'CHANGE' ? current : undefined;
  const other = lines.find((line) => line !== replaced && overlap(line, newLine));
  if (other !== undefined) throw new Refusal('PERSON_TWO_PLACES', 'subject', describe(other));
  return { entered: [newLine], ended: replaced === undefined ? [] : [{ id: replaced.id, at: from }] };
}

/** Ends everything that a person has or will have after the last day. */
function endLines(lines: readonly Appointment[], { issuer, subject, to }: PersonChange, at: Date): RegisterEffect {
  const end = to === null ? at : endOfDay(to);
  const remaining = lines.filter((line) => line.issuer === issuer && (line.to === null || line.to > at));
  if (remaining.length === 0) throw new Refusal('APPOINTMENT_UNKNOWN', 'subject', subject);
  const ended = remaining
    .filter((line) => line.to === null || line.to > end)
    .map(({ id, from }) => ({ id, at: laterOf(from, end) }));
  if (ended.length === 0) throw new Refusal('FIELD_MALFORMED', 'to', '登记中已更早离岗');
  return { entered: [], ended };
}

const laterOf = (one: Date, other: Date) => new Date(Math.max(one.getTime(), other.getTime()));

/** Returns the instant at which a day in Asia/Shanghai is over. */
function endOfDay(day: Day): Date {
  return new Date(startOfDay(day).getTime() + 86_400_000);
}

/** Returns a line as it counts if its organ ends (机构改革): until the midnight at which successors take its place. */
export function endWithOrgan<Line extends Pick<Appointment, 'organ' | 'to'>>(
  line: Line,
  shares: readonly Succession[],
): Line {
  const share = shares.find(({ organ }) => organ === line.organ);
  if (!share) return line;
  const end = startOfDay(share.from);
  return line.to !== null && line.to <= end ? line : { ...line, to: end };
}

/** Whether a line is in force at an instant. */
export function isInForce({ from, to }: Pick<Appointment, 'from' | 'to'>, at: Date): boolean {
  return from <= at && (to === null || at < to);
}

type Period = Pick<Appointment, 'from' | 'to'>;

function overlap(one: Period, other: Period): boolean {
  const begins = (line: Period, another: Period) => another.to === null || line.from < another.to;
  // A line that ended before it began was never in force.
  const isEmpty = one.to !== null && one.to <= one.from;
  return !isEmpty && begins(one, other) && begins(other, one);
}

function hasSamePost(line: Appointment, other: Omit<Appointment, 'id'>): boolean {
  const text = ({ name, organ, roles, window, to }: Omit<Appointment, 'id'>) =>
    JSON.stringify([name, organ, [...roles].sort(), window, to]);
  return text(line) === text(other);
}

/** Names a line of the register for people. */
export function describeLine({ name, organ, from, to }: Appointment): string {
  const end = to === null ? '' : `，至 ${to.toISOString()}`;
  return `${name} ${organ ?? '（无机关）'} 自 ${from.toISOString()}${end}`;
}

/**
 * Returns the person whom an identity is by the line of the register in force, or null for nobody whom the hub knows.
 * Whoever has a line acts by it alone, never as a holder. A line of another issuer makes the subject somebody else's.
 * A holder (持证主体) has no line: the issuer's claim says the code, and the id is made of no data of the person.
 */
export function buildPerson(identity: Identity, line: Appointment | null): Person | null {
  const { issuer, subject, name, holderCode } = identity;
  if (line?.issuer === issuer) {
    const { roles, organ, window } = line;
    return { kind: 'person', id: subject, name: line.name, roles, organ, window, holderCode: null };
  }
  if (holderCode === null || name === null) return null;
  const id = HOLDER_PREFIX + hash('sha256', JSON.stringify([issuer, subject]), 'base64url');
  return { kind: 'person', id, name, roles: ['APPLICANT'], organ: null, window: null, holderCode };
}
