import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { answerAction } from '../../kernel/policy.ts';
import { isOpen, SUPERVISION_POLICY } from './policy.ts';
import type { FindingEntryRow, FindingRow, PushEntryRow, PushRow } from './store.ts';
import { isOnTime, isOverdue } from './supervision.ts';
import type { WebhookRow } from './webhook/store.ts';

const toOrgan = (organ: string | null) => (organ === null ? null : { id: organ });

/** The parent value of ApprovalPush resolvers. @public by codegen.ts */
export type PushView = ReturnType<typeof viewPush>;
/** The parent value of SupervisionFinding resolvers. @public by codegen.ts */
export type FindingView = ReturnType<typeof viewFinding>;

/** Returns a push as the caller sees it. The resolvers of ApprovalPush add receipts and delivery. */
export function viewPush(push: PushRow, person: Person, today: Day) {
  const { id, level, decision, decidedAt, dueOn, missingYear, state, reachedAt } = push;
  const { claimedBy, claimedAt, signedBy, signedAt } = push;
  return {
    id,
    case: { id: push.caseId },
    matter: { id: push.matterId },
    level,
    organ: toOrgan(push.organ),
    decision,
    decidedBy: toOrgan(push.decidedBy),
    decidedAt,
    dueOn,
    missingYear,
    state,
    reachedAt,
    onTime: isOnTime(push, today),
    overdue: isOverdue(push, today),
    claimedBy,
    claimedAt,
    signedBy,
    signedAt,
    actions: (['claimPush', 'signPush', 'recordFinding'] as const).map((name) =>
      answerAction(name, SUPERVISION_POLICY[name], push, person),
    ),
  };
}

export function viewFinding(finding: FindingRow, person: Person, today: Day) {
  const { caseId, pushId, organ, decidedBy, requestKey: _key, requestDigest: _digest, ...details } = finding;
  return {
    ...details,
    licenseNumber: details.licenseNumber && printedNumber(details.licenseNumber),
    case: { id: caseId },
    pushId,
    organ: toOrgan(organ),
    decidedBy: toOrgan(decidedBy),
    overdue: isOpen(finding) && finding.dueOn !== null && finding.dueOn < today,
    actions: (['acknowledgeFinding', 'closeFinding'] as const).map((name) =>
      answerAction(name, SUPERVISION_POLICY[name], finding, person),
    ),
  };
}

export function viewPushEntry({ event, at, actor, organ, receipt }: PushEntryRow) {
  return { event, at, actor, organ: toOrgan(organ), note: receipt };
}

export function viewFindingEntry({ event, at, actor, organ, note }: FindingEntryRow) {
  return { event, at, actor, organ: toOrgan(organ), note };
}

/** The parent value of Webhook resolvers. @public by codegen.ts */
export type WebhookView = ReturnType<typeof viewWebhook>;

/** The webhook of a supervisor's system as GraphQL shows it. */
export function viewWebhook({ id, organ, url, registeredBy, registeredAt, endedAt }: WebhookRow) {
  return { id, organ: toOrgan(organ), url, registeredBy, registeredAt, endedAt };
}
