import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { createTestDatabase } from '../../support/database.ts';
import { createHubOn, makeSeededTemplate, type TestHub, type TestHubOptions } from '../../support/hub.ts';
import type { Abuse } from './abuse.ts';
import { type StatementCounter, startStatementCounter } from './statement-counter.ts';

/** A hub that listens, whose statements are counted, and that believes in the addresses that its callers name. */
export interface AbusedHub {
  testHub: TestHub;
  port: number;
  statements: StatementCounter;
  /** What was masked as a fault. */
  faults: unknown[];
  /** Sends a request from an address. Returns null if the hub ends the connection without an answer. */
  send(abuse: Abuse, address: string, headers?: Record<string, string>): Promise<HttpAnswer | null>;
  /** Runs a small query from an address of its own. Throws unless it is answered in full. */
  runSmallQuery(): Promise<void>;
  stop(): Promise<void>;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Relays and loops look at their tables so rarely that they run no statement while requests are counted. */
const QUIET_MS = 600_000;
const OTHER_CALLER = '198.51.100.7';
const SMALL_QUERY = JSON.stringify({ query: '{organs(first:1){edges{node{name}}}}' });

export async function createAbusedHub(options: TestHubOptions = {}): Promise<AbusedHub> {
  const database = await createTestDatabase(await makeSeededTemplate());
  const statements = await startStatementCounter(database.adminUrl);
  const counted = Object.entries(database.urls).map(([name, url]) => [name, statements.through(url)]);
  const urls = Object.fromEntries(counted) as typeof database.urls;
  const faults: unknown[] = [];
  const testHub = await createHubOn(
    { ...database, urls },
    {
      pollMs: QUIET_MS,
      movePollMs: QUIET_MS,
      trustedProxies: ['127.0.0.1'],
      onFault: (_incident, error) => faults.push(error),
      ...options,
    },
    false,
  );
  await testHub.hub.app.listen({ host: '127.0.0.1', port: 0 });
  const port = (testHub.hub.app.server.address() as { port: number }).port;
  const send: AbusedHub['send'] = (abuse, address, headers = {}) =>
    sendRequest(port, { ...abuse, headers: { ...abuse.headers, ...headers, 'x-forwarded-for': address } });
  return {
    testHub,
    port,
    statements,
    faults,
    send,
    async runSmallQuery() {
      const headers = { 'content-type': 'application/json' };
      const body = Buffer.from(SMALL_QUERY);
      const answer = await send({ name: 'small', method: 'POST', path: '/graphql', headers, body }, OTHER_CALLER);
      const text = String(answer?.body);
      if (answer?.status !== 200 || !text.includes('"edges":[{"node":{"name":"')) {
        throw new Error(`the small query of another caller: ${answer?.status} ${text.slice(0, 300)}`);
      }
    },
    async stop() {
      await testHub.stop();
      await statements.stop();
    },
  };
}

async function sendRequest(port: number, { method, path, headers, body }: Abuse): Promise<HttpAnswer | null> {
  const length = body === null ? {} : { 'content-length': String(body.length) };
  const call = request({ port, method, path, headers: { ...headers, ...length }, agent: false });
  try {
    call.end(body ?? undefined);
    const [response] = await once(call, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
  } catch {
    return null;
  } finally {
    call.destroy();
  }
}
