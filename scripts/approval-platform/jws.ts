import { createHash, createHmac, type KeyObject, sign, timingSafeEqual } from 'node:crypto';

/** Detached JWS (RFC 7515 appendix F), using only the Node runtime. The protocol is `docs/approval-platform.md`. */

/** Largest accepted difference between a signature's `iat` and the local clock, in both directions. */
const MAX_CLOCK_SKEW_SECONDS = 300;

/** Returns the thumbprint of an Ed25519 public key (RFC 7638). The order of the hashed members is fixed. */
export function computeThumbprint(x: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');
}

/** Signs a body for the hub with EdDSA. `aud` is the address that the body is posted to. */
export function signMessage(body: string, key: { kid: string; privateKey: KeyObject }, aud: string, at: Date): string {
  const header = encodeBase64url(JSON.stringify({ alg: 'EdDSA', kid: key.kid, iat: seconds(at), aud }));
  return `${header}..${sign(null, Buffer.from(`${header}.${encodeBase64url(body)}`), key.privateKey).toString('base64url')}`;
}

export interface HubSecret {
  /** The `kid` that the hub writes. */
  kid: string;
  /** 32 bytes. */
  secret: Uint8Array;
  /** The platform's own address, as registered. The hub writes it as `aud`. */
  aud: string;
}

/** Returns whether the hub signed this very body (HS256), for this platform, within MAX_CLOCK_SKEW_SECONDS of `at`. */
export function isFromHub(jws: unknown, body: Uint8Array, { kid, secret, aud }: HubSecret, at: Date): boolean {
  const [header = '', payload, signature = '', ...extraParts] = typeof jws === 'string' ? jws.split('.') : [];
  if (payload !== '' || extraParts.length > 0) return false;
  const expected = createHmac('sha256', secret)
    .update(`${header}.${encodeBase64url(body)}`)
    .digest();
  const signatureBytes = Buffer.from(signature, 'base64url');
  if (signatureBytes.length !== expected.length || !timingSafeEqual(signatureBytes, expected)) return false;
  // The header is signed too, so only the hub can have written it. Its values must still match this platform and time.
  const claims = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as Record<string, unknown>;
  const isFresh = typeof claims.iat === 'number' && Math.abs(claims.iat - seconds(at)) <= MAX_CLOCK_SKEW_SECONDS;
  return claims.alg === 'HS256' && claims.kid === kid && claims.aud === aud && isFresh;
}

function encodeBase64url(data: string | Uint8Array): string {
  return Buffer.from(data).toString('base64url');
}

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}
