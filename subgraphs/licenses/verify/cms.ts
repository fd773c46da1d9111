import * as asn1js from 'asn1js';
import { ContentInfo, SignedData } from 'pkijs';

/** A detached CMS signature taken apart; nothing in it has been checked yet. */
export interface ParsedSignature {
  /** Certificates carried along, DER. */
  certificates: Uint8Array[];
  issuer: Uint8Array;
  serial: Uint8Array;
  digestOid: string;
  signatureOid: string;
  /** The signed attributes as a SET OF, DER: what the signature is over. */
  attributes: Uint8Array;
  /** Whether the attributes stand in DER order, as RFC 5652 demands. */
  attributesInOrder: boolean;
  messageDigest: Uint8Array;
  /** SHA-256 of the signer's certificate out of signing-certificate-v2 (RFC 5035), or null where another digest is named. */
  signingCertificateHash: Uint8Array;
  signingTime: Date;
  signature: Uint8Array;
}

/** Why bytes are not a signature of the one form that this hub makes. */
export class CmsError extends Error {
  override readonly name = 'CmsError';
}

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** Takes a DER CMS apart: one signer, detached, certificates carried along, four signed attributes. Throws CmsError. */
export function parseCms(der: Uint8Array): ParsedSignature {
  const signed = readSignedData(der);
  const [signer, ...others] = signed.signerInfos;
  if (!signer || others.length > 0) throw new CmsError('签名人应为一个');
  if (signed.encapContentInfo.eContentType !== OID.data || signed.encapContentInfo.eContent)
    throw new CmsError('不是分离式签名');
  const [digest, ...moreDigests] = signed.digestAlgorithms;
  if (digest?.algorithmId !== signer.digestAlgorithm.algorithmId || moreDigests.length > 0)
    throw new CmsError('摘要算法声明不一致');
  if (signed.version !== 1 || signer.version !== 1 || signed.crls?.length) throw new CmsError('签名版本不正确');
  if (signer.unsignedAttrs) throw new CmsError('含有未签名属性');
  const attributes = signer.signedAttrs?.attributes ?? [];
  const value = (type: string) => {
    const found = attributes.filter((attribute) => attribute.type === type);
    const [only] = found;
    if (!only || found.length > 1 || only.values.length !== 1) throw new CmsError(`签名属性 ${type} 缺失或重复`);
    return only.values[0];
  };
  if (oidOf(value(OID.contentType)) !== OID.data) throw new CmsError('签名属性的内容类型不正确');
  if (attributes.length !== 4) throw new CmsError('签名属性的数目不正确');
  const { sid } = signer as unknown as {
    sid: { issuer: { toSchema(): asn1js.Sequence }; serialNumber: asn1js.Integer };
  };
  if (!sid.serialNumber) throw new CmsError('签名人不以颁发者和序列号指明');
  const encoded = attributes.map((attribute) => Buffer.from(attribute.toSchema().toBER()));
  return {
    certificates: (signed.certificates ?? []).map((one) => new Uint8Array(one.toSchema().toBER())),
    issuer: new Uint8Array(sid.issuer.toSchema().toBER()),
    serial: new Uint8Array(sid.serialNumber.valueBlock.valueHexView),
    digestOid: signer.digestAlgorithm.algorithmId,
    signatureOid: signer.signatureAlgorithm.algorithmId,
    attributes: setOf(encoded),
    attributesInOrder: encoded.every((one, i) => i === 0 || Buffer.compare(encoded[i - 1] ?? one, one) <= 0),
    messageDigest: octetsOf(value(OID.messageDigest)),
    signingCertificateHash: certificateHash(value(OID.signingCertificateV2)),
    signingTime: timeOf(value(OID.signingTime)),
    signature: signer.signature.valueBlock.valueHexView,
  };
}

function readSignedData(der: Uint8Array): SignedData {
  try {
    const parsed = asn1js.fromBER(der);
    if (parsed.offset !== der.length) throw new CmsError('签名后有多余字节');
    const content = new ContentInfo({ schema: parsed.result });
    if (content.contentType !== OID.signedData) throw new CmsError('不是 CMS 签名');
    const signed = new SignedData({ schema: content.content });
    // A form that reads the same and is written otherwise is not ours: DER has one form only.
    if (Buffer.compare(Buffer.from(content.toSchema().toBER()), Buffer.from(der)) !== 0)
      throw new CmsError('签名不是 DER 编码');
    return signed;
  } catch (error) {
    if (error instanceof CmsError) throw error;
    throw new CmsError('签名无法解析');
  }
}

function setOf(members: Buffer[]): Uint8Array {
  const body = Buffer.concat(members);
  const size = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  if (body.length >= 65_536) throw new CmsError('签名属性过长');
  if (body.length >= 128 && body.length < 256) return Buffer.concat([Buffer.from([0x31, 0x81, body.length]), body]);
  return Buffer.concat([Buffer.from([0x31, ...size]), body]);
}

function oidOf(value: unknown): string {
  if (value instanceof asn1js.ObjectIdentifier) return value.valueBlock.toString();
  throw new CmsError('签名属性格式不正确');
}

function octetsOf(value: unknown): Uint8Array {
  if (value instanceof asn1js.OctetString) return value.valueBlock.valueHexView;
  throw new CmsError('签名属性格式不正确');
}

function timeOf(value: unknown): Date {
  if (value instanceof asn1js.UTCTime || value instanceof asn1js.GeneralizedTime) return value.toDate();
  throw new CmsError('签名时间格式不正确');
}

/** SigningCertificateV2 → certs → ESSCertIDv2 → certHash, with SHA-256 by default. */
function certificateHash(value: unknown): Uint8Array {
  const first = (node: unknown) => (node instanceof asn1js.Sequence ? node.valueBlock.value[0] : undefined);
  return octetsOf(first(first(first(value))));
}
