import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { writeAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import type { SealStatement } from '../../subgraphs/kernel/sealing/person-signature.ts';
import { signDetached } from '../../subgraphs/seals/signer/cms.ts';
import { createKeys, type Keys } from '../../subgraphs/seals/signer/keys.ts';
import {
  type CertifiedKey,
  codeKeyId,
  createSigner,
  type KeyRef,
  type Signer,
} from '../../subgraphs/seals/signer/signer.ts';
import { makeTimestampToken } from '../../subgraphs/seals/signer/timestamp.ts';
import type { HubClone } from './hub-clone.ts';
import type { RandomSource } from './random.ts';

/** What a tampering did. An honest auditor should name at least one of the objects. */
export interface TamperReport {
  kind: string;
  description: string;
  objects: string[];
}

/** One kind of tampering: chooses its victim, changes it and reports what it did. */
export type Tamper = (insider: Insider, random: RandomSource) => Promise<Omit<TamperReport, 'kind'>>;

// biome-ignore lint/suspicious/noExplicitAny: rows of many tables; each caller knows its columns
export type Row = Record<string, any>;

/** An insider: a superuser of the database with write access to the log folder and the keys of the hub. */
export interface Insider {
  hubClone: HubClone;
  /** A connection on which triggers and foreign keys do not fire. */
  sql: postgres.Sql;
  keys: Keys;
  /** Returns a signer with the hub's keys whose clock stands at that time. It signs any request. */
  signerAt(at: Date): Signer;
  /** Picks one row at random. Throws if there are no rows. */
  pickRow(random: RandomSource, rows: PromiseLike<readonly Row[]>): Promise<Row>;
  /** Runs a statement that changes rows. Throws if it changed none. */
  change(statement: postgres.PendingQuery<postgres.Row[]>): Promise<void>;
}

export async function openInsider(hubClone: HubClone): Promise<Insider> {
  const sql = postgres(hubClone.adminUrl, {
    max: 1,
    onnotice: () => {},
    connection: { session_replication_role: 'replica' },
  });
  const { serviceKeys, keyEncryptionKey } = hubClone;
  return {
    hubClone,
    sql,
    keys: createKeys([keyEncryptionKey]),
    signerAt: (at) => createSigner({ ring: [keyEncryptionKey], publicKeys: serviceKeys.publicKeys, now: () => at }),
    pickRow: async (random, rows) => random.pick(await rows),
    change: async (statement) => {
      const { count } = await statement;
      if (count === 0) throw new Error('nothing was changed');
    },
  };
}

export const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

/** Returns a copy of the bytes with one bit flipped, within the middle half. */
export function flipBit(bytes: Uint8Array, random: RandomSource): Buffer {
  const copy = Buffer.from(bytes);
  const position = Math.floor(copy.length / 4) + random.below(Math.max(1, Math.floor(copy.length / 2)));
  copy.writeUInt8(copy.readUInt8(position) ^ (1 << random.below(8)), position);
  return copy;
}

/** Returns the SHA-256 of a certificate's DER, in hex. */
export function digestOfPem(pem: string): string {
  return sha256(Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64'));
}

/** Returns the newest generation of a key of an authority, with its certificate. */
export async function findAuthorityKey({ sql }: Insider, id: string): Promise<CertifiedKey> {
  const [row] = await sql`select * from seals.authority where id = ${id} order by generation desc limit 1`;
  if (!row) throw new Error(`no authority ${id}`);
  return { keyId: id, encrypted: row.encrypted_key, certificatePem: row.certificate_pem };
}

/** Returns the newest key of a seal, and its certificate chain. */
async function findSealKey({ sql }: Insider, id: string): Promise<{ key: KeyRef; chain: [string, string] }> {
  const [row] = await sql`select s.*, a.certificate_pem as issuing from seals.seal_certificate s, seals.authority a
    where s.seal_id = ${id} and a.id = 'issuing' order by s.generation desc limit 1`;
  if (!row) throw new Error(`no seal ${id}`);
  return { key: { keyId: id, encrypted: row.encrypted_key }, chain: [row.certificate_pem, row.issuing] };
}

/** Returns the newest QR code key of a seal. */
export async function findCodeKey({ sql }: Insider, id: string): Promise<CertifiedKey> {
  const [row] = await sql`select * from seals.seal_code_key where seal_id = ${id} order by generation desc limit 1`;
  if (!row) throw new Error(`no code key of ${id}`);
  return { keyId: codeKeyId(id), encrypted: row.encrypted_key, certificatePem: row.certificate_pem };
}

/** Signs with a seal's own key, with a timestamp, and records it in no ledger. */
export async function signOffLedger(
  insider: Insider,
  request: { sealId: string; profile: 'CADES' | 'PADES'; digest: Uint8Array; at: Date },
): Promise<Buffer> {
  const { key, chain } = await findSealKey(insider, request.sealId);
  const stamp = await findAuthorityKey(insider, 'timestamp');
  const signedAt = new Date(Math.floor(request.at.getTime() / 1_000) * 1_000);
  const open = ({ keyId, encrypted }: KeyRef) => insider.keys.open(keyId, encrypted);
  const token = (digest: Uint8Array) =>
    makeTimestampToken({ digest, at: signedAt, chain: [stamp.certificatePem] }, open(stamp));
  const { profile, digest: documentDigest } = request;
  return Buffer.from(signDetached({ profile, documentDigest, chain, signedAt }, open(key), token));
}

/** Changes the statement inside an authorisation and authenticates it again with the key of the same subgraph. */
export async function forgeAuthorisation(
  { hubClone }: Insider,
  authorisation: string,
  changes: Partial<SealStatement>,
): Promise<string> {
  const { iss, ...claims } = JSON.parse(Buffer.from(authorisation.split('.')[1] ?? '', 'base64url').toString());
  const subgraph = iss === 'cases' ? 'cases' : 'licenses';
  return writeAuthorisation(hubClone.serviceKeys.identities[subgraph], { ...claims, ...changes });
}
