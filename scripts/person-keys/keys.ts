import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { PersonSignature } from '../../subgraphs/kernel/sealing/person-signature.ts';
import { readKey } from '../../subgraphs/seals/signer/person/assertion.ts';
import {
  findRegistrationFault,
  NO_PERSON_KEYS,
  type PersonKeys,
  personKeys,
  type Registration,
} from '../../subgraphs/seals/signer/person/credential.ts';
import { readPersonKeys } from '../../subgraphs/seals/signer/person/person-file.ts';

/** Changes of the signer's file of persons' keys, and software keys. The operator's command and the demo use them. */

/** A change that the operator must mend. The message is for a person. */
export class PersonKeyError extends Error {
  override readonly name = 'PersonKeyError';
}

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const DEFAULT_MAX_AGE_DAYS = 90;

/** Returns the file's content, or that of a new file. Throws if the file is malformed. */
export function openPersonKeys(path: string): PersonKeys {
  return existsSync(path) ? readPersonKeys(path) : { ...NO_PERSON_KEYS, maxAgeDays: DEFAULT_MAX_AGE_DAYS };
}

/** Replaces the file as a whole, so that the signer never reads half of it. Throws if the content is malformed. */
export function writePersonKeys(path: string, keys: PersonKeys): void {
  mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, `${JSON.stringify(personKeys.parse(keys), null, 2)}\n`, { mode: FILE_MODE });
  renameSync(draft, path);
}

/** Adds a registrar. Throws PersonKeyError if the key is not accepted, or if person or key is a registrar already. */
export function addRegistrar(keys: PersonKeys, registrar: PersonKeys['registrars'][number]): PersonKeys {
  const exportKey = (key: Parameters<typeof readKey>[0]) => readKey(key)?.export({ type: 'spki', format: 'pem' });
  const text = exportKey(registrar);
  if (text === undefined) throw new PersonKeyError('公钥无法读取或不可接受 — the key is malformed or not accepted');
  const isKnown = keys.registrars.some((known) => known.id === registrar.id || exportKey(known) === text);
  if (isKnown) throw new PersonKeyError('此人或此公钥已是登记人 — the person or the key is a registrar already');
  return { ...keys, registrars: [...keys.registrars, registrar] };
}

/** Adds a registration. Throws PersonKeyError if it does not count. */
export function addRegistration(keys: PersonKeys, registration: Registration): PersonKeys {
  const fault = findRegistrationFault(keys, registration);
  if (fault !== null) throw new PersonKeyError(`登记无效 — the registration does not count: ${fault}`);
  return { ...keys, registrations: [...keys.registrations, registration] };
}

/** Ends every credential and every registrar at an instant. What organs need stays, and so does the record. */
export function endAll(keys: PersonKeys, { at, reason }: { at: Date; reason: string }): PersonKeys {
  const from = at.toISOString();
  const isInForce = (until: string | null) => until === null || Date.parse(until) > at.getTime();
  const registrars = keys.registrars.map((known) => (isInForce(known.until) ? { ...known, until: from } : known));
  const ended = listCredentials(keys, at).map((credential) => ({ credential, from, reason }));
  return { ...keys, acceptsBareKeys: false, registrars, endings: [...keys.endings, ...ended] };
}

/** Returns the credentials that nobody has ended by an instant. */
export function listCredentials(keys: PersonKeys, at: Date): string[] {
  const ended = keys.endings.filter(({ from }) => Date.parse(from) <= at.getTime()).map(({ credential }) => credential);
  const credentials = keys.registrations.map(({ statement }) => statement.credential);
  return [...new Set(credentials)].filter((credential) => !ended.includes(credential));
}

/** Makes a software key (ECDSA P-256), PKCS #8 and SPKI in PEM. */
export function createSoftwareKey(): { privateKey: string; publicKey: string } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** Signs a text with a software key. */
export function signWithKey(privateKey: string | KeyObject, credential: string, text: string): PersonSignature {
  const key = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey;
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return { credential, signature: sign(digest, Buffer.from(text), key).toString('base64url') };
}
