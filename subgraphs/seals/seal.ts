import { type Actor, type Person, requireRole } from '../kernel/actor.ts';
import { Refusal } from '../kernel/refusal.ts';

export type SealState = 'IN_USE' | 'SUSPENDED' | 'ENDED';
/** Why a seal ends (注销原因), by the names of RFC 5280 §5.3.1. */
export type EndReason = 'KEY_COMPROMISE' | 'CESSATION_OF_OPERATION' | 'SUPERSEDED';
export type SealKind = 'UNIT_SEAL' | 'APPROVAL_SEAL' | 'LICENSE_SEAL';

/** An electronic seal (电子印章) with the matters it is granted for. */
export interface Seal {
  id: string;
  name: string;
  kind: SealKind;
  organ: string;
  state: SealState;
  /** Validity of its certificate. */
  validFrom: Date;
  validUntil: Date;
  matters: readonly string[];
}

/** Name of a kind of seal as it stands on documents. */
export const KIND_NAMES: Record<SealKind, string> = {
  UNIT_SEAL: '公章',
  APPROVAL_SEAL: '审批专用章',
  LICENSE_SEAL: '证照专用章',
};

/**
 * The seal of `organ` that may be used for a matter at a moment, out of the organ's seals.
 * Refuses SEAL_UNKNOWN, SEAL_NOT_OF_ORGAN, SEAL_NOT_GRANTED, SEAL_SUSPENDED, SEAL_EXPIRED; the reason is that of the seal
 * that came furthest.
 */
export function requireUsable(seals: readonly Seal[], organ: string, matter: string, at: Date): Seal {
  if (seals.length === 0) throw new Refusal('SEAL_UNKNOWN');
  const own = seals.filter((seal) => seal.organ === organ);
  if (own.length === 0) throw new Refusal('SEAL_NOT_OF_ORGAN');
  const granted = own.filter((seal) => seal.matters.includes(matter) && seal.state !== 'ENDED');
  if (granted.length === 0) throw new Refusal('SEAL_NOT_GRANTED');
  const inUse = granted.filter((seal) => seal.state === 'IN_USE');
  if (inUse.length === 0) throw new Refusal('SEAL_SUSPENDED');
  const usable = inUse.find((seal) => seal.validFrom <= at && at <= seal.validUntil);
  if (!usable) throw new Refusal('SEAL_EXPIRED');
  return usable;
}

/** Stops a seal (停用): keeper of its organ. Refuses SEAL_SUSPENDED unless it is in use. */
export function suspend(seal: Seal, actor: Actor): { by: Person; state: SealState } {
  const by = requireOf(seal, actor, 'SEAL_KEEPER');
  if (seal.state !== 'IN_USE') throw new Refusal('SEAL_SUSPENDED', 'seal');
  return { by, state: 'SUSPENDED' };
}

/** Puts a stopped seal back into use (恢复使用): keeper of its organ. Refuses SEAL_EXPIRED after its time or end. */
export function resume(seal: Seal, actor: Actor, at: Date): { by: Person; state: SealState } {
  const by = requireOf(seal, actor, 'SEAL_KEEPER');
  if (seal.state === 'ENDED' || seal.validUntil < at) throw new Refusal('SEAL_EXPIRED', 'seal');
  return { by, state: 'IN_USE' };
}

/**
 * Ends a seal for good (注销): seal approver of its organ. Since when the key is compromised is said for that reason alone, not
 * in the future and not before there was a key: refuses FIELD_MALFORMED.
 */
export function end(
  seal: Seal,
  actor: Actor,
  { reason, compromisedAt }: { reason: EndReason; compromisedAt: Date | null },
  at: Date,
): Person {
  const by = requireOf(seal, actor, 'SEAL_APPROVER');
  const told = compromisedAt !== null;
  if (told !== (reason === 'KEY_COMPROMISE') || (told && (compromisedAt < seal.validFrom || compromisedAt > at))) {
    throw new Refusal('FIELD_MALFORMED', 'compromisedAt', '私钥泄露须写明制章以来、不晚于现在的时间，其他原因不写');
  }
  return by;
}

/** Changes the picture of a seal (更换印模图片): keeper of its organ. Refuses SEAL_EXPIRED after its time or end. */
export function requireDesigner(seal: Seal, actor: Actor, at: Date): Person {
  const by = requireOf(seal, actor, 'SEAL_KEEPER');
  if (seal.state === 'ENDED' || seal.validUntil < at) throw new Refusal('SEAL_EXPIRED', 'seal');
  return by;
}

/** Whoever lets a seal be used for a matter, or no longer: seal approver of its organ. */
export function requireGranter(seal: Seal, actor: Actor): Person {
  return requireOf(seal, actor, 'SEAL_APPROVER');
}

function requireOf(seal: Seal, actor: Actor, role: 'SEAL_KEEPER' | 'SEAL_APPROVER'): Person {
  const person = requireRole(actor, role);
  if (person.organ !== seal.organ) throw new Refusal('SEAL_NOT_OF_ORGAN', 'seal');
  return person;
}
