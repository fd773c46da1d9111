import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SignJWT } from 'jose';
import { type Lang, langOf, PAGE_HEADERS } from '../../../gateway/page/frame.ts';
import { sendToIssuer } from '../../../gateway/sign-in/issuer-keys.ts';
import type { IssuerSettings } from '../../../gateway/sign-in/sign-in.ts';
import type { Person } from '../../../subgraphs/kernel/actor.ts';
import { createCache } from '../../../subgraphs/kernel/cache.ts';
import type { Clock } from '../../../subgraphs/kernel/day.ts';
import {
  type AuthorizationRequest,
  buildRedirect,
  isVerifierOf,
  type Parameters,
  parseParameters,
  REQUEST_PARAMETERS,
  readAuthorizationRequest,
} from './authorization.ts';
import { renderChoicePage, renderProblemPage } from './page.ts';

/**
 * The issuer of development: OpenID Connect with authorization code and PKCE, for demo people without passwords. A hub
 * in production has no such routes.
 */

export const DEVELOPMENT_PATH = '/dev-issuer';
const DEVELOPMENT_AUDIENCE = 'tongquan-dev';
const HOLDER_CLAIM = 'holder_code';
export const TOKEN_SECONDS = 3_600;
export const CODE_SECONDS = 60;
const MAX_OPEN_CODES = 1_000;
const MAX_FORM_BYTES = 8_192;
const CODE_BYTES = 32;
const KEY_ID = 'dev';

export interface DevelopmentIssuerOptions {
  /** Its name: the hub's public URL with DEVELOPMENT_PATH. */
  issuer: string;
  people: readonly Person[];
  /** Names of organs by id. */
  organNames: ReadonlyMap<string, string>;
  /** Anybody may be anybody there, so by default only this machine reaches it. */
  reach: DevelopmentReach;
  /** Whether pages of an origin may have codes. */
  isAllowed: (origin: string) => boolean;
  now: Clock;
}

/** Who may sign in there: people at this machine, or anybody who reaches the hub. */
export type DevelopmentReach = 'local' | 'network';

interface OpenCode {
  request: AuthorizationRequest;
  person: Person;
  endsAt: number;
}

/** Adds the routes of the issuer. Its key lives as long as this process. */
export async function addDevelopmentIssuer(app: FastifyInstance, options: DevelopmentIssuerOptions): Promise<void> {
  const { issuer, people, now } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const codes = createCache<OpenCode>(MAX_OPEN_CODES);
  await app.register(
    async (scope) => {
      scope.addHook('onRequest', async (request, reply) => {
        if (options.reach === 'network' || isLocal(request, new URL(issuer).hostname)) return;
        return reply.code(403).send({ code: 'FORBIDDEN', message: '演示登录只供本机使用（DEVELOPMENT_SIGN_IN）。' });
      });
      scope.addContentTypeParser(
        'application/x-www-form-urlencoded',
        { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
        (_request, text, done) => done(null, parseParameters(String(text))),
      );
      scope.get('/.well-known/openid-configuration', async () => describeIssuer(issuer));
      scope.get('/keys', async () => ({
        keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'ES256', use: 'sig' }],
      }));
      scope.get('/authorize', async (request, reply) => {
        const parameters = parseParameters(request.url.split('?')[1] ?? '');
        return answerRequest(options, parameters, readLang(request), reply);
      });
      scope.post('/authorize', async (request, reply) => {
        const parameters = readForm(request);
        const wanted = readAuthorizationRequest(parameters, options.isAllowed);
        const person = people.find(({ id }) => id === parameters.values.get('person'));
        if ('error' in wanted || !person) return answerRequest(options, parameters, readLang(request), reply);
        const code = randomBytes(CODE_BYTES).toString('base64url');
        codes.set(code, { request: wanted, person, endsAt: now().getTime() + CODE_SECONDS * 1000 });
        return redirect(reply, buildRedirect(wanted.redirectUri, issuer, { code, state: wanted.state }));
      });
      scope.post('/token', async (request, reply) => {
        const { values, isRepeated } = readForm(request);
        if (isRepeated) return reply.code(400).send({ error: 'invalid_request' });
        if (values.get('grant_type') !== 'authorization_code') {
          return reply.code(400).send({ error: 'unsupported_grant_type' });
        }
        const code = values.get('code') ?? '';
        const open = codes.get(code);
        // A code is good for one attempt, also for one that fails.
        codes.delete(code);
        if (!open || !mayRedeem(open, values, now())) return reply.code(400).send({ error: 'invalid_grant' });
        return writeTokens(issuer, open, privateKey, now());
      });
    },
    { prefix: DEVELOPMENT_PATH },
  );
}

/** Headers by which a proxy says that somebody else asks. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whether a request comes from this machine, and from no proxy on it. A page of the network whose name turned to this
 * machine's address (DNS rebinding) comes with its own name in `Host`.
 */
function isLocal({ ip, headers }: FastifyRequest, ownHost: string): boolean {
  const host = URL.parse(`http://${headers.host}`)?.hostname ?? '';
  return (
    /^(?:127\.|::1$|::ffff:127\.)/.test(ip) &&
    (LOOPBACK_HOST.test(host) || host === ownHost) &&
    PROXY_HEADERS.every((name) => headers[name] === undefined)
  );
}

/** Returns what the hub asks of tokens of this issuer. `localUrl` is where the hub itself reaches it. */
export function describeDevelopmentIssuer(issuer: string, localUrl: string): IssuerSettings {
  return {
    ...{ issuer, audience: DEVELOPMENT_AUDIENCE, kind: 'access', clients: [], holderClaim: HOLDER_CLAIM },
    ...{ maxLifeSeconds: TOKEN_SECONDS, staleSeconds: TOKEN_SECONDS },
    send: (url, limits) => sendToIssuer(localUrl + url.slice(issuer.length), limits),
  };
}

function describeIssuer(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    scopes_supported: ['openid', 'profile'],
    ui_locales_supported: ['zh-CN', 'en'],
    authorization_response_iss_parameter_supported: true,
  };
}

/** Returns the language of a request, by `lang` or `ui_locales`. */
function readLang({ query }: FastifyRequest): Lang {
  const { ui_locales: locales = '' } = query as { ui_locales?: unknown };
  return langOf(query) === 'en' || /^en\b/.test(String(locales)) ? 'en' : 'zh';
}

function readForm({ body }: FastifyRequest): Parameters {
  return body !== null && typeof body === 'object' && 'isRepeated' in body
    ? (body as Parameters)
    : { values: new Map(), isRepeated: false };
}

/** Shows the page to choose a person, or says what is wrong with the request. */
function answerRequest(
  { issuer, people, organNames, isAllowed }: DevelopmentIssuerOptions,
  parameters: Parameters,
  lang: Lang,
  reply: FastifyReply,
): FastifyReply {
  const wanted = readAuthorizationRequest(parameters, isAllowed);
  const known = [...parameters.values].filter(([name]) => REQUEST_PARAMETERS.includes(name));
  const path = `${DEVELOPMENT_PATH}/authorize`;
  if ('error' in wanted && wanted.isForPage) {
    return reply
      .code(400)
      .headers(PAGE_HEADERS)
      .send(renderProblemPage(lang, path, wanted.error));
  }
  if ('error' in wanted) {
    const [uri = '', state] = [parameters.values.get('redirect_uri'), parameters.values.get('state')];
    const { error } = wanted;
    return redirect(reply, buildRedirect(uri, issuer, state === undefined ? { error } : { error, state }));
  }
  const { origin } = new URL(wanted.redirectUri);
  const page = { lang, path: `${path}?${new URLSearchParams(known)}`, parameters: known, origin, people, organNames };
  // A browser asks the policy also about where the answer to a form leads.
  const policy = PAGE_HEADERS['content-security-policy'].replace("form-action 'none'", `form-action 'self' ${origin}`);
  return reply.headers({ ...PAGE_HEADERS, 'content-security-policy': policy }).send(renderChoicePage(page));
}

/** 303, so that the browser follows by GET. */
function redirect(reply: FastifyReply, url: string): FastifyReply {
  return reply.code(303).header('location', url).send();
}

/** Whether a code may be redeemed: in time, by its client, for its page, with the verifier of its challenge. */
function mayRedeem({ request, endsAt }: OpenCode, values: ReadonlyMap<string, string>, now: Date): boolean {
  return (
    now.getTime() < endsAt &&
    values.get('client_id') === request.clientId &&
    values.get('redirect_uri') === request.redirectUri &&
    isVerifierOf(values.get('code_verifier') ?? '', request.codeChallenge)
  );
}

async function writeTokens(issuer: string, { request, person }: OpenCode, key: KeyObject, now: Date) {
  const seconds = Math.floor(now.getTime() / 1000);
  const sign = (typ: string, audience: string, claims: Record<string, unknown>) =>
    new SignJWT({ name: person.name, auth_time: seconds, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: KEY_ID, typ })
      .setIssuer(issuer)
      .setSubject(person.id)
      .setAudience(audience)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + TOKEN_SECONDS)
      .sign(key);
  const session = randomBytes(16).toString('base64url');
  const { clientId, nonce } = request;
  const holder = person.holderCode === null ? {} : { [HOLDER_CLAIM]: person.holderCode };
  return {
    access_token: await sign('at+jwt', DEVELOPMENT_AUDIENCE, { client_id: clientId, sid: session, ...holder }),
    id_token: await sign('JWT', clientId, { sid: session, ...(nonce === null ? {} : { nonce }) }),
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
    scope: 'openid profile',
  };
}
