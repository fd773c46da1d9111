import { type KeyObject, sign } from 'node:crypto';
import canonicalize from 'canonicalize';
import { toReceiptJwk } from './key.ts';
import { type Delivery, sha256 } from './protocol.ts';
import type { StatementDelivery } from './statement/form.ts';

/** The tree of the hub's log that the library, as its witness, signed last. */
export interface WitnessedTree {
  origin: string;
  size: number;
  /** Base64. */
  root: string;
}

type Named = 'stream' | 'revision' | 'identifier' | 'state' | 'documentDigest';
/** What a receipt names of a delivery: an act on a license, or a statement of the register. */
export type Receivable = Pick<Delivery, Named> & {
  act: Delivery['act'] | StatementDelivery['act'];
  /** The record in canonical JSON. */
  record: { text: string };
};

const TYP = 'collection-receipt+jwt';

/** Signs the receipt of a collected act: a compact JWS (RFC 7515, EdDSA). Neither side can later deny the act. */
export function signReceipt(
  key: KeyObject,
  library: string,
  delivery: Receivable,
  collectedAt: Date,
  checkpoint: WitnessedTree | null,
): string {
  const { stream, revision, identifier, act, state, documentDigest, record } = delivery;
  const header = { alg: 'EdDSA', typ: TYP, kid: toReceiptJwk(key).kid };
  const claims = {
    ...{ iss: library, stream, revision, identifier, act, state, documentDigest },
    ...{ recordDigest: sha256(record.text), collectedAt: collectedAt.toISOString(), checkpoint },
  };
  const input = [header, claims].map((part) => Buffer.from(canonicalize(part) ?? '').toString('base64url')).join('.');
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
}

/** Returns whether a receipt is signed. Up to release 0.3 a receipt was a number. */
export function isSigned(receipt: string): boolean {
  return receipt.includes('.');
}
