import type { Actor, Person, Role } from './actor.ts';
import { organsOf } from './organ/place.ts';
import { Refusal } from './refusal.ts';

/**
 * The form of every `policy.ts`: who may do what, one row per mutation, as data. Mutation, rehearsal (`dryRun`) and
 * `actions` ask the same row. `test/policy/matrix.test.ts` computes the role matrix from the rows.
 */

/** A place that makes a person competent, for example the counter that accepted a case. Pure. */
export interface Place<Subject> {
  name: string;
  includes: (subject: Subject, person: Person) => boolean;
  /** The refusal of a person with the right role who is not there. */
  refuse: (subject: Subject, person: Person) => Refusal;
}

/** Persons who may act: those who hold one of `roles` and belong to `place`. */
export interface Grant<Subject> {
  roles: readonly Role[];
  place: Place<Subject>;
  /** Subjects for which this grant exists. Default: all. */
  when?: (subject: Subject) => boolean;
  /** Whether later grants do not count for a person who holds one of `roles`. */
  isFinal?: boolean;
}

/**
 * Who may do one thing, and when. The checks run in the order of the fields.
 * A person needs one of the grants. The refusal is that of the last grant that was tried.
 */
export interface PolicyRule<Subject> {
  /** The refusal if the subject is not in a state for it, whoever asks. */
  stateFirst?: (subject: Subject) => Refusal | null;
  grants: readonly Grant<Subject>[];
  /** The refusal if the subject is not in a state for it. Only persons with a grant learn it. */
  state?: (subject: Subject, person: Person) => Refusal | null;
  /** Why nobody need do it: it is done, or the hub does it. `actions` does not offer it; a repetition is no fault. */
  needless?: (subject: Subject) => Refusal | null;
  /** Where it rests in the plan 于府办发〔2022〕30号 or in law. Absent if `actions` never shows it. */
  clause?: string | ((subject: Subject) => string);
}

/** A policy: one row per mutation. `Subjects` maps the name of each to what it acts on. */
export type Policy<Subjects> = { readonly [Name in keyof Subjects]: PolicyRule<Subjects[Name]> };

/** Everywhere: the role alone is enough. */
export const ANYWHERE: Place<unknown> = {
  name: 'ANYWHERE',
  includes: () => true,
  refuse: () => new Refusal('ROLE_NOT_ALLOWED'),
};

/** A row for administrators. They act for the whole hub, so no place and no state matters. */
export const ADMINISTRATION: PolicyRule<unknown> = { grants: [{ roles: ['ADMINISTRATOR'], place: ANYWHERE }] };

/** Returns the person behind `actor`. Throws the refusal if the row does not allow the act now. */
export function requireAllowed<Subject>(rule: PolicyRule<Subject>, subject: Subject, actor: Actor): Person {
  const unready = rule.stateFirst?.(subject);
  if (unready) throw unready;
  const person = requireGrant(rule.grants, subject, actor);
  const refusal = rule.state?.(subject, person);
  if (refusal) throw refusal;
  return person;
}

/** Refuses ORGAN_ENDED to people of an organ that has ended (机构改革), with the names of its successors. */
export function requireLivingOrgan({ ended }: Pick<Person, 'ended'>): void {
  if (ended) throw new Refusal('ORGAN_ENDED', null, `由${ended.successors.join('、')}承接`);
}

/** Returns the person behind `actor` if one of `grants` applies. Throws the refusal of the last one tried. */
function requireGrant<Subject>(grants: readonly Grant<Subject>[], subject: Subject, actor: Actor): Person {
  let refusal = new Refusal('ROLE_NOT_ALLOWED');
  if (actor.kind !== 'person') throw refusal;
  requireLivingOrgan(actor);
  for (const { roles, place, when, isFinal = false } of grants) {
    if (when && !when(subject)) continue;
    const hasRole = actor.roles.some((role) => roles.includes(role));
    if (hasRole && place.includes(subject, actor)) return actor;
    refusal = hasRole ? place.refuse(subject, actor) : new Refusal('ROLE_NOT_ALLOWED');
    if (hasRole && isFinal) break;
  }
  throw refusal;
}

/** One entry of a field `actions`: whether this caller may do it now, or why not. */
export interface ActionAnswer {
  name: string;
  allowed: boolean;
  refusal: Pick<Refusal, 'code' | 'message' | 'field'> | null;
  clause: string | null;
}

/** Answers for `actions` by the row that the mutation `name` asks. */
export function answerAction<Subject>(
  name: string,
  rule: PolicyRule<Subject>,
  subject: Subject,
  actor: Actor,
): ActionAnswer {
  const clause = typeof rule.clause === 'function' ? rule.clause(subject) : (rule.clause ?? null);
  const refusal = catchRefusal(() => {
    requireAllowed(rule, subject, actor);
    const needless = rule.needless?.(subject);
    if (needless) throw needless;
  });
  if (refusal === null) return { name, allowed: true, refusal, clause };
  // A plain object: GraphQL reports an instance of Error as a fault of the field.
  const { code, message, field } = refusal;
  return { name, allowed: false, refusal: { code, message, field }, clause };
}

/** Who may read with a query that is not open to everybody. */
export interface ReadRule {
  /** Roles that read the records of every organ. */
  everything: readonly Role[];
  /** Roles that read the records of their own organ. */
  ownOrgan: readonly Role[];
}

/** Who may read with a query of the offices. It also answers people seconded to an integrated window. */
export interface OfficeReadRule extends ReadRule {
  /** Roles that read the records of their own window. */
  ownWindow: readonly Role[];
}

/** Whose records a person may read: everybody's, or those of organs and of a window. */
export type OfficeScope = { all: true } | { all: false; organs: readonly string[]; window: string | null };

/** The organs whose records a person may read. Null: every organ's. */
export type ReadScope = readonly string[] | null;

/** Returns a scope narrowed to one organ, or the scope for null. It is empty if the organ lies outside. */
export function narrowScope(scope: ReadScope, organ: string | null): ReadScope {
  if (organ === null) return scope;
  return scope === null || scope.includes(organ) ? [organ] : [];
}

/** A table of who reads what: one row per query. */
export type ReadPolicy = Readonly<Record<string, ReadRule | OfficeReadRule>>;

/** Returns the organs whose records a person may read, null inside for every organ's, or null if there are none. */
export function findReadScope(rule: ReadRule, person: Person): { organs: ReadScope } | null {
  const { roles, organ } = person;
  if (roles.some((role) => rule.everything.includes(role))) return { organs: null };
  return organ !== null && roles.some((role) => rule.ownOrgan.includes(role)) ? { organs: organsOf(person) } : null;
}

/** Returns whose records a person may read with a query of the offices. Returns null if there are none. */
export function findOfficeScope(rule: OfficeReadRule, person: Person): OfficeScope | null {
  const holdsOneOf = (allowedRoles: readonly Role[]) => person.roles.some((role) => allowedRoles.includes(role));
  if (holdsOneOf(rule.everything)) return { all: true };
  const organs = holdsOneOf(rule.ownOrgan) ? organsOf(person) : [];
  const window = holdsOneOf(rule.ownWindow) ? person.window : null;
  return organs.length === 0 && window === null ? null : { all: false, organs, window };
}

/** Returns the organ of a person whom a row allowed because of it. Throws an error if the person has none. */
export function requireOrgan({ id, organ }: Person): string {
  if (organ === null) throw new Error(`${id} belongs to no organ`);
  return organ;
}

/** Returns the refusal that `check` throws, or null. Rethrows other errors. */
export function catchRefusal(check: () => void): Refusal | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
