import { type Delivery, Fault, type State, type StatementAct, type VersionAct, type Warning } from './protocol.ts';
import { hasEnded } from './validity.ts';

/** The latest state of a license in the library. */
export interface Head {
  revision: number;
  /** Of the current version. */
  identifier: string;
  version: number;
  state: State;
}

const MAX_DELAY_MS = 86_400_000;

const STATEMENT_TRANSITIONS: Readonly<Record<StatementAct, { from: readonly State[]; to: State }>> = {
  SUSPEND: { from: ['VALID'], to: 'SUSPENDED' },
  RESTORE: { from: ['SUSPENDED'], to: 'VALID' },
  LAPSE: { from: ['VALID', 'SUSPENDED'], to: 'LAPSED' },
  RESCIND: { from: ['VALID', 'SUSPENDED'], to: 'RESCINDED' },
  WITHDRAW: { from: ['VALID', 'SUSPENDED'], to: 'WITHDRAWN' },
  REVOKE: { from: ['VALID', 'SUSPENDED'], to: 'REVOKED' },
  // A cancelled license may be cancelled again; the second time changes nothing.
  CANCEL: { from: ['VALID', 'SUSPENDED', 'LAPSED', 'RESCINDED', 'WITHDRAWN', 'REVOKED', 'CANCELLED'], to: 'CANCELLED' },
};

/**
 * Returns the license after a delivery. Throws Fault ORDER if an earlier act is missing, REVISION_CONFLICT if this
 * revision is taken, STATE_NOT_ALLOWED or RECORD_MISMATCH if the act does not fit the license.
 */
export function advance(head: Head | null, delivery: Delivery): Head {
  const nextRevision = (head?.revision ?? 0) + 1;
  if (delivery.revision > nextRevision)
    throw new Fault('ORDER', `应为第 ${nextRevision} 号，收到第 ${delivery.revision} 号`);
  if (delivery.revision < nextRevision) throw new Fault('REVISION_CONFLICT', `第 ${delivery.revision} 号`);
  const { revision, identifier, version, state } = delivery;
  if (delivery.mediaType === 'application/pdf') requireNewVersion(head, delivery, delivery.act);
  else requireTransition(head, delivery, delivery.act);
  return { revision, identifier, version, state };
}

function requireNewVersion(head: Head | null, delivery: Delivery, act: VersionAct): void {
  const isFirst = act === 'ISSUE';
  // A suspended license is renewed too. The new version has the state of the earlier one.
  const mayReplace = head?.state === 'VALID' || (head?.state === 'SUSPENDED' && act === 'RENEW');
  if (isFirst !== (head === null) || (head && !mayReplace) || delivery.state !== (head?.state ?? 'VALID')) {
    throw new Fault('STATE_NOT_ALLOWED', `${head?.state ?? '无'} ${act}`);
  }
  if (delivery.version !== (head?.version ?? 0) + 1) throw new Fault('RECORD_MISMATCH', 'version');
  if ((delivery.record.value.KZ_XGBS ?? null) !== (head?.identifier ?? null))
    throw new Fault('RECORD_MISMATCH', 'KZ_XGBS');
}

function requireTransition(head: Head | null, delivery: Delivery, act: StatementAct): void {
  const { from, to } = STATEMENT_TRANSITIONS[act];
  if (!head?.state || !from.includes(head.state) || delivery.state !== to) {
    throw new Fault('STATE_NOT_ALLOWED', `${head?.state ?? '无'} ${act}`);
  }
  if (delivery.identifier !== head.identifier || delivery.version !== head.version) {
    throw new Fault('RECORD_MISMATCH', '不是当前版本');
  }
}

/**
 * Returns the warnings that a person should look at. The library collects the act in spite of them. `heldUntil`: the
 * last day that a renewal holds off.
 */
export function listWarnings(
  head: Head | null,
  delivery: Delivery,
  now: Date,
  { today, heldUntil }: { today: string; heldUntil: string | null },
): Warning[] {
  const warnings: Warning[] = [];
  const validUntil = delivery.record.value.ZZYXQJZRQ;
  if (now.getTime() - Date.parse(delivery.changedAt) > MAX_DELAY_MS) warnings.push('LATE');
  if (typeof validUntil === 'string' && hasEnded(validUntil, today, heldUntil)) warnings.push('VALIDITY_ENDED');
  if (head?.state === 'CANCELLED') warnings.push('ALREADY_CANCELLED');
  return warnings;
}
