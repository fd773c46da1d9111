import type { KeyObject } from 'node:crypto';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { addRequestLog, REQUEST_LOG_OPTIONS } from '../../subgraphs/kernel/environment/request-log.ts';
import { addDefaultHeaders, createClientErrorHandler } from '../../subgraphs/kernel/http/answer/headers.ts';
import { type ConnectionLimits, DEFAULT_HUB_LIMITS } from '../../subgraphs/kernel/limits/limits.ts';
import { createServerFactory } from '../../subgraphs/kernel/limits/server.ts';
import { registerWitnessRoutes } from '../witness/app.ts';
import type { Memory } from '../witness/memory.ts';
import { type NamedKey, parseLogKey } from '../witness/note.ts';
import { checkDelivery } from './check.ts';
import { openDatabase } from './database.ts';
import { type Certificate, readRoots } from './document/chain.ts';
import { openKeys, toReceiptJwk } from './key.ts';
import { openDatabaseMemory } from './memory.ts';
import { renderStatusPage } from './page.ts';
import {
  buildAnswer,
  contentDigest,
  Fault,
  licenseOf,
  readDelivery,
  readQuestion,
  readTokenRequest,
} from './protocol.ts';
import { isSigned, signReceipt } from './receipt.ts';
import { STATEMENT_PROTOCOL } from './statement/form.ts';
import { registerStatementRoutes } from './statement/routes.ts';
import { openStatementStore, type StatementStore } from './statement/store.ts';
import { openStore, type ReceiptWriter, type Store } from './store.ts';
import { type Client, grantToken, requireToken, TOKEN_LIFETIME_SECONDS } from './token.ts';
import { advance, listWarnings } from './transition.ts';
import { stateOn, toShanghaiDate } from './validity.ts';
import { answerQuestion, VERDICTS } from './verify.ts';

/** A version of the protocol. */
export type Protocol = 1 | 2;

export interface LibraryOptions {
  /** The library's own database. */
  databaseUrl: string;
  /** The library's name, in receipts and as a witness of the hub's log. */
  name: string;
  /** Keys of the logs that it witnesses, in C2SP signed-note format. Receipts name the first log. */
  logKeys: readonly string[];
  /** The trusted root certificates, PEM, pinned by the library's operator. */
  rootPem: string;
  /** The one client: the hub. */
  clientId: string;
  clientSecret: string;
  /** The newest version of the protocol that it speaks. 1: it takes no statements of the register, and
   * no renewal waits for its first day. Default: 2. */
  protocol?: Protocol;
  now: () => Date;
  /** Called with faults that the caller did not cause. */
  onError?: (error: unknown) => void;
  /** The defaults if absent. */
  connections?: ConnectionLimits;
}

/** Largest request, base64 included. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const MAX_TOKEN_BODY_BYTES = 4096;
/** Maximum characters of a path parameter. An identifier of GB/T 36904 is shorter. */
const MAX_PARAMETER_CHARS = 128;

interface Library {
  store: Store;
  statements: StatementStore;
  protocol: Protocol;
  receiptKey: KeyObject;
  logs: readonly NamedKey[];
  memory: Memory;
  roots: readonly Certificate[];
  client: Client;
  now: () => Date;
}

/**
 * The reference city license library (市电子证照库). Connects, migrates, and returns an app that does not listen yet.
 * Closing the app closes its database. Throws if the database cannot be reached or the roots cannot be read.
 */
export async function createLibrary(options: LibraryOptions): Promise<FastifyInstance> {
  const roots = readRoots(options.rootPem);
  const { clientId, clientSecret, name, protocol = STATEMENT_PROTOCOL, now } = options;
  const logs = options.logKeys.map((key) => parseLogKey(key));
  const { sql, close } = await openDatabase(options.databaseUrl);
  const keys = await openKeys(sql);
  const receiptWriter: ReceiptWriter = {
    origin: logs[0]?.name ?? null,
    write: (delivery, at, checkpoint) => signReceipt(keys.receipt, name, delivery, at, checkpoint),
  };
  const store = openStore(sql, receiptWriter, protocol >= STATEMENT_PROTOCOL);
  const statements = openStatementStore(sql, receiptWriter);
  const client = { clientId, clientSecret };
  const memory = openDatabaseMemory(sql);
  const common = { store, statements, protocol, roots, client, now };
  const library: Library = { ...common, receiptKey: keys.receipt, logs, memory };

  const app = Fastify({
    ...REQUEST_LOG_OPTIONS,
    bodyLimit: MAX_BODY_BYTES,
    serverFactory: createServerFactory(options.connections ?? DEFAULT_HUB_LIMITS.connections),
    forceCloseConnections: true,
    routerOptions: { maxParamLength: MAX_PARAMETER_CHARS },
    clientErrorHandler: createClientErrorHandler({}),
    frameworkErrors: (error, _request, reply) => renderError(error, reply, options.onError),
  });
  addRequestLog(app);
  addDefaultHeaders(app, {});
  app.addHook('onClose', close);
  app.setNotFoundHandler((_request, reply) => renderError(new Fault('NOT_FOUND'), reply, options.onError));
  app.setErrorHandler((error, _request, reply) => renderError(error, reply, options.onError));
  registerPublicRoutes(app, library);
  app.register(async (scope) => registerWitnessRoutes(scope, { name, privateKey: keys.witness, logs, memory, now }));
  app.register(async (scope) => {
    // Checked before the body is read: a caller without a token must not make the library buffer 8 MiB.
    scope.addHook('onRequest', async (request) => requireToken(request.headers.authorization, library.client, now()));
    registerCertificateRoutes(scope, library);
    if (protocol >= STATEMENT_PROTOCOL) registerStatementRoutes(scope, { store: statements, roots, now });
  });
  return app;
}

function registerPublicRoutes(app: FastifyInstance, library: Library): void {
  const { store, receiptKey, logs, memory, client, protocol, now } = library;
  app.get('/health/live', async () => ({ status: 'live' }));
  app.get('/', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
      .send(renderStatusPage(await store.counts(toShanghaiDate(now())))),
  );
  app.get('/receipt-key', async () => toReceiptJwk(receiptKey));
  app.get('/log/checkpoint', async (_request, reply) => {
    const witnessedTree = logs[0] && (await memory.of(logs[0].name));
    if (!witnessedTree) throw new Fault('NOT_FOUND');
    return reply.type('text/plain; charset=utf-8').send(witnessedTree.note);
  });
  app.post('/token', { bodyLimit: MAX_TOKEN_BODY_BYTES }, async (request, reply) => {
    const token = grantToken(readTokenRequest(request.body), client, now());
    // Version 1 knew no versions: its answer names none.
    const protocols = protocol === 1 ? {} : { protocols: [1, STATEMENT_PROTOCOL] };
    return reply
      .header('cache-control', 'no-store')
      .send({ access_token: token, token_type: 'Bearer', expires_in: TOKEN_LIFETIME_SECONDS, ...protocols });
  });
}

function registerCertificateRoutes(app: FastifyInstance, library: Library): void {
  const { store, statements, protocol, now } = library;
  app.post('/certificates/validate', async (request) => {
    const delivery = readDelivery(request.body, protocol);
    const collectedAct = await store.collected(licenseOf(delivery), delivery.revision);
    if (collectedAct?.contentDigest === contentDigest(delivery))
      return buildAnswer([], { receipt: collectedAct.receipt });
    checkDelivery(delivery, library.roots, now());
    const head = await store.head(licenseOf(delivery));
    advance(head, delivery);
    const heldUntil = await store.heldUntil(licenseOf(delivery));
    return buildAnswer(listWarnings(head, delivery, now(), { today: toShanghaiDate(now()), heldUntil }));
  });
  app.post('/certificates/collect', async (request) => {
    const delivery = readDelivery(request.body, protocol);
    const digest = contentDigest(delivery);
    const collectedAct = await store.collected(licenseOf(delivery), delivery.revision);
    const isCollected = collectedAct?.contentDigest === digest;
    if (isCollected && isSigned(collectedAct.receipt)) return buildAnswer([], { receipt: collectedAct.receipt });
    // The result of an earlier validate is not relied on.
    if (!isCollected) checkDelivery(delivery, library.roots, now());
    return buildAnswer([], { receipt: await store.collect(delivery, digest, now()) });
  });
  app.post('/certificates/verify', async (request) => {
    const question = readQuestion(request.body);
    const storedCertificate = await findCertificate(library, question.identifier ?? '');
    const result = answerQuestion(question, storedCertificate, toShanghaiDate(now()));
    return { code: 1, reasons: [], result, message: VERDICTS[result] };
  });
  app.get('/certificates/:identifier', async (request) => {
    const { identifier } = request.params as { identifier: string };
    const storedCertificate = await findCertificate(library, identifier);
    if (!storedCertificate) throw new Fault('NOT_FOUND');
    const toBase64 = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('base64');
    const { hold, heldUntil, ...content } = storedCertificate;
    const { state, record, supersededFrom } = content;
    const certificate = {
      ...content,
      state: stateOn(state, record, toShanghaiDate(now()), { supersededFrom, heldUntil }),
      document: toBase64(storedCertificate.document),
      signature: toBase64(storedCertificate.signature),
      ...(protocol === 1 ? {} : { hold, statements: await statements.list(identifier) }),
    };
    return { ...buildAnswer([]), certificate };
  });
}

/** Finds a stored certificate. The pattern keeps out text with a NUL, which the database refuses. */
async function findCertificate({ store }: Library, identifier: string) {
  return /^[\w.]{1,128}$/.test(identifier) ? store.find(identifier) : null;
}

function renderError(error: unknown, reply: FastifyReply, onError: LibraryOptions['onError']): FastifyReply {
  const fault = error instanceof Fault ? error : toFault(error as FastifyError);
  if (fault.status >= 500) onError?.(error);
  const { code, message, temporary } = fault;
  return reply.code(fault.status).send({ code: 0, temporary, reasons: [{ code, message }] });
}

/** Error codes of postgres.js and PostgreSQL for a database that is temporarily unavailable. */
const DATABASE_UNAVAILABLE_CODES = /^(ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|CONNECT_TIMEOUT|CONNECTION_|57P|08|53)/;

function toFault(error: Partial<FastifyError>): Fault {
  if (error.statusCode === 413) return new Fault('TOO_LARGE');
  if (error.statusCode !== undefined && error.statusCode < 500) return new Fault('REQUEST_MALFORMED', error.code);
  return new Fault(DATABASE_UNAVAILABLE_CODES.test(error.code ?? '') ? 'UNAVAILABLE' : 'INTERNAL');
}
