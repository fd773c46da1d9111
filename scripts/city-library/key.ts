import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type postgres from 'postgres';
import { formatWitnessKey } from '../witness/note.ts';
import { openDatabase } from './database.ts';

/** The library's own Ed25519 keys, in its database. One signs receipts, the other checkpoints of the hub's log. */
interface Keys {
  receipt: KeyObject;
  witness: KeyObject;
}

/** The public keys that others receive. */
interface PublicKeys {
  /** The library's name, in receipts and as a witness. */
  name: string;
  receiptKey: ReceiptJwk;
  /** C2SP signed-note: name, short name and key. */
  witnessKey: string;
}

/** A public key as a JWK (RFC 8037); `kid` is its thumbprint (RFC 7638). */
interface ReceiptJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  kid: string;
  alg: 'EdDSA';
  use: 'sig';
}

/** Reads the keys; creates those that do not exist. */
export async function openKeys(sql: postgres.Sql): Promise<Keys> {
  const open = async (purpose: keyof Keys): Promise<KeyObject> => {
    const newKeyPem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await sql`insert into own_key (purpose, private_key_pem) values (${purpose}, ${newKeyPem}) on conflict do nothing`;
    const [row] = await sql<
      { privateKeyPem: string }[]
    >`select private_key_pem from own_key where purpose = ${purpose}`;
    if (!row) throw new Error(`no key for ${purpose}`);
    return createPrivateKey(row.privateKeyPem);
  };
  return { receipt: await open('receipt'), witness: await open('witness') };
}

/** Creates the keys in the library's database if there are none. Returns the public keys. */
export async function makeKeys(databaseUrl: string, name: string): Promise<PublicKeys> {
  const { sql, close } = await openDatabase(databaseUrl);
  try {
    const keys = await openKeys(sql);
    return { name, receiptKey: toReceiptJwk(keys.receipt), witnessKey: formatWitnessKey(name, keys.witness) };
  } finally {
    await close();
  }
}

export function toReceiptJwk(privateKey: KeyObject): ReceiptJwk {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  return { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' };
}
