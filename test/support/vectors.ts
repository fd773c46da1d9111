import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import type { CodePayload } from '../../subgraphs/kernel/sealing/sign.ts';
import type { ActStatement } from '../../subgraphs/licenses/act/record.ts';
import type { Bundle } from '../../subgraphs/licenses/verify/evidence.ts';
import type { SubIndication } from '../../subgraphs/licenses/verify/verdict.ts';
import { der, oid } from '../library/authority.ts';
import {
  asn1Null,
  attribute,
  type CertificateOptions,
  extension,
  type IssuedCertificate,
  integer,
  sha256,
  signJws,
} from './pki-builder.ts';
import { sampleRecord } from './record.ts';
import {
  type Authorities,
  addStamp,
  type Changes,
  createAuthorities,
  type Role,
  renderPdf,
  VALID_AUTHORITIES,
} from './sealed-evidence.ts';

/** Helpers for the tables of vectors. */

export type Vector = [rule: string, changes: Changes | (() => Changes)];
/** Vectors by expected result. PASSED holds those that pass. */
export type Vectors = Partial<Record<SubIndication | 'PASSED', readonly Vector[]>>;

export const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
export const flipBit = (bytes: Buffer, at = bytes.length - 1, bit = 1) => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ bit;
  return copy;
};
export const withAuthorities = (changes: Partial<Record<Role, CertificateOptions>>): Changes => ({
  authorities: createAuthorities(changes),
});
export const buildEntry = ({ serial }: Pick<IssuedCertificate, 'serial'>, at: Date, overrides: object = {}) => ({
  serial,
  at,
  ...overrides,
});
/** Adds a revocation list of the issuing authority that contains one certificate. */
export const withRevoked = (role: Role, at: Date, overrides: object = {}): Changes => ({
  lists: { issuing: { entries: [buildEntry(VALID_AUTHORITIES[role], at, overrides)] } },
});
export const UNKNOWN_EXTENSION = extension('1.2.3.4', true, asn1Null);
export const policyExtension = (id: string, critical = false) => extension(id, critical, sequence(integer(0)));

/** Builds the text of a QR code for the sample record, with changes to its payload. */
export function buildCodeText(
  authorities: Authorities,
  changes: Partial<CodePayload> = {},
  header: object = {},
  signer = authorities.code,
): string {
  const payload: CodePayload = {
    i: sampleRecord.ZZBS,
    h: '于都县贡****有限公司',
    o: sampleRecord.ZZBFJG,
    f: sampleRecord.ZZYXQQSRQ,
    t: sampleRecord.ZZYXQJZRQ,
    d: sha256(toCanonicalJson(sampleRecord)).toString('base64url'),
    ...changes,
  };
  const kid = sha256(authorities.code.certificate).toString('hex').slice(0, 16);
  return signJws({ kid, typ: 'tq-code-1', ...header }, payload, signer);
}

/** A license with a QR code. */
export const withCode = (text = `${sampleRecord.KZ_HYDZ}#${buildCodeText(VALID_AUTHORITIES)}`): Changes => ({
  content: renderPdf({ KZ_EWM: text }),
});

export const STATEMENT: ActStatement = {
  CZ: 'SUSPEND',
  ZZBH: sampleRecord.ZZBH,
  ZZBS: sampleRecord.ZZBS,
  KZ_BB: 1,
  ZZBFJG: sampleRecord.ZZBFJG,
  ZZBFJGDM: sampleRecord.ZZBFJGDM,
  ZZZT: 'SUSPENDED',
  SM: '现场检查不合格，\n限期整改',
  KZ_BJBH: null,
  ZZQZR: sampleRecord.ZZQZR,
  ZZQZSJ: sampleRecord.ZZQZSJ,
  ZZQZMC: sampleRecord.ZZQZMC,
  KZ_KBZZ: null,
};
export const withStatement = (text = toCanonicalJson(STATEMENT)): Changes => ({
  detached: true,
  content: Buffer.from(text),
});

/** An old detached signature without a timestamp. */
export const OLD_SIGNATURE: Changes = { detached: true, token: null };
/** Adds one archive stamp per day, each with the revocation lists of that day. */
export const withStamps =
  (...days: readonly Date[]) =>
  (bundle: Bundle, authorities: Authorities) =>
    days.reduce((earlierBundle, stampDay) => addStamp(earlierBundle, authorities, stampDay), bundle);
export const policyAttribute = (value: Buffer) => (sorted: Buffer[]) =>
  [...sorted, attribute('1.2.840.113549.1.9.16.2.15', value)].sort(Buffer.compare);
export const EXPLICIT_POLICY = sequence(
  oid('1.2.3.4.5'),
  sequence(sequence(oid('2.16.840.1.101.3.4.2.1')), der(0x04, sha256('policy'))),
);
