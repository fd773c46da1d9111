import { type KeyObject, sign } from 'node:crypto';
import canonicalize from 'canonicalize';
import { jwkOf } from './key.ts';
import { type Delivery, sha256 } from './protocol.ts';

/** The tree of the hub's log that the library, as its witness, signed last. */
export interface SeenTree {
  origin: string;
  size: number;
  /** Base64. */
  root: string;
}

const TYP = 'collection-receipt+jwt';

/** Signs the receipt of a collected act: a compact JWS (RFC 7515, EdDSA). Neither side can later deny the act. */
export function writeReceipt(
  key: KeyObject,
  library: string,
  delivery: Delivery,
  collectedAt: Date,
  checkpoint: SeenTree | null,
): string {
  const { stream, revision, identifier, act, state, documentDigest, record } = delivery;
  const header = { alg: 'EdDSA', typ: TYP, kid: jwkOf(key).kid };
  const said = {
    ...{ iss: library, stream, revision, identifier, act, state, documentDigest },
    ...{ recordDigest: sha256(record.text), collectedAt: collectedAt.toISOString(), checkpoint },
  };
  const input = [header, said].map((part) => Buffer.from(canonicalize(part) ?? '').toString('base64url')).join('.');
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
}

/** Returns whether a receipt is signed. Up to release 0.3 a receipt was a number. */
export function isSigned(receipt: string): boolean {
  return receipt.includes('.');
}
