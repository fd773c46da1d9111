import { createHash } from 'node:crypto';
import { findPath, TIMESTAMP } from '../path.ts';
import type { RevocationList } from '../revocation.ts';
import { Failure, formatTime, readOrFail } from '../verdict.ts';
import { algorithmOf, type Certificate, readCertificates } from './certificate.ts';
import { parseSignedData, requireSignature, requireSigner, type SignedData, TOKEN } from './cms.ts';
import { Fields, type Node, numberOf, parseDer, TAG, timeOf } from './der.ts';

/**
 * A timestamp token (时间戳, RFC 3161) with valid form, imprint and signature. Its certificate has not been judged yet.
 */
export interface Token {
  genTime: Date;
  signer: Certificate;
  signed: SignedData;
}

const VERSION_1 = 1;
const SHA256 = '2.16.840.1.101.3.4.2.1';

/**
 * Reads a token from bytes or from a parsed DER node. Checks its imprint against `imprint`, the expected SHA-256, and
 * checks its signature. Throws Failure.
 */
export function readToken(der: Uint8Array | Node, imprint: Uint8Array): Token {
  const signed = parseSignedData(der, TOKEN);
  const content = signed.content ?? Buffer.alloc(0);
  const info = readOrFail('FORMAT_FAILURE', '时间戳内容不是规定形式', () => readInfo(content));
  if (!info.imprint.equals(imprint)) throw new Failure('HASH_FAILURE', '时间戳不是对这一内容的');
  if (!createHash('sha256').update(content).digest().equals(signed.messageDigest)) {
    throw new Failure('HASH_FAILURE', '时间戳内容与其签名不一致');
  }
  const signer = requireSigner(signed);
  requireSignature(signed, signer);
  return { genTime: info.genTime, signer, signed };
}

/** Reads a TSTInfo (RFC 3161 §2.4.2). Does not evaluate policy, serial number, accuracy, ordering, nonce and name. */
function readInfo(content: Buffer): { imprint: Buffer; genTime: Date } {
  const fields = new Fields(parseDer(content));
  if (numberOf(fields.next(TAG.integer)) !== VERSION_1) throw new Failure('FORMAT_FAILURE', '时间戳版本不正确');
  fields.next(TAG.oid);
  const messageImprint = new Fields(fields.next(TAG.sequence));
  if (algorithmOf(messageImprint.next(TAG.sequence)) !== SHA256) {
    throw new Failure('CRYPTO_CONSTRAINTS_FAILURE', '时间戳的摘要算法不是 SHA-256');
  }
  const imprint = messageImprint.next(TAG.octets).body;
  messageImprint.end();
  fields.next(TAG.integer);
  const genTime = timeOf(fields.next(TAG.generalizedTime), true);
  fields.optional(TAG.sequence);
  fields.optional(TAG.boolean);
  fields.optional(TAG.integer);
  fields.optional(0xa0);
  fields.end();
  return { imprint, genTime };
}

/** Material for judging a certificate: trusted roots, candidate authorities and revocation lists. */
export interface Grounds {
  roots: readonly Certificate[];
  candidates: readonly Certificate[];
  lists: readonly RevocationList[];
}

/**
 * Judges a token's certificate at `at`. If `proven`, other evidence proves that the token existed at that time.
 * Throws Failure.
 */
export function requireToken(
  { genTime, signer, signed }: Token,
  { roots, candidates, lists }: Grounds,
  { at, now, proven }: { at: Date; now: Date; proven: boolean },
): void {
  const { validFrom, validUntil, commonName } = signer;
  const validationTime = { at, now, proven, claimed: null };
  const enclosedCertificates = readCertificates(signed.certificates);
  findPath({
    certificate: signer,
    candidates: [...enclosedCertificates, ...candidates],
    roots,
    lists,
    moment: validationTime,
    purpose: TIMESTAMP,
  });
  if (genTime < validFrom || genTime > validUntil) {
    throw new Failure('CHAIN_CONSTRAINTS_FAILURE', `时间戳 ${formatTime(genTime)} 不在“${commonName}”的有效期内`);
  }
}
