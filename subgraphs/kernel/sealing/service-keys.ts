import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

/** The processes of one hub and their public keys (Ed25519), as text a JWK Set (RFC 7517, RFC 8037). */

/** The processes that call others. The signer only answers. */
export const SERVICES = ['gateway', 'matters', 'cases', 'licenses', 'seals'] as const;
export type Service = (typeof SERVICES)[number];

/** Public keys of the processes. A process whose key is being changed has two. */
export type ServicePublicKeys = Readonly<Record<Service, readonly KeyObject[]>>;

/** Returns a value for each process. */
export function mapServices<Value>(map: (service: Service) => Value): Record<Service, Value> {
  return Object.fromEntries(SERVICES.map((service) => [service, map(service)])) as Record<Service, Value>;
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
