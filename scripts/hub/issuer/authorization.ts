import { hash, timingSafeEqual } from 'node:crypto';

/** What a client asks of the development issuer: RFC 6749 with PKCE (RFC 7636), the part that OAuth 2.1 keeps. Pure. */

/** A good request for a code. */
export interface AuthorizationRequest {
  clientId: string;
  /** Exactly as the client wrote it. The code is good for nothing else. */
  redirectUri: string;
  state: string;
  nonce: string | null;
  codeChallenge: string;
}

/** Parameters by name. A name that occurs twice is listed in `repeated` (RFC 6749, 3.1: it must not). */
export interface Parameters {
  values: ReadonlyMap<string, string>;
  isRepeated: boolean;
}

/** What is wrong, and where it is said: on a page, because nobody knows the client, or at the client. */
export interface RequestProblem {
  error: string;
  isForPage: boolean;
}

/** Names of the parameters that a request has. Others are left out. */
export const REQUEST_PARAMETERS = [
  ...['response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'nonce'],
  ...['code_challenge', 'code_challenge_method', 'prompt'],
];

const CLIENT_ID = /^[\w.-]{1,64}$/;
/** Base64url of a SHA-256. */
const CODE_CHALLENGE = /^[\w-]{43}$/;
const CODE_VERIFIER = /^[\w.~-]{43,128}$/;
/** State and nonce come back as they are. */
const OPAQUE = /^[\x21-\x7e]{1,512}$/;
const MAX_URI_CHARS = 1_024;

export function parseParameters(text: string): Parameters {
  const pairs = [...new URLSearchParams(text)];
  const values = new Map(pairs);
  return { values, isRepeated: values.size !== pairs.length };
}

/** Reads a request for a code. `isAllowed` decides about the origin of the page to which the code goes. */
export function readAuthorizationRequest(
  { values, isRepeated }: Parameters,
  isAllowed: (origin: string) => boolean,
): AuthorizationRequest | RequestProblem {
  const onPage = (error: string): RequestProblem => ({ error, isForPage: true });
  const atClient = (error: string): RequestProblem => ({ error, isForPage: false });
  const [clientId = '', redirectUri = ''] = [values.get('client_id'), values.get('redirect_uri')];
  if (isRepeated) return onPage('invalid_request');
  if (!CLIENT_ID.test(clientId)) return onPage('invalid_client');
  if (!isRedirectUri(redirectUri, isAllowed)) return onPage('invalid_redirect_uri');
  const [state = '', nonce = null] = [values.get('state'), values.get('nonce')];
  if (!OPAQUE.test(state) || (nonce !== null && !OPAQUE.test(nonce))) return atClient('invalid_request');
  if (values.get('response_type') !== 'code') return atClient('unsupported_response_type');
  if (!(values.get('scope') ?? '').split(' ').includes('openid')) return atClient('invalid_scope');
  if (values.get('prompt') === 'none') return atClient('login_required');
  const codeChallenge = values.get('code_challenge') ?? '';
  // The method `plain` would show the verifier to whoever reads the request.
  if (values.get('code_challenge_method') !== 'S256' || !CODE_CHALLENGE.test(codeChallenge)) {
    return atClient('invalid_request');
  }
  return { clientId, redirectUri, state, nonce, codeChallenge };
}

function isRedirectUri(text: string, isAllowed: (origin: string) => boolean): boolean {
  const url = text.length <= MAX_URI_CHARS ? URL.parse(text) : null;
  if (url === null || text.includes('#') || url.username !== '' || url.password !== '') return false;
  return /^https?:$/.test(url.protocol) && /^[\x21-\x7e]+$/.test(text) && isAllowed(url.origin);
}

/** Returns the address at which the client hears the outcome (RFC 6749, 4.1.2; RFC 9207). */
export function buildRedirect(redirectUri: string, issuer: string, outcome: Readonly<Record<string, string>>): string {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries({ ...outcome, iss: issuer })) url.searchParams.set(name, value);
  return url.href;
}

/** Whether a verifier belongs to a challenge (RFC 7636, 4.6). */
export function isVerifierOf(codeVerifier: string, codeChallenge: string): boolean {
  if (!CODE_VERIFIER.test(codeVerifier)) return false;
  const digest = Buffer.from(hash('sha256', codeVerifier, 'base64url'));
  const challenge = Buffer.from(codeChallenge);
  return digest.length === challenge.length && timingSafeEqual(digest, challenge);
}
