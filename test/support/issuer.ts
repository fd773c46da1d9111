import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';

/** An OpenID Connect issuer on a port of its own, with keys that a test rotates, and answers that a test replaces. */

export const AUDIENCE = 'tongquan-test';

/** A key pair of an issuer, and its JWK. */
export interface IssuerKey {
  alg: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: Record<string, unknown>;
}

/** Makes a key pair. `kid` undefined: the JWK has none. */
export function makeIssuerKey(
  kid: string | undefined,
  alg: 'RS256' | 'PS256' | 'ES256' | 'EdDSA' = 'ES256',
): IssuerKey {
  const { publicKey, privateKey } =
    alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg, ...(kid === undefined ? {} : { kid }) };
  return { alg, privateKey, publicKey, jwk };
}

export interface TestIssuer {
  url: string;
  /** Keys that the issuer publishes. */
  keys: IssuerKey[];
  /** Answers in place of the issuer, by path. */
  answers: Map<string, RequestListener>;
  /** Paths that were asked for, in order. */
  requests: string[];
  close(): void;
}

export async function startIssuer(...keys: IssuerKey[]): Promise<TestIssuer> {
  const issuer: TestIssuer = { url: '', keys, answers: new Map(), requests: [], close: () => close(server) };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    issuer.requests.push(path);
    const answer = issuer.answers.get(path);
    if (answer) return void answer(request, response);
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` },
      '/keys': { keys: issuer.keys.map(({ jwk }) => jwk) },
    };
    const document = documents[path];
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return issuer;
}

function close(server: Server): void {
  server.closeAllConnections();
  server.close();
}

/** Signs a token of an issuer. `claims` and `header` replace what a good one has; undefined leaves a claim out. */
export function signIssuerToken(
  issuer: Pick<TestIssuer, 'url'>,
  key: IssuerKey,
  now: Date,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const iat = Math.floor(now.getTime() / 1000);
  const all = { iss: issuer.url, aud: AUDIENCE, sub: 'subject-1', name: '王芳', iat, exp: iat + 600, ...claims };
  const kid = key.jwk.kid as string | undefined;
  return new SignJWT(all)
    .setProtectedHeader({ alg: key.alg, ...(kid === undefined ? {} : { kid }), ...header })
    .sign(key.privateKey);
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** Signs a logout token of an issuer, with a `jti` of its own. `sub` or `sid` comes in `claims`. */
export function signLogoutToken(
  issuer: Pick<TestIssuer, 'url'>,
  key: IssuerKey,
  now: Date,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = { typ: 'logout+jwt' },
): Promise<string> {
  const iat = Math.floor(now.getTime() / 1000);
  const logout = { sub: undefined, name: undefined, exp: iat + 120, jti: randomUUID(), events: { [LOGOUT_EVENT]: {} } };
  return signIssuerToken(issuer, key, now, { ...logout, ...claims }, header);
}

/** The body and the header of a logout request. */
export function buildLogoutRequest(...tokens: string[]) {
  return {
    ...{ method: 'POST' as const, url: '/sign-in/back-channel-logout' },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(tokens.map((token) => ['logout_token', token])).toString(),
  };
}
