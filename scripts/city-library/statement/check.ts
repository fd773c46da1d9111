import { verify } from 'node:crypto';
import {
  type Certificate,
  ChainError,
  readCertificate,
  requireRegisterCertificate,
  requireTrusted,
} from '../document/chain.ts';
import { DerError } from '../document/der.ts';
import { isSerialOf, readIdentifier } from '../identifier.ts';
import { Fault, readVersionRecord, sha256, writeCanonical } from '../protocol.ts';
import { type Claims, claimsSchema, STATEMENT_TYP, type StatementDelivery } from './form.ts';

/** The library's own check of a statement of the register: everything that does not depend on its rows. */

/** Tolerance for a signer's clock that is ahead. */
const CLOCK_LEEWAY_MS = 300_000;
const SIGNATURE_BYTES = 64;

interface Jws {
  claims: Claims;
  signer: Certificate;
  signed: Buffer;
  signature: Buffer;
}

/**
 * Returns what a statement claims. The order is: digest, closed form in canonical JSON, purpose of the certificate,
 * signature, chain to a pinned root, time, identifier, members of the request. Throws Fault for the first that fails.
 */
export function checkStatement(delivery: StatementDelivery, roots: readonly Certificate[], now: Date): Claims {
  if (sha256(delivery.statement) !== delivery.documentDigest) throw new Fault('DOCUMENT_DIGEST');
  try {
    const { claims, signer, signed, signature } = readStatement(delivery.statement);
    const key = { key: signer.x509.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    requireRegisterCertificate(signer);
    if (!verify('sha256', signed, key, signature)) throw new Fault('SIGNATURE_INVALID');
    requireTrusted(signer, delivery.chain.map(readCertificate), roots, now, requireRegisterCertificate);
    requireTime(claims, signer, now);
    requireSameMembers(delivery, claims);
    if (claims.act === 'REGISTER') requireRecord(delivery, claims);
    return claims;
  } catch (error) {
    if (error instanceof ChainError) throw new Fault(error.code, error.message);
    if (error instanceof DerError) throw new Fault('SIGNATURE_UNREADABLE', error.message);
    // node:crypto reports a certificate or key that it cannot parse as an Error with an OpenSSL code.
    if (!(error instanceof Fault) && error instanceof Error && 'code' in error)
      throw new Fault('SIGNATURE_UNREADABLE', 'certificate or key');
    throw error;
  }
}

function readStatement(text: string): Jws {
  const [head = '', payload = '', tail = ''] = text.split('.');
  const header = readJson(head) as Record<string, unknown> | null;
  const x5c = header?.x5c;
  const [encoded] = Array.isArray(x5c) ? x5c : [];
  const isHeader =
    Object.keys(header ?? {})
      .sort()
      .join() === 'alg,typ,x5c' &&
    header?.alg === 'ES256' &&
    header.typ === STATEMENT_TYP;
  if (!isHeader || !Array.isArray(x5c) || x5c.length !== 1 || typeof encoded !== 'string')
    throw new Fault('STATEMENT_MALFORMED', 'header');
  const claims = claimsSchema.safeParse(readJson(payload));
  if (!claims.success) throw new Fault('STATEMENT_MALFORMED', claims.error.issues[0]?.path.join('.') || 'claims');
  if (decode(payload)?.toString('utf8') !== writeCanonical(claims.data))
    throw new Fault('STATEMENT_MALFORMED', 'RFC 8785');
  const signature = decode(tail);
  if (signature?.length !== SIGNATURE_BYTES) throw new Fault('STATEMENT_MALFORMED', 'signature');
  const signed = Buffer.from(text.slice(0, text.lastIndexOf('.')), 'latin1');
  return { claims: claims.data, signer: readCertificate(Buffer.from(encoded, 'base64')), signed, signature };
}

/** Decodes canonical base64url without padding. Returns null for any other text. */
function decode(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decode(text) ?? Buffer.from('')));
  } catch {
    throw new Fault('STATEMENT_MALFORMED', 'JSON');
  }
}

function requireTime({ iat }: Claims, { validFrom }: Certificate, now: Date): void {
  const at = new Date(iat * 1000);
  // Both count seconds here: a certificate made in the same second is not older than its first statement.
  if (at.getTime() + 999 < validFrom.getTime() || at.getTime() > now.getTime() + CLOCK_LEEWAY_MS)
    throw new Fault('SIGNER_EXPIRED', `iat ${at.toISOString()}`);
}

/** Throws Fault unless the members of the request say what the statement says, about a version of that number. */
function requireSameMembers(delivery: StatementDelivery, claims: Claims): void {
  const identifier = readIdentifier(claims.sub);
  if (!identifier || identifier.version !== claims.version) throw new Fault('IDENTIFIER_INVALID', claims.sub);
  const mismatches = [
    delivery.identifier === claims.sub ? '' : 'sub',
    isSerialOf(identifier.serial, delivery.number) ? '' : 'number',
    delivery.version === claims.version ? '' : 'version',
    delivery.act === claims.act ? '' : 'act',
    delivery.state === claims.state ? '' : 'state',
  ].filter((name) => name !== '');
  if (mismatches.length > 0) throw new Fault('RECORD_MISMATCH', mismatches.join('、'));
}

/** Throws Fault RECORD_MISMATCH unless the record of a license from paper is what was stated, and of this license. */
function requireRecord(delivery: StatementDelivery, claims: Claims & { act: 'REGISTER' }): void {
  if (delivery.act !== 'REGISTER') throw new Fault('RECORD_MISMATCH', 'act');
  const { record, number, identifier } = delivery;
  const parts = readIdentifier(identifier);
  const { ZZBS, ZZBH, KZ_BB, KZ_CZ, ZZLXDM, ZZBFJGDM, KZ_XGBS } = readVersionRecord(record.value);
  const mismatches = [
    sha256(record.text) === claims.record ? '' : 'record',
    ZZBS === identifier ? '' : 'ZZBS',
    ZZBH === number ? '' : 'ZZBH',
    KZ_BB === 1 && KZ_CZ === 'REGISTER' && KZ_XGBS === null ? '' : 'KZ_BB、KZ_CZ、KZ_XGBS',
    ZZLXDM === parts?.type && ZZBFJGDM === parts.issuer ? '' : 'ZZLXDM、ZZBFJGDM',
  ].filter((name) => name !== '');
  if (mismatches.length > 0) throw new Fault('RECORD_MISMATCH', mismatches.join('、'));
}
