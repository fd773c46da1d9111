import type { IncomingHttpHeaders } from 'node:http';
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import { REQUEST_ID_HEADER } from '../subgraphs/kernel/environment/request-log.ts';
import { COST_HEADER } from './cost/plugin.ts';

/** Which web pages of other origins may use the hub from a browser (Fetch standard, CORS protocol). */

/**
 * Origins such as `https://office.example`, or LOCAL: any page that the user's own machine serves.
 *
 * LOCAL is the default of development. It is safe beside real data too: the hub has no cookies and no other credential
 * that a browser adds by itself. A page must hold a token, and whoever has a token can use it without a browser.
 */
export type AllowedOrigins = readonly string[] | 'LOCAL';

/** Returns the origins by the environment: those that are listed, otherwise none in production. */
export function readAllowedOrigins(origins: readonly string[] | undefined, isProduction: boolean): AllowedOrigins {
  return origins ?? (isProduction ? [] : 'LOCAL');
}

const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

/** Whether a page of an origin may use the hub. */
export function isAllowedOrigin(origin: string, allowedOrigins: AllowedOrigins): boolean {
  return allowedOrigins === 'LOCAL' ? LOCAL_ORIGIN.test(origin) : allowedOrigins.includes(origin);
}

/**
 * Whether a page that may not use the hub made a browser send a request (Fetch Metadata). It could not read the answer,
 * but would have the work done in the name of the browser's address.
 */
export function isOfForeignPage(
  { origin, 'sec-fetch-site': site }: IncomingHttpHeaders,
  allowedOrigins: AllowedOrigins,
): boolean {
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  return origin === undefined || !isAllowedOrigin(origin, allowedOrigins);
}

/** What a page may send beside what every page may. Two of them mark a GraphQL request that is no form. */
const REQUEST_HEADERS = [
  ...['authorization', 'content-type', 'if-none-match', 'range', 'if-range', REQUEST_ID_HEADER],
  ...[
    'x-file-name',
    'x-purpose',
    'x-purpose-remark',
    'apollo-require-preflight',
    'x-apollo-operation-name',
    COST_HEADER,
  ],
];
/** What a page may read beside the body. */
const ANSWER_HEADERS = [
  ...['content-disposition', 'content-range', 'accept-ranges', 'etag', 'location', 'retry-after'],
  REQUEST_ID_HEADER,
];
/** How long a browser remembers the answer to a preflight. */
const PREFLIGHT_SECONDS = 600;

/** Lets pages of the allowed origins use every route. Must be called before routes are added. */
export async function addCors(app: FastifyInstance, allowedOrigins: AllowedOrigins): Promise<void> {
  await app.register(cors, {
    origin: (origin, answer) => answer(null, origin !== undefined && isAllowedOrigin(origin, allowedOrigins) && origin),
    methods: ['GET', 'HEAD', 'POST'],
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: ANSWER_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
    // The strict answer to OPTIONS without an origin is a text of the library.
    strictPreflight: false,
  });
  // A route or a subgraph that sets Vary itself replaces that of the library. Caches would mix up origins.
  app.addHook('onSend', async (_request, reply) => {
    const fields = [reply.getHeader('vary') ?? []].flat().join(', ');
    if (!/\borigin\b/i.test(fields)) reply.header('vary', fields === '' ? 'Origin' : `${fields}, Origin`);
  });
}
