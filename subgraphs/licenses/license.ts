import { type OrganFact, sha256, toCanonicalJson } from '../kernel/events/events.ts';
import { toRecordedOwnership } from '../kernel/identity/co-ownership.ts';
import { IDENTITY_KINDS } from '../kernel/identity/identity.ts';
import {
  type Act,
  caseStatementReason,
  type EitherAct,
  LICENSE_ACTS,
  type LicenseState,
  type ValidityState,
} from '../kernel/license-acts.ts';
import { requireActAllowed } from '../kernel/license-type/act-fit.ts';
import { printedNumber } from '../kernel/license-type/license-key.ts';
import * as text from '../kernel/text.ts';
import type { ActStatement, LicenseRecord, SealedRecord } from './act/record.ts';
import { type Hearing, toRecordedHearing } from './proposal/grounds.ts';
import type { CertificateTask } from './task/task.ts';

/**
 * Returns the state of the current version after `act`; `state` is its state on the day of the act. For an act that
 * makes a new version, this is the state of the old version. Refuses LICENSE_ACT_NOT_ALLOWED.
 */
export function stateAfter(state: ValidityState, act: Exclude<Act, 'ISSUE'>): LicenseState {
  requireActAllowed(act, state);
  return LICENSE_ACTS[act].to;
}

/** The current version of a license, as the state machine needs it. */
export interface LicenseHead {
  number: string;
  identifier: string;
  version: number;
  /** State on the day of the question. */
  state: ValidityState;
  /** State that its acts made. */
  storedState: LicenseState;
  issuer: OrganFact;
  record: LicenseRecord;
  parties: readonly string[];
  counters: readonly string[];
  /** Division code of the integrated window that accepted its case, or null. */
  window: string | null;
}

const MAX_REASON_CHARS = 500;

/** Refuses REASON_MISSING, FIELD_TOO_LONG, FIELD_MALFORMED unless the reason is a valid text. */
export function requireReason(reason: string, field = 'reason'): void {
  // One line: it stands in a sealed statement.
  text.requireReason(reason, MAX_REASON_CHARS, field, 'LINE');
}

/**
 * What the sealing adds to a content: who authorised the seal, when, the seal's name as printed on documents, and a
 * random element of its own (随机数).
 */
export interface Sealing {
  authorisedBy: string;
  authorisedAt: Date;
  sealName: string;
  salt: string;
}

export interface VersionPlan {
  task: CertificateTask;
  sealing: Sealing;
  number: string;
  version: number;
  identifier: string;
  issuedOn: string;
  /** Identifier of the version that is replaced, or null. */
  replaces: string | null;
  /** Public address of the hub, without `/v/<identifier>`. */
  publicUrl: string;
  /** Index in the status list. */
  statusIndex: number;
}

/** Builds the canonical record of a new version (GB/T 36903), from which its document is rendered. */
export function buildRecord(plan: VersionPlan): SealedRecord {
  const { task, sealing, identifier } = plan;
  const { content, issuer } = task;
  return {
    ZZMC: content.licenseName,
    ZZLXDM: content.licenseType,
    ZZBH: printedNumber(plan.number),
    ZZBS: identifier,
    ZZBFJG: issuer.name,
    ZZBFJGDM: issuer.uscc,
    ZZBFRQ: plan.issuedOn,
    CZZT: content.holder.name,
    CZZTDM: content.holder.code,
    CZZTDMLX: IDENTITY_KINDS[content.holder.codeKind].record,
    ZZYXQQSRQ: content.validFrom,
    ZZYXQJZRQ: content.validUntil ?? '长期',
    ZZQZR: sealing.authorisedBy,
    ZZQZSJ: sealing.authorisedAt.toISOString(),
    ZZQZMC: sealing.sealName,
    KZ_BB: plan.version,
    KZ_CZ: content.action,
    KZ_SX: content.matterId,
    KZ_BJBH: task.caseNumber,
    KZ_XZQH: issuer.divisionCode,
    KZ_BLXZQH: task.handledBy,
    KZ_NR: content.fields,
    KZ_XGBS: plan.replaces,
    KZ_HYDZ: `${plan.publicUrl}/v/${identifier}`,
    KZ_ZTXH: plan.statusIndex,
    KZ_SJS: sealing.salt,
    ...(content.typeVersion === undefined ? {} : { KZ_LXBB: content.typeVersion }),
    ...(content.unprinted === undefined ? {} : { KZ_BYX: content.unprinted }),
    ...(content.coOwnership === undefined ? {} : { KZ_GY: toRecordedOwnership(content.coOwnership) }),
  };
}

/** What the statement of an act says besides the license and the seal. */
export interface StatementDetails {
  reason: string;
  caseNumber: string | null;
  orderId?: string | null;
  /** What a proposed act rests on. Absent for every other act. */
  proposal?: { id: string; decisionNumber: string | null; hearing: Hearing | null };
}

/** Builds the statement of an act that makes no new document. */
export function buildStatement(
  head: LicenseHead,
  act: ActStatement['CZ'],
  newState: LicenseState,
  sealing: Sealing,
  details: StatementDetails,
): ActStatement {
  const { proposal } = details;
  return {
    CZ: act,
    ZZBH: printedNumber(head.number),
    ZZBS: head.identifier,
    KZ_BB: head.version,
    ZZBFJG: head.issuer.name,
    // That of the identifier, also where a successor (机构改革) makes the statement.
    ZZBFJGDM: head.record.ZZBFJGDM,
    ZZZT: newState,
    SM: details.reason,
    KZ_BJBH: details.caseNumber,
    ZZQZR: sealing.authorisedBy,
    ZZQZSJ: sealing.authorisedAt.toISOString(),
    ZZQZMC: sealing.sealName,
    KZ_KBZZ: null,
    KZ_SJS: sealing.salt,
    ...(details.orderId ? { KZ_JGZL: details.orderId } : {}),
    ...(proposal ? { KZ_NBBH: proposal.id } : {}),
    ...(proposal?.decisionNumber ? { KZ_JDWH: proposal.decisionNumber } : {}),
    ...(proposal?.hearing ? { KZ_TZ: toRecordedHearing(proposal.hearing) } : {}),
  };
}

/** Builds the statement of an act that a case ended in, and the state it leads to. Refuses LICENSE_ACT_NOT_ALLOWED. */
export function planCaseStatement(head: LicenseHead, act: EitherAct, sealing: Sealing, caseNumber: string) {
  const newState = stateAfter(head.state, act);
  const details = { reason: caseStatementReason(act), caseNumber };
  return { record: buildStatement(head, act, newState, sealing, details), stateAfter: newState };
}

/** SHA-256 over the canonical text of a record. Document, paper and library copy must have the same digest. */
export function computeRecordDigest(record: LicenseRecord | ActStatement): string {
  return sha256(toCanonicalJson(record));
}
