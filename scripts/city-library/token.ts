import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Fault, type TokenRequest } from './protocol.ts';

/** Lifetime of a bearer token. */
export const TOKEN_LIFETIME_SECONDS = 600;

export interface Client {
  clientId: string;
  clientSecret: string;
}

/** Returns a bearer token for a client that knows its secret. Throws Fault CLIENT_UNKNOWN otherwise. */
export function grantToken(request: TokenRequest, client: Client, now: Date): string {
  const hasSecret = timingSafeTextEqual(request.client_secret, client.clientSecret);
  if (!timingSafeTextEqual(request.client_id, client.clientId) || !hasSecret) throw new Fault('CLIENT_UNKNOWN');
  const endsAt = Math.floor(now.getTime() / 1000) + TOKEN_LIFETIME_SECONDS;
  return `${endsAt}.${computeMac(endsAt, client)}`;
}

/** Throws Fault TOKEN_MISSING, TOKEN_INVALID or TOKEN_EXPIRED unless the header carries a token of this client. */
export function requireToken(authorization: string | undefined, client: Client, now: Date): void {
  if (authorization === undefined) throw new Fault('TOKEN_MISSING');
  const [, endsAt, tag] = /^Bearer (\d{1,12})\.([\w-]{1,64})$/i.exec(authorization) ?? [];
  if (!endsAt || !tag || !timingSafeTextEqual(tag, computeMac(Number(endsAt), client)))
    throw new Fault('TOKEN_INVALID');
  if (Number(endsAt) * 1000 <= now.getTime()) throw new Fault('TOKEN_EXPIRED');
}

/** Computes the MAC of a token. It depends on the secret, so a new secret invalidates every token. */
function computeMac(endsAt: number, { clientId, clientSecret }: Client): string {
  return createHmac('sha256', clientSecret).update(`token ${endsAt} ${clientId}`).digest('base64url');
}

function timingSafeTextEqual(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
