import * as asn1js from 'asn1js';
import {
  type AlgorithmIdentifier,
  Certificate as Asn1Certificate,
  type Attribute,
  ContentInfo,
  IssuerAndSerialNumber,
  SignedData,
} from 'pkijs';
import { Failure } from './verdict.ts';

/** A detached CMS signature (RFC 5652) of profile CAdES B-B taken apart; nothing in it has been checked yet. */
export interface ParsedSignature {
  /** Certificates carried along, DER. */
  certificates: readonly Buffer[];
  /** The signer's certificate as the signature names it: issuer, DER, and contents of the serial number. */
  issuer: Buffer;
  serial: Buffer;
  digestOid: string;
  signatureOid: string;
  /** The signed attributes as a SET OF, DER: what the signature is over. */
  attributes: Buffer;
  messageDigest: Buffer;
  /** SHA-256 of the signer's certificate out of signing-certificate-v2 (RFC 5035). */
  signingCertificateHash: Buffer;
  signingTime: Date;
  signature: Buffer;
}

/** Longest signature that is read: one with three certificates has five kilobytes. */
const SIGNATURE_LIMIT_BYTES = 65_536;

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;
const SIGNED_ATTRIBUTES: readonly string[] = [
  OID.contentType,
  OID.messageDigest,
  OID.signingTime,
  OID.signingCertificateV2,
];

const malformed = (detail: string) => new Failure('FORMAT_FAILURE', detail);
const outside = (detail: string) => new Failure('SIG_CONSTRAINTS_FAILURE', detail);

/**
 * Takes a DER CMS apart: one signer named by issuer and serial, detached, four signed attributes in DER order. Throws
 * Failure FORMAT_FAILURE for what is no such signature, SIG_CONSTRAINTS_FAILURE for additions that it does not know.
 */
export function parseCms(der: Uint8Array): ParsedSignature {
  if (der.length > SIGNATURE_LIMIT_BYTES) throw malformed('签名文件过大');
  const signed = readSignedData(der);
  const [signer, ...others] = signed.signerInfos;
  if (!signer || others.length > 0) throw malformed('签名人应为一个');
  if (signed.encapContentInfo.eContentType !== OID.data || signed.encapContentInfo.eContent) {
    throw malformed('不是分离式签名');
  }
  const named = [...signed.digestAlgorithms, signer.digestAlgorithm, signer.signatureAlgorithm];
  if (!named.every(hasNoParameters)) throw malformed('算法参数不正确');
  const [digest, ...moreDigests] = signed.digestAlgorithms;
  if (digest?.algorithmId !== signer.digestAlgorithm.algorithmId || moreDigests.length > 0) {
    throw malformed('摘要算法声明不一致');
  }
  if (signed.version !== 1 || signer.version !== 1) throw malformed('签名版本不正确');
  const { sid } = signer;
  if (!(sid instanceof IssuerAndSerialNumber)) throw outside('签名人不以颁发者和序列号指明');
  if (signer.unsignedAttrs || signed.crls) throw outside('含有本核验程序不认识的附加内容（未签名属性或吊销列表）');
  const carried = (signed.certificates ?? []).map((one) => {
    if (one instanceof Asn1Certificate) return Buffer.from(one.toSchema().toBER());
    throw outside('含有本核验程序不认识的证书形式');
  });
  return {
    certificates: carried,
    issuer: Buffer.from(sid.issuer.toSchema().toBER()),
    serial: Buffer.from(sid.serialNumber.valueBlock.valueHexView),
    digestOid: signer.digestAlgorithm.algorithmId,
    signatureOid: signer.signatureAlgorithm.algorithmId,
    ...readAttributes(signer.signedAttrs?.attributes ?? []),
    signature: Buffer.from(signer.signature.valueBlock.valueHexView),
  };
}

function readAttributes(attributes: readonly Attribute[]) {
  const schemas = attributes.map((attribute) => attribute.toSchema());
  const encoded = schemas.map((schema) => Buffer.from(schema.toBER()));
  const inOrder = encoded.every((one, i) => i === 0 || Buffer.compare(encoded[i - 1] ?? one, one) < 0);
  if (!inOrder) throw malformed('签名属性未按 DER 排序');
  const unknown = attributes.find(({ type }) => !SIGNED_ATTRIBUTES.includes(type));
  if (unknown) throw outside(`签名属性 ${unknown.type} 是本核验程序不认识的`);
  const value = (type: string) => {
    const [only, ...more] = attributes.filter((attribute) => attribute.type === type);
    if (!only || more.length > 0 || only.values.length !== 1) throw malformed(`签名属性 ${type} 缺失或重复`);
    return only.values[0];
  };
  const contentType = value(OID.contentType);
  if (!(contentType instanceof asn1js.ObjectIdentifier) || contentType.valueBlock.toString() !== OID.data) {
    throw malformed('签名属性的内容类型不正确');
  }
  return {
    attributes: Buffer.from(new asn1js.Set({ value: schemas }).toBER()),
    messageDigest: octetsOf(value(OID.messageDigest)),
    signingCertificateHash: certificateHash(value(OID.signingCertificateV2)),
    signingTime: timeOf(value(OID.signingTime)),
  };
}

function readSignedData(der: Uint8Array): SignedData {
  try {
    const parsed = asn1js.fromBER(der);
    if (parsed.offset !== der.length) throw malformed('签名不完整或其后有多余字节');
    const content = new ContentInfo({ schema: parsed.result });
    if (content.contentType !== OID.signedData) throw malformed('不是 CMS 签名');
    const signed = new SignedData({ schema: content.content });
    // What reads the same and is written otherwise is not DER, which has one form only.
    if (!Buffer.from(content.toSchema().toBER()).equals(der)) throw malformed('签名不是 DER 编码');
    return signed;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw malformed('签名无法解析');
  }
}

/** SHA-256 and RSA PKCS #1 v1.5 take none: NULL or nothing (RFC 4055, RFC 5754). */
function hasNoParameters({ algorithmParams }: AlgorithmIdentifier): boolean {
  return algorithmParams === undefined || (algorithmParams instanceof asn1js.Null && algorithmParams.blockLength === 2);
}

function octetsOf(value: unknown): Buffer {
  if (value instanceof asn1js.OctetString) return Buffer.from(value.valueBlock.valueHexView);
  throw malformed('签名属性格式不正确');
}

/** RFC 5652 §11.3: UTCTime up to 2049, GeneralizedTime without fractions after; both in seconds and UTC. */
function timeOf(value: unknown): Date {
  if (!(value instanceof asn1js.UTCTime)) throw malformed('签名时间格式不正确');
  const text = Buffer.from(value.valueBlock.valueHexView).toString('latin1');
  const [, year, rest = ''] = /^(\d{2}|\d{4})(\d{10})Z$/.exec(text) ?? [];
  if (year?.length !== (value instanceof asn1js.GeneralizedTime ? 4 : 2)) throw malformed('签名时间格式不正确');
  const full = year.length === 4 ? year : `${Number(year) < 50 ? '20' : '19'}${year}`;
  const iso = `${full}${rest}`.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = new Date(iso);
  // A thirteenth month is no time; a parser that rolls it over would say that it is.
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso) throw malformed('签名时间格式不正确');
  return time;
}

/** SigningCertificateV2 → certs → the first ESSCertIDv2 → certHash; SHA-256 is the default and is not written. */
function certificateHash(value: unknown): Buffer {
  const first = (node: unknown) => (node instanceof asn1js.Sequence ? node.valueBlock.value[0] : undefined);
  const hash = first(first(first(value)));
  if (hash instanceof asn1js.Sequence)
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', '签名证书的摘要算法不是 SHA-256');
  return octetsOf(hash);
}
