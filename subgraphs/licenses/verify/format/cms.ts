import { createHash } from 'node:crypto';
import { Failure, readOrFail } from '../verdict.ts';
import { ALGORITHM, algorithmOf, type Certificate, readCertificate } from './certificate.ts';
import { Fields, type Node, numberOf, oidOf, parseDer, requireOnlyChild, requireOrder, TAG } from './der.ts';
import { isSignatureValid, isSlow } from './mathematics.ts';

/** A parsed CMS SignedData (RFC 5652) of a form that this verifier supports. Nothing in it has been checked yet. */
export interface SignedData {
  /** The signed bytes, or null if the signature is detached. */
  content: Buffer | null;
  /** Enclosed certificates, DER: the signer's and its issuer's, in DER order. */
  certificates: readonly Buffer[];
  /** The signer identifier: the issuer's name, DER, and the content octets of the serial number. */
  issuer: Buffer;
  serial: Buffer;
  /** The signed attributes as a SET OF, DER, which the signature covers. `attributes` maps each type to its value. */
  signed: Buffer;
  attributes: ReadonlyMap<string, Node>;
  messageDigest: Buffer;
  /** SHA-256 of the signer's certificate, from signing-certificate-v2 (RFC 5035). */
  certificateHash: Buffer;
  algorithm: string;
  signature: Buffer;
  /** A timestamp token over the signature (signatureTimeStampToken), or null. */
  timestamp: Node | null;
}

/** A supported form of SignedData. */
export interface Form {
  contentType: string;
  version: number;
  /** Number of enclosed certificates. */
  certificates: number;
  /** Whether the signature contains its content. */
  attached: boolean;
  algorithm: string;
  /** Required and optional signed attributes, in addition to those of every form. */
  required: readonly string[];
  optional: readonly string[];
  /** Whether the signature may have an unsigned timestamp attribute. */
  timestamped: boolean;
}

export const ATTRIBUTE = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  signaturePolicy: '1.2.840.113549.1.9.16.2.15',
  timestamp: '1.2.840.113549.1.9.16.2.14',
} as const;
const COMMON_ATTRIBUTES: readonly string[] = [
  ATTRIBUTE.contentType,
  ATTRIBUTE.messageDigest,
  ATTRIBUTE.signingCertificateV2,
];
const OID = { signedData: '1.2.840.113549.1.7.2', data: '1.2.840.113549.1.7.1', tstInfo: '1.2.840.113549.1.9.16.1.4' };
const SHA256 = '2.16.840.1.101.3.4.2.1';

const sealForm = {
  contentType: OID.data,
  version: 1,
  certificates: 2,
  attached: false,
  algorithm: ALGORITHM.rsaSha256,
  timestamped: true,
};
/**
 * A signature embedded in a PDF (PAdES, ETSI EN 319 142) has its signing time in the PDF. A detached signature (CAdES,
 * EN 319 122) has it in the signed attributes.
 */
export const PADES: Form = { ...sealForm, required: [], optional: [] };
export const CADES: Form = { ...sealForm, required: [ATTRIBUTE.signingTime], optional: [] };
export const TOKEN: Form = {
  ...{
    contentType: OID.tstInfo,
    version: 3,
    certificates: 1,
    attached: true,
    algorithm: ALGORITHM.ecdsaSha256,
    timestamped: false,
  },
  ...{ required: [], optional: [ATTRIBUTE.signingTime] },
};

/** Maximum size of a signature. One with a timestamp has about 5 kB. */
const MAX_SIGNATURE_BYTES = 32_768;
const [IMPLICIT_0, IMPLICIT_1] = [0xa0, 0xa1];

const formatFailure = (detail: string) => new Failure('FORMAT_FAILURE', detail);

/**
 * Parses a SignedData from bytes or from a parsed DER node. Requires strict DER, one signer identified by issuer and
 * serial number, the certificates of the form, and signed attributes in DER order. Throws Failure: FORMAT_FAILURE for
 * another form, SIG_CONSTRAINTS_FAILURE for unknown signed attributes, SIGNATURE_POLICY_NOT_AVAILABLE for a signature
 * policy, CRYPTO_CONSTRAINTS_FAILURE for other algorithms.
 */
export function parseSignedData(der: Uint8Array | Node, form: Form): SignedData {
  if (der instanceof Uint8Array && der.length > MAX_SIGNATURE_BYTES) throw formatFailure('签名过大');
  return readOrFail('FORMAT_FAILURE', '签名不是规定形式的 CMS（DER）', () => {
    const info = new Fields(der instanceof Uint8Array ? parseDer(der) : der);
    if (oidOf(info.next(TAG.oid)) !== OID.signedData) throw formatFailure('不是 CMS 签名');
    const explicit = info.next(IMPLICIT_0);
    info.end();
    return readSignedData(requireOnlyChild(explicit, TAG.sequence), form);
  });
}

function readSignedData(node: Node, form: Form): SignedData {
  const fields = new Fields(node);
  if (numberOf(fields.next(TAG.integer)) !== form.version) throw formatFailure('签名版本不正确');
  requireSha256(requireOnlyChild(fields.next(TAG.set), TAG.sequence));
  const content = readContent(fields.next(TAG.sequence), form);
  const certificateNodes = fields.next(IMPLICIT_0).children;
  if (certificateNodes.length !== form.certificates || certificateNodes.some(({ tag }) => tag !== TAG.sequence)) {
    throw formatFailure(`签名应附 ${form.certificates} 张证书，实为 ${certificateNodes.length} 张`);
  }
  requireOrder(certificateNodes);
  const signers = fields.next(TAG.set);
  fields.end();
  const signer = readSigner(requireOnlyChild(signers, TAG.sequence), form);
  return { content, certificates: certificateNodes.map(({ raw }) => raw), ...signer };
}

function readContent(node: Node, { contentType, attached }: Form): Buffer | null {
  const fields = new Fields(node);
  if (oidOf(fields.next(TAG.oid)) !== contentType) throw formatFailure('签名的内容类型不正确');
  const content = fields.optional(IMPLICIT_0);
  fields.end();
  if ((content !== null) !== attached) throw formatFailure(attached ? '签名不含其内容' : '不是分离式签名');
  return content ? requireOnlyChild(content, TAG.octets).body : null;
}

function readSigner(node: Node, form: Form): Omit<SignedData, 'content' | 'certificates'> {
  const fields = new Fields(node);
  if (numberOf(fields.next(TAG.integer)) !== 1) throw formatFailure('签名人版本不正确');
  const sid = new Fields(fields.next(TAG.sequence));
  const [issuer, serial] = [sid.next(TAG.sequence).raw, sid.next(TAG.integer).body];
  sid.end();
  requireSha256(fields.next(TAG.sequence));
  const signedAttributes = fields.next(IMPLICIT_0);
  const algorithm = algorithmOf(fields.next(TAG.sequence));
  const signature = fields.next(TAG.octets).body;
  const unsignedAttributes = fields.optional(IMPLICIT_1);
  fields.end();
  if (algorithm !== form.algorithm) throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', '签名算法不是规定的算法');
  const signed = Buffer.from(signedAttributes.raw);
  signed[0] = TAG.set;
  const attributes = readAttributes(signedAttributes, form);
  const timestamp = unsignedAttributes && readTimestamp(unsignedAttributes, form);
  return {
    issuer,
    serial,
    signed,
    attributes,
    algorithm,
    signature,
    timestamp,
    ...readCommonAttributes(attributes, form),
  };
}

/** Requires SHA-256 without parameters (RFC 5754 §2.2). Accepting NULL would allow a second encoding of the same. */
function requireSha256(node: Node): void {
  if (algorithmOf(node) !== SHA256) {
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', '摘要算法不是 SHA-256');
  }
  if (node.children.length !== 1) throw formatFailure('摘要算法参数不正确');
}

function readAttributes(node: Node, { required, optional }: Form): ReadonlyMap<string, Node> {
  requireOrder(node.children);
  const attributes = new Map<string, Node>();
  for (const attribute of node.children) {
    const fields = new Fields(attribute);
    const type = oidOf(fields.next(TAG.oid));
    const values = fields.next(TAG.set);
    fields.end();
    if (attributes.has(type)) throw formatFailure(`签名属性 ${type} 重复`);
    attributes.set(type, requireOnlyChild(values));
  }
  if (attributes.has(ATTRIBUTE.signaturePolicy)) {
    throw new Failure('SIGNATURE_POLICY_NOT_AVAILABLE', '签名声明了签名策略，本核验程序没有该策略');
  }
  const requiredTypes = [...COMMON_ATTRIBUTES, ...required];
  const missingType = requiredTypes.find((type) => !attributes.has(type));
  if (missingType) throw formatFailure(`签名属性 ${missingType} 缺失`);
  const unknownType = [...attributes.keys()].find((type) => !requiredTypes.includes(type) && !optional.includes(type));
  if (unknownType) throw new Failure('SIG_CONSTRAINTS_FAILURE', `签名属性 ${unknownType} 不应出现`);
  return attributes;
}

function readCommonAttributes(attributes: ReadonlyMap<string, Node>, { contentType }: Form) {
  const value = (type: string) => {
    const node = attributes.get(type);
    if (!node) throw formatFailure(`签名属性 ${type} 缺失`);
    return node;
  };
  if (oidOf(value(ATTRIBUTE.contentType)) !== contentType) throw formatFailure('签名属性的内容类型不正确');
  const digest = value(ATTRIBUTE.messageDigest);
  if (digest.tag !== TAG.octets) throw formatFailure('签名属性的摘要格式不正确');
  return {
    messageDigest: digest.body,
    certificateHash: certificateHash(value(ATTRIBUTE.signingCertificateV2)),
  };
}

/**
 * Reads the hash from a SigningCertificateV2 with one ESSCertIDv2. DER omits the default algorithm, SHA-256. The
 * issuerSerial adds no information and is not read.
 */
function certificateHash(node: Node): Buffer {
  const certs = new Fields(node);
  const cert = new Fields(requireOnlyChild(certs.next(TAG.sequence), TAG.sequence));
  certs.end();
  const hash = cert.next();
  if (hash.tag === TAG.sequence) throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', '签名证书的摘要算法不是 SHA-256');
  if (hash.tag !== TAG.octets) throw formatFailure('签名证书属性格式不正确');
  cert.optional(TAG.sequence);
  cert.end();
  return hash.body;
}

/** Reads the only permitted unsigned attribute, a timestamp with one token. */
function readTimestamp(node: Node, { timestamped }: Form): Node {
  const attribute = new Fields(requireOnlyChild(node, TAG.sequence));
  const type = oidOf(attribute.next(TAG.oid));
  const values = attribute.next(TAG.set);
  attribute.end();
  if (!timestamped || type !== ATTRIBUTE.timestamp) throw formatFailure(`未签名属性 ${type} 不应出现`);
  return requireOnlyChild(values, TAG.sequence);
}

/**
 * Returns the certificate whose digest is in signing-certificate-v2, so a substituted certificate does not match.
 * Throws Failure NO_SIGNING_CERTIFICATE_FOUND.
 */
export function requireSigner({ certificates, certificateHash: hash, issuer, serial }: SignedData): Certificate {
  const der = certificates.find((encoding) => createHash('sha256').update(encoding).digest().equals(hash));
  if (!der) throw new Failure('NO_SIGNING_CERTIFICATE_FOUND', '签名所附证书不是签名时声明的证书');
  const signer = readCertificate(der);
  if (!signer.issuer.equals(issuer) || !signer.serial.equals(serial)) {
    throw new Failure('NO_SIGNING_CERTIFICATE_FOUND', '签名人标识与签名证书不一致');
  }
  return signer;
}

/**
 * Refuses SIG_CRYPTO_FAILURE unless the signer's key made the signature over the attributes, and
 * CRYPTO_CONSTRAINTS_FAILURE for another kind of key.
 */
export function requireSignature(signed: SignedData, { key }: Certificate): void {
  if (key.kind !== (signed.algorithm === ALGORITHM.rsaSha256 ? 'RSA' : 'P256')) {
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', '签名密钥不是规定的种类');
  }
  if (isSlow(key)) throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', '签名密钥过大');
  if (!isSignatureValid(key, signed)) throw new Failure('SIG_CRYPTO_FAILURE', '签名值不正确');
}
