import type { OrganFact } from '../../kernel/events/events.ts';
import { sha256, toCanonicalJson } from '../../kernel/events/events.ts';
import { writeLicenseIdentifier } from '../../kernel/identifier.ts';
import { toRecordedOwnership } from '../../kernel/identity/co-ownership.ts';
import { IDENTITY_KINDS } from '../../kernel/identity/identity.ts';
import type { Proposal } from '../../kernel/proposal/proposal.ts';
import type { RegistrationStatement } from '../../kernel/sealing/attest.ts';
import type { LineProblem } from './ledger.ts';
import type { PaperLicense } from './line.ts';
import type { RegisteredRecord } from './record.ts';

/**
 * Existing paper (存量证照): one person of the issuing organ proposes a ledger, another one approves exactly that file,
 * and then each of its lines becomes version 1 of a license, which no seal is on.
 */

export const REGISTRATION_KIND = 'REGISTRATION';
export type RegistrationProposal = Proposal<typeof REGISTRATION_KIND>;

/** What a proposal says of its ledger. A stored proposal is the JSON text of it. */
export interface RegistrationContent {
  matterId: string;
  licenseName: string;
  licenseType: string;
  /** SHA-256 of the file. */
  digest: string;
  encoding: 'UTF-8' | 'GB18030';
  /** Number of licenses in it. */
  lines: number;
  /** What the approver should look at. It refuses nothing. */
  notes: LineProblem[];
}

/** Two persons take a ledger over, on a moment. */
export interface Takeover {
  proposedById: string;
  proposedBy: string;
  approvedById: string;
  approvedBy: string;
  approvedAt: Date;
  /** Of approval, in Asia/Shanghai. */
  day: string;
}

/** What every license of a ledger has in common. */
export interface RegistrationPlan extends Takeover {
  proposalId: string;
  matterId: string;
  licenseName: string;
  licenseType: string;
  typeVersion: number;
  issuer: OrganFact;
  /** Division code of the county that handles its cases. */
  handledBy: string;
  digest: string;
  publicUrl: string;
}

/** Builds the record of version 1 of a license on paper, under the serial by which identifiers name it. */
export function buildRegisteredRecord(
  plan: RegistrationPlan,
  license: PaperLicense,
  { serial, salt }: { serial: string; salt: string },
): RegisteredRecord {
  const { issuer, licenseType } = plan;
  const identifier = writeLicenseIdentifier({ type: licenseType, issuer: issuer.uscc, serial, version: 1 });
  return {
    ZZMC: plan.licenseName,
    ZZLXDM: licenseType,
    ZZBH: license.number,
    ZZBS: identifier,
    ZZBFJG: issuer.name,
    ZZBFJGDM: issuer.uscc,
    ZZBFRQ: license.issuedOn,
    CZZT: license.holder.name,
    CZZTDM: license.holder.code,
    CZZTDMLX: IDENTITY_KINDS[license.holder.codeKind].record,
    ZZYXQQSRQ: license.validFrom,
    ZZYXQJZRQ: license.validUntil ?? '长期',
    KZ_BB: 1,
    KZ_CZ: 'REGISTER',
    KZ_SX: plan.matterId,
    KZ_XZQH: issuer.divisionCode,
    KZ_BLXZQH: plan.handledBy,
    KZ_NR: license.fields,
    KZ_XGBS: null,
    KZ_HYDZ: `${plan.publicUrl}/v/${identifier}`,
    KZ_SJS: salt,
    KZ_LXBB: plan.typeVersion,
    KZ_DJ: { DJRQ: plan.day, NBR: plan.proposedBy, SPR: plan.approvedBy, WJZY: plan.digest, HH: license.line },
    ...(license.coOwnership === undefined ? {} : { KZ_GY: toRecordedOwnership(license.coOwnership) }),
    ...(license.scan === null ? {} : { KZ_SMJ: license.scan }),
  };
}

/** Returns the id of the act that enters a line: always the same, so that a repeated batch states nothing new. */
export function actIdOf(proposalId: string, place: number): string {
  const hex = sha256(`${proposalId} ${place}`);
  // The version and variant of a UUID that its maker defines (RFC 9562, version 8).
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** A license of an approved ledger, as it is to be entered. */
export interface RegistrationLine {
  proposalId: string;
  place: number;
  actId: string;
  /** Key of the license. */
  number: string;
  identifier: string;
  record: RegisteredRecord;
  recordDigest: string;
}

/** Builds a line. `number` is the key of its license. */
export function buildLine(
  proposalId: string,
  place: number,
  number: string,
  record: RegisteredRecord,
): RegistrationLine {
  return {
    ...{ proposalId, place, actId: actIdOf(proposalId, place) },
    ...{ number, identifier: record.ZZBS },
    ...{ record, recordDigest: sha256(toCanonicalJson(record)) },
  };
}

/** Builds what the register states of a line. Depends on what was approved alone. */
export function buildRegistrationStatement(
  { actId: jti, identifier: sub, record, recordDigest }: RegistrationLine,
  {
    organ,
    approvedById,
    proposedById,
    approvedAt,
  }: Pick<Takeover, 'approvedById' | 'proposedById' | 'approvedAt'> & {
    organ: string;
  },
): RegistrationStatement {
  return {
    ...{ jti, iat: Math.floor(approvedAt.getTime() / 1000), act: 'REGISTER', sub, version: 1, state: 'VALID', organ },
    ...{ record: recordDigest, file: record.KZ_DJ.WJZY, by: sha256(approvedById), preparedBy: sha256(proposedById) },
  };
}
