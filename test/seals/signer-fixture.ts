import { randomBytes, X509Certificate } from 'node:crypto';
import { generateServiceKeys, type ServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import type { CodeRequest, SealUseRequest, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import type { GuardedKey, KeyKind } from '../../subgraphs/seals/signer/keys.ts';
import type { PersonKeys } from '../../subgraphs/seals/signer/person/credential.ts';
import {
  ISSUING_NAME,
  type Profile,
  ROOT_NAME,
  STATUS_NAME,
  TIMESTAMP_NAME,
} from '../../subgraphs/seals/signer/pki.ts';
import { type CertifiedKey, createSigner, type KeyRef, type Signer } from '../../subgraphs/seals/signer/signer.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { authorise, CITY, COUNTY } from './requests.ts';

/** A signer with the keys of a small PKI and without a database. Tests can send it any order. */

const VALIDITY = { validFrom: new Date('2026-01-01T00:00:00Z'), validUntil: new Date('2036-01-01T00:00:00Z') };
const SEAL = `${COUNTY}-license-seal`;

const KEY_SPECS = {
  root: ['root', 'root', 'RSA-3072', ROOT_NAME],
  issuing: ['issuing', 'issuing', 'RSA-3072', ISSUING_NAME],
  timestamp: ['timestamp', 'timestamp', 'P-256', TIMESTAMP_NAME],
  status: ['status', 'status', 'P-256', STATUS_NAME],
  seal: [SEAL, 'seal', 'RSA-3072', { ...ROOT_NAME, organisation: '于都县林业局' }],
  code: [`${SEAL} code`, 'code', 'P-256', { ...ROOT_NAME, organisation: '于都县林业局' }],
  acceptanceSeal: [`${COUNTY}-acceptance-seal`, 'seal', 'RSA-3072', { ...ROOT_NAME, organisation: '于都县林业局' }],
  citySeal: [`${CITY}-approval-seal`, 'seal', 'RSA-3072', { ...ROOT_NAME, organisation: '赣州市行政审批局' }],
  cityCode: [`${CITY}-approval-seal code`, 'code', 'P-256', { ...ROOT_NAME, organisation: '赣州市行政审批局' }],
} as const satisfies Record<string, [string, Profile, KeyKind, typeof ROOT_NAME]>;
export type KeyName = keyof typeof KEY_SPECS;

export interface SignerFixture {
  signer: Signer;
  clock: TestClock;
  keyEncryptionKey: Uint8Array;
  serviceKeys: ServiceKeys;
  keys: Record<KeyName, CertifiedKey>;
  /** The key of the log, which has no certificate. */
  logKey: GuardedKey & KeyRef;
  /** Public keys of the two authorities, PEM. */
  publicKeys: Record<'root' | 'issuing', string>;
  /** Returns the request with an authorisation for exactly its content. */
  withAuthorisation<Request extends SealUseRequest>(request: Request): Promise<Request>;
  /** Builds the order for a request, with the matching keys unless others are given. */
  sealOrder(request: SignRequest, keys?: Partial<SignerFixture['keys']>): Parameters<Signer['seal']>[0];
  codeOrder(request: CodeRequest, keys?: Partial<SignerFixture['keys']>): Parameters<Signer['code']>[0];
}

export async function openSignerFixture(readPersonKeys?: () => PersonKeys): Promise<SignerFixture> {
  const clock = testClock('2026-06-01');
  const keyEncryptionKey = randomBytes(32);
  const serviceKeys = generateServiceKeys();
  const signer = createSigner({
    ring: [keyEncryptionKey],
    publicKeys: serviceKeys.publicKeys,
    readPersonKeys,
    now: clock,
  });
  const names = Object.keys(KEY_SPECS) as KeyName[];
  const pairs = await Promise.all(
    names.map((name) => signer.generate({ keyId: KEY_SPECS[name][0], kind: KEY_SPECS[name][2] })),
  );
  const keyPairOf = (name: KeyName) => {
    const pair = pairs[names.indexOf(name)];
    if (!pair) throw new Error(`no key ${name}`);
    return pair;
  };
  const certifiedKeys = names.map(async (name): Promise<[KeyName, CertifiedKey]> => {
    const [keyId, profile, , subject] = KEY_SPECS[name];
    const issuerName = profile === 'root' || profile === 'issuing' ? 'root' : 'issuing';
    const { publicKeyPem, encrypted } = keyPairOf(name);
    const request = {
      ...{ profile, subject, publicKeyPem, ...VALIDITY },
      issuer: KEY_SPECS[issuerName][3],
      issuerPublicKeyPem: keyPairOf(issuerName).publicKeyPem,
    };
    const authority = { keyId: issuerName, encrypted: keyPairOf(issuerName).encrypted };
    return [name, { keyId, encrypted, certificatePem: await signer.certify({ authority, request }) }];
  });
  const keys = Object.fromEntries(await Promise.all(certifiedKeys)) as SignerFixture['keys'];
  const sealOrder: SignerFixture['sealOrder'] = (request, replacements = {}) => {
    const { seal, issuing, timestamp } = { ...keys, ...replacements };
    return { key: seal, chain: [seal.certificatePem, issuing.certificatePem], stamp: timestamp, request };
  };
  return {
    ...{ signer, clock, keyEncryptionKey, serviceKeys, keys, sealOrder },
    logKey: { keyId: 'log', ...(await signer.generate({ keyId: 'log', kind: 'Ed25519' })) },
    publicKeys: { root: keyPairOf('root').publicKeyPem, issuing: keyPairOf('issuing').publicKeyPem },
    withAuthorisation: async (request) => ({
      ...request,
      authorisation: await authorise(serviceKeys, request, clock()),
    }),
    codeOrder: (request, replacements = {}) => ({ key: { ...keys, ...replacements }.code, request }),
  };
}

/** Builds a certificate request for the QR code key of the fixture's seal. */
export function certificateRequest({ keys, publicKeys }: SignerFixture, profile: Profile = 'code') {
  return {
    ...{ profile, subject: { ...ROOT_NAME, commonName: '另一证书' }, ...VALIDITY },
    publicKeyPem: new X509Certificate(keys.code.certificatePem).publicKey
      .export({ type: 'spki', format: 'pem' })
      .toString(),
    issuer: ISSUING_NAME,
    issuerPublicKeyPem: publicKeys.issuing,
  };
}

/** Builds a request for a revocation list with two revocations. */
export function listRequest({ keys, publicKeys, clock }: SignerFixture) {
  return {
    certificate: new Uint8Array(new X509Certificate(keys.issuing.certificatePem).raw),
    publicKeyPem: publicKeys.issuing,
    number: 1,
    thisUpdate: clock(),
    nextUpdate: new Date(clock().getTime() + 48 * 3_600_000),
    completeSince: VALIDITY.validFrom,
    revoked: [
      {
        serial: '4a'.repeat(16),
        reason: 'KEY_COMPROMISE' as const,
        revokedAt: clock(),
        compromisedAt: VALIDITY.validFrom,
      },
      { serial: '4b'.repeat(16), reason: 'SUPERSEDED' as const, revokedAt: clock(), compromisedAt: null },
    ],
  };
}
