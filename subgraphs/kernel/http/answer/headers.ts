import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { REQUEST_ID_HEADER } from '../../environment/request-log.ts';

/** The headers that every answer has, whoever writes it: a route, an error handler, or the server for broken bytes. */

export interface HeaderOptions {
  /** Whether callers reach this app by HTTPS only, through a proxy that ends TLS. */
  isHttps?: boolean | undefined;
}

/** One year, for all names below the hub's (OWASP ASVS 5, 3.4.1). */
const TRANSPORT_SECURITY = 'max-age=31536000; includeSubDomains';

/** A route may set its own value. Nothing is cached, framed, run or guessed unless the route says so. */
const DEFAULT_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

function listHeaders({ isHttps }: HeaderOptions): [name: string, value: string][] {
  const defaults = Object.entries(DEFAULT_HEADERS);
  return isHttps ? [...defaults, ['strict-transport-security', TRANSPORT_SECURITY]] : defaults;
}

/** Sets the headers of an answer that no hook sees. */
export function setDefaultHeaders(reply: FastifyReply, options: HeaderOptions): void {
  for (const [name, value] of listHeaders(options)) if (!reply.hasHeader(name)) reply.header(name, value);
  reply.header(REQUEST_ID_HEADER, reply.request.id);
}

/** Adds the headers to every answer of an app. Must be called before routes are added. */
export function addDefaultHeaders(app: FastifyInstance, options: HeaderOptions): void {
  app.addHook('onSend', async (_request, reply) => setDefaultHeaders(reply, options));
  // Node answers an unknown expectation itself if nobody listens, and without any header.
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { headers, body } = renderLastAnswer(options, 'EXPECTATION_FAILED', '不支持请求头 Expect 的要求。');
    response.writeHead(417, Object.fromEntries(headers)).end(body);
  });
}

/** What Node's parser reports of bytes that are no request, with status, code and sentence. Anything else is 400. */
const CLIENT_ERRORS: Readonly<Record<string, readonly [status: string, code: string, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'REQUEST_TIMEOUT', '请求没有在规定时间内传完。'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Content Too Large', 'REQUEST_TOO_LARGE', '请求过大。'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'HEADERS_TOO_LARGE', '请求头过大。'],
};
const NO_REQUEST = ['400 Bad Request', 'BAD_REQUEST', '请求不符合格式要求。'] as const;

/** Returns Fastify's `clientErrorHandler`: answers bytes that are no HTTP request, and ends the connection. */
export function createClientErrorHandler(options: HeaderOptions): (error: NodeJS.ErrnoException, s: Socket) => void {
  return (error, socket) => {
    // An answer that has begun, or that an earlier request of the connection waits for, would mix with this one.
    const answer = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage;
    if (error.code === 'ECONNRESET' || !socket.writable || answer?.headersSent || answer?.req.complete) {
      socket.destroy();
      return;
    }
    const [status, code, message] = CLIENT_ERRORS[error.code ?? ''] ?? NO_REQUEST;
    const { headers, body } = renderLastAnswer(options, code, message);
    const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    // A sender that never reads or closes must not hold the connection.
    socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n${body}`, () => socket.destroy());
  };
}

/** Renders an answer without Fastify, after which the connection ends. */
function renderLastAnswer(options: HeaderOptions, code: string, message: string) {
  const body = JSON.stringify({ code, message });
  const headers: [name: string, value: string][] = [
    ...listHeaders(options),
    ['content-type', 'application/json; charset=utf-8'],
    ['content-length', String(Buffer.byteLength(body))],
    ['connection', 'close'],
  ];
  return { headers, body };
}
