import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { AuthorisationKeys } from '../subgraphs/kernel/actor.ts';
import { adoptKey } from '../subgraphs/seals/signer/key-file.ts';
import { BootError } from './folder.ts';

/** Every secret of a hub that keeps its own; `data/secrets.json` holds them, readable by its owner alone. */
export interface Secrets {
  /** Ed25519; mints the demo tokens. A real office brings its identity provider's public key instead. */
  tokenPrivateKey: KeyObject;
  tokenKey: KeyObject;
  /** 32 bytes; proves one subgraph to another. */
  serviceKey: Uint8Array;
  /** 32 bytes; the database passwords are derived from it. */
  databaseKey: Uint8Array;
  authorisationKeys: AuthorisationKeys;
  /** What the hub shows the city library to get in. */
  librarySecret: string;
}

const KEY_BYTES = 32;
const key = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const stored = z.object({
  tokenPrivateKey: z.string(),
  serviceKey: key,
  databaseKey: key,
  authorisationKeys: z.object({ cases: key, licenses: key }),
  librarySecret: z.string().min(16),
});

/** Where the signer keeps its key-encryption keys: the hub's process never reads it. */
export function keyFileOf(folder: string): string {
  return join(folder, 'signer', 'key-encryption-keys.json');
}

/** New secrets would open neither the database nor a seal's key: a folder that lost them must not be given others. */
export function requireSecretsOf(folder: string): void {
  if (!existsSync(join(folder, 'postgres/PG_VERSION'))) return;
  const secrets = join(folder, 'secrets.json');
  const keys = keyFileOf(folder);
  // Up to 0.3 the hub's secrets held the key-encryption key.
  const held = existsSync(secrets) && readFileSync(secrets, 'utf8').includes('"keyEncryptionKey"');
  const missing = !existsSync(secrets) ? secrets : !existsSync(keys) && !held ? keys : null;
  if (missing === null) return;
  throw new BootError(`${missing} 不见了，请从备份恢复 — the secrets of this data folder are missing, restore them`);
}

/** Reads the secrets of a data folder; makes them where there are none. Throws where the file is not readable as such. */
export function openSecrets(folder: string): Secrets {
  const file = join(folder, 'secrets.json');
  if (!existsSync(file)) store(folder, file);
  else handOver(folder, file);
  const { tokenPrivateKey, ...rest } = stored.parse(JSON.parse(readFileSync(file, 'utf8')));
  const privateKey = createPrivateKey(tokenPrivateKey);
  return { ...rest, tokenPrivateKey: privateKey, tokenKey: createPublicKey(privateKey) };
}

/** A release before 0.4 kept the key-encryption key among the hub's secrets: it goes to the signer's file. */
function handOver(folder: string, file: string): void {
  const { keyEncryptionKey, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  if (typeof keyEncryptionKey !== 'string') return;
  adoptKey(keyFileOf(folder), Buffer.from(keyEncryptionKey, 'base64'));
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(rest, null, 2), { mode: 0o600, flush: true });
  renameSync(draft, file);
}

/** The key from which the database's passwords come, and nothing else: for whoever only reads. */
export function readDatabaseKey(folder: string): Uint8Array {
  return stored.pick({ databaseKey: true }).parse(JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')))
    .databaseKey;
}

/** Whole or not at all: a start that is killed half-way, or two at once, must not leave half a file. */
function store(folder: string, file: string): void {
  mkdirSync(folder, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(makeSecrets(), null, 2), { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
}

function makeSecrets(): z.input<typeof stored> {
  const random = () => randomBytes(KEY_BYTES).toString('base64');
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    tokenPrivateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    serviceKey: random(),
    databaseKey: random(),
    authorisationKeys: { cases: random(), licenses: random() },
    librarySecret: randomBytes(KEY_BYTES).toString('base64url'),
  };
}
