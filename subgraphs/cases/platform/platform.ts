import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { EventPayload } from '../../kernel/events/events.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { findUrlProblem, type Surroundings } from '../../kernel/outgoing/address.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import type { Case, StepRecord } from '../case.ts';
import type { PlatformKey } from './message.ts';

/** An approval platform of a city organ (审批平台), as an administrator registered it. */
export interface Platform {
  id: string;
  serial: number;
  organ: string;
  name: string;
  url: string;
  secretVersion: number;
  registeredAt: Date;
  removedAt: Date | null;
  /** Oldest first. */
  keys: readonly PlatformKey[];
}

const MAX_URL_CHARS = 500;
const MAX_KEY_CHARS = 2_000;
/** Most keys of one platform that are or will be valid: the one in use, the next, and spare ones for mistakes. */
const MAX_KEYS = 4;

/**
 * Checks a URL that the hub posts to, as far as its text tells. Refuses FIELD_MALFORMED, FIELD_TOO_LONG.
 */
export function requireUrl(text: string, listedHosts: readonly string[], surroundings: Surroundings): void {
  if (text.length > MAX_URL_CHARS) throw new Refusal('FIELD_TOO_LONG', 'url', `最多 ${MAX_URL_CHARS} 字`);
  const problem = findUrlProblem(text, { by: 'PERSON', listedHosts }, surroundings);
  if (problem !== null) throw new Refusal('FIELD_MALFORMED', 'url', problem);
}

/** Returns `x` of an Ed25519 public key in SPKI PEM or JWK (RFC 8037). Refuses KEY_UNFIT, also for a private key. */
export function parsePublicKey(text: string): string {
  const keyText = text.trim();
  if (keyText.length > MAX_KEY_CHARS) throw new Refusal('KEY_UNFIT', 'publicKey');
  try {
    const jwk = keyText.startsWith('{') ? fromJwk(keyText) : fromPem(keyText);
    if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519' && typeof jwk.x === 'string') return jwk.x;
  } catch {}
  throw new Refusal('KEY_UNFIT', 'publicKey');
}

function fromJwk(text: string): JsonWebKey {
  const key = JSON.parse(text) as JsonWebKey;
  if (key.d !== undefined) throw new TypeError('a private key');
  // The library imports and exports the key, so that the stored form is canonical.
  return createPublicKey({ key, format: 'jwk' }).export({ format: 'jwk' });
}

function fromPem(text: string): JsonWebKey {
  if (!/^-----BEGIN PUBLIC KEY-----\n[\w+/=\s]+\n-----END PUBLIC KEY-----$/.test(text.replaceAll('\r\n', '\n'))) {
    throw new TypeError('no public key');
  }
  return createPublicKey(text).export({ format: 'jwk' });
}

/** Checks the period of a new key. Refuses FIELD_MALFORMED if it begins in the past, or ends before it begins. */
export function requirePeriod(validFrom: Date, validTo: Date | null, now: Date): void {
  checkAll(
    () => {
      if (validFrom < now) throw new Refusal('FIELD_MALFORMED', 'validFrom');
    },
    () => {
      if (validTo !== null && validTo <= validFrom) throw new Refusal('FIELD_MALFORMED', 'validTo');
    },
  );
}

/** Refuses KEYS_TOO_MANY if a platform has no room for another key. */
export function requireRoom(platform: Platform, now: Date): void {
  const activeKeys = platform.keys.filter((key) => key.validTo === null || key.validTo > now);
  if (activeKeys.length >= MAX_KEYS) throw new Refusal('KEYS_TOO_MANY', 'publicKey');
}

/** Checks that a case is with `organ` for its decision. Refuses ORGAN_WITHOUT_POWER, CASE_STEP_NOT_ALLOWED. */
export function requireAtOrgan(subject: Case, organ: string): void {
  if (subject.delegation.decides.organ !== organ) throw new Refusal('ORGAN_WITHOUT_POWER', 'organ');
  if (subject.step !== 'FORWARDED') throw new Refusal('CASE_STEP_NOT_ALLOWED', 'type');
}

/** Whether a step brings a case to an organ that did not have it: 转报, or a transfer while the city has the case. */
export function isArrival(subject: Case, previousOrgan: string | null, record: StepRecord): boolean {
  return (
    record.step === 'FORWARDED' || (subject.step === 'FORWARDED' && subject.delegation.decides.organ !== previousOrgan)
  );
}

/** Returns what a platform receives about a case: its complete current state. */
export function snapshotOf(subject: Case, platform: Platform): EventPayload<'ForwardedCaseChanged'> {
  const { applicant, coOwnership, fields, licenseNumber, step, result, matter, delegation } = subject;
  const { reissuedSheets } = subject;
  return {
    platformId: platform.id,
    caseId: subject.id,
    caseNumber: subject.number,
    organ: platform.organ,
    matterId: matter.matterId,
    matterName: matter.name,
    mode: delegation.mode,
    applicant,
    ...(coOwnership !== null && { coOwnership }),
    fields: [...fields],
    licenseNumber: licenseNumber && printedNumber(licenseNumber),
    ...(reissuedSheets !== null && { reissuedSheets: [...reissuedSheets] }),
    step,
    result,
    steps: subject.steps.map((record) => ({
      step: record.step,
      at: record.at.toISOString(),
      organ: record.organ,
      actor: record.actor,
      finding: record.finding,
      note: record.note,
      data: record.data === null ? null : { ...record.data },
    })),
  };
}
