import { isDeepStrictEqual } from 'node:util';
import { type Certificate, ChainError, requireTrusted } from './document/chain.ts';
import { DerError } from './document/der.ts';
import { PdfError, readAttachment, readSignature } from './document/pdf.ts';
import { type ProvenSignature, SignatureError, verifySignature } from './document/signature.ts';
import { readIdentifier } from './identifier.ts';
import { type Delivery, Fault, readStatement, readVersionRecord, SENT_AS_CHANGE, sha256 } from './protocol.ts';

/** Name under which the record is attached to a license's PDF. */
const RECORD_NAME = 'metadata.json';
/** Tolerance for a signer's clock that is ahead. */
const CLOCK_LEEWAY_MS = 300_000;

/**
 * Checks everything in a delivery that does not depend on the library's own rows. The order is: digest, signature over
 * this document, chain to a pinned root, record inside the document, identifiers, signer equal to issuer.
 * Throws Fault for the first check that fails.
 */
export function checkDelivery(delivery: Delivery, roots: readonly Certificate[], now: Date): void {
  if (sha256(delivery.document) !== delivery.documentDigest) throw new Fault('DOCUMENT_DIGEST');
  const provenSignature = checkSignature(delivery, roots, now);
  const embeddedRecord = readEmbeddedRecord(delivery);
  if (!isDeepStrictEqual(embeddedRecord, delivery.record.value)) throw new Fault('RECORD_MISMATCH');
  const issuer = delivery.mediaType === 'application/pdf' ? checkVersion(delivery) : checkStatement(delivery);
  requireIssuerSigned(provenSignature.signer, issuer);
}

function checkSignature(delivery: Delivery, roots: readonly Certificate[], now: Date): ProvenSignature {
  try {
    const { covered, cms } = readSignatureParts(delivery);
    const provenSignature = verifySignature(covered, cms);
    requireTrusted(provenSignature.signer, provenSignature.others, roots, now);
    const { signingTime, signer } = provenSignature;
    if (signingTime && (signingTime < signer.validFrom || signingTime.getTime() > now.getTime() + CLOCK_LEEWAY_MS)) {
      throw new ChainError('SIGNER_EXPIRED', `signing-time ${signingTime.toISOString()}`);
    }
    return provenSignature;
  } catch (error) {
    if (error instanceof SignatureError || error instanceof ChainError) throw new Fault(error.code, error.message);
    if (error instanceof PdfError) throw new Fault('SIGNATURE_UNREADABLE', error.message);
    if (error instanceof DerError) throw new Fault('SIGNATURE_UNREADABLE', error.message);
    // node:crypto reports a certificate or key that it cannot parse as an Error with an OpenSSL code.
    if (error instanceof Error && 'code' in error) throw new Fault('SIGNATURE_UNREADABLE', 'certificate or key');
    throw error;
  }
}

/** Returns the signature and the bytes it covers: the whole document, or byte ranges of the PDF that contains it. */
function readSignatureParts({ document, signature }: Delivery): { covered: Uint8Array; cms: Uint8Array } {
  return signature === null ? readSignature(document) : { covered: document, cms: signature };
}

/** Reads the record inside the document. */
function readEmbeddedRecord({ mediaType, document }: Delivery): unknown {
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

/** Whether the act of a record may be delivered under this code. */
function isSentAs(recordedAct: string, act: string): boolean {
  return recordedAct === act || (act === 'CHANGE' && (SENT_AS_CHANGE as readonly string[]).includes(recordedAct));
}

function checkVersion(delivery: Delivery): Issuer {
  const record = readVersionRecord(delivery.record.value);
  const identifier = requireIdentifier(delivery);
  requireMatchingFields({
    ZZBS: record.ZZBS === delivery.identifier,
    ZZBH: record.ZZBH === delivery.number,
    KZ_BB: record.KZ_BB === delivery.version,
    KZ_CZ: isSentAs(record.KZ_CZ, delivery.act),
    ZZLXDM: record.ZZLXDM === identifier.type,
    ZZBFJGDM: record.ZZBFJGDM === identifier.issuer,
    state: delivery.state === 'VALID' || (delivery.act === 'RENEW' && delivery.state === 'SUSPENDED'),
  });
  return { name: record.ZZBFJG, code: record.ZZBFJGDM };
}

function checkStatement(delivery: Delivery): Issuer {
  const record = readStatement(delivery.record.value);
  const identifier = requireIdentifier(delivery);
  requireMatchingFields({
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

/** Throws Fault RECORD_MISMATCH unless the members of the request equal those of its record. */
function requireMatchingFields(fields: Record<string, boolean>): void {
  const mismatches = Object.keys(fields).filter((field) => !fields[field]);
  if (mismatches.length > 0) throw new Fault('RECORD_MISMATCH', mismatches.join('、'));
}

/** Throws Fault SIGNER_NOT_ISSUER unless the certificate names the issuing organ or its USCC (统一社会信用代码). */
function requireIssuerSigned(signer: Certificate, issuer: Issuer): void {
  const namesIssuer = signer.organizations.some((text) => text === issuer.name || text.endsWith(issuer.code));
  if (!namesIssuer) throw new Fault('SIGNER_NOT_ISSUER', issuer.name);
}
