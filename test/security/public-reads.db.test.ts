import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import type { Socket } from 'node:net';
import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { createSigner, type Signer } from '../../subgraphs/seals/signer/signer.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { listRoutes } from '../support/routes.ts';
import { waitUntil } from '../support/until.ts';

/**
 * What the public reads is made ahead, or at most once in a period however many requests ask for it. Every route and
 * every root query is asked without a token. New ones are covered by themselves.
 */

let hub: TestHub;
let clock: TestClock;
let sql: postgres.Sql;
let license: { identifier: string; document: { digest: string; url: string } };
/** Calls of the signer, by name: signatures, statements, timestamps, lists. */
const signerCalls = new Map<string, number>();
/** While it is set, the signer answers only when it resolves. */
let signerHold: Promise<void> | null = null;

function countCalls(signer: Signer): Signer {
  return new Proxy(signer, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return (...input: unknown[]) => {
        signerCalls.set(String(name), (signerCalls.get(String(name)) ?? 0) + 1);
        if (name !== 'attest' || !signerHold) return value.apply(target, input);
        return signerHold.then(() => value.apply(target, input));
      };
    },
  });
}

beforeAll(async () => {
  clock = testClock('2026-03-02');
  const serviceKeys = generateServiceKeys();
  const signer = countCalls(
    createSigner({ ring: [RUN_KEY_ENCRYPTION_KEY], publicKeys: serviceKeys.publicKeys, now: clock }),
  );
  hub = await createTestHub({ now: clock, signer, serviceKeys });
  license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

/** Returns the number of rows of every table and the newest transaction that wrote one, and all calls of the signer. */
async function readTraces(): Promise<string[]> {
  const tables = await sql`select schemaname as schema, tablename as name from pg_tables
    where schemaname in ('matters', 'cases', 'licenses', 'seals') order by 1, 2`;
  const traces: string[] = [];
  for (const { schema, name } of tables) {
    const [row] = await sql`select count(*)::text as rows, max(xmin::text::bigint)::text as newest
      from ${sql(schema)}.${sql(name)}`;
    traces.push(`${schema}.${name} ${row?.rows} ${row?.newest}`);
  }
  return [...traces, ...[...signerCalls].map(([name, count]) => `signer ${name} ${count}`).sort()];
}

/** Waits until background work, such as the sequencer of the log, has nothing left to write. */
async function settle(): Promise<string[]> {
  let traces: string[] = [];
  await waitUntil('nothing is written any more', async () => {
    const before = traces;
    await new Promise((resolve) => setTimeout(resolve, 300));
    traces = await readTraces();
    return JSON.stringify(before) === JSON.stringify(traces);
  });
  return traces;
}

/** Returns a value of a type: what exists where possible, so that the resolver does its whole work. */
function exampleOf(type: GraphQLInputType, name: string): unknown {
  if (isNonNullType(type)) return exampleOf(type.ofType, name);
  if (isListType(type)) return [exampleOf(type.ofType, name)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    if (type.name === 'VerifyLicenseInput') return { digest: license.document.digest };
    return exampleOfAll(Object.values(type.getFields()));
  }
  const values: Record<string, unknown> = {
    Int: 1,
    Boolean: true,
    Date: '2026-01-05',
    DateTime: '2026-01-05T00:00:00Z',
  };
  return values[type.name] ?? license.identifier;
}

function exampleOfAll(parts: readonly Pick<GraphQLArgument, 'name' | 'type'>[]): Record<string, unknown> {
  const required = parts.filter(({ type }) => isNonNullType(type));
  return Object.fromEntries(required.map(({ name, type }) => [name, exampleOf(type, name)]));
}

/** Returns a query of each root field, with every field of its answer that has no fields and arguments itself. */
function listQueries(): { query: string; variables: Record<string, unknown> }[] {
  const sdl = readFileSync(new URL('../../gateway/supergraph.graphql', import.meta.url), 'utf8');
  const fields = Object.values(buildSchema(sdl, { assumeValid: true }).getQueryType()?.getFields() ?? {});
  return fields.map(({ name, args, type }) => {
    const required = args.filter((argument) => isNonNullType(argument.type));
    const parameters = required.map((argument) => `$${argument.name}: ${argument.type}`).join(', ');
    const values = required.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
    const target = getNamedType(type);
    const leaves = 'getFields' in target ? Object.values(target.getFields()) : [];
    const names = leaves.filter(
      (leaf) => isLeafType(getNamedType(leaf.type)) && !('args' in leaf && leaf.args.length > 0),
    );
    const selection = isLeafType(target) ? '' : `{ __typename ${names.map((leaf) => leaf.name).join(' ')} }`;
    const head = parameters === '' ? 'query' : `query(${parameters})`;
    return {
      query: `${head} { ${name}${values === '' ? '' : `(${values})`} ${selection} }`,
      variables: exampleOfAll(args),
    };
  });
}

/** Sends every request of the public once. Returns the statuses by request. */
async function askAll(): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  for (const { method, url } of await listRoutes(hub.hub.app)) {
    const target = url
      .replace(':identifier', license.identifier)
      .replace(':digest', license.document.digest)
      .replace(/:\w+/g, license.identifier)
      .replace('*', '0/000');
    const payload = method === 'GET' ? {} : { payload: {} };
    const answer = await hub.hub.app.inject({ method: method as 'GET', url: target, ...payload });
    statuses.set(`${method} ${url}`, answer.statusCode);
  }
  for (const payload of [...listQueries(), { query: '{ __schema { types { name } } }' }]) {
    const answer = await hub.hub.app.inject({ method: 'POST', url: '/graphql', payload });
    statuses.set(payload.query, answer.statusCode);
  }
  return statuses;
}

test('many requests of the public write no row and no leaf, and sign nothing', async () => {
  const statuses = await askAll();
  expect(statuses.get('GET /licenses/evidence/:identifier')).toBe(200);
  expect([...statuses.keys()].filter((request) => request.includes('verifyLicense'))).toHaveLength(1);
  expect([...statuses].filter(([, status]) => status >= 500)).toEqual([]);
  const before = await settle();
  for (let round = 0; round < 5; round++) await askAll();
  expect(await settle()).toEqual(before);
});

test('the state of a license is signed once a day, however many ask at the same time', async () => {
  const url = `/licenses/evidence/${license.identifier}`;
  const readStatement = async () => JSON.parse((await hub.hub.app.inject({ url })).body).status as string;
  const first = await readStatement();
  // 23:00 in Shanghai, then after midnight.
  clock.advance(11 * 3_600_000);
  expect(await readStatement()).toBe(first);
  clock.advance(2 * 3_600_000);
  const signed = signerCalls.get('attest') ?? 0;
  const statements = await Promise.all(Array.from({ length: 20 }, readStatement));
  expect(new Set(statements).size).toBe(1);
  expect(statements[0]).not.toBe(first);
  expect(await readStatement()).toBe(statements[0]);
  expect(signerCalls.get('attest')).toBe(signed + 1);
});

test('the state is signed once, however many clients go away while it is signed', async () => {
  const address = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
  clock.advance(48 * 3_600_000);
  const signed = signerCalls.get('attest') ?? 0;
  for (let round = 0; round < 3; round++) {
    const hold = Promise.withResolvers<void>();
    signerHold = hold.promise;
    const before = signerCalls.get('attest');
    const connected = once(hub.hub.app.server, 'connection') as Promise<[Socket]>;
    let isAnswered = false;
    const client = get(`${address}/licenses/evidence/${license.identifier}`, { agent: false }, (answer) => {
      isAnswered = true;
      answer.resume();
    }).on('error', () => {});
    const [socket] = await connected;
    await waitUntil('the signer or the client has it', async () => isAnswered || signerCalls.get('attest') !== before);
    if (!socket.destroyed) {
      const closed = once(socket, 'close');
      client.destroy();
      await closed;
    }
    hold.resolve();
    await settle();
  }
  signerHold = null;
  expect(signerCalls.get('attest')).toBe(signed + 1);
});
