import { isDeepStrictEqual } from 'node:util';
import { type Certificate, ChainError, requireTrusted } from './chain.ts';
import { DerError } from './der.ts';
import { readIdentifier } from './identifier.ts';
import { PdfError, readAttachment, readSignature } from './pdf.ts';
import { type Delivery, Fault, readStatement, readVersionRecord, sha256 } from './protocol.ts';
import { type ProvenSignature, proveSignature, SignatureError } from './signature.ts';

/** Name under which the record is attached to a license's PDF. */
const RECORD_NAME = 'metadata.json';
/** A signer's clock may be ahead by so much. */
const CLOCK_LEEWAY_MS = 300_000;

/**
 * Checks all of a delivery that can be checked without the library's own rows, in this order: digest, signature over
 * this very document, chain to a pinned root, record inside the document, identifiers, the signer being the issuer.
 * Throws Fault with the first that fails.
 */
export function checkDelivery(delivery: Delivery, roots: readonly Certificate[], now: Date): void {
  if (sha256(delivery.document) !== delivery.documentDigest) throw new Fault('DOCUMENT_DIGEST');
  const proven = checkSignature(delivery, roots, now);
  const inside = readInside(delivery);
  if (!isDeepStrictEqual(inside, delivery.record.value)) throw new Fault('RECORD_MISMATCH');
  const issuer = delivery.mediaType === 'application/pdf' ? checkVersion(delivery) : checkStatement(delivery);
  checkSigner(proven.signer, issuer);
}

function checkSignature(delivery: Delivery, roots: readonly Certificate[], now: Date): ProvenSignature {
  try {
    const { covered, cms } = signatureOf(delivery);
    const proven = proveSignature(covered, cms);
    requireTrusted(proven.signer, proven.others, roots, now);
    const { signingTime, signer } = proven;
    if (signingTime && (signingTime < signer.validFrom || signingTime.getTime() > now.getTime() + CLOCK_LEEWAY_MS)) {
      throw new ChainError('SIGNER_EXPIRED', `signing-time ${signingTime.toISOString()}`);
    }
    return proven;
  } catch (error) {
    if (error instanceof SignatureError || error instanceof ChainError) throw new Fault(error.code, error.message);
    if (error instanceof PdfError) throw new Fault('SIGNATURE_UNREADABLE', error.message);
    if (error instanceof DerError) throw new Fault('SIGNATURE_UNREADABLE', error.message);
    // node:crypto reports a certificate or key that it cannot parse as an Error with an OpenSSL code.
    if (error instanceof Error && 'code' in error) throw new Fault('SIGNATURE_UNREADABLE', 'certificate or key');
    throw error;
  }
}

/** The signature and what it is made over: the document it lies beside, or the ranges of the document it is in. */
function signatureOf({ document, signature }: Delivery): { covered: Uint8Array; cms: Uint8Array } {
  return signature === null ? readSignature(document) : { covered: document, cms: signature };
}

/** The record as the document itself carries it. */
function readInside({ mediaType, document }: Delivery): unknown {
  try {
    const json = mediaType === 'application/pdf' ? readAttachment(document, RECORD_NAME) : document;
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    if (error instanceof PdfError) throw new Fault('DOCUMENT_UNREADABLE', error.message);
    if (error instanceof SyntaxError || error instanceof TypeError) throw new Fault('DOCUMENT_UNREADABLE', 'JSON');
    throw error;
  }
}

interface Issuer {
  name: string;
  code: string;
}

function checkVersion(delivery: Delivery): Issuer {
  const record = readVersionRecord(delivery.record.value);
  const identifier = requireIdentifier(delivery);
  requireAgreement({
    ZZBS: record.ZZBS === delivery.identifier,
    ZZBH: record.ZZBH === delivery.number,
    KZ_BB: record.KZ_BB === delivery.version,
    KZ_CZ: record.KZ_CZ === delivery.act,
    ZZLXDM: record.ZZLXDM === identifier.type,
    ZZBFJGDM: record.ZZBFJGDM === identifier.issuer,
    state: delivery.state === 'VALID',
  });
  return { name: record.ZZBFJG, code: record.ZZBFJGDM };
}

function checkStatement(delivery: Delivery): Issuer {
  const record = readStatement(delivery.record.value);
  const identifier = requireIdentifier(delivery);
  requireAgreement({
    ZZBS: record.ZZBS === delivery.identifier,
    ZZBH: record.ZZBH === delivery.number,
    KZ_BB: record.KZ_BB === delivery.version,
    CZ: record.CZ === delivery.act,
    ZZZT: record.ZZZT === delivery.state,
    ZZBFJGDM: record.ZZBFJGDM === identifier.issuer,
  });
  return { name: record.ZZBFJG, code: record.ZZBFJGDM };
}

function requireIdentifier({ identifier, version }: Delivery): { type: string; issuer: string } {
  const parts = readIdentifier(identifier);
  if (!parts || parts.version !== version) throw new Fault('IDENTIFIER_INVALID', identifier);
  return parts;
}

/** What the request says outside its record must be what the record says. */
function requireAgreement(fields: Record<string, boolean>): void {
  const wrong = Object.keys(fields).filter((field) => !fields[field]);
  if (wrong.length > 0) throw new Fault('RECORD_MISMATCH', wrong.join('、'));
}

/** A good seal of another organ is no seal of the issuer: the certificate names its organ, or the organ's USCC. */
function checkSigner(signer: Certificate, issuer: Issuer): void {
  const named = signer.organizations.some((text) => text === issuer.name || text.endsWith(issuer.code));
  if (!named) throw new Fault('SIGNER_NOT_ISSUER', issuer.name);
}
