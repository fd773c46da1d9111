import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../../subgraphs/kernel/day.ts';
import { ENVIRONMENT } from '../../subgraphs/kernel/environment/variables.ts';
import { identifyCaller, type TokenCheck } from '../../subgraphs/kernel/http/context.ts';
import { REHEARSAL_HEADER } from '../../subgraphs/kernel/privacy/purpose-header.ts';
import type { AllowedOrigins } from '../cors.ts';
import type { FileLink, FileLinks, LinkFault } from './link.ts';

/**
 * Links by which `<a>`, `<img>` and `<iframe>` open a file without a header. Using a link is the same request as one
 * with headers: the gateway puts the headers in place before anything else sees the request. So rights, sessions,
 * limits and the record of the reading are those of the route, each time that the link is used.
 */

/** Time for which a link counts, in seconds, if the environment says nothing else. */
const LINK_SECONDS = Number(ENVIRONMENT.FILE_LINK_SECONDS.uses.gateway.default);
const MAX_REQUEST_BYTES = 16_384;
/** The files that need a token: `url` of a document, a notice, a material, and tables, whose query is part of them. */
const FILE_PATH =
  /^\/(?:(?:files|cases\/materials|cases\/notices|licenses\/overprint)\/[\w.-]{1,100}|(?:cases|licenses)\/statistics\.csv)$/;
/** The query of a table: letters, digits, and what separates and escapes. */
const FILE_QUERY = /^[\w.,=&%-]{0,500}$/;
const REFUSED = '/file-links/refused';

/** What a page shows of a file. Anything else is saved. A viewer of PDF does not run in a sandbox. */
const INLINE_POLICIES: Readonly<Record<string, string>> = {
  'application/pdf': '',
  'image/png': "sandbox; default-src 'none'; ",
  'image/jpeg': "sandbox; default-src 'none'; ",
};

const FAULTS: Readonly<Record<LinkFault, { status: number; code: string; message: string }>> = {
  LINK_EXPIRED: { status: 410, code: 'LINK_EXPIRED', message: '此链接已过期，请回到原页面重新打开文件。' },
  LINK_INVALID: { status: 403, code: 'LINK_INVALID', message: '此链接不完整或已被改动，请回到原页面重新打开文件。' },
};
const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', message: '请先登录：生成文件链接需要令牌。' };
const NOT_FOUND = { code: 'NOT_FOUND', message: '没有此地址。' };
const BAD_INPUT = {
  code: 'BAD_USER_INPUT',
  message: '请求须为 JSON：url 为文件地址，purpose、remark 为文字（可缺），inline 为布尔值（可缺）。',
};
const FILE_UNKNOWN = { code: 'FILE_UNKNOWN', message: '没有此文件。' };

/** A text for a header. A lone surrogate cannot be written in one. */
const stated = (maxChars: number) =>
  z
    .string()
    .max(maxChars)
    .refine((text) => text.isWellFormed())
    .nullish();

const linkRequest = z.strictObject({
  url: z.string().max(2_000),
  purpose: stated(100),
  remark: stated(1_000),
  inline: z.boolean().nullish(),
});

/** Requests that came by a link. */
const linkedRequests = new WeakMap<IncomingMessage, FileLink>();

/**
 * Returns Fastify's `rewriteUrl`: opens the link in the address of a file, and puts the headers in place that it stands
 * for. An address whose link does not count becomes that of the answer which says so.
 */
export function createLinkOpener(links: FileLinks): (request: { url?: string | undefined }) => string {
  return (raw) => {
    const request = raw as IncomingMessage;
    const { url = '/' } = request;
    const [path = '', query = ''] = url.split('?', 2);
    const text = FILE_PATH.test(path) ? new URLSearchParams(query).get('link') : null;
    if (text === null || (request.method !== 'GET' && request.method !== 'HEAD')) return url;
    const file = joinQuery(path, query.replace(/&?link=[^&]*/, ''));
    const link = links.open(text, file);
    if (typeof link === 'string') return `${REFUSED}/${link}`;
    const { token, purpose, remark } = link;
    // What the browser of somebody else says of purpose and remark does not count.
    for (const name of ['x-purpose', 'x-purpose-remark']) delete request.headers[name];
    Object.assign(request.headers, buildHeaders({ authorization: `Bearer ${token}`, purpose, remark }));
    linkedRequests.set(request, link);
    return file;
  };
}

/** Returns the address of a file: a link counts for its path and its query together. */
const joinQuery = (path: string, query: string) => (query === '' ? path : `${path}?${query}`);

/** Returns the address that a link may be made for, or null if it names no file. */
function readFileAddress(url: string): string | null {
  const { pathname = '', search = '' } = URL.parse(url, 'http://hub') ?? {};
  const query = search.slice(1);
  return FILE_PATH.test(pathname) && FILE_QUERY.test(query) ? joinQuery(pathname, query) : null;
}

function buildHeaders(stated: { authorization: string; purpose: string | null; remark: string | null }) {
  return {
    authorization: stated.authorization,
    ...(stated.purpose === null ? {} : { 'x-purpose': encodeURIComponent(stated.purpose) }),
    ...(stated.remark === null ? {} : { 'x-purpose-remark': encodeURIComponent(stated.remark) }),
  };
}

export interface FileLinkOptions extends TokenCheck {
  links: FileLinks;
  now: Clock;
  fileLinkSeconds?: number | undefined;
  allowedOrigins: AllowedOrigins;
}

/** `POST /file-links`, described in docs/front-end.md. */
export function addFileLinkRoutes(app: FastifyInstance, options: FileLinkOptions): void {
  addLinkHeaders(app, options.allowedOrigins);
  // It has the file's own route check the request, which takes a place.
  const config = { takesNoPlace: true };
  app.post('/file-links', { bodyLimit: MAX_REQUEST_BYTES, config }, async (request, reply) => {
    const context = await identifyCaller(request, reply, options);
    if (!context) return reply;
    if (context.actor.kind === 'public') return reply.code(401).send(UNAUTHENTICATED);
    const { data } = linkRequest.safeParse(request.body);
    if (!data) return reply.code(400).send(BAD_INPUT);
    const path = readFileAddress(data.url);
    if (path === null) return reply.code(404).send(FILE_UNKNOWN);
    const stated = { purpose: data.purpose ?? null, remark: data.remark ?? null };
    if (!(await rehearse(app, request, reply, path, stated))) return reply;
    const expiresAt = options.now().getTime() + (options.fileLinkSeconds ?? LINK_SECONDS) * 1_000;
    const token = request.headers.authorization?.replace(/^Bearer /i, '') ?? '';
    const text = options.links.seal({ token, ...stated, isInline: data.inline ?? false, expiresAt }, path);
    const answer = {
      url: `${path}${path.includes('?') ? '&' : '?'}link=${text}`,
      expiresAt: new Date(expiresAt).toISOString(),
    };
    return reply.code(201).send(answer);
  });
  app.get<{ Params: { code: string } }>(`${REFUSED}/:code`, async ({ params }, reply) => {
    const fault = Object.values(FAULTS).find(({ code }) => code === params.code);
    if (!fault) return reply.code(404).send(NOT_FOUND);
    const { status, ...problem } = fault;
    return reply.code(status).send(problem);
  });
}

/** Asks the file's own route whether the caller may read it. Returns false after it has passed on the refusal. */
async function rehearse(
  app: FastifyInstance,
  { headers: { authorization = '', host = '' }, ip }: FastifyRequest,
  reply: FastifyReply,
  path: string,
  stated: { purpose: string | null; remark: string | null },
): Promise<boolean> {
  const headers = { host, [REHEARSAL_HEADER]: 'true', ...buildHeaders({ authorization, ...stated }) };
  const answer = await app.inject({ method: 'GET', url: path, remoteAddress: ip, headers });
  if (answer.statusCode === 204) return true;
  const retryAfter = answer.headers['retry-after'];
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  await reply.code(answer.statusCode).type('application/json').send(answer.body);
  return false;
}

/** Gives the answer to a link the headers with which a page may show it: pages of the hub and of allowed origins. */
function addLinkHeaders(app: FastifyInstance, allowedOrigins: AllowedOrigins): void {
  const origins = allowedOrigins === 'LOCAL' ? ['http://localhost:*', 'http://127.0.0.1:*'] : allowedOrigins;
  const ancestors = `frame-ancestors ${["'self'", ...origins].join(' ')}`;
  app.addHook('onSend', async (request, reply) => {
    const link = linkedRequests.get(request.raw);
    if (!link) return;
    // What was opened for a purpose is not kept, and its address goes nowhere.
    reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
    const policy = INLINE_POLICIES[String(reply.getHeader('content-type')).split(';')[0] ?? ''];
    if (reply.statusCode >= 300 || !link.isInline || policy === undefined) return;
    reply.header('content-security-policy', `${policy}${ancestors}`);
    reply.header('content-disposition', String(reply.getHeader('content-disposition')).replace('attachment', 'inline'));
  });
}
