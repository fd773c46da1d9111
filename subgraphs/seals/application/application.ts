import { type Day, dayOf, isDay } from '../../kernel/day.ts';
import type { SealKind } from '../../kernel/events/seal-grant.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll, checkEach } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import { requireChain } from '../certification/certificate.ts';
import {
  type EndReason,
  KIND_NAMES,
  organNameOf,
  requireCompromise,
  requireNotEnded,
  requireSuspended,
  type Seal,
} from '../seal.ts';

/** Applications on seals (印章申请): no person alone makes, grants or ends a seal (国办发〔2025〕33号). */

/** What an application asks for. Times are RFC 3339. */
export type Particulars =
  | { kind: 'MAKE'; sealKind: SealKind; organName: string; matters: string[] }
  | { kind: 'GRANT'; matter: string; person: string | null; from: Day | null; to: Day | null }
  | { kind: 'WITHDRAW_GRANT'; grant: string; matter: string }
  | { kind: 'END'; reason: EndReason; compromisedAt: string | null }
  | { kind: 'ROTATE' }
  /** Back into use after a suspension (恢复使用). */
  | { kind: 'RESUME' }
  /** A chain in PEM, the seal's own certificate first. */
  | { kind: 'CERTIFICATE'; certificates: string[] }
  /** SHA-256 of the new picture and of the one that it replaces, hex; null for the drawn picture. */
  | { kind: 'PICTURE'; digest: string | null; replaces: string | null };
export type ApplicationKind = Particulars['kind'];

/** What each kind of application asks for, for a person. */
const TITLES: Record<ApplicationKind, string> = {
  MAKE: '申请制作印章',
  GRANT: '申请用印授权',
  WITHDRAW_GRANT: '申请收回授权',
  END: '申请注销印章',
  ROTATE: '申请换证',
  RESUME: '申请恢复使用',
  CERTIFICATE: '申请录入印章证书',
  PICTURE: '申请更换印模图片',
};

/** Returns what an application asks for, in words that name no person. `sealName`: null before the seal is made. */
export function describeApplication(particulars: Particulars, sealName: string | null): string {
  const made = particulars.kind === 'MAKE' ? particulars.organName + KIND_NAMES[particulars.sealKind] : null;
  return [sealName ?? made, TITLES[particulars.kind]].filter((part) => part !== null).join('，');
}

/** How an application ends: 批准, 不予批准, 撤回. */
export type Outcome = 'APPROVED' | 'REJECTED' | 'WITHDRAWN';

export interface Application {
  id: string;
  organ: string;
  sealId: string;
  particulars: Particulars;
  appliedById: string;
  appliedBy: string;
  /** Null while it waits. */
  outcome: Outcome | null;
}

/** Maximum of waiting applications of an organ. */
export const MAX_WAITING_APPLICATIONS = 100;
const MAX_MATTERS = 500;
const MAX_MATTER_ID_CHARS = 64;
/** Persons who act on an approval platform have long ids. */
const MAX_PERSON_ID_CHARS = 200;
const MAX_ORGAN_NAME_CHARS = 60;

/** What the hub knows of a seal's certificates and its picture. */
export interface SealFacts {
  /** Start of validity of the oldest certificate that is still valid; null if none is. */
  since: Date | null;
  /** Its certificates, PEM, the newest last. */
  own: readonly string[];
  /** Authorities whose certificates the hub accepts, PEM. */
  trusted: readonly string[];
  /** SHA-256 of the office's own picture in force, hex, or null if the seal is drawn. */
  picture: string | null;
}

/**
 * Requires that an application fits the current seal (null if there is none). It is checked when the application is
 * made, and again when it is approved. Refuses SEAL_EXISTS, SEAL_UNKNOWN, SEAL_EXPIRED, SEAL_NOT_IN_USE,
 * SEAL_ALREADY_GRANTED, SEAL_NOT_GRANTED, MATTER_UNKNOWN, FIELD_MALFORMED, FIELD_TOO_LONG, ACTION_DONE,
 * PROPOSAL_OUTDATED, and as `requireChain` does.
 */
export function requireFits(
  particulars: Particulars,
  seal: Seal | null,
  { since, picture, ...facts }: SealFacts,
  at: Date,
): void {
  if (particulars.kind === 'MAKE') {
    if (seal && seal.state !== 'ENDED') throw new Refusal('SEAL_EXISTS', 'kind');
    requireNewSeal(particulars);
    return;
  }
  if (!seal) throw new Refusal('SEAL_UNKNOWN', 'seal');
  requireNotEnded(seal);
  switch (particulars.kind) {
    case 'GRANT':
      requireGrant(particulars, seal, at);
      break;
    case 'WITHDRAW_GRANT':
      if (!seal.grants.some((grant) => grant.id === particulars.grant)) throw new Refusal('SEAL_NOT_GRANTED', 'grant');
      break;
    case 'END': {
      const { reason, compromisedAt } = particulars;
      const ending = { reason, compromisedAt: compromisedAt === null ? null : new Date(compromisedAt) };
      requireCompromise(ending, since ?? seal.validFrom, at);
      break;
    }
    case 'RESUME':
      requireSuspended(seal, at);
      break;
    case 'CERTIFICATE':
      requireChain(particulars.certificates, { ...facts, organName: organNameOf(seal) }, at);
      break;
    case 'PICTURE':
      if (particulars.digest === picture) throw new Refusal('ACTION_DONE', 'picture');
      if (particulars.replaces !== picture) throw new Refusal('PROPOSAL_OUTDATED', 'application');
  }
}

function requireNewSeal({ matters, organName }: Extract<Particulars, { kind: 'MAKE' }>): void {
  checkAll(
    () => requireOrganName(organName),
    () => {
      if (matters.length > MAX_MATTERS) throw new Refusal('FIELD_TOO_LONG', 'matters');
      checkEach(matters, (matter, i) => requireMatter(matter, `matters[${i}]`));
    },
  );
}

function requireOrganName(name: string): void {
  if (name.trim() === '') throw new Refusal('FIELD_MALFORMED', 'organName', '机关首枚印章须写明机关名称');
  requireLine(name, MAX_ORGAN_NAME_CHARS, 'organName');
}

function requireMatter(matter: string, field: string): void {
  if (matter === '' || matter.length > MAX_MATTER_ID_CHARS) throw new Refusal('MATTER_UNKNOWN', field);
  requireLine(matter, MAX_MATTER_ID_CHARS, field);
}

function requireGrant(grant: Extract<Particulars, { kind: 'GRANT' }>, seal: Seal, at: Date): void {
  const { matter, person, from, to } = grant;
  checkAll(
    () => requireMatter(matter, 'matter'),
    () => person !== null && requireLine(person, MAX_PERSON_ID_CHARS, 'person'),
    () => {
      if (from !== null && !isDay(from)) throw new Refusal('DAY_INVALID', 'from');
    },
    () => {
      if (to !== null && !isDay(to)) throw new Refusal('DAY_INVALID', 'to');
      if (to !== null && (to < dayOf(at) || (from !== null && to < from)))
        throw new Refusal('FIELD_MALFORMED', 'to', '末日不得早于首日和今天');
    },
  );
  const isGranted = seal.grants.some(
    (existing) =>
      existing.matter === matter && existing.person === person && existing.from === from && existing.to === to,
  );
  if (isGranted) throw new Refusal('SEAL_ALREADY_GRANTED', 'matter');
}
