import { canonical } from '../../subgraphs/kernel/events.ts';
import type { CodePayload } from '../../subgraphs/kernel/sign.ts';
import type { ActStatement } from '../../subgraphs/licenses/record.ts';
import type { Bundle } from '../../subgraphs/licenses/verify/evidence.ts';
import type { SubIndication } from '../../subgraphs/licenses/verify/verdict.ts';
import { der, oid } from '../library/authority.ts';
import { attribute, type CertificateOptions, extension, type Issued, integer, jws, nothing, sha256 } from './forge.ts';
import { record } from './record.ts';
import { type Changes, GOOD, type Role, rendered, restamped, type World, world } from './world.ts';

/** Helpers for the tables of vectors. */

export type Vector = [rule: string, changes: Changes | (() => Changes)];
/** Vectors by expected result. PASSED holds those that pass. */
export type Vectors = Partial<Record<SubIndication | 'PASSED', readonly Vector[]>>;

export const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
export const flip = (bytes: Buffer, at = bytes.length - 1, bit = 1) => {
  const forged = Buffer.from(bytes);
  forged[at] = (forged[at] ?? 0) ^ bit;
  return forged;
};
export const inWorld = (changes: Partial<Record<Role, CertificateOptions>>): Changes => ({ world: world(changes) });
export const entryOf = ({ serial }: Pick<Issued, 'serial'>, at: Date, more: object = {}) => ({ serial, at, ...more });
/** Adds a revocation list of the issuing authority that contains one certificate. */
export const revoked = (role: Role, at: Date, more: object = {}): Changes => ({
  lists: { issuing: { entries: [entryOf(GOOD[role], at, more)] } },
});
export const UNKNOWN = extension('1.2.3.4', true, nothing);
export const policy = (id: string, critical = false) => extension(id, critical, sequence(integer(0)));

/** Builds the text of a QR code for the sample record, with changes to its payload. */
export function codeText(made: World, changes: Partial<CodePayload> = {}, header: object = {}, by = made.code): string {
  const payload: CodePayload = {
    i: record.ZZBS,
    h: '于都县贡****有限公司',
    o: record.ZZBFJG,
    f: record.ZZYXQQSRQ,
    t: record.ZZYXQJZRQ,
    d: sha256(canonical(record)).toString('base64url'),
    ...changes,
  };
  const kid = sha256(made.code.certificate).toString('hex').slice(0, 16);
  return jws({ kid, typ: 'tq-code-1', ...header }, payload, by);
}

/** A license with a QR code. */
export const withCode = (text = `${record.KZ_HYDZ}#${codeText(GOOD)}`): Changes => ({
  content: rendered({ KZ_EWM: text }),
});

export const STATEMENT: ActStatement = {
  CZ: 'SUSPEND',
  ZZBH: record.ZZBH,
  ZZBS: record.ZZBS,
  KZ_BB: 1,
  ZZBFJG: record.ZZBFJG,
  ZZBFJGDM: record.ZZBFJGDM,
  ZZZT: 'SUSPENDED',
  SM: '现场检查不合格，\n限期整改',
  KZ_BJBH: null,
  ZZQZR: record.ZZQZR,
  ZZQZSJ: record.ZZQZSJ,
  ZZQZMC: record.ZZQZMC,
  KZ_KBZZ: null,
};
export const statement = (text = canonical(STATEMENT)): Changes => ({ detached: true, content: Buffer.from(text) });

/** An old detached signature without a timestamp. */
export const OLD: Changes = { detached: true, token: null };
/** Adds one archive stamp per day, each with the revocation lists of that day. */
export const stamped =
  (...days: readonly Date[]) =>
  (bundle: Bundle, made: World) =>
    days.reduce((before, on) => restamped(before, made, on), bundle);
export const policyAttribute = (value: Buffer) => (sorted: Buffer[]) =>
  [...sorted, attribute('1.2.840.113549.1.9.16.2.15', value)].sort(Buffer.compare);
export const EXPLICIT_POLICY = sequence(
  oid('1.2.3.4.5'),
  sequence(sequence(oid('2.16.840.1.101.3.4.2.1')), der(0x04, sha256('policy'))),
);
