import { hasRole, type Person, type Role, STAFF_ROLES } from '../kernel/actor.ts';
import { dayOf } from '../kernel/day.ts';
import {
  CASE_ACT_CLAUSE,
  LICENSE_ACTS,
  type LicenseActRule,
  PERSON_ACTS,
  type PersonAct,
} from '../kernel/license-acts.ts';
import { actsFor, actsForOneOf } from '../kernel/organ/place.ts';
import {
  ANYWHERE,
  catchRefusal,
  type Grant,
  type Place,
  type Policy,
  type PolicyRule,
  type ReadPolicy,
} from '../kernel/policy.ts';
import { Refusal } from '../kernel/refusal.ts';
import { mapMutations, mutationOf } from './action/mutation.ts';
import { type Countersigned, refuseCountersign } from './countersign/countersign.ts';
import { type LicenseHead, stateAfter } from './license.ts';
import { type Order, requireNoOpenOrder, requireOrder, requireOwnSuspension } from './order/order.ts';
import { requireDeliverable, requireRecallable, requireSpoilable, type Sheet } from './paper/paper.ts';
import { requireSeal, type SealUse } from './seal/seal.ts';
import { type CertificateTask, requireTaskAct, requireTaskFits, requireTaskInTime } from './task/task.ts';

/**
 * Who may do what with licenses, their paper and their certificate tasks. The rows of the acts derive from
 * LICENSE_ACTS.
 *
 * An optional field of a subject is absent until the caller has looked it up. Its checks then wait for another call.
 * So a mutation can refuse a person before it locks anything else.
 */

/** An act that waits for its seal. */
interface PreparedAct {
  caseId: string | null;
  orderId: string | null;
}

/** A license, or one of its versions. */
interface VersionSubject {
  head: LicenseHead;
  /** Whether the version is the current one of its license. Absent: it is. */
  isCurrent?: boolean;
  /** The act on the license that waits for its seal, or null. */
  prepared?: PreparedAct | null;
}

/** An act on a license. `head` is null for an issue, which makes the license. */
export interface ActSubject extends Omit<VersionSubject, 'head'> {
  head: LicenseHead | null;
  /** The task of the granted case that the act ends, or null for an act on the organ's own authority. */
  task: CertificateTask | null;
  /** The supervising organ whose order the act is to carry out, or null. Absent: none. */
  orderedBy?: string | null;
  /**
   * The orders on the license that nobody has answered, the one among them that the act carries out, and the supervisor
   * whose order suspended the license.
   */
  orders?: { open: readonly Order[]; answered: Order | null; suspenderId: string | null };
  /** The seal that the act needs. */
  sealUse?: SealUse;
}

interface SheetSubject extends VersionSubject {
  /** The sheet of paper, or null if there is none. */
  sheet?: Sheet | null;
}

/** What is of a matter: a license by its record, a certificate task by its content. */
type OfMatter =
  | { record: Pick<LicenseHead['record'], 'KZ_SX'> }
  | { content: Pick<CertificateTask['content'], 'matterId'> };
const matterOf = (subject: OfMatter) => ('record' in subject ? subject.record.KZ_SX : subject.content.matterId);

/** Where paper is handed out: at the issuer, the organ that accepted, or the window that accepted the case. */
const counterOf = <Subject>(
  pick: (subject: Subject) => (OfMatter & { counters: readonly string[]; window: string | null }) | null,
): Place<Subject> => ({
  name: 'COUNTER',
  includes: (subject, person) => {
    const counter = pick(subject);
    if (counter === null) return false;
    const { window } = person;
    const isAtWindow = window !== null && window === counter.window;
    return isAtWindow || actsForOneOf(person, counter.counters, matterOf(counter));
  },
  refuse: () => new Refusal('ORGAN_WITHOUT_POWER'),
});

/** The organ that issues the license. */
const issuerOf = <Subject>(
  pick: (subject: Subject) => (OfMatter & { issuer: { id: string } }) | null,
  field: string | null = null,
): Place<Subject> => ({
  name: 'ISSUER',
  includes: (subject, person) => {
    const issued = pick(subject);
    return issued !== null && actsFor(person, issued.issuer.id, matterOf(issued));
  },
  refuse: () => new Refusal('ORGAN_WITHOUT_POWER', field),
});

/** Who gives up for the issuing organ. The second person is an approver. */
const ISSUING_STAFF = ['REVIEWER', 'APPROVER'] as const;
const PAPER_ROLES = ['WINDOW_CLERK', 'SEAL_KEEPER'] as const;
const PAPER_CLERK: Grant<VersionSubject> = { roles: PAPER_ROLES, place: counterOf(({ head }) => head) };

const unlessCurrent = ({ isCurrent = true }: Pick<VersionSubject, 'isCurrent'>) =>
  isCurrent ? null : new Refusal('LICENSE_NOT_CURRENT', 'identifier');
const refuseBusy = (field: string | null = null) => new Refusal('LICENSE_BUSY', field);

/** The organ of the supervisor whose order the act is to carry out. */
const ORDERING_ORGAN: Place<ActSubject> = {
  name: 'ORDERING_ORGAN',
  includes: ({ orderedBy = null }, person) => actsFor(person, orderedBy, null),
  refuse: () => new Refusal('ORGAN_WITHOUT_POWER', 'order'),
};

/**
 * The row of an act: by a granted case, by a proposal on the issuing organ's own authority, or by either. A reviewer
 * prepares the proposal, or a supervisor whose organ ordered the act; `decideLicenseProposal` does it.
 */
function actRule(act: PersonAct): PolicyRule<ActSubject> {
  const rule: LicenseActRule = LICENSE_ACTS[act];
  const byCase: Grant<ActSubject> = {
    roles: PAPER_ROLES,
    place: counterOf(({ task }) => task),
    when: ({ task }) => task !== null,
  };
  return {
    stateFirst: (subject) =>
      unlessCurrent(subject) ??
      (subject.task === null && rule.case === 'REQUIRED' ? new Refusal('ACT_NEEDS_CASE', 'case') : null),
    grants: [
      ...(rule.case === 'NEVER' ? [] : [byCase]),
      ...(rule.authorisedBy === 'APPROVER' ? preparationGrants(rule.preparedBy) : []),
    ],
    state: (subject) => catchRefusal(() => requireActState(act, subject)),
    clause: ({ task }) => (task === null ? rule.clause : CASE_ACT_CLAUSE),
  };
}

/** Who prepares an act on the organ's own authority. */
function preparationGrants(role: Role): Grant<ActSubject>[] {
  const isOwn = ({ task }: ActSubject) => task === null;
  return [
    {
      roles: ['SUPERVISOR'],
      place: ORDERING_ORGAN,
      when: (subject) => isOwn(subject) && (subject.orderedBy ?? null) !== null,
    },
    { roles: [role], place: issuerOf(({ head }) => head), when: isOwn },
  ];
}

/**
 * Refuses TASK_VOIDED, TASK_LICENSE_ENDED, LICENSE_UNKNOWN, NOT_YOUR_RECORD, LICENSE_ACT_NOT_ALLOWED, ORDER_OPEN,
 * LICENSE_BUSY, and what `requireSeal` refuses, unless the license, its case and the organ's seal allow the act.
 */
export function requireActState(act: PersonAct, { head, task, orders, sealUse, prepared = null }: ActSubject): void {
  if (task !== null) {
    requireTaskAct(task, act);
    // What is prepared for this case passed the checks below. A repetition gets the same act.
    if (prepared !== null && prepared.caseId === task.caseId) return;
    if (sealUse) requireTaskInTime(task, head, dayOf(sealUse.at));
    if (head !== null) requireTaskFits(task, head);
  } else if (head !== null && act !== 'ISSUE') stateAfter(head.state, act);
  if (orders) {
    requireNoOpenOrder(act, orders.open, orders.answered);
    if (orders.answered !== null) requireOwnSuspension(orders.answered, orders.suspenderId);
  }
  if (prepared !== null) throw refuseBusy();
  if (sealUse) requireSeal(sealUse);
}

const ACT_RULES = mapMutations(PERSON_ACTS, actRule);

/** Whether a person does an act by a case. What may rest on either, a reviewer prepares on the organ's authority. */
export function isByCase(act: PersonAct, person: Person): boolean {
  const rule: LicenseActRule = LICENSE_ACTS[act];
  if (rule.case !== 'OPTIONAL') return rule.case === 'REQUIRED';
  return !hasRole(person, rule.preparedBy);
}

/** Returns the row of an act. */
export function policyOfAct(act: PersonAct): PolicyRule<ActSubject> {
  return ACT_RULES[mutationOf(act)];
}

const PAPER_CLAUSE = '实施方案三.7（电子证照与实体证照同步）';
/** The refusal that `check` throws for a sheet that was looked up. */
const onSheet =
  (check: (sheet: Sheet | null) => unknown) =>
  ({ sheet }: SheetSubject) =>
    sheet === undefined ? null : catchRefusal(() => check(sheet));

interface CounterSubjects {
  deliverCertificate: SheetSubject;
  recallCertificate: SheetSubject;
  spoilBlank: SheetSubject;
  redriveCollection: VersionSubject & { collection?: 'PENDING' | 'COLLECTED' | 'FAILED' };
  declineOrder: Omit<VersionSubject, 'head'> & {
    head: Pick<LicenseHead, 'issuer' | 'record'> & { number: string };
    order: Order | null;
    first?: Countersigned | null;
  };
  voidTask: { task: CertificateTask; isPrepared: boolean; first?: Countersigned | null };
}

const COUNTER_RULES: Policy<CounterSubjects> = {
  /** 送达. */
  deliverCertificate: {
    stateFirst: unlessCurrent,
    grants: [PAPER_CLERK],
    state: onSheet(requireDeliverable),
    clause: PAPER_CLAUSE,
  },
  /** 收回: paper of any version. */
  recallCertificate: { grants: [PAPER_CLERK], state: onSheet(requireRecallable), clause: PAPER_CLAUSE },
  /** 作废重打. */
  spoilBlank: {
    stateFirst: unlessCurrent,
    grants: [PAPER_CLERK],
    state: (subject) => onSheet(requireSpoilable)(subject) ?? (subject.prepared ? refuseBusy() : null),
    clause: PAPER_CLAUSE,
  },
  /** 重新归集. The hub sends a pending change by itself, so it is not offered. */
  redriveCollection: {
    grants: [
      { roles: ['ADMINISTRATOR'], place: ANYWHERE },
      { roles: ['WINDOW_CLERK', 'APPROVER'], place: counterOf(({ head }) => head) },
    ],
    state: ({ collection }) => (collection === 'COLLECTED' ? refuseRedrive() : null),
    needless: ({ collection }) => (collection === 'PENDING' ? refuseRedrive() : null),
    clause: '实施方案三.7（实时归集）',
  },
  /** 不予采纳监管指令, by two persons: not while an act that carries it out waits for its seal. */
  declineOrder: {
    stateFirst: unlessCurrent,
    grants: [{ roles: ISSUING_STAFF, place: issuerOf(({ head }) => head) }],
    state: ({ head, order, prepared = null, first }, person) =>
      catchRefusal(() => requireOrder(order, head.number, order?.act ?? 'SUSPEND')) ??
      (prepared !== null && prepared.orderId === order?.id ? refuseBusy('order') : refuseCountersign(first, person)),
    clause: '实施方案三.6（“双推送”“双回路”）',
  },
  /** 作废, by two persons: the organ that decided gives a granted act up, while nothing of it is prepared. */
  voidTask: {
    grants: [{ roles: ISSUING_STAFF, place: issuerOf(({ task }) => task, 'case') }],
    state: ({ task, isPrepared, first }, person) => {
      if (task.voidedAt !== null) return new Refusal('TASK_VOIDED', 'case');
      return isPrepared || task.doneAt !== null ? refuseBusy('case') : refuseCountersign(first, person);
    },
    clause: '实施方案三.3（全流程线上闭环审批管理）',
  },
};

function refuseRedrive(): Refusal {
  return new Refusal('COLLECTION_NOT_FAILED', 'identifier');
}

/** 套打, by the route `/licenses/overprint`: while a sheet of the version is printed and not handed over. */
export const OVERPRINT_RULE: PolicyRule<SheetSubject> = {
  stateFirst: unlessCurrent,
  grants: [PAPER_CLERK],
  state: onSheet(requireSpoilable),
  clause: PAPER_CLAUSE,
};

/** Many at once (批量办理). Each line asks the row of the single mutation. */
const BATCH_RULES = {
  issueLicenses: ACT_RULES.issueLicense,
  deliverCertificates: COUNTER_RULES.deliverCertificate,
  recallCertificates: COUNTER_RULES.recallCertificate,
};

export const LICENSES_POLICY = { ...ACT_RULES, ...COUNTER_RULES, ...BATCH_RULES };

/** Who reads what besides licenses and tasks, whose parties see them. */
export const LICENSE_READS = {
  /** Also the route `/licenses/statistics.csv`. Who counts blanks and orders, their own rows say. */
  licenseStatistics: { everything: ['AUDITOR'], ownOrgan: STAFF_ROLES, ownWindow: STAFF_ROLES },
  licenseChanges: { everything: ['LIBRARY', 'AUDITOR'], ownOrgan: [] },
  /** Orders that the organ gave or has to answer. */
  supervisionOrders: { everything: ['AUDITOR'], ownOrgan: ['APPROVER', 'SUPERVISOR'] },
  /** Proposed acts of the organ's licenses, and those that the person prepared. */
  licenseProposals: { everything: ['AUDITOR'], ownOrgan: ['REVIEWER', 'APPROVER', 'SUPERVISOR'] },
  registrations: { everything: ['AUDITOR'], ownOrgan: ['REVIEWER', 'APPROVER'] },
  blanks: { everything: ['AUDITOR'], ownOrgan: STAFF_ROLES },
  /** The equation of the organ's blanks. */
  blankStock: { everything: ['AUDITOR'], ownOrgan: STAFF_ROLES },
  /** Transfers of blanks that the organ sent or is to receive. */
  blankTransfers: { everything: ['AUDITOR'], ownOrgan: STAFF_ROLES },
} as const satisfies ReadPolicy;
