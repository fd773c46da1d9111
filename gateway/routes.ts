import type { FastifyInstance, FastifyReply } from 'fastify';
import { type GraphQLSchema, printSchema } from 'graphql';
import { SharedWork } from '../db/deadline.ts';
import { PUBLIC } from '../subgraphs/kernel/actor.ts';
import type { Halt } from '../subgraphs/kernel/halt.ts';
import { buildContext, type GraphContext } from '../subgraphs/kernel/http/context.ts';
import { buildContentDisposition } from '../subgraphs/kernel/http/http.ts';
import { readLicenseIdentifier } from '../subgraphs/kernel/identifier.ts';
import { buildExplorerHeaders, type ExplorerSignIn, renderExplorerPage } from './page/explorer.ts';
import { addPageFileRoutes } from './page/files.ts';
import { langOf, PAGE_HEADERS, toPageUrl } from './page/frame.ts';
import { readLabels } from './page/labels.ts';
import {
  ASK_HEADERS,
  type LicenseStatus,
  renderAskPage,
  renderBadIdentifierPage,
  renderLicensePage,
  renderUnknownLicensePage,
} from './page/license.ts';
import { renderLogPage } from './page/log.ts';
import { addProgressRoute } from './page/progress-routes.ts';
import { createReference } from './page/reference/reference.ts';
import { renderStartPage } from './page/start.ts';
import { renderVerifyPage } from './page/verify.ts';

export interface RouteOptions {
  /** Root certificate of the test PKI, PEM. */
  rootCertificate: () => Promise<string>;
  /** Whether the hub acts. Absent if other processes find that out. */
  halt?: Halt | undefined;
  /** The readiness checks by name. Each throws while its part is not ready. */
  checks: Readonly<Record<string, () => Promise<void>>>;
  /** How a person signs in on the explorer. Absent: with a token typed by hand. */
  explorer?: ExplorerSignIn | undefined;
}

/** Runs a query on the hub's own GraphQL. Throws if the answer has errors. */
export type RunQuery = (
  query: string,
  variables: Record<string, unknown>,
  context: GraphContext,
) => Promise<Record<string, unknown>>;

const CHECK_TIMEOUT_MS = 3_000;

const STATUS_QUERY = `query Status($identifier: ID!) {
  licenseStatus(identifier: $identifier) {
    identifier number version state name holderName owners issuerName issuedOn validFrom validUntil
    fields { label text } origin registration { registeredOn } documentDigest sealName sealedAt supersededBy
    lostPapers { blankNumber kind lostOn isReturned } unprinted nextVersion nextFrom deemedRenewedSince isRenewalGranted deemedRenewals { from until }
    life { act version state at }
  }
}`;

/** Adds the routes other than GraphQL: pages, the schema as text, health, root certificate. */
export function addPublicRoutes(
  app: FastifyInstance,
  options: RouteOptions,
  { runQuery, schema }: { runQuery: RunQuery; schema: GraphQLSchema },
): void {
  const { explorer = null } = options;
  app.get('/', async ({ query }, reply) => sendHtml(reply, 200, renderStartPage(langOf(query))));
  app.get('/verify', async ({ query }, reply) => sendHtml(reply, 200, renderVerifyPage(langOf(query))));
  app.get('/log', async ({ query }, reply) => sendHtml(reply, 200, renderLogPage(langOf(query))));
  app.get('/explorer', async ({ query }, reply) =>
    reply.headers(buildExplorerHeaders(explorer)).send(renderExplorerPage(langOf(query), explorer)),
  );
  const schemaText = printSchema(schema);
  const labels = readLabels(schema);
  app.get('/schema.graphql', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(schemaText));
  app.get('/labels.json', async () => labels);
  addReferenceRoutes(app, schema);
  addPageFileRoutes(app);
  addProgressRoute(app, runQuery, labels);
  app.get('/health/live', { config: { isFree: true } }, async () => ({ status: 'live' }));
  const readiness = new SharedWork<Record<string, 'up' | 'down'>>();
  app.get('/health/ready', { config: { isFree: true } }, async (_request, reply) => {
    const checks = await readiness.share('checks', () => runChecks(options.checks));
    const halted = options.halt?.reason();
    if (halted) return reply.code(503).send({ status: 'refused', ...halted, checks });
    const isReady = Object.values(checks).every((state) => state === 'up');
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready', checks });
  });
  app.get<{ Querystring: { identifier?: unknown } }>('/v', async ({ query }, reply) => {
    const lang = langOf(query);
    const identifier = readAskedIdentifier(query.identifier);
    if (identifier === '') return reply.headers(ASK_HEADERS).send(renderAskPage(lang));
    return reply
      .code(303)
      .header('location', toPageUrl(`/v/${encodeURIComponent(identifier)}`, lang))
      .send();
  });
  app.get<{ Params: { identifier: string } }>('/v/:identifier', async ({ params, query }, reply) => {
    const lang = langOf(query);
    const { verdict } = readLicenseIdentifier(params.identifier);
    if (verdict !== 'VALID') {
      return reply
        .code(400)
        .headers(ASK_HEADERS)
        .send(renderBadIdentifierPage(params.identifier, verdict, lang));
    }
    const answer = await runQuery(STATUS_QUERY, { identifier: params.identifier }, buildContext(PUBLIC, null));
    const status = answer.licenseStatus as LicenseStatus | null;
    if (!status) return reply.code(404).headers(ASK_HEADERS).send(renderUnknownLicensePage(params.identifier, lang));
    return sendHtml(reply, 200, renderLicensePage(status, lang));
  });
  app.get('/root.pem', async (_request, reply) =>
    reply
      .header('x-test-pki', 'this root belongs to a test PKI; no real office trusts it')
      .header('content-disposition', buildContentDisposition('root.pem'))
      .type('application/x-pem-file')
      .send(await options.rootCertificate()),
  );
}

function addReferenceRoutes(app: FastifyInstance, schema: GraphQLSchema): void {
  const reference = createReference(schema);
  app.get('/reference', async ({ query }, reply) => sendHtml(reply, 200, reference.index(langOf(query))));
  app.get<{ Params: { type: string } }>('/reference/:type', async ({ params, query }, reply) => {
    const page = reference.type(params.type, langOf(query));
    return page === null ? reply.callNotFound() : sendHtml(reply, 200, page);
  });
}

/**
 * Returns what somebody typed or pasted as an identifier, cut to what a path may hold: also out of a code's address.
 */
function readAskedIdentifier(text: unknown): string {
  const typed = typeof text === 'string' ? text.trim() : '';
  return (/\/v\/([^/?#]+)/.exec(typed)?.[1] ?? typed).slice(0, MAX_TYPED_CHARS);
}
/** A license identifier has at most 98 characters. */
const MAX_TYPED_CHARS = 120;

function sendHtml(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).send(page);
}

async function runChecks(checks: RouteOptions['checks']): Promise<Record<string, 'up' | 'down'>> {
  const results = Object.entries(checks).map(async ([name, check]) => {
    const timeout = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error('timeout')), CHECK_TIMEOUT_MS).unref();
    });
    const state = await Promise.race([check(), timeout]).then(
      () => 'up' as const,
      () => 'down' as const,
    );
    return [name, state] as const;
  });
  return Object.fromEntries(await Promise.all(results));
}
