import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { mapServices } from '../../subgraphs/kernel/sealing/service-keys.ts';
import {
  generateServiceKeys,
  openIdentity,
  type ServiceIdentity,
  type ServiceKeys,
} from '../../subgraphs/kernel/sealing/service-token.ts';
import { adoptKey } from '../../subgraphs/seals/signer/key-file.ts';

/** All secrets of a hub that manages its own. Stored in `data/secrets.json`, readable by its owner only. */
export interface Secrets {
  /** Ed25519; signs the demo tokens. A real office uses the public key of its identity provider instead. */
  tokenPrivateKey: KeyObject;
  tokenKey: KeyObject;
  /** 32 bytes; source of the derived database passwords. */
  databaseKey: Uint8Array;
  /**
   * Keys of the hub's parts. Those of cases and licenses are stored: their authorisations may wait for their seal
   * across a restart. The others are new each time.
   */
  serviceKeys: ServiceKeys;
  /** The secrets of webhooks and approval platforms are derived from it. */
  derivationKey: Uint8Array;
  /** Keys (HS256) of the authorisations of releases up to 0.4, until `storeServiceKeys`. Then null. */
  sharedKeys: SharedKeys | null;
  /** The hub's client secret at the city library. */
  librarySecret: string;
}

/** The keys with which releases up to 0.4 authenticated authorisations. */
export type SharedKeys = Readonly<Record<'cases' | 'licenses', Uint8Array>>;

const KEY_BYTES = 32;
const keySchema = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const secretsSchema = z.object({
  tokenPrivateKey: z.string(),
  databaseKey: keySchema,
  librarySecret: z.string().min(16),
  serviceKeys: z.object({ cases: keySchema, licenses: keySchema }).optional(),
  derivationKey: keySchema.optional(),
  authorisationKeys: z.object({ cases: keySchema, licenses: keySchema }).optional(),
});

/** Returns the file of the signer's key-encryption keys. The hub's process never reads it. */
export function locateSignerKeyFile(folder: string): string {
  return join(folder, 'signer', 'key-encryption-keys.json');
}

/** Returns the signer's file of persons' keys, beside its key-encryption keys. The hub's process never reads it. */
export function locatePersonKeyFile(keyFile: string): string {
  return join(dirname(keyFile), 'person-keys.json');
}

/** Returns the signer's list of authorisations that waited when keys changed, beside its key-encryption keys. */
export function locateKnownFile(keyFile: string): string {
  return join(dirname(keyFile), 'known-authorisations.json');
}

/** Returns the secrets of a data folder, null if it has none, or `UNREADABLE`. Changes nothing. */
export function readSecrets(folder: string): Secrets | null | 'UNREADABLE' {
  const file = join(folder, 'secrets.json');
  if (!existsSync(file)) return null;
  try {
    return parseSecrets(file);
  } catch {
    return 'UNREADABLE';
  }
}

function parseSecrets(file: string): Secrets {
  const parsed = secretsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const { tokenPrivateKey, authorisationKeys, databaseKey, librarySecret } = parsed;
  const privateKey = createPrivateKey(tokenPrivateKey);
  const derivationKey = parsed.derivationKey ?? authorisationKeys?.cases;
  if (!derivationKey) throw new Error(`${file} has no derivationKey`);
  return {
    ...{
      tokenPrivateKey: privateKey,
      tokenKey: createPublicKey(privateKey),
      databaseKey,
      librarySecret,
      derivationKey,
    },
    serviceKeys: buildServiceKeys(parsed.serviceKeys ?? {}),
    sharedKeys: parsed.serviceKeys ? null : (authorisationKeys ?? null),
  };
}

/** Returns keys for every part of the hub: those given (PKCS #8, DER), and new ones for the others. */
export function buildServiceKeys(stored: Partial<Record<'cases' | 'licenses', Uint8Array>>): ServiceKeys {
  const { identities: newIdentities } = generateServiceKeys();
  const identities = mapServices((service) => {
    const key = service === 'cases' || service === 'licenses' ? stored[service] : undefined;
    return key ? openIdentity(service, key) : newIdentities[service];
  });
  return { identities, publicKeys: mapServices((service) => [createPublicKey(identities[service].privateKey)]) };
}

/** Writes a private key as secrets store it: PKCS #8, DER, base64. */
function encodeServiceKey({ privateKey }: ServiceIdentity): string {
  return privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
}

/** Returns the keys of cases and licenses in the form in which they are stored. */
function encodeStoredKeys({ identities: { cases, licenses } }: ServiceKeys): Record<'cases' | 'licenses', string> {
  return { cases: encodeServiceKey(cases), licenses: encodeServiceKey(licenses) };
}

/**
 * Stores the keys of a folder of release 0.4 that cases and licenses sign with from now on. Drops the keys that parts
 * of the hub shared, so that nothing can be authorised by them any more. Must be called when what waits for its seal
 * is listed.
 */
export function storeServiceKeys(folder: string, { serviceKeys }: Secrets): void {
  const file = join(folder, 'secrets.json');
  const { authorisationKeys, serviceKey: _, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
  const { derivationKey = authorisationKeys.cases } = rest;
  replaceSecretsFile(file, { ...rest, derivationKey, serviceKeys: encodeStoredKeys(serviceKeys) });
}

/** Reads the secrets of a data folder; creates them if there are none. Throws if the file cannot be read or parsed. */
export function openSecrets(folder: string): Secrets {
  const file = join(folder, 'secrets.json');
  if (!existsSync(file)) createSecretsFile(folder, file);
  else moveKeyToSigner(folder, file);
  return parseSecrets(file);
}

/** Moves the key-encryption key to the signer's file. Releases before 0.4 kept it among the hub's secrets. */
function moveKeyToSigner(folder: string, file: string): void {
  const { keyEncryptionKey, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  if (typeof keyEncryptionKey !== 'string') return;
  adoptKey(locateSignerKeyFile(folder), Buffer.from(keyEncryptionKey, 'base64'));
  replaceSecretsFile(file, rest);
}

/** Replaces the key that signs demo tokens: those of before count no more. */
export function renewTokenKey(folder: string): void {
  const file = join(folder, 'secrets.json');
  const secrets = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  replaceSecretsFile(file, { ...secrets, tokenPrivateKey: makeSecrets().tokenPrivateKey });
}

/** Replaces the file as a whole. */
function replaceSecretsFile(file: string, secrets: object): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(secrets, null, 2), { mode: 0o600, flush: true });
  renameSync(draft, file);
}

/** Returns only the key from which the database passwords are derived. For scripts that only read. */
export function readDatabaseKey(folder: string): Uint8Array {
  return secretsSchema.pick({ databaseKey: true }).parse(JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')))
    .databaseKey;
}

/** Writes the whole file or nothing. An interrupted start, or two at once, must not leave a partial file. */
function createSecretsFile(folder: string, file: string): void {
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

function makeSecrets(): z.input<typeof secretsSchema> {
  const randomKey = () => randomBytes(KEY_BYTES).toString('base64');
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    tokenPrivateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    databaseKey: randomKey(),
    derivationKey: randomKey(),
    serviceKeys: encodeStoredKeys(generateServiceKeys()),
    librarySecret: randomBytes(KEY_BYTES).toString('base64url'),
  };
}
