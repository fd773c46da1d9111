import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { memoizeByDigest } from '../../../kernel/cache.ts';
import { Failure, readOrFail, toDisplayText } from '../verdict.ts';
import {
  Fields,
  type Node,
  numberOf,
  octetsOfBits,
  oidOf,
  parseDer,
  requireOnlyChild,
  TAG,
  textOf,
  timeOf,
} from './der.ts';

/** A parsed certificate (X.509 version 3, RFC 5280). Nothing in it has been checked yet. */
export interface Certificate {
  raw: Buffer;
  /** SHA-256 of the certificate, hex. */
  digest: string;
  /** The bytes that the issuer signed, the algorithm, and the signature. */
  signed: Buffer;
  algorithm: string;
  signature: Buffer;
  /** Names, DER, and the content octets of the serial number. */
  issuer: Buffer;
  subject: Buffer;
  serial: Buffer;
  commonName: string;
  /** Organisation names (O) of the subject, in order. */
  organisations: readonly string[];
  validFrom: Date;
  validUntil: Date;
  key: PublicKey;
  isCa: boolean;
  /** Maximum number of authorities below this one, or null if there is no limit. */
  pathLength: number | null;
  /** First octet of keyUsage, with bit 0 (digitalSignature) as the highest bit, or null if there is no keyUsage. */
  keyUsage: number | null;
  /** Purposes of extKeyUsage, or null if there is no extKeyUsage. */
  purposes: { critical: boolean; ids: readonly string[] } | null;
  /** Identifiers of its own key and of its issuer's key, hex, or null if absent. */
  keyId: string | null;
  issuerKeyId: string | null;
  /** Why it is outside the profile of this verifier for every purpose, or null if it is not. */
  outside: Failure | null;
}

export interface PublicKey {
  kind: 'RSA' | 'P256' | 'OTHER';
  /** Length of the modulus or of the curve's order, in bits. */
  bits: number;
  /** RSA: the public exponent. */
  exponent: bigint;
  /** Null if node:crypto does not support this key. */
  object: KeyObject | null;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  digest: string;
}

/** Bits in the first octet of keyUsage. */
export const USAGE = { digitalSignature: 0x80, nonRepudiation: 0x40, keyCertSign: 0x04, cRLSign: 0x02 } as const;
export const ALGORITHM = { rsaSha256: '1.2.840.113549.1.1.11', ecdsaSha256: '1.2.840.10045.4.3.2' } as const;

const KEY = { rsa: '1.2.840.113549.1.1.1', ec: '1.2.840.10045.2.1', p256: '1.2.840.10045.3.1.7' } as const;
const P256_POINT_BYTES = 65;
const VERSION_3 = 2;
const MAX_SERIAL_BYTES = 20;
const SUBJECT = { commonName: '2.5.4.3', organisation: '2.5.4.10' } as const;
const POLICIES = '2.5.29.32';
/** Constraints on a path that this verifier does not evaluate, whether critical or not. */
const POLICY_LIMITS: readonly string[] = ['2.5.29.33', '2.5.29.36', '2.5.29.54'];
const NAME_CONSTRAINTS = '2.5.29.30';
/** Announces delta lists, which this verifier does not read. */
const FRESHEST_LIST = '2.5.29.46';
const [FIELD_VERSION, FIELD_EXTENSIONS, FIELD_ISSUER_UID, FIELD_SUBJECT_UID] = [0xa0, 0xa3, 0x81, 0x82];

const chainFailure = (detail: string) => new Failure('CHAIN_CONSTRAINTS_FAILURE', detail);

/** Reads a certificate, DER. Throws Failure CHAIN_CONSTRAINTS_FAILURE if the bytes are not a certificate. */
export const readCertificate = memoizeByDigest((der) =>
  readOrFail('CHAIN_CONSTRAINTS_FAILURE', '证书无法解析', () => parseCertificate(der)),
);

/** Returns the readable certificates. Skips unreadable ones, so that they do not block the others. */
export function readCertificates(encodings: readonly Uint8Array[]): Certificate[] {
  return encodings.flatMap((encoding) => {
    try {
      return [readCertificate(toDer(encoding))];
    } catch {
      return [];
    }
  });
}

/** Converts DER or PEM (RFC 7468) to DER. */
function toDer(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === TAG.sequence) return bytes;
  const text = Buffer.from(bytes).toString('latin1');
  const [, base64 = ''] = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/.exec(text) ?? [];
  return Buffer.from(base64, 'base64');
}

function parseCertificate(der: Buffer): Certificate {
  const whole = new Fields(parseDer(der));
  const tbs = whole.next(TAG.sequence);
  const algorithm = whole.next(TAG.sequence);
  const signature = octetsOfBits(whole.next(TAG.bits));
  whole.end();
  const fields = new Fields(tbs);
  const version = fields.optional(FIELD_VERSION);
  if (!version || numberOf(requireOnlyChild(version)) !== VERSION_3) throw chainFailure('证书不是 X.509 第 3 版');
  const serial = fields.next(TAG.integer).body;
  if (!fields.next(TAG.sequence).raw.equals(algorithm.raw)) throw chainFailure('证书签名算法前后不一致');
  const issuer = fields.next(TAG.sequence);
  const validity = new Fields(fields.next(TAG.sequence));
  const [validFrom, validUntil] = [timeOf(validity.next()), timeOf(validity.next())];
  validity.end();
  const subject = fields.next(TAG.sequence);
  const key = readKey(fields.next(TAG.sequence));
  const uids = [fields.optional(FIELD_ISSUER_UID), fields.optional(FIELD_SUBJECT_UID)];
  const extensions = fields.optional(FIELD_EXTENSIONS);
  fields.end();
  const extensionFields = readExtensions(extensions ? requireOnlyChild(extensions, TAG.sequence).children : []);
  const hasValidSerial =
    serial.length <= MAX_SERIAL_BYTES && (serial[0] ?? 0x80) < 0x80 && serial.some((octet) => octet);
  const serialFailure =
    uids.some(Boolean) || !hasValidSerial ? chainFailure('证书序列号或唯一标识不在本核验程序的范围内') : null;
  const names = (type: string) => subject.children.flatMap(readNameParts).filter((part) => part.type === type);
  return {
    raw: der,
    digest: createHash('sha256').update(der).digest('hex'),
    signed: tbs.raw,
    algorithm: algorithmOf(algorithm),
    signature,
    issuer: issuer.raw,
    subject: subject.raw,
    serial,
    commonName: toDisplayText(names(SUBJECT.commonName)[0]?.text ?? ''),
    organisations: names(SUBJECT.organisation).map(({ text }) => text),
    validFrom,
    validUntil,
    key,
    ...extensionFields,
    outside: extensionFields.outside ?? serialFailure,
  };
}

/**
 * Reads the parts of one relative name. Only the common name and the organisation get text, from UTF-8 or printable
 * strings. Names chain by their bytes.
 */
function readNameParts(relative: Node): { type: string; text: string }[] {
  return relative.children.map((part) => {
    const fields = new Fields(part);
    const type = oidOf(fields.next(TAG.oid));
    const value = fields.next();
    fields.end();
    const isSubjectName = type === SUBJECT.commonName || type === SUBJECT.organisation;
    if (!isSubjectName) return { type, text: '' };
    return { type, text: readOrFail('CHAIN_CONSTRAINTS_FAILURE', '证书主体名称的编码不受支持', () => textOf(value)) };
  });
}

/**
 * Returns the identifier of an algorithm, or '' if its parameters are wrong. RSA requires NULL (RFC 4055), ECDSA
 * requires none (RFC 5758).
 */
export function algorithmOf(node: Node): string {
  const [id, parameters, ...more] = node.children;
  if (!id || more.length > 0) return '';
  const name = oidOf(id);
  if (name === ALGORITHM.rsaSha256) return parameters?.tag === TAG.none ? name : '';
  if (name === ALGORITHM.ecdsaSha256) return parameters ? '' : name;
  return name;
}

function readKey(info: Node): PublicKey {
  const fields = new Fields(info);
  const [id, parameters] = fields.next(TAG.sequence).children;
  const bits = octetsOfBits(fields.next(TAG.bits));
  fields.end();
  const name = id ? oidOf(id) : '';
  const digest = createHash('sha256').update(info.raw).digest('hex');
  const other: PublicKey = { kind: 'OTHER', bits: 0, exponent: 0n, object: null, digest };
  const isP256 = name === KEY.ec && parameters?.tag === TAG.oid && oidOf(parameters) === KEY.p256;
  if (isP256 ? bits.length !== P256_POINT_BYTES : name !== KEY.rsa || parameters?.tag !== TAG.none) return other;
  try {
    if (name === KEY.rsa) parseDer(bits);
    const object = createPublicKey({ key: info.raw, format: 'der', type: 'spki' });
    if (isP256) return { kind: 'P256', bits: 256, exponent: 0n, object, digest };
    const { modulusLength = 0, publicExponent = 0n } = object.asymmetricKeyDetails ?? {};
    return { kind: 'RSA', bits: modulusLength, exponent: publicExponent, object, digest };
  } catch {
    return other;
  }
}

type Extensions = Pick<
  Certificate,
  'isCa' | 'pathLength' | 'keyUsage' | 'purposes' | 'keyId' | 'issuerKeyId' | 'outside'
>;

function readExtensions(extensions: readonly Node[]): Extensions {
  const result: Extensions = {
    ...{ isCa: false, pathLength: null, keyUsage: null, purposes: null },
    ...{ keyId: null, issuerKeyId: null, outside: null },
  };
  const seen = new Set<string>();
  for (const node of extensions) {
    const { id, critical, value } = readExtension(node);
    if (seen.has(id)) throw chainFailure(`证书扩展 ${id} 重复`);
    seen.add(id);
    const reader = EXTENSION_READERS[id];
    if (reader) reader(result, parseDer(value), critical);
    else result.outside ??= findLimit(id, critical);
  }
  return result;
}

/** Reads one Extension (RFC 5280 §4.1) of a certificate, a list or a list entry. `value` is the inner DER. */
export function readExtension(node: Node): { id: string; critical: boolean; value: Buffer } {
  const fields = new Fields(node);
  const id = oidOf(fields.next(TAG.oid));
  const flag = fields.optional(TAG.boolean);
  if (flag && flag.body[0] !== 0xff) throw chainFailure(`证书扩展 ${id} 写出了默认值`);
  const value = fields.next(TAG.octets).body;
  fields.end();
  return { id, critical: flag !== null, value };
}

/**
 * Returns a failure for an extension that limits the certificate in an unsupported way, otherwise null. Ignores
 * non-critical extensions without limits: policies, access locations, other names.
 */
function findLimit(id: string, critical: boolean): Failure | null {
  if (POLICY_LIMITS.includes(id) || (id === POLICIES && critical)) {
    return new Failure('POLICY_PROCESSING_ERROR', `证书策略扩展 ${id} 无法处理`);
  }
  const isLimit = critical || id === NAME_CONSTRAINTS || id === FRESHEST_LIST;
  return isLimit ? chainFailure(`证书扩展 ${id} 是本核验程序不认识的限制`) : null;
}

const EXTENSION_READERS: Record<string, (result: Extensions, value: Node, critical: boolean) => void> = {
  '2.5.29.15': (result, { tag, body }) => {
    // A second octet would be decipherOnly, which no purpose here uses.
    if (tag !== TAG.bits || body.length !== 2) throw chainFailure('证书密钥用途无法解析');
    result.keyUsage = body[1] ?? 0;
  },
  '2.5.29.19': (result, value) => {
    const fields = new Fields(value);
    const ca = fields.optional(TAG.boolean);
    if (ca && ca.body[0] !== 0xff) throw chainFailure('证书基本限制写出了默认值');
    const length = fields.optional(TAG.integer);
    fields.end();
    if (length && !ca) throw chainFailure('证书基本限制自相矛盾');
    result.isCa = ca !== null;
    result.pathLength = length ? numberOf(length) : null;
  },
  '2.5.29.37': (result, value, critical) => {
    if (value.tag !== TAG.sequence || value.children.length === 0) throw chainFailure('证书扩展密钥用途无法解析');
    result.purposes = { critical, ids: value.children.map(oidOf) };
  },
  '2.5.29.14': (result, { tag, body }) => {
    if (tag !== TAG.octets) throw chainFailure('证书密钥标识无法解析');
    result.keyId = body.toString('hex');
  },
  '2.5.29.35': (result, value) => {
    const [first] = new Fields(value).optional(0x80) ? value.children : [];
    result.issuerKeyId = first ? first.body.toString('hex') : null;
  },
};
