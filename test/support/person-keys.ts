import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type CredentialKind,
  computeChallenge,
  type PersonSignature,
} from '../../subgraphs/kernel/sealing/person-signature.ts';
import {
  NO_PERSON_KEYS,
  type PersonKeys,
  type Registration,
  type RegistrationStatement,
  writeRegistrationText,
} from '../../subgraphs/seals/signer/person/credential.ts';
import { makeCertificate, ROOT_NAME } from '../../subgraphs/seals/signer/pki.ts';

/** Software credentials: keys, certificates and a WebAuthn authenticator, with which tests sign as persons do. */

export const PARTY = { rpId: 'hub.example', origins: ['https://hub.example'] };

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256';

export interface Keys {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export function createKeys(algorithm: Algorithm): Keys {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

export const toPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

const toBase64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

/** Signs by the algorithm of the key: ECDSA in DER, RSA PKCS #1 v1.5, Ed25519. */
export function signBytes(key: KeyObject, data: Uint8Array): Buffer {
  return sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', data, key);
}

/** What a test changes of an assertion before it is signed. */
export interface AssertionChanges {
  type?: string;
  challenge?: string;
  origin?: string;
  crossOrigin?: boolean;
  topOrigin?: string;
  rpId?: string;
  flags?: number;
  extraBytes?: Uint8Array;
}

const PRESENT_AND_VERIFIED = 0x05;

/** Answers a WebAuthn challenge for a text as an authenticator and its browser do (Level 3, §6.3.3, §5.8.1). */
export function assertText(
  key: KeyObject,
  credential: string,
  text: string,
  changes: AssertionChanges = {},
): PersonSignature {
  const { rpId = PARTY.rpId, flags = PRESENT_AND_VERIFIED, extraBytes = new Uint8Array(), ...clientChanges } = changes;
  const clientData = Buffer.from(
    JSON.stringify({
      ...{ type: 'webauthn.get', challenge: computeChallenge(text), origin: PARTY.origins[0], crossOrigin: false },
      ...clientChanges,
    }),
  );
  const rpIdHash = createHash('sha256').update(rpId).digest();
  const authenticatorData = Buffer.concat([rpIdHash, Buffer.from([flags, 0, 0, 0, 7]), extraBytes]);
  const covered = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()]);
  return {
    credential,
    signature: toBase64url(signBytes(key, covered)),
    webauthn: { authenticatorData: toBase64url(authenticatorData), clientDataJson: toBase64url(clientData) },
  };
}

/** Signs a text itself. */
export function signText(key: KeyObject, credential: string, text: string): PersonSignature {
  return { credential, signature: toBase64url(signBytes(key, Buffer.from(text))) };
}

/** A person or registrar who can sign. */
export interface Signatory {
  id: string;
  kind: CredentialKind;
  /** PEM. */
  key: string;
  privateKey: KeyObject;
  sign(text: string, changes?: AssertionChanges): PersonSignature;
}

export function createSignatory(
  id: string,
  kind: CredentialKind = 'KEY',
  algorithm: Algorithm = 'ES256',
  validity: { validFrom: Date; validUntil: Date } = CERTIFICATE_VALIDITY,
): Signatory {
  const { publicKey, privateKey } = createKeys(algorithm);
  const key = kind === 'CERTIFICATE' ? certify(toPem(publicKey), validity) : toPem(publicKey);
  const signAsKind: Signatory['sign'] = (text, changes) =>
    kind === 'WEBAUTHN' ? assertText(privateKey, id, text, changes) : signText(privateKey, id, text);
  return { id, kind, key, privateKey, sign: signAsKind };
}

const CERTIFICATE_VALIDITY = {
  validFrom: new Date('2026-01-01T00:00:00Z'),
  validUntil: new Date('2028-01-01T00:00:00Z'),
};

/** Issues a certificate for a person's key by an authority of the test. */
function certify(publicKeyPem: string, validity: { validFrom: Date; validUntil: Date }): string {
  const authority = createKeys('RS256');
  const request = { profile: 'seal', subject: { ...ROOT_NAME, commonName: '钟文斌' }, publicKeyPem } as const;
  const issuer = { issuer: ROOT_NAME, issuerPublicKeyPem: toPem(authority.publicKey) };
  return makeCertificate({ ...request, ...issuer, ...validity }, (data) => signBytes(authority.privateKey, data));
}

/** Builds a registration of a credential, signed by the given registrars. */
export function register(
  { id, kind, key }: Pick<Signatory, 'id' | 'kind' | 'key'>,
  person: Pick<RegistrationStatement, 'person' | 'name' | 'organ'> & Partial<RegistrationStatement>,
  registrars: readonly Signatory[],
): Registration {
  const statement: RegistrationStatement = {
    ...{ credential: id, kind, key: key.trim().concat('\n') },
    ...{ validFrom: '2026-01-01T00:00:00Z', validTo: '2028-01-01T00:00:00Z', registeredAt: '2026-01-02T00:00:00Z' },
    ...person,
  };
  const text = writeRegistrationText(statement);
  return { statement, signatures: registrars.map((registrar) => registrar.sign(text)) };
}

/** Builds the signer's file: two registrars, one organ that needs signatures. */
export function buildPersonKeys(
  registrars: readonly Signatory[],
  organ: string,
  registrations: readonly Registration[],
): PersonKeys {
  return {
    ...NO_PERSON_KEYS,
    party: PARTY,
    acceptsBareKeys: true,
    organs: [{ organ, from: '2026-01-01T00:00:00Z' }],
    maxAgeDays: 90,
    registrars: registrars.map(({ id, kind, key }) => ({ id, kind, key, until: null })),
    registrations: [...registrations],
  };
}
