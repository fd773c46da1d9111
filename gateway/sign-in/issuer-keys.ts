import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { Clock } from '../../subgraphs/kernel/day.ts';
import { logWarning } from '../../subgraphs/kernel/environment/log.ts';
import { parseStrictJson } from '../../subgraphs/kernel/foreign/json.ts';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { type HttpAnswer, sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';

/** The keys of an OpenID Connect issuer: found by its discovery, renewed, and kept for a while when it is away. */

export interface IssuerAddress {
  /** Exactly as the issuer writes it in `iss` and in its discovery. */
  issuer: string;
  /** Where its keys are, if that is another origin than the issuer's. The operator names it. */
  jwksUrl?: string | undefined;
  /** How long keys count that cannot be renewed, in seconds. */
  staleSeconds: number;
  /** Sends a GET. By default the hub's client, with the reach of the operator. */
  send?: ((url: string, limits: SendLimits) => Promise<HttpAnswer>) | undefined;
  timeoutMs?: number | undefined;
}

/** What one answer of the issuer may take. */
interface SendLimits {
  timeoutMs: number;
  maxAnswerBytes: number;
}

/** The issuer's keys cannot be read, and none are left that still count. */
export class IssuerAway extends Error {
  override readonly name = 'IssuerAway';
}

/** Time between two attempts, so that no flood of tokens becomes a flood of requests to the issuer. */
export const RETRY_SECONDS = 10;
/** Keys that are older are renewed before they are used. A withdrawn key counts no longer than this. */
export const FRESH_SECONDS = 300;
/** How long an attempt that failed lets tokens pass by known keys without waiting for the next one. */
export const AWAY_SECONDS = 60;
/** Each request waits this long for the issuer at most, twice: for the discovery and for the keys. */
const TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 131_072;
const MAX_KEYS = 64;

const discoverySchema = z.looseObject({ issuer: z.string(), jwks_uri: z.url() });

/** Base64url of 2,048 to 8,192 bits. A longer key makes each verification slow. */
const MODULUS = /^[\w-]{342,1366}$/;
const kid = z.string().min(1).max(255).optional();
const shared = { kid, use: z.literal('sig').optional(), alg: z.string().max(16).optional() };
const operations = { key_ops: z.array(z.string()).max(8).optional() };
/** Public members only. What is left out does not reach the library. */
const keySchema = z.discriminatedUnion('kty', [
  z.object({
    ...{ kty: z.literal('RSA'), ...shared, ...operations },
    ...{ n: z.string().regex(MODULUS), e: z.string().regex(/^[\w-]{1,6}$/), d: z.undefined().optional() },
  }),
  z.object({
    ...{ kty: z.literal('EC'), ...shared, ...operations, crv: z.literal('P-256') },
    ...{ x: z.string().length(43), y: z.string().length(43), d: z.undefined().optional() },
  }),
  z.object({
    ...{ kty: z.literal('OKP'), ...shared, ...operations, crv: z.literal('Ed25519') },
    ...{ x: z.string().length(43), d: z.undefined().optional() },
  }),
]);
const keySetSchema = z.looseObject({ keys: z.array(z.unknown()).max(MAX_KEYS) });

interface KeySet {
  find: JWTVerifyGetKey;
  readAt: number;
}

/**
 * Returns the function by which jose finds the key of a token's header. It throws IssuerAway, or an error of jose for a
 * header that no key fits. The header's own addresses and keys (`jku`, `x5u`, `jwk`) are not read.
 */
export function createIssuerKeys(address: IssuerAddress, now: Clock): JWTVerifyGetKey {
  let keySet: KeySet | null = null;
  let triedAt: number | null = null;
  let pending: Promise<void> | null = null;
  let wasAway = false;

  const ageOf = (at: number) => Math.abs(now().getTime() - at) / 1000;
  const mayTry = () => pending !== null || triedAt === null || ageOf(triedAt) >= RETRY_SECONDS;
  const renew = async () => {
    triedAt = now().getTime();
    try {
      keySet = { find: createLocalJWKSet({ keys: await readKeys(address) }), readAt: now().getTime() };
      wasAway = false;
    } catch (error) {
      if (!wasAway) logWarning(new Error('the keys of the issuer cannot be read', { cause: error }));
      wasAway = true;
    }
  };
  /** Renews the keys, once for all who wait. Does nothing within RETRY_SECONDS of the last attempt. */
  const renewOnce = (): Promise<void> => {
    if (!mayTry()) return Promise.resolve();
    pending ??= renew().finally(() => {
      pending = null;
    });
    return pending;
  };
  const counts = ({ readAt }: KeySet) => ageOf(readAt) <= Math.max(address.staleSeconds, FRESH_SECONDS);
  const requireKeySet = (): KeySet => {
    if (keySet && counts(keySet)) return keySet;
    throw new IssuerAway();
  };
  return async (header, token) => {
    if (!keySet || ageOf(keySet.readAt) > FRESH_SECONDS) {
      // Nobody waits for an issuer that has just been away while the known keys still count.
      const isAway = wasAway && triedAt !== null && ageOf(triedAt) <= AWAY_SECONDS;
      const renewal = renewOnce();
      if (!isAway || !keySet || !counts(keySet)) await renewal;
    }
    const known = requireKeySet();
    try {
      return await known.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await renewOnce();
      if (keySet === known) throw error;
      return requireKeySet().find(header, token);
    }
  };
}

/** Reads the usable keys of the issuer. Throws unless its discovery is of this issuer and names keys of its own. */
async function readKeys(address: IssuerAddress): Promise<z.infer<typeof keySchema>[]> {
  const { issuer, jwksUrl } = address;
  const discovery = discoverySchema.parse(await readJson(toDiscoveryUrl(issuer), address));
  if (discovery.issuer !== issuer) throw new Error('the discovery is of another issuer');
  const uri = discovery.jwks_uri;
  const isOwn = jwksUrl === undefined ? new URL(uri).origin === new URL(issuer).origin : uri === jwksUrl;
  if (!isOwn) throw new Error('the keys of the issuer are at another address');
  const { keys } = keySetSchema.parse(await readJson(uri, address));
  return keys.flatMap((key) => keySchema.safeParse(key).data ?? []);
}

/** Returns the address of an issuer's discovery (OpenID Connect Discovery, 4.1). */
function toDiscoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/** Reads an address by the hub's client, with the reach of the operator. */
export function sendToIssuer(url: string, limits: SendLimits): Promise<HttpAnswer> {
  return sendRequest(url, { method: 'GET', reach: OPERATOR, headers: { accept: 'application/json' }, ...limits });
}

async function readJson(url: string, { send = sendToIssuer, timeoutMs = TIMEOUT_MS }: IssuerAddress): Promise<unknown> {
  const { status, bytes } = await send(url, { timeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES });
  if (status !== 200) throw new Error(`HTTP ${status}`);
  const value = parseStrictJson(bytes);
  if (value === undefined) throw new Error('the answer of the issuer is not JSON');
  return value;
}
