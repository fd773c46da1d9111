import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import replyFrom from '@fastify/reply-from';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { PersonRegister } from '../subgraphs/cases/person/register.ts';
import { ROLES } from '../subgraphs/kernel/actor.ts';
import { REQUEST_ID_HEADER } from '../subgraphs/kernel/environment/request-log.ts';
import { opensPage, readProblem } from '../subgraphs/kernel/http/answer/problem-hook.ts';
import { type GatewayProof, writeCallerHeaders } from '../subgraphs/kernel/http/caller-hook.ts';
import { identifyCaller, type TokenCheck } from '../subgraphs/kernel/http/context.ts';
import { placeSchema } from '../subgraphs/kernel/organ/place.ts';
import { OPERATOR } from '../subgraphs/kernel/outgoing/address.ts';
import {
  type HttpAnswer,
  type HttpRequest,
  requireConnectable,
  secureOptions,
  sendRequest,
} from '../subgraphs/kernel/outgoing/http-client.ts';
import type { ServiceReceiver } from '../subgraphs/kernel/sealing/service-token.ts';

import { TokenError } from '../subgraphs/kernel/sealing/token.ts';

/** The gateway's calls to subgraphs in other processes, other than GraphQL. */

const TIMEOUT_MS = 20_000;
const CHECK_TIMEOUT_MS = 3_000;

const MAX_TEXT_BYTES = 65_536;

/** Reads the root certificate from the seals subgraph, PEM. */
export function createRemoteRootCertificate(sealsUrl: string, proof: GatewayProof): () => Promise<string> {
  return async () => (await getText(`${sealsUrl}/root.pem`, 'seals', proof, TIMEOUT_MS)).toString();
}

/** Throws unless the subgraph at `baseUrl` reports that it is ready: it answers, and acts. */
export async function requireLive(baseUrl: string, name: ServiceReceiver, proof: GatewayProof): Promise<void> {
  await getText(`${baseUrl}/health/ready`, name, proof, CHECK_TIMEOUT_MS);
}

async function getText(url: string, name: ServiceReceiver, proof: GatewayProof, timeoutMs: number): Promise<Buffer> {
  const answer = await getForCaller(url, name, proof, { timeoutMs, maxAnswerBytes: MAX_TEXT_BYTES });
  requireOk(url, answer);
  return answer.bytes;
}

/** The register of the cases subgraph in another process (see `addRegisterRoutes`). */
export function createRemoteRegister(casesUrl: string, proof: GatewayProof): PersonRegister {
  const post = async (path: string, body: unknown): Promise<HttpAnswer> =>
    sendRequest(`${casesUrl}${path}`, {
      ...{ method: 'POST', reach: OPERATOR, body: JSON.stringify(body) },
      headers: { 'content-type': 'application/json', ...(await writeCallerHeaders(proof, 'cases')) },
      ...{ timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_TEXT_BYTES },
    });
  const read = <Value>(answer: HttpAnswer, schema: z.ZodType<Value>): Value => {
    requireOk(casesUrl, answer);
    return schema.parse(JSON.parse(answer.bytes.toString('utf8')));
  };
  return {
    async resolvePerson(identity) {
      const answer = await post('/person', identity);
      if (answer.status === 401) throw new TokenError('SESSION_ENDED');
      return read(answer, personAnswer).person;
    },
    resolvePlace: async (organ) => read(await post('/place', { organ }), z.object({ place: placeSchema })).place,
    recordLogout: async (logout) => read(await post('/logout', logout), logoutAnswer).isNew,
  };
}

const logoutAnswer = z.object({ isNew: z.boolean() });

const personAnswer = z.object({
  person: z
    .object({
      ...{ kind: z.literal('person'), id: z.string(), name: z.string(), roles: z.array(z.enum(ROLES)) },
      ...{ organ: z.string().nullable(), window: z.string().nullable(), holderCode: z.string().nullable() },
    })
    .nullable(),
});

/** Sends a GET to a subgraph and names the caller. Without that the subgraph would limit the gateway as one caller. */
async function getForCaller(
  url: string,
  name: ServiceReceiver,
  proof: GatewayProof,
  { headers, ...limits }: Omit<HttpRequest, 'method' | 'reach'>,
): Promise<HttpAnswer> {
  const allHeaders = { ...headers, ...(await writeCallerHeaders(proof, name)) };
  return sendRequest(url, { method: 'GET', reach: OPERATOR, headers: allHeaders, ...limits });
}

function requireOk(baseUrl: string, { status }: HttpAnswer): void {
  if (status < 200 || status > 299) throw new Error(`${baseUrl}: HTTP ${status}`);
}

/** Additional paths of a subgraph. The log's URL must not change after the first start of the log. */
const EXTRA_PATHS: Readonly<Record<string, string>> = { licenses: 'files', seals: 'log' };

const BODY_METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Forwards `/<name>/…` to that subgraph, with the body unchanged, because bodies may be signed. With a sign-in, the
 * token becomes the hub's own: the subgraph reads no other, and none goes through that the gateway has not verified.
 */
export async function proxySubgraph(
  app: FastifyInstance,
  name: Exclude<ServiceReceiver, 'signer'>,
  baseUrl: string,
  { check, ...proof }: GatewayProof & { check?: TokenCheck },
): Promise<void> {
  const { protocol, hostname: host } = new URL(baseUrl);
  requireConnectable({ protocol, host }, OPERATOR);
  // Without these options @fastify/reply-from takes any certificate.
  const connection = secureOptions({ protocol }, OPERATOR);
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    await scope.register(replyFrom, {
      undici: { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, connect: connection },
    });
    const forward = async (prefix: string, request: FastifyRequest, reply: FastifyReply) => {
      const path = readPath(request.url, prefix);
      if (path === null) return reply.header('connection', 'close').callNotFound();
      const authorization = await toOwnAuthorization(request, reply, check);
      if (authorization === null) return reply;
      const callerHeaders = await writeCallerHeaders(proof, name);
      return reply.from(`${baseUrl}${path}`, {
        // The gateway already answered 100 Continue. The HTTP client towards the subgraph does not support this header.
        rewriteRequestHeaders: (_request, { expect: _, authorization: _foreign, ...headers }) => ({
          ...headers,
          ...authorization,
          ...callerHeaders,
          [REQUEST_ID_HEADER]: request.id,
        }),
        // Hop-by-hop headers (RFC 9110, 7.6.1).
        rewriteHeaders: ({ connection: _, 'keep-alive': _timeout, ...headers }) => headers,
        onResponse: (_request, answered, { stream }) => void passOnAnswer(request, answered as FastifyReply, stream),
        onError: (brokenReply) => sendAway(brokenReply as FastifyReply),
      });
    };
    for (const path of [name, EXTRA_PATHS[name] ?? []].flat()) {
      const [url, handler] = [`/${path}/*`, forward.bind(null, `/${path}/`)];
      scope.get(url, handler);
      // A body goes through as it arrives. The subgraph counts what it does with it.
      scope.route({ method: BODY_METHODS, url, config: { takesNoPlace: true }, handler });
    }
  });
}

/**
 * Sends the answer of a subgraph as it arrives. An error that a person opens in a browser is sent as an object instead,
 * so that it gets the same page as an error of the gateway itself (`addProblemForms`).
 */
async function passOnAnswer(request: FastifyRequest, reply: FastifyReply, stream: Readable): Promise<void> {
  const isJson = /^application\/json\b/.test(String(reply.getHeader('content-type')));
  const size = Number(reply.getHeader('content-length'));
  if (reply.statusCode < 400 || !opensPage(request) || !isJson || !(size <= MAX_TEXT_BYTES)) {
    reply.send(stream);
    return;
  }
  try {
    const body = await text(stream);
    const problem = readProblem(body);
    if (problem) reply.removeHeader('content-length').removeHeader('content-type');
    reply.send(problem ?? body);
  } catch {
    sendAway(reply);
  }
}

/** Also closes the connection, because the client may still be sending a body that nobody reads. */
function sendAway(reply: FastifyReply): void {
  for (const name of ['content-length', 'content-type']) reply.removeHeader(name);
  reply
    .code(502)
    .header('connection', 'close')
    .send({ code: 'SUBGRAPH_AWAY', message: '服务暂时不可用，请稍后再试。' });
}

/**
 * Returns path and query of a request as a URL has them, or null if they lead out of `prefix`: there a subgraph answers
 * the processes of the hub, and believes what the gateway proves. A URL parser also takes `\` for `/`.
 */
function readPath(target: string, prefix: string): string | null {
  const url = URL.parse(target, 'http://gateway');
  return url?.pathname.startsWith(prefix) ? `${url.pathname}${url.search}` : null;
}

/**
 * Returns the header by which a subgraph knows the person of a request, or null after a refusal was sent. Without a
 * sign-in it is the request's own header.
 */
async function toOwnAuthorization(
  request: FastifyRequest,
  reply: FastifyReply,
  check: TokenCheck | undefined,
): Promise<{ authorization?: string } | null> {
  if (request.headers.authorization === undefined) return {};
  if (!check?.signIn) return { authorization: request.headers.authorization };
  // After a refusal nobody reads the body.
  const context = await identifyCaller(request, reply.header('connection', 'close'), check);
  if (!context) return null;
  reply.removeHeader('connection');
  return { authorization: `Bearer ${context.token}` };
}
