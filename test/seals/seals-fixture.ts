import { randomBytes } from 'node:crypto';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import postgres from 'postgres';
import { type ConnectionPool, connect } from '../../db/client.ts';
import type { Actor } from '../../subgraphs/kernel/actor.ts';
import type { Envelope } from '../../subgraphs/kernel/events/events.ts';
import { buildContext, type GraphContext } from '../../subgraphs/kernel/http/context.ts';
import type { AuthorisingSubgraph, SealAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import type { CodeRequest, SealUseRequest, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { createSeals, type LogSettings, type Seals } from '../../subgraphs/seals/index.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { openIds } from '../support/node-ids.ts';
import { testParsers } from '../support/parsers.ts';
import { authorise, CITY, CITY_MATTER, COUNTY, COUNTY_MATTER, newCodeRequest, newRequest } from './requests.ts';

/**
 * Returns the data of an answer with own identifiers for global ids: organs and matters have no other field in this
 * subgraph.
 */
function openData(data: unknown): unknown {
  if (typeof data === 'string') return openIds(data);
  if (Array.isArray(data)) return data.map(openData);
  if (typeof data !== 'object' || data === null || data instanceof Date) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, openData(value)]));
}

/** A fixture: the seals subgraph alone on its own database, with two seals in use. */

const START_DAY = '2026-06-01';

export interface SealsFixture {
  seals: Seals;
  clock: TestClock;
  /** The superuser's connection to the same database. */
  sql: postgres.Sql;
  adminUrl: string;
  /** The URL with which the subgraph itself connects. */
  sealsUrl: string;
  keyEncryptionKey: Uint8Array;
  countySeal: string;
  citySeal: string;
  /** Events that arrived at licenses, in order. */
  receivedEvents: Envelope[];
  /** Opens another copy of the subgraph on the same database. */
  openCopy(keyEncryptionKey?: Uint8Array, log?: LogSettings, trustedAuthorities?: readonly string[]): Seals;
  authorise(request: SealUseRequest, changed?: Partial<SealAuthorisation>, from?: AuthorisingSubgraph): Promise<string>;
  /** Builds a valid request and then applies the changes. Its authorisation covers the request before the changes. */
  request(changed?: Partial<SignRequest>): Promise<SignRequest>;
  /** Does the same for a QR code. */
  codeRequest(changed?: Partial<CodeRequest>): Promise<CodeRequest>;
  ask(actor: Actor, query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer>;
  countUses(): Promise<number>;
  close(): Promise<void>;
}

export interface GraphqlAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever shape its own query asked for
  data: any;
  codes: unknown[];
}

export async function openSealsFixture(
  onError?: (error: unknown) => void,
  trustedAuthorities?: readonly string[],
): Promise<SealsFixture> {
  const database = await createTestDatabase();
  const sql = postgres(database.adminUrl, { max: 4, onnotice: () => {} });
  const clock = testClock(START_DAY);
  const keyEncryptionKey = randomBytes(32);
  const serviceKeys = generateServiceKeys();
  const pools: ConnectionPool[] = [];
  const receivedEvents: Envelope[] = [];
  const openCopy = (key: Uint8Array = keyEncryptionKey, log: LogSettings = {}, trusted?: readonly string[]) => {
    const pool = connect(database.urls.seals, 'test-seals');
    pools.push(pool);
    const licenses = async (event: Envelope) => {
      receivedEvents.push(event);
      return [];
    };
    return createSeals({
      db: pool.db,
      now: clock,
      parsers: testParsers,
      signer: createSigner({ ring: [key], publicKeys: serviceKeys.publicKeys, now: clock }),
      send: { licenses, cases: async () => [] },
      log,
      trustedAuthorities: trusted,
      onError,
      pollMs: 10,
    });
  };
  const seals = openCopy(keyEncryptionKey, {}, trustedAuthorities);
  await seals.prepare();
  const [countySeal, citySeal] = await Promise.all([
    seals.makeSeal({
      organ: COUNTY,
      organName: '于都县林业局',
      kind: 'LICENSE_SEAL',
      matters: [COUNTY_MATTER],
    }),
    seals.makeSeal({
      organ: CITY,
      organName: '赣州市行政审批局',
      kind: 'APPROVAL_SEAL',
      matters: [CITY_MATTER],
    }),
  ]);
  const authoriseRequest: SealsFixture['authorise'] = (request, changed, from) =>
    authorise(serviceKeys, request, clock(), changed, from);
  const request: SealsFixture['request'] = async (changed = {}) => {
    const validRequest = newRequest();
    return { ...validRequest, authorisation: await authoriseRequest(validRequest), ...changed };
  };
  const codeRequest: SealsFixture['codeRequest'] = async (changed = {}) => {
    const validRequest = newCodeRequest();
    return { ...validRequest, authorisation: await authoriseRequest(validRequest), ...changed };
  };
  const server = new ApolloServer<GraphContext>({
    schema: seals.schema,
    plugins: [ApolloServerPluginInlineTraceDisabled()],
  });
  await server.start();
  const ask: SealsFixture['ask'] = async (actor, query, variables = {}) => {
    const contextValue = buildContext(actor, null);
    const { body } = await server.executeOperation<Record<string, unknown>>({ query, variables }, { contextValue });
    if (body.kind !== 'single') throw new Error('an answer in parts');
    return {
      data: openData(body.singleResult.data),
      codes: (body.singleResult.errors ?? []).map((error) => error.extensions?.code),
    };
  };
  const countUses = async () => Number((await sql`select count(*) as n from seals.seal_use`)[0]?.n);
  const close = async () => {
    await server.stop();
    await seals.stop();
    await sql.end();
    await Promise.all(pools.map((pool) => pool.close()));
    await database.drop();
  };
  const resources = {
    adminUrl: database.adminUrl,
    sealsUrl: database.urls.seals,
    seals,
    clock,
    sql,
    keyEncryptionKey,
    countySeal,
    citySeal,
    receivedEvents,
  };
  return { ...resources, openCopy, authorise: authoriseRequest, request, codeRequest, ask, countUses, close };
}

/** Requests a signature and returns it. Throws unless the answer is SIGNED. */
export async function signatureOf(seals: Seals, request: SignRequest): Promise<Uint8Array> {
  const answer = await seals.sign(request);
  if (answer.state !== 'SIGNED') throw new Error(answer.state);
  return answer.signature;
}
