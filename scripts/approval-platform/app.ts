import type { KeyObject } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { logFault } from '../../subgraphs/kernel/environment/log.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import type { ConnectionLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { startLoop } from '../../subgraphs/kernel/loop.ts';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { fetchFile } from './files.ts';
import { type HubSecret, isFromHub, signMessage } from './jws.ts';
import {
  buildMessage,
  hasArrived,
  type News,
  ORDERS,
  type Order,
  parseNews,
  readListedFiles,
  SIGNATURE_HEADER,
} from './protocol.ts';
import { openStore, type Store, type StoredMessage } from './store.ts';

/** The reference approval platform (审批平台) of a city organ. It shares no database or key with the hub. */

export interface PlatformOptions {
  /** Folder of the platform's data; see `store.ts`. */
  folder: string;
  organ: string;
  key: { kid: string; privateKey: KeyObject };
  hub: HubSecret;
  /** The address that the platform posts its messages to. It signs the same address as `aud`. */
  audience: string;
  /** Seconds after which the platform grants a new case by itself. Null: it grants only on request. */
  decideAfterSeconds: number | null;
  now?: () => Date;
  pollMs?: number;
  onError?: (error: unknown) => void;
  /** The defaults if absent. */
  connections?: ConnectionLimits;
}

const BODY_LIMIT_BYTES = 1_048_576;
const POLL_MS = 500;
const SEND_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;
/** The clerk named in messages that the platform sends by itself. */
const AUTOMATIC_CLERK = { id: 'auto', name: '审批平台自动办理' };

interface Platform extends PlatformOptions {
  store: Store;
  now: () => Date;
}

/** Returns an app that does not listen yet. It sends pending messages from now until it is closed. */
export function createPlatform(options: PlatformOptions): FastifyInstance {
  const platform: Platform = { now: () => new Date(), ...options, store: openStore(options.folder) };
  const app = createApp(logFault, {
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: true,
    connections: options.connections,
  });
  registerHubRoute(app, platform);
  registerStaffRoutes(app, platform);
  const decideAndSend = async (signal: AbortSignal) => {
    decideDueCases(platform);
    for (const message of listUnsentMessages(platform)) if (!signal.aborted) await sendMessage(platform, message);
    return false;
  };
  const loop = startLoop(decideAndSend, {
    pollMs: options.pollMs ?? POLL_MS,
    isDelayed: true,
    onError: options.onError,
  });
  app.addHook('onClose', () => loop.stop());
  return app;
}

/**
 * Serves `POST /hub`: the hub's news of a case. The answer is a receipt, sent once the news is stored.
 * News that is already stored gets the same receipt again.
 */
function registerHubRoute(app: FastifyInstance, platform: Platform): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.post('/hub', async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (!isFromHub(request.headers[SIGNATURE_HEADER], body, platform.hub, platform.now())) {
        return reply.code(401).send({ code: 'SIGNATURE_INVALID', message: '签名与报文不符。' });
      }
      return { receipt: acceptNews(platform, parseNews(body)) };
    });
  });
}

function acceptNews({ store, organ, now, decideAfterSeconds }: Platform, news: News): string {
  const { caseNumber, revision } = news;
  const storedCase = store.state.cases[caseNumber];
  // Each news item carries the whole case, so an older one adds nothing.
  if (storedCase && storedCase.news.revision >= revision) return storedCase.receipt;
  const receipt = `${caseNumber}-${revision}`;
  const decideAt =
    decideAfterSeconds === null ? null : new Date(now().getTime() + decideAfterSeconds * 1000).toISOString();
  store.change((state) => {
    state.cases[caseNumber] = { news, receipt, decideAt: hasArrived(news) ? decideAt : null };
    if (!hasArrived(news)) return;
    state.messages.push(draftMessage('RECEIVED', { caseNumber, by: AUTOMATIC_CLERK }, organ, now()));
  });
  return receipt;
}

/** Routes for the platform's staff. Reachable from this machine only. */
function registerStaffRoutes(app: FastifyInstance, platform: Platform): void {
  const { store } = platform;
  app.get('/health/live', async () => ({ status: 'live' }));
  app.get('/cases', async () => Object.values(store.state.cases).map(({ news, receipt }) => ({ receipt, ...news })));
  app.get('/messages', async () => store.state.messages);
  for (const [path, { type, form }] of Object.entries(ORDERS)) {
    app.post(path, async (request, reply) => {
      const parseResult = form.safeParse(request.body);
      if (!parseResult.success)
        return reply.code(400).send({ code: 'ORDER_MALFORMED', message: parseResult.error.message });
      const message = draftMessage(type, parseResult.data, platform.organ, platform.now());
      store.change((state) => state.messages.push(message));
      return reply.code(202).send({ id: message.id });
    });
  }
}

function draftMessage(type: string, order: Order, organ: string, at: Date): StoredMessage {
  return { ...buildMessage(type, order, organ, at), caseNumber: order.caseNumber, type, answer: null, lastError: null };
}

/** Grants the cases whose decision time has come. */
function decideDueCases({ store, organ, now }: Platform): void {
  const dueCases = Object.values(store.state.cases).filter(
    ({ decideAt }) => decideAt !== null && Date.parse(decideAt) <= now().getTime(),
  );
  if (dueCases.length === 0) return;
  store.change((state) => {
    for (const { news } of dueCases) {
      const { caseNumber } = news;
      const storedCase = state.cases[caseNumber];
      if (storedCase) storedCase.decideAt = null;
      const grant = {
        caseNumber,
        by: AUTOMATIC_CLERK,
        decision: 'GRANTED',
        reason: null,
        validFrom: null,
        authoriseSeal: true,
      };
      state.messages.push(draftMessage('DECIDED', grant, organ, now()));
    }
  });
}

function listUnsentMessages({ store }: Platform): readonly StoredMessage[] {
  return store.state.messages.filter(({ answer }) => answer === null);
}

/**
 * Makes one attempt: the same bytes with a new signature. Fetches the files that the answer lists.
 * 200, 400, 409, 413 and 422 are final answers. After anything else the message is sent again.
 */
async function sendMessage(
  { store, folder, key, audience, now, onError }: Platform,
  { id, body }: StoredMessage,
): Promise<void> {
  const updateMessage = (changes: Partial<StoredMessage>) =>
    store.change((state) => {
      const storedMessage = state.messages.find((message) => message.id === id);
      if (storedMessage) Object.assign(storedMessage, changes);
    });
  try {
    const headers = { 'content-type': 'application/json', [SIGNATURE_HEADER]: signMessage(body, key, audience, now()) };
    const limits = { timeoutMs: SEND_TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
    const { status, bytes } = await sendRequest(audience, { reach: OPERATOR, headers, body, ...limits });
    const text = bytes.toString('utf8');
    const isFinal = [200, 400, 409, 413, 422].includes(status);
    if (!isFinal) throw new Error(`HTTP ${status} ${text}`);
    if (status === 200) for (const file of readListedFiles(text)) await fetchFile(folder, file);
    updateMessage({ answer: { status, body: text }, lastError: null });
  } catch (error) {
    onError?.(error);
    updateMessage({ lastError: error instanceof Error ? error.message : String(error) });
  }
}
