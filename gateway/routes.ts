import type { FastifyInstance, FastifyReply } from 'fastify';
import { PUBLIC } from '../subgraphs/kernel/actor.ts';
import { readLicenseIdentifier } from '../subgraphs/kernel/identifier.ts';
import { buildContentDisposition, buildContext, type GraphContext, identifyCaller } from '../subgraphs/kernel/serve.ts';
import type { Doorkeeper } from './auth.ts';
import { pageFiles } from './page/files.ts';
import { langOf, PAGE_HEADERS } from './page/frame.ts';
import { badIdentifierPage, type LicenseStatus, licensePage, unknownLicensePage } from './page/license.ts';
import { logPage } from './page/log.ts';
import { frontPage, verifyPage } from './page/verify.ts';

/** Returns a sealed file, or null if there is none that this caller may read. */
export type FilePort = (
  digest: string,
  context: GraphContext,
) => Promise<{ bytes: Uint8Array; mediaType: string; name: string } | null>;

export interface RouteOptions {
  file: FilePort;
  /** Root certificate of the test PKI, PEM. */
  rootCertificate: () => Promise<string>;
  /** The readiness checks by name. Each throws while its part is not ready. */
  checks: Readonly<Record<string, () => Promise<void>>>;
}

/** Runs a query on the hub's own GraphQL. Throws if the answer has errors. */
export type Ask = (
  query: string,
  variables: Record<string, unknown>,
  context: GraphContext,
) => Promise<Record<string, unknown>>;

const CHECK_TIMEOUT_MS = 3_000;

const STATUS_QUERY = `query Status($identifier: ID!) {
  licenseStatus(identifier: $identifier) {
    identifier number version state name holderName issuerName issuedOn validFrom validUntil
    documentDigest sealName sealedAt supersededBy life { act version state at }
  }
}`;

/** Adds the routes other than GraphQL: pages, health, root certificate, files. */
export function publicRoutes(app: FastifyInstance, options: RouteOptions, door: Doorkeeper, ask: Ask): void {
  app.get('/', async ({ query }, reply) => html(reply, 200, frontPage(langOf(query))));
  app.get('/verify', async ({ query }, reply) => html(reply, 200, verifyPage(langOf(query))));
  app.get('/log', async ({ query }, reply) => html(reply, 200, logPage(langOf(query))));
  pageFiles(app);
  app.get('/health/live', async () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    const checks = await runChecks(options.checks);
    const ready = Object.values(checks).every((state) => state === 'up');
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks });
  });
  app.get<{ Params: { identifier: string } }>('/v/:identifier', async ({ params, query }, reply) => {
    const lang = langOf(query);
    const { verdict } = readLicenseIdentifier(params.identifier);
    if (verdict !== 'VALID') return html(reply, 400, badIdentifierPage(params.identifier, verdict, lang));
    const answer = await ask(STATUS_QUERY, { identifier: params.identifier }, buildContext(PUBLIC, null));
    const status = answer.licenseStatus as LicenseStatus | null;
    if (!status) return html(reply, 404, unknownLicensePage(params.identifier, lang));
    return html(reply, 200, licensePage(status, lang));
  });
  app.get('/root.pem', async (_request, reply) =>
    reply
      .header('x-test-pki', 'this root belongs to a test PKI; no real office trusts it')
      .header('content-disposition', 'attachment; filename="root.pem"')
      .type('application/x-pem-file')
      .send(await options.rootCertificate()),
  );
  app.get<{ Params: { digest: string } }>('/files/:digest', async (request, reply) => {
    const context = await identifyCaller(request, reply, door);
    if (!context) return reply;
    if (context.actor.kind === 'public') {
      return reply.code(401).send({ code: 'UNAUTHENTICATED', message: '请先登录：下载文件需要令牌。' });
    }
    const { digest } = request.params;
    const file = /^[0-9a-f]{64}$/.test(digest) ? await options.file(digest, context) : null;
    // The same answer for a missing and a forbidden file, so that a digest cannot reveal whether a file exists.
    if (!file) return reply.code(404).send({ code: 'FILE_UNKNOWN', message: '没有此文件。' });
    reply.header('etag', `"${digest}"`).header('cache-control', 'private, max-age=0, must-revalidate');
    if (request.headers['if-none-match'] === `"${digest}"`) return reply.code(304).send();
    return reply
      .header('content-disposition', buildContentDisposition(file.name))
      .header('x-content-type-options', 'nosniff')
      .type(file.mediaType)
      .send(Buffer.from(file.bytes));
  });
}

function html(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).send(page);
}

async function runChecks(checks: RouteOptions['checks']): Promise<Record<string, 'up' | 'down'>> {
  const results = Object.entries(checks).map(async ([name, check]) => {
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error('timeout')), CHECK_TIMEOUT_MS).unref();
    });
    const state = await Promise.race([check(), late]).then(
      () => 'up' as const,
      () => 'down' as const,
    );
    return [name, state] as const;
  });
  return Object.fromEntries(await Promise.all(results));
}
