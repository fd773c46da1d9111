import { type Actor, type Person, requireRole } from '../../kernel/actor.ts';
import { type Day, isDay } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { requireLine, TEXT_LENGTH } from '../application.ts';

/**
 * An undertaking agreement (承接协议). A case of mode SUBSTANTIVE_REVIEW is accepted only while one is in force (实施方案二（二）).
 */
export interface Agreement {
  number: string;
  cityOrgan: string;
  countyOrgan: string;
  matters: readonly string[];
  validFrom: Day;
  /** Last day in force, or null if it has no end. */
  validTo: Day | null;
  /** SHA-256 of the scanned paper, hex. */
  scanDigest: string;
}

const NUMBER_LENGTH = 60;
const MATTERS_MOST = 200;
const ID_LENGTH = 64;
/** An agreement is listed as about to end from this many days before its last day. */
export const ENDING_SOON_DAYS = 30;

/**
 * Returns the administrator who records a well-formed agreement.
 * Refuses ROLE_NOT_ALLOWED, FIELD_TOO_LONG, FIELD_MALFORMED.
 */
export function requireAgreement(actor: Actor, given: Agreement): Person {
  const administrator = requireRole(actor, 'ADMINISTRATOR');
  requireLine(given.number, NUMBER_LENGTH, 'number');
  requireLine(given.cityOrgan, ID_LENGTH, 'cityOrgan');
  requireLine(given.countyOrgan, ID_LENGTH, 'countyOrgan');
  if (given.matters.length === 0) throw new Refusal('FIELD_MALFORMED', 'matters');
  if (given.matters.length > MATTERS_MOST) throw new Refusal('FIELD_TOO_LONG', 'matters', `最多 ${MATTERS_MOST} 项`);
  if (new Set(given.matters).size !== given.matters.length) throw new Refusal('FIELD_MALFORMED', 'matters', '事项重复');
  if (!isDay(given.validFrom)) throw new Refusal('FIELD_MALFORMED', 'validFrom');
  if (given.validTo !== null && (!isDay(given.validTo) || given.validTo < given.validFrom)) {
    throw new Refusal('FIELD_MALFORMED', 'validTo');
  }
  if (!/^[0-9a-f]{64}$/.test(given.scanDigest)) throw new Refusal('FIELD_MALFORMED', 'scanDigest');
  return administrator;
}

/**
 * Returns the agreement with an earlier last day.
 * Refuses REASON_MISSING, FIELD_TOO_LONG, and FIELD_MALFORMED unless `lastDay` is earlier than the present one.
 */
export function endEarly(known: Agreement, on: Day, reason: string): Agreement {
  if (reason.trim() === '') throw new Refusal('REASON_MISSING', 'reason');
  requireLine(reason, TEXT_LENGTH, 'reason');
  if (!isDay(on) || on < known.validFrom || (known.validTo !== null && on >= known.validTo)) {
    throw new Refusal('FIELD_MALFORMED', 'on');
  }
  return { ...known, validTo: on };
}
