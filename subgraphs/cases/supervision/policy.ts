import { actsFor } from '../../kernel/organ/place.ts';
import type { Grant, Place, Policy } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { Finding, Push } from './supervision.ts';

/** Who may do what with pushes and findings. For persons of another organ a push or a finding does not exist. */

const CLAUSE = '实施方案三.6（“双推送”“双回路”）';

/** The organ that a push was sent to. */
const RECEIVING_ORGAN: Place<Push | null> = {
  name: 'RECEIVING_ORGAN',
  includes: (push, person) => push !== null && actsFor(person, push.organ, null),
  refuse: () => new Refusal('PUSH_UNKNOWN', 'push'),
};

/** The organ that a push was sent to. Any organ while it is not known which case a finding is about. */
const SUPERVISING_ORGAN: Place<Push | null> = {
  name: 'SUPERVISING_ORGAN',
  includes: (push, person) => (push === null ? person.organ !== null : actsFor(person, push.organ, null)),
  refuse: (push) => (push === null ? new Refusal('NOT_THE_SUPERVISOR') : new Refusal('PUSH_UNKNOWN', 'push')),
};

const refuseFinding = () => new Refusal('FINDING_UNKNOWN', 'finding');

/** The organ that decided the case of a finding. */
const ANSWERING_ORGAN: Place<Finding | null> = {
  name: 'ANSWERING_ORGAN',
  includes: (finding, person) => finding !== null && actsFor(person, finding.decidedBy, null),
  refuse: refuseFinding,
};

/** The organ that recorded a finding. */
const RECORDING_ORGAN: Place<Finding | null> = {
  name: 'RECORDING_ORGAN',
  includes: (finding, person) => finding !== null && actsFor(person, finding.organ, null),
  refuse: refuseFinding,
};

const RECEIVER: Grant<Push | null> = { roles: ['SUPERVISOR'], place: RECEIVING_ORGAN };
const needlessIf = (isDone: boolean) => (isDone ? new Refusal('ACTION_DONE') : null);
const refuseEnded = () => new Refusal('FINDING_ENDED', 'finding');

interface SupervisionSubjects {
  /** Null if there is no such push. */
  claimPush: Push | null;
  signPush: Push | null;
  /** The push of the case that it is about, or null while that is not known. */
  recordFinding: Push | null;
  /** Null if there is no such finding. */
  acknowledgeFinding: Finding | null;
  closeFinding: Finding | null;
}

export const SUPERVISION_POLICY: Policy<SupervisionSubjects> = {
  /** 领取. Signing claims too. Repeating it changes nothing. */
  claimPush: {
    grants: [RECEIVER],
    state: (push, person) =>
      push !== null && push.claimedById !== null && push.claimedById !== person.id
        ? new Refusal('PUSH_CLAIMED', 'push')
        : null,
    needless: (push) => needlessIf(push !== null && push.claimedById !== null),
    clause: CLAUSE,
  },
  /** 签收. Any supervisor of the organ may sign, so that an absent claimant cannot block it. */
  signPush: { grants: [RECEIVER], needless: (push) => needlessIf(push?.state === 'SIGNED'), clause: CLAUSE },
  recordFinding: { grants: [{ roles: ['SUPERVISOR'], place: SUPERVISING_ORGAN }], clause: CLAUSE },
  /** 签收: by an approver or reviewer of the organ that decided, before the finding ends. */
  acknowledgeFinding: {
    grants: [{ roles: ['APPROVER', 'REVIEWER'], place: ANSWERING_ORGAN }],
    state: (finding) => (finding?.endedAt && !finding.acknowledgedAt ? refuseEnded() : null),
    needless: (finding) => needlessIf(Boolean(finding?.acknowledgedAt)),
    clause: CLAUSE,
  },
  /** 销号. An order ends only by its answer. */
  closeFinding: {
    grants: [{ roles: ['SUPERVISOR'], place: RECORDING_ORGAN }],
    state: (finding) => (finding && isOpen(finding) ? null : refuseEnded()),
    clause: CLAUSE,
  },
};

/** Whether a finding waits for its supervisor to close it. */
export function isOpen({ state }: Pick<Finding, 'state'>): boolean {
  return state === 'OPEN' || state === 'ACKNOWLEDGED';
}
