import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { z } from 'zod';

/** Key pairs of the processes of one hub (Ed25519), and their public halves as a JWK Set (RFC 7517, RFC 8037). */

/** The processes that call others. The signer only answers. */
export const SERVICES = ['gateway', 'matters', 'cases', 'licenses', 'seals'] as const;
export type Service = (typeof SERVICES)[number];

/** What a process proves itself by: its name and its private key. */
export interface ServiceIdentity {
  service: Service;
  privateKey: KeyObject;
}

/** Public keys of the processes. A process whose key is being changed has two. */
export type ServicePublicKeys = Readonly<Record<Service, readonly KeyObject[]>>;

/** New key pairs for every process. */
export interface ServiceKeys {
  identities: Readonly<Record<Service, ServiceIdentity>>;
  publicKeys: ServicePublicKeys;
}

function mapServices<Value>(map: (service: Service) => Value): Record<Service, Value> {
  return Object.fromEntries(SERVICES.map((service) => [service, map(service)])) as Record<Service, Value>;
}

/** Generates a key pair for every process. */
export function generateServiceKeys(): ServiceKeys {
  const pairs = mapServices(() => generateKeyPairSync('ed25519'));
  return {
    identities: mapServices((service) => ({ service, privateKey: pairs[service].privateKey })),
    publicKeys: mapServices((service) => [pairs[service].publicKey]),
  };
}

/** Writes a private key as one line: PKCS #8 in base64. */
export function writePrivateKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'der' }).toString('base64');
}

/** Reads a private key. Throws if it is no Ed25519 key. */
export function readPrivateKey(encoded: string): KeyObject {
  const key = createPrivateKey({ key: Buffer.from(encoded, 'base64'), format: 'der', type: 'pkcs8' });
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('the key is not Ed25519');
  return key;
}

/** `kid` names the process. */
const keySet = z.object({
  keys: z
    .array(
      z.object({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: z.string().length(43),
        kid: z.enum(SERVICES),
        // A private key in a list that all processes have is a mistake to be told at once.
        d: z.undefined({ error: 'a private key' }).optional(),
      }),
    )
    .max(64),
});

/** Writes public keys as the text of a JWK Set. */
export function writePublicKeys(publicKeys: ServicePublicKeys): string {
  const keys = SERVICES.flatMap((kid) => publicKeys[kid].map((key) => ({ ...key.export({ format: 'jwk' }), kid })));
  return JSON.stringify({ keys });
}

/** Reads the text of a JWK Set. A process that is missing has no key. Throws if it is malformed. */
export function readPublicKeys(text: string): ServicePublicKeys {
  const { keys } = keySet.parse(JSON.parse(text));
  return mapServices((service) =>
    keys
      .filter(({ kid }) => kid === service)
      .map(({ kid: _, d: __, ...key }) => createPublicKey({ key, format: 'jwk' })),
  );
}
