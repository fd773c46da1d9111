/** Sign-in at an issuer of OpenID Connect: authorization code with PKCE. Nothing is kept beyond the tab. */

/**
 * @typedef {{ issuer: string, clientId: string }} Issuer
 * @typedef {{ token: string, endsAt: number }} Session
 * @typedef {{ authorization_endpoint: string, token_endpoint: string, issuer: string }} Discovery
 */

const SESSION = 'session';
const PENDING = 'sign-in';

/** @param {ArrayBuffer | Uint8Array} bytes */
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const random = () => encode(crypto.getRandomValues(new Uint8Array(32)));

/** @returns {Session | null} */
export function readSession() {
  /** @type {Session | null} */
  const session = JSON.parse(sessionStorage.getItem(SESSION) ?? 'null');
  return session && session.endsAt > Date.now() ? session : null;
}

export function endSession() {
  sessionStorage.removeItem(SESSION);
}

/**
 * Leaves the page for the issuer's. The issuer leads back to `returnTo`.
 * @param {Issuer} issuer
 * @param {string} returnTo
 */
export async function startSignIn({ issuer, clientId }, returnTo) {
  const { authorization_endpoint: endpoint } = await discover(issuer);
  const [verifier, state] = [random(), random()];
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, returnTo, search: location.search }));
  const challenge = encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  const parameters = {
    ...{ response_type: 'code', client_id: clientId, redirect_uri: returnTo, scope: 'openid', state },
    ...{ code_challenge: challenge, code_challenge_method: 'S256', ui_locales: document.documentElement.lang },
  };
  location.href = `${endpoint}?${new URLSearchParams(parameters)}`;
}

/**
 * Ends a sign-in if the issuer has just led back here: gets the token, and gives the page its parameters back. Throws
 * if the answer belongs to another sign-in, or the issuer refuses.
 * @param {Issuer} issuer
 */
export async function finishSignIn({ issuer, clientId }) {
  const answer = new URLSearchParams(location.search);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
  if (!answer.has('state') || !pending) return;
  sessionStorage.removeItem(PENDING);
  history.replaceState({}, '', location.pathname + pending.search);
  const discovery = await discover(issuer);
  const iss = answer.get('iss');
  if (answer.get('state') !== pending.state || (iss !== null && iss !== discovery.issuer)) {
    throw new Error('not the answer to this sign-in');
  }
  const code = answer.get('code');
  if (code === null) throw new Error(answer.get('error') ?? 'no code');
  const body = new URLSearchParams({
    ...{ grant_type: 'authorization_code', client_id: clientId, redirect_uri: pending.returnTo },
    ...{ code, code_verifier: pending.verifier },
  });
  const response = await fetch(discovery.token_endpoint, { method: 'POST', body });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const { access_token: token, expires_in: seconds } = await response.json();
  sessionStorage.setItem(SESSION, JSON.stringify({ token, endsAt: Date.now() + seconds * 1000 }));
  // The hub has rendered the page without these parameters, so in its first language.
  location.reload();
}

/**
 * @param {string} issuer
 * @returns {Promise<Discovery>}
 */
async function discover(issuer) {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}
