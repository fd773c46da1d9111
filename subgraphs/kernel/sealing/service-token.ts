import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { type BoundedCache, createCache } from '../cache.ts';
import { mapServices, SERVICES, type Service, type ServicePublicKeys } from './service-keys.ts';
import { TOKEN_LEEWAY_SECONDS, TokenError } from './token.ts';

/**
 * Tokens by which the processes of one hub know each other. Each process has a key pair of its own. A token is for one
 * receiver only, so that no process can use at a third what another has sent it.
 */

/** What a process proves itself by: its name and its private key. */
export interface ServiceIdentity {
  service: Service;
  privateKey: KeyObject;
}

/** Opens the private key of a process: PKCS #8, DER. */
export function openIdentity<Name extends Service>(service: Name, privateKey: Uint8Array): ServiceIdentity {
  return { service, privateKey: createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' }) };
}

/** Key pairs for every process. */
export interface ServiceKeys {
  identities: Readonly<Record<Service, ServiceIdentity>>;
  publicKeys: ServicePublicKeys;
}

/** Generates a key pair for every process. */
export function generateServiceKeys(): ServiceKeys {
  const pairs = mapServices(() => generateKeyPairSync('ed25519'));
  return {
    identities: mapServices((service) => ({ service, privateKey: pairs[service].privateKey })),
    publicKeys: mapServices((service) => [pairs[service].publicKey]),
  };
}

/** Who takes tokens. */
export type ServiceReceiver = Exclude<Service, 'gateway'> | 'signer';

/** What a process knows the others by. */
export interface ServiceCheck {
  receiver: ServiceReceiver;
  publicKeys: ServicePublicKeys;
}

const TYPE = 'tongquan-service+jwt';
const LIFE_SECONDS = 60;
/** How long a token is reused. Signing one for each call costs more than the call. */
const REUSE_SECONDS = 20;

interface ServiceToken {
  issuedAt: number;
  text: Promise<string>;
}
const MAX_CACHED_TOKENS = 16;
const tokensByKey = new WeakMap<KeyObject, BoundedCache<ServiceToken>>();

/** Signs a short-lived token with which a process proves to `receiver` that it belongs to the same hub (EdDSA). */
export function writeServiceToken(
  { service, privateKey }: ServiceIdentity,
  receiver: ServiceReceiver,
  now: Date,
): Promise<string> {
  const nowSeconds = Math.floor(now.getTime() / 1000);
  const issuedAt = nowSeconds - (nowSeconds % REUSE_SECONDS);
  const tokens = tokensByKey.get(privateKey) ?? createCache<ServiceToken>(MAX_CACHED_TOKENS);
  tokensByKey.set(privateKey, tokens);
  const cacheKey = `${service} ${receiver}`;
  const cachedToken = tokens.get(cacheKey);
  if (cachedToken?.issuedAt === issuedAt) return cachedToken.text;
  const text = new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE })
    .setIssuer(service)
    .setAudience(receiver)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFE_SECONDS)
    .sign(privateKey);
  tokens.set(cacheKey, { issuedAt, text });
  return text;
}

/** Whether a bearer token claims to be of a process. */
export function isServiceToken(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === TYPE;
  } catch {
    return false;
  }
}

/** Verifies a token for this process and returns the process that has sent it. Throws TokenError. */
export async function readServiceToken(token: string, check: ServiceCheck, now: Date): Promise<Service> {
  const service = readSender(token);
  for (const key of service ? check.publicKeys[service] : []) {
    try {
      await jwtVerify(token, key, {
        algorithms: ['EdDSA'],
        typ: TYPE,
        issuer: service ?? '',
        audience: check.receiver,
        requiredClaims: ['exp'],
        clockTolerance: TOKEN_LEEWAY_SECONDS,
        currentDate: now,
      });
      if (service) return service;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new TokenError('TOKEN_EXPIRED');
    }
  }
  throw new TokenError('TOKEN_INVALID');
}

/** Returns the process that a token names, without verification, or null. */
function readSender(token: string): Service | null {
  try {
    const { iss } = decodeJwt(token);
    return SERVICES.find((service) => service === iss) ?? null;
  } catch {
    return null;
  }
}
