import { createHash, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { digestSealable, insertSignature, makeSealable } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { ArchiveStamp, Bundle } from '../../subgraphs/licenses/verify/evidence.ts';
import { der, oid } from '../library/authority.ts';

/**
 * Builds valid and invalid evidence: certificates, revocation lists, timestamps, signatures, bundles, codes,
 * statements. It encodes DER itself, has its own keys, and shares no code with the seals subgraph.
 */

interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** A certificate with its key. */
export interface IssuedCertificate {
  pair: KeyPair;
  certificate: Buffer;
  name: Buffer;
  serial: Buffer;
  keyId: Buffer;
}

export const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest();
const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const asn1Set = (...parts: readonly Buffer[]) => der(0x31, ...parts.toSorted(Buffer.compare));
const octetString = (bytes: Uint8Array) => der(0x04, bytes);
const bitString = (bytes: Uint8Array) => der(0x03, Buffer.from([0]), bytes);
export const asn1Null = der(0x05);
export const integer = (value: number) =>
  der(0x02, Buffer.from(value < 128 ? [value] : [...(value >> 15 ? [0] : []), value >> 8, value & 0xff]));
export const rsaSha256 = sequence(oid('1.2.840.113549.1.1.11'), asn1Null);
const ecdsaSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const sha256Algorithm = sequence(oid('2.16.840.1.101.3.4.2.1'));

export const createRsaPair = (keyBits = 3072, publicExponent = 65537): KeyPair =>
  generateKeyPairSync('rsa', { modulusLength: keyBits, publicExponent });
export const createEcPair = (namedCurve = 'P-256'): KeyPair => generateKeyPairSync('ec', { namedCurve });

function encodeTime(at: Date, fraction = ''): Buffer {
  const text = at.toISOString().replace(/[-:T]|\.\d+Z/g, '');
  const utc = at.getUTCFullYear() < 2050 && fraction === '';
  return utc ? der(0x17, Buffer.from(`${text.slice(2)}Z`)) : encodeGeneralizedTime(at, fraction);
}

function encodeGeneralizedTime(at: Date, fraction = ''): Buffer {
  return der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]|\.\d+Z/g, '')}${fraction}Z`));
}

function encodeName(organisation: string | null, commonName: string): Buffer {
  const part = (type: string, text: string) => der(0x31, sequence(oid(type), der(0x0c, Buffer.from(text))));
  return sequence(...(organisation === null ? [] : [part('2.5.4.10', organisation)]), part('2.5.4.3', commonName));
}

export const extension = (id: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), octetString(value));

export interface CertificateOptions {
  organisation?: string | null;
  common?: string;
  issuer?: IssuedCertificate | null;
  pair?: KeyPair;
  isCa?: boolean;
  pathLength?: number | null;
  /** First octet of keyUsage, or null for none. */
  usage?: number | null;
  /** extKeyUsage. It is critical by default. */
  purposes?: readonly string[];
  purposesCritical?: boolean;
  from?: Date;
  until?: Date;
  serial?: Buffer;
  version?: number;
  algorithm?: Buffer;
  hash?: string;
  /** Encoded extensions to append. */
  extra?: readonly Uint8Array[];
  /** Changes the signature. */
  forge?: (signature: Buffer) => Buffer;
}

let serialCount = 0;

export function issueCertificate(options: CertificateOptions): IssuedCertificate {
  const { organisation = '测试', common = '名称', issuer = null, isCa = false, pathLength = null } = options;
  const pair = options.pair ?? createRsaPair();
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const keyId = sha256(spki).subarray(0, 20);
  const name = encodeName(organisation, common);
  const serial = options.serial ?? Buffer.from([0x40, 0, 0, ++serialCount >> 8, serialCount & 0xff]);
  const usage = options.usage === undefined ? (isCa ? 0x06 : 0xc0) : options.usage;
  const unusedBits = usage ? 31 - Math.clz32(usage & -usage) : 0;
  const constraints = isCa
    ? sequence(der(0x01, Buffer.from([0xff])), ...(pathLength === null ? [] : [integer(pathLength)]))
    : sequence();
  const extensions = [
    extension('2.5.29.19', true, constraints),
    ...(usage === null ? [] : [extension('2.5.29.15', true, der(0x03, Buffer.from([unusedBits, usage])))]),
    extension('2.5.29.14', false, octetString(keyId)),
    extension('2.5.29.35', false, sequence(der(0x80, issuer?.keyId ?? keyId))),
    ...(options.purposes
      ? [extension('2.5.29.37', options.purposesCritical ?? true, sequence(...options.purposes.map(oid)))]
      : []),
    ...(options.extra ?? []),
  ];
  const algorithm = options.algorithm ?? rsaSha256;
  const { from = new Date('2026-01-01T00:00:00Z'), until = new Date('2030-01-01T00:00:00Z'), version = 2 } = options;
  const tbs = sequence(
    ...(version === 0 ? [] : [der(0xa0, integer(version))]),
    der(0x02, serial),
    algorithm,
    issuer?.name ?? name,
    sequence(encodeTime(from), encodeTime(until)),
    name,
    spki,
    ...(version === 2 ? [der(0xa3, sequence(...extensions))] : []),
  );
  const signature = signBytes(options.hash ?? 'sha256', tbs, (issuer?.pair ?? pair).privateKey);
  const finalSignature = options.forge?.(signature) ?? signature;
  return { pair, certificate: sequence(tbs, algorithm, bitString(finalSignature)), name, serial, keyId };
}

export interface RevocationEntry {
  serial: Buffer;
  at: Date;
  reason?: number;
  invalidityDate?: Date;
  extra?: readonly Uint8Array[];
}

export interface ListOptions {
  from?: Date;
  until?: Date;
  entries?: readonly RevocationEntry[];
  extra?: readonly Uint8Array[];
  /** The signing key. Default: the issuer's. */
  pair?: KeyPair;
  version?: number;
}

/** Creates a revocation list of `issuer`. */
export function issueRevocationList(issuer: IssuedCertificate, options: ListOptions = {}): Buffer {
  const { entries = [], from = new Date('2026-11-20T00:00:00Z'), until = new Date('2026-12-20T00:00:00Z') } = options;
  const entrySequences = entries.map(({ serial, at, reason, invalidityDate, extra = [] }) => {
    const extensions = [
      ...(reason === undefined ? [] : [extension('2.5.29.21', false, der(0x0a, Buffer.from([reason])))]),
      ...(invalidityDate ? [extension('2.5.29.24', false, encodeGeneralizedTime(invalidityDate))] : []),
      ...extra,
    ];
    return sequence(der(0x02, serial), encodeTime(at), ...(extensions.length > 0 ? [sequence(...extensions)] : []));
  });
  const extensions = [
    extension('2.5.29.35', false, sequence(der(0x80, issuer.keyId))),
    extension('2.5.29.20', false, integer(1)),
    ...(options.extra ?? []),
  ];
  const tbs = sequence(
    integer(options.version ?? 1),
    rsaSha256,
    issuer.name,
    encodeTime(from),
    encodeTime(until),
    ...(entrySequences.length > 0 ? [sequence(...entrySequences)] : []),
    der(0xa0, sequence(...extensions)),
  );
  return sequence(tbs, rsaSha256, bitString(signBytes('sha256', tbs, (options.pair ?? issuer.pair).privateKey)));
}

export const attribute = (id: string, ...values: readonly Buffer[]) => sequence(oid(id), asn1Set(...values));

/** Options that change a CMS SignedData. */
export interface CmsOptions {
  signer: IssuedCertificate;
  issuer: IssuedCertificate;
  /** Enclosed certificates. Default: the signer's and its issuer's. */
  enclose?: readonly Buffer[];
  /** Changes the sorted signed attributes before they are signed. */
  attributes?: (sorted: Buffer[]) => Buffer[];
  /** The certificate that signing-certificate-v2 names. */
  bound?: Buffer;
  version?: number;
  signerVersion?: number;
  digestAlgorithm?: Buffer;
  signatureAlgorithm?: Buffer;
  hash?: string;
  sid?: Buffer;
  /** Changes the signature value. */
  forge?: (signature: Buffer) => Buffer;
  /** Further elements between the certificates and the signers, for instance revocation lists. */
  more?: readonly Buffer[];
  /** Builds the encoded unsigned attributes. */
  unsigned?: (signature: Buffer) => readonly Buffer[];
  signers?: (signerInfo: Buffer) => readonly Buffer[];
}

function signedData(contentType: string, content: Buffer | null, attributes: Buffer[], options: CmsOptions): Buffer {
  const { signer, issuer, digestAlgorithm = sha256Algorithm } = options;
  const isRsa = signer.pair.publicKey.asymmetricKeyType === 'rsa';
  const sorted = attributes.toSorted(Buffer.compare);
  const signedAttributes = options.attributes?.(sorted) ?? sorted;
  const value = signBytes(options.hash ?? 'sha256', der(0x31, ...signedAttributes), signer.pair.privateKey);
  const signature = options.forge?.(value) ?? value;
  const unsigned = options.unsigned?.(signature) ?? [];
  const signerInfo = sequence(
    integer(options.signerVersion ?? 1),
    options.sid ?? sequence(issuer.name, der(0x02, signer.serial)),
    digestAlgorithm,
    der(0xa0, ...signedAttributes),
    options.signatureAlgorithm ?? (isRsa ? rsaSha256 : ecdsaSha256),
    octetString(signature),
    ...(unsigned.length > 0 ? [der(0xa1, ...unsigned)] : []),
  );
  const certificates = options.enclose ?? [signer.certificate, issuer.certificate].toSorted(Buffer.compare);
  const data = sequence(
    integer(options.version ?? (content ? 3 : 1)),
    der(0x31, digestAlgorithm),
    sequence(oid(contentType), ...(content ? [der(0xa0, octetString(content))] : [])),
    der(0xa0, ...certificates),
    ...(options.more ?? []),
    der(0x31, ...(options.signers?.(signerInfo) ?? [signerInfo])),
  );
  return sequence(oid('1.2.840.113549.1.7.2'), der(0xa0, data));
}

const essCertificateAttribute = (certificate: Buffer) =>
  attribute('1.2.840.113549.1.9.16.2.47', sequence(sequence(sequence(octetString(sha256(certificate))))));

export interface TokenOptions extends Partial<CmsOptions> {
  genTime?: Date;
  fraction?: string;
  /** Replaces the TSTInfo. */
  info?: Buffer;
  imprintAlgorithm?: Buffer;
  infoVersion?: number;
  /** The digest in the attributes. Default: that of the TSTInfo. */
  messageDigest?: Buffer;
}

const TST_INFO = '1.2.840.113549.1.9.16.1.4';

/** Creates a timestamp token over a digest. */
export function issueTimestamp(imprint: Buffer, options: TokenOptions & Pick<CmsOptions, 'signer' | 'issuer'>): Buffer {
  const { genTime = new Date('2026-11-23T01:02:05Z'), fraction = '' } = options;
  const info =
    options.info ??
    sequence(
      integer(options.infoVersion ?? 1),
      oid('1.2.3.4.1'),
      sequence(options.imprintAlgorithm ?? sha256Algorithm, octetString(imprint)),
      integer(7),
      encodeGeneralizedTime(genTime, fraction),
    );
  const attributes = [
    attribute('1.2.840.113549.1.9.3', oid(TST_INFO)),
    attribute('1.2.840.113549.1.9.4', octetString(options.messageDigest ?? sha256(info))),
    essCertificateAttribute(options.bound ?? options.signer.certificate),
  ];
  return signedData(TST_INFO, info, attributes, { enclose: [options.signer.certificate], ...options });
}

export interface SealOptions extends CmsOptions {
  /** SHA-256 of the sealed content. */
  digest: Buffer;
  /** Null omits signing-time, as in a seal inside a PDF. */
  signingTime: Date | null;
  /** Creates the timestamp of the signature value. Default: no timestamp. */
  timestamp?: (signature: Buffer) => Buffer;
}

export function createSeal(options: SealOptions): Buffer {
  const { timestamp } = options;
  const attributes = [
    attribute('1.2.840.113549.1.9.3', oid('1.2.840.113549.1.7.1')),
    attribute('1.2.840.113549.1.9.4', octetString(options.digest)),
    essCertificateAttribute(options.bound ?? options.signer.certificate),
    ...(options.signingTime ? [attribute('1.2.840.113549.1.9.5', encodeTime(options.signingTime))] : []),
  ];
  const timestampAttributes = timestamp
    ? (signature: Buffer) => [attribute('1.2.840.113549.1.9.16.2.14', timestamp(signature))]
    : undefined;
  return signedData('1.2.840.113549.1.7.1', null, attributes, { unsigned: timestampAttributes, ...options });
}

/** Builds a file with room for its signature with the hub's own writer, because the reader accepts no other form. */
function buildSealable(unsigned: Uint8Array, at: Date): Uint8Array {
  const picture = { width: 10, height: 10, operators: '0 0 10 10 re f' };
  return makeSealable(unsigned, { name: '测试章', at, picture, place: { page: 1, x: 100, y: 100 } });
}

/** Inserts any bytes as the signature into a file. */
export function insertSeal(unsigned: Uint8Array, signedOn: Date, cms: Buffer): Buffer {
  return Buffer.from(insertSignature(buildSealable(unsigned, signedOn), cms));
}

/** Returns the digest that a seal inserted by `insertSeal` covers. */
export function digestForSeal(unsigned: Uint8Array, signedOn: Date): Buffer {
  return digestSealable(buildSealable(unsigned, signedOn));
}

/** Signs a compact JWS, ES256. */
export function signJws(header: object, payload: unknown, { pair }: Pick<IssuedCertificate, 'pair'>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signingInput = `${part({ alg: 'ES256', ...header })}.${part(payload)}`;
  const key = { key: pair.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return `${signingInput}.${signBytes('sha256', Buffer.from(signingInput), key).toString('base64url')}`;
}

/** Packs values as in a status list: 4 bits each, deflated, base64url. */
export function packStates(values: readonly number[]): string {
  const bytes = Buffer.alloc(Math.ceil(values.length / 2));
  values.forEach((value, i) => {
    bytes[i >> 1] = (bytes[i >> 1] ?? 0) | (i % 2 === 0 ? value : value << 4);
  });
  return deflateSync(bytes).toString('base64url');
}

/** Adds an archive stamp to a bundle. */
export function addArchiveStamp(
  bundle: Bundle,
  material: Pick<ArchiveStamp, 'certificates' | 'revocation'>,
  token: (imprint: Buffer) => Buffer,
): Bundle {
  const imprint = sha256(toCanonicalJson({ ...bundle, stamps: [...bundle.stamps, material] }));
  return { ...bundle, stamps: [...bundle.stamps, { ...material, token: token(imprint).toString('base64') }] };
}
