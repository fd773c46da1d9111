import { createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, compactVerify, errors } from 'jose';
import { z } from 'zod';

/** Signed receipts of the city library (归集回执): what `docs/city-library.md` has a library sign for each act that it collects. */

const TYP = 'collection-receipt+jwt';

/** What a receipt must say of the delivery that it is for. */
export interface ExpectedReceipt {
  stream: string;
  revision: number;
  identifier: string;
  /** As the library's code list has them. */
  act: string;
  state: string;
  documentDigest: string;
  /** SHA-256 of the record's canonical JSON, hex. */
  recordDigest: string;
}

/** By which key, and under which name, a library signs. */
export interface ReceiptSigner {
  /** Ed25519, SPKI PEM or JWK as text. */
  receiptKey: string;
  /** The name in its receipts; not looked at where nobody told it. */
  id?: string;
}

/** Throws where a receipt is not the library's own, or not for this delivery. */
export type RequireReceipt = (receipt: string, expected: ExpectedReceipt) => Promise<void>;

const claims = z.strictObject({
  iss: z.string(),
  stream: z.string(),
  revision: z.number(),
  identifier: z.string(),
  act: z.string(),
  state: z.string(),
  documentDigest: z.string(),
  recordDigest: z.string(),
  /** By the library's clock. */
  collectedAt: z.iso.datetime(),
  /** The tree of the hub's log that the library had signed last as a witness; the log itself shows whether it is so. */
  checkpoint: z
    .strictObject({
      origin: z.string().min(1),
      size: z.number().int().nonnegative(),
      root: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
    })
    .nullable(),
});

/** Reads the pinned key; throws TypeError unless it is a public Ed25519 key. */
export function receiptsBy({ receiptKey, id }: ReceiptSigner): RequireReceipt {
  const key = readPublicKey(receiptKey);
  const { x } = key.export({ format: 'jwk' });
  const kid = calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x });
  return async (receipt, expected) => {
    const { header, said } = await open(receipt, key);
    if (header.typ !== TYP) throw wrong('typ');
    if (header.kid !== (await kid)) throw wrong('kid');
    for (const [name, value] of Object.entries({ ...(id !== undefined && { iss: id }), ...expected })) {
      if (said[name as keyof typeof said] !== value) throw wrong(name);
    }
  };
}

async function open(receipt: string, key: KeyObject) {
  try {
    const { payload, protectedHeader } = await compactVerify(receipt, key, { algorithms: ['EdDSA'] });
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
    return { header: protectedHeader, said: claims.parse(JSON.parse(text)) };
  } catch (error) {
    throw wrong(error instanceof errors.JOSEError ? error.code : '格式');
  }
}

function readPublicKey(text: string): KeyObject {
  const isJwk = text.trimStart().startsWith('{');
  const jwk = isJwk ? z.object({ kty: z.string(), crv: z.string(), x: z.string() }).parse(JSON.parse(text)) : null;
  const key = jwk ? createPublicKey({ key: jwk, format: 'jwk' }) : createPublicKey(text);
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new TypeError('the key of receipts is an Ed25519 key');
}

function wrong(what: string): Error {
  return new Error(`城市证照库的回执不成立：${what}`);
}
