import { dayOf } from '../kernel/day.ts';
import type { SEAL_STATES, SealGrant, SealKind } from '../kernel/events/seal-grant.ts';
import { Refusal } from '../kernel/refusal.ts';
import { pickSealsFor } from '../kernel/sealing/seal-kind.ts';
import { type AuthorisedUse, isGranted } from '../kernel/sealing/sign.ts';
import { requireLine } from '../kernel/text.ts';

/** 已制作, 已备案, 在用, 停用, 注销. Before 已制作 only an application exists. */
export type SealState = (typeof SEAL_STATES)[number];
/** Why a seal ends (注销原因), by the names of RFC 5280 §5.3.1. */
export type EndReason = 'KEY_COMPROMISE' | 'CESSATION_OF_OPERATION' | 'SUPERSEDED';

/** A grant with its id. */
export interface Grant extends SealGrant {
  id: string;
}

/** An electronic seal (电子印章) with its grants. */
export interface Seal {
  id: string;
  name: string;
  kind: SealKind;
  organ: string;
  state: SealState;
  /** Validity of its newest certificate. */
  validFrom: Date;
  validUntil: Date;
  /** Filing number (备案编号). */
  filingNumber: string | null;
  /** When its kind became required: see `pickSealsFor`. Null before that. */
  requiredSince: Date | null;
  /** Grants that were not withdrawn. */
  grants: readonly Grant[];
}

/** Names of the kinds of seal, as documents show them. */
export const KIND_NAMES: Record<SealKind, string> = {
  UNIT_SEAL: '公章',
  APPROVAL_SEAL: '审批专用章',
  LICENSE_SEAL: '证照专用章',
  ACCEPTANCE_SEAL: '受理专用章',
};

/** Returns the id of an organ's seal of a kind. An organ has one seal of each kind. */
export function sealIdOf(organ: string, kind: SealKind): string {
  return `${organ}-${kind.toLowerCase().replace('_', '-')}`;
}

/** Returns the organ's name, taken from the name of its seal. */
export function organNameOf({ name, kind }: Pick<Seal, 'name' | 'kind'>): string {
  return name.slice(0, -KIND_NAMES[kind].length);
}

/**
 * Picks from `seals` the organ's seal that may be used for a matter at a moment, if this person authorised the use. The
 * act says which kinds may serve.
 * Refuses SEAL_UNKNOWN, SEAL_NOT_OF_ORGAN, SEAL_NOT_GRANTED, SEAL_NOT_IN_USE, SEAL_SUSPENDED, SEAL_EXPIRED. The refusal
 * names the reason of the seal that passed the most checks.
 */
export function requireUsable(seals: readonly Seal[], use: AuthorisedUse, at: Date): Seal {
  if (seals.length === 0) throw new Refusal('SEAL_UNKNOWN');
  const ownSeals = seals.filter((seal) => seal.organ === use.organ);
  if (ownSeals.length === 0) throw new Refusal('SEAL_NOT_OF_ORGAN');
  const grantedSeals = pickSealsFor(ownSeals, use).filter(
    ({ grants, state }) => state !== 'ENDED' && isGranted(grants, use, dayOf(at)),
  );
  if (grantedSeals.length === 0) throw new Refusal('SEAL_NOT_GRANTED');
  const startedSeals = grantedSeals.filter(({ state }) => state === 'IN_USE' || state === 'SUSPENDED');
  if (startedSeals.length === 0) throw new Refusal('SEAL_NOT_IN_USE');
  const activeSeals = startedSeals.filter((seal) => seal.state === 'IN_USE');
  if (activeSeals.length === 0) throw new Refusal('SEAL_SUSPENDED');
  const usableSeal = activeSeals.find((seal) => seal.validFrom <= at && at <= seal.validUntil);
  if (!usableSeal) throw new Refusal('SEAL_EXPIRED');
  return usableSeal;
}

const MAX_FILING_NUMBER_CHARS = 64;

/** Refuses FIELD_MALFORMED, FIELD_TOO_LONG unless `number` is a filing number (备案编号). */
export function requireFilingNumber(number: string): void {
  if (number.trim() === '') throw new Refusal('FIELD_MALFORMED', 'filingNumber', '请填写备案编号');
  requireLine(number, MAX_FILING_NUMBER_CHARS, 'filingNumber');
}

/** Refuses SEAL_EXPIRED, SEAL_NOT_IN_USE, ACTION_DONE unless a seal is suspended and its certificate is still valid. */
export function requireSuspended({ state, validUntil }: Pick<Seal, 'state' | 'validUntil'>, at: Date): void {
  if (state === 'ENDED' || validUntil < at) throw new Refusal('SEAL_EXPIRED', 'seal');
  if (state === 'MADE' || state === 'ON_FILE') throw new Refusal('SEAL_NOT_IN_USE', 'seal');
  if (state === 'IN_USE') throw new Refusal('ACTION_DONE', 'seal');
}

/** Refuses SEAL_EXPIRED if a seal has ended. */
export function requireNotEnded(seal: Seal): void {
  if (seal.state === 'ENDED') throw new Refusal('SEAL_EXPIRED', 'seal');
}

/**
 * Checks the time of a key compromise. KEY_COMPROMISE requires it; other reasons must not have it. It must not be in
 * the future or before the key existed (`since`). Refuses FIELD_MALFORMED.
 */
export function requireCompromise(
  { reason, compromisedAt }: { reason: EndReason; compromisedAt: Date | null },
  since: Date,
  at: Date,
): void {
  const isTimeGiven = compromisedAt !== null;
  if (isTimeGiven !== (reason === 'KEY_COMPROMISE') || (isTimeGiven && (compromisedAt < since || compromisedAt > at))) {
    throw new Refusal('FIELD_MALFORMED', 'compromisedAt', '私钥泄露须写明制章以来、不晚于现在的时间，其他原因不写');
  }
}
