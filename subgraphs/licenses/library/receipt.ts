import { createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, compactVerify, errors } from 'jose';
import { z } from 'zod';
import { instantSchema } from '../../kernel/day-schema.ts';
import { parseForeignJson } from '../../kernel/foreign/json.ts';
import { PeerError } from '../../kernel/refusal.ts';

/**
 * Signed receipts of the city library (归集回执), as `docs/city-library.md` defines them.
 * The library signs one for each act that it collects.
 */

const TYP = 'collection-receipt+jwt';

/** The claims that the receipt of a delivery must contain. */
export interface ExpectedReceipt {
  stream: string;
  revision: number;
  identifier: string;
  /** Act and state as codes of the library's code list. */
  act: string;
  state: string;
  documentDigest: string;
  /** SHA-256 of the record's canonical JSON, hex. */
  recordDigest: string;
}

/** The key and the name with which a library signs. */
export interface ReceiptSigner {
  /** Ed25519, SPKI PEM or JWK as text. */
  receiptKey: string;
  /** The name in its receipts. Not checked if absent. */
  id?: string;
}

/** A receipt as the library sent it, and what it must be. */
export interface ClaimedReceipt extends ReceiptSigner {
  receipt: string;
  expected: ExpectedReceipt;
}

const claimsSchema = z.strictObject({
  iss: z.string(),
  stream: z.string(),
  revision: z.number(),
  identifier: z.string(),
  act: z.string(),
  state: z.string(),
  documentDigest: z.string(),
  recordDigest: z.string(),
  /** By the library's clock. */
  collectedAt: instantSchema,
  /**
   * The tree of the hub's log that the library signed last as a witness. Not checked here, because the log itself shows
   * whether it is true.
   */
  checkpoint: z
    .strictObject({
      origin: z.string().min(1),
      size: z.number().int().nonnegative(),
      root: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
    })
    .nullable(),
});

/** Throws a PeerError if a receipt is not signed by the library with the pinned key, or is not for this delivery. */
export async function requireReceipt({ receipt, expected, receiptKey, id }: ClaimedReceipt): Promise<void> {
  const key = readReceiptKey(receiptKey);
  const { x } = key.export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x });
  const { header, receiptClaims } = await verifyReceipt(receipt, key);
  if (header.typ !== TYP) throw receiptError('typ');
  if (header.kid !== kid) throw receiptError('kid');
  for (const [name, value] of Object.entries({ ...(id !== undefined && { iss: id }), ...expected })) {
    if (receiptClaims[name as keyof typeof receiptClaims] !== value) throw receiptError(name);
  }
}

async function verifyReceipt(receipt: string, key: KeyObject) {
  try {
    const { payload, protectedHeader } = await compactVerify(receipt, key, { algorithms: ['EdDSA'] });
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
    return { header: protectedHeader, receiptClaims: claimsSchema.parse(parseForeignJson(text)) };
  } catch (error) {
    throw receiptError(error instanceof errors.JOSEError ? error.code : '格式');
  }
}

/** Reads the pinned key. Throws TypeError unless it is a public Ed25519 key. */
export function readReceiptKey(text: string): KeyObject {
  const isJwk = text.trimStart().startsWith('{');
  const jwk = isJwk ? z.object({ kty: z.string(), crv: z.string(), x: z.string() }).parse(JSON.parse(text)) : null;
  const key = jwk ? createPublicKey({ key: jwk, format: 'jwk' }) : createPublicKey(text);
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new TypeError('the key of receipts is an Ed25519 key');
}

function receiptError(detail: string): PeerError {
  return new PeerError(`城市证照库的回执不成立：${detail}`);
}
