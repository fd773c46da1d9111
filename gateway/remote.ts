import replyFrom from '@fastify/reply-from';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FilePort } from './routes.ts';

/** What the gateway asks of subgraphs in other processes, beside GraphQL. */

const TIMEOUT_MS = 20_000;
const CHECK_TIMEOUT_MS = 3_000;

/** The licenses subgraph's files; the caller's token goes along and decides there. */
export function fileOver(licensesUrl: string): FilePort {
  return async (digest, { token }) => {
    const response = await fetch(`${licensesUrl}/files/${digest}`, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`${licensesUrl}: HTTP ${response.status}`);
    return {
      bytes: new Uint8Array(await response.arrayBuffer()),
      mediaType: response.headers.get('content-type') ?? 'application/octet-stream',
      name: decodeURIComponent(response.headers.get('x-file-name') ?? digest),
    };
  };
}

/** The seals subgraph's root certificate, PEM. */
export function rootCertificateOver(sealsUrl: string): () => Promise<string> {
  return async () => {
    const response = await fetch(`${sealsUrl}/root.pem`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`${sealsUrl}: HTTP ${response.status}`);
    return response.text();
  };
}

/** Throws unless the subgraph at `baseUrl` says that it is live. */
export async function isLive(baseUrl: string): Promise<void> {
  const response = await fetch(`${baseUrl}/health/live`, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${baseUrl}: HTTP ${response.status}`);
}

/** What seals offer beside their own name: the log's address is fixed with its first start. */
const ALSO: Readonly<Record<string, string>> = { seals: 'log' };

/** Passes `/<name>/…` on to that subgraph as it came, token and body to the byte: a signed body must arrive as it was signed. */
export async function passOn(app: FastifyInstance, name: string, baseUrl: string): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    await scope.register(replyFrom, { undici: { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS } });
    const pass = (request: FastifyRequest, reply: FastifyReply) =>
      reply.from(`${baseUrl}${request.url}`, {
        // The wait for 100 Continue ended here; the client towards the subgraph knows no such header.
        rewriteRequestHeaders: (_request, { expect: _, ...headers }) => headers,
        // Of one hop, not of the whole way (RFC 9110, 7.6.1).
        rewriteHeaders: ({ connection: _, 'keep-alive': _timeout, ...headers }) => headers,
        // Hangs up as well: somebody may still be sending what nobody takes any more.
        onError: (broken) =>
          broken
            .code(502)
            .header('connection', 'close')
            .send({ code: 'SUBGRAPH_AWAY', message: '服务暂时不可用，请稍后再试。' }),
      });
    for (const path of [name, ALSO[name] ?? []].flat()) scope.all(`/${path}/*`, pass);
  });
}
