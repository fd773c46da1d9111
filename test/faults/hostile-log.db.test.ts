import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildSignedHeaders, parseSecret } from '../../scripts/supervisor/signature.ts';
import { startLog } from '../../subgraphs/kernel/environment/log.ts';
import { buildPdf } from '../support/files.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import {
  buildMessage,
  createForwardedCase,
  createPlatformKeys,
  GRANT_BODY,
  type PlatformKeys,
  registerPlatform,
  signMessage,
} from '../support/platform.ts';
import { administer } from '../support/proposal.ts';
import { listRoutes, type Route } from '../support/routes.ts';
import { waitUntil } from '../support/until.ts';

/**
 * Hostile text on every way into the log: callers' paths, parameters, headers, bodies, operations and files, messages
 * of platforms and supervisors, and answers of peers. First the hub refuses it, then its tables are gone and it fails.
 */

const PERSON = '罗德福';
const NUMBER = '11010519491231002X';
const MARK = 'Hostilina7';
/** What any field may hold. */
const PLAIN = `${PERSON} ${NUMBER} ${MARK}`;
const JSON_LIKE = `"},"level":"error","event":"fault","incident":"${MARK}"`;
const BEARER = `Bearer eyJhbGciOiJFZERTQSJ9.${Buffer.from(JSON_LIKE).toString('base64url')}.${MARK.repeat(8)}`;
const HOSTILE = `${PLAIN}\r\n{${JSON_LIKE}}\n\u001b[31m\u202e\u2028\u0085\0${BEARER}`;
const TEXTS: Readonly<Record<string, string>> = {
  plain: PLAIN,
  hostile: HOSTILE,
  'a line feed first': `\n{${JSON_LIKE}}`,
  'of 1.3 MB': `${HOSTILE} `.repeat(4_000),
};
const NEEDLES = [PERSON, NUMBER, MARK, MARK.toUpperCase(), encodeURIComponent(PERSON), 'eyJhbGciOiJFZERTQSJ9'];
const MAX_LINE_CHARS = 10_000;

let hub: TestHub;
let peer: Server;
let token: string;
let routes: Route[];
let identifier: string;
let forwarded: { id: string; number: string };
let keys: PlatformKeys;
let webhook: { id: string; secret: string };
const lines: string[] = [];
const entries = () => lines.map((line) => JSON.parse(line));

/** A peer whose every answer is hostile: its status line, its headers, and its body, which is one that may be shown. */
function answerHostile(count: number): string {
  const reason = JSON.stringify({ error: PLAIN, code: MARK, message: HOSTILE, reasons: [HOSTILE], temporary: true });
  const body = count % 2 === 0 ? reason : HOSTILE;
  const type = `content-type: application/json\r\nx-peer: ${MARK}`;
  const head = `HTTP/1.1 ${count % 3 === 0 ? 500 : 200} ${MARK}\r\n${type}`;
  // Every fourth answer is no HTTP.
  if (count % 4 === 3) return HOSTILE;
  return `${head}\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

beforeAll(async () => {
  startLog({ service: 'hub', level: 'debug', write: (line) => lines.push(line) });
  let answers = 0;
  peer = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answerHostile(answers++)));
  });
  peer.listen(0, '127.0.0.1');
  await once(peer, 'listening');
  const url = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
  hub = await createTestHub({
    onFault: undefined,
    library: { url, clientId: MARK, clientSecret: `${MARK}-of-the-hub` },
  });
  token = await hub.token('yudu-lyj.clerk');
  routes = await listRoutes(hub.hub.app);
  keys = await createPlatformKeys();
  await registerPlatform(hub, keys, { url });
  const input = { organ: 'yudu-lyj', url };
  const registered = await administer(
    hub,
    'registerWebhook',
    'RegisterWebhookInput',
    input,
    'webhook { id: uuid } secret',
  );
  webhook = { id: registered.webhook.id, secret: registered.secret };
  forwarded = await createForwardedCase(hub);
  const caseId = await grantCase(hub, ROUTES.DIRECT);
  identifier = (await issueGrantedLicense(hub, ROUTES.DIRECT, caseId, 1)).identifier;
});
afterAll(async () => {
  await hub?.stop();
  peer?.close();
  startLog({ service: 'hub', level: 'error' });
});

interface Sent {
  method: string;
  url: string;
  headers?: Record<string, string>;
  payload?: string | Buffer;
}

interface Failure extends Route {
  incident: string;
}

/** Sends a request. Returns a failure for each incident in its answer. */
async function send(route: Route, { method, url, headers = {}, payload }: Sent): Promise<Failure[]> {
  const request = { method: method as 'GET', url, headers: { authorization: `Bearer ${token}`, ...headers } };
  const answer = await hub.hub.app.inject(payload === undefined ? request : { ...request, payload });
  const incidents = [...answer.body.matchAll(/"incident":"([^"]*)"/g)].map(([, incident = '']) => incident);
  if (answer.statusCode === 500) expect([url.slice(0, 200), incidents.length]).toEqual([url.slice(0, 200), 1]);
  return incidents.map((incident) => ({ ...route, incident }));
}

const HEADERS = [
  'x-file-name',
  'x-purpose',
  'x-purpose-remark',
  'user-agent',
  'referer',
  'cookie',
  'x-request-id',
  'x-forwarded-for',
].concat([
  'if-none-match',
  'x-jws-signature',
  'tongquan-webhook',
  'webhook-id',
  'webhook-signature',
  'origin',
  'tq-caller',
]);
const fill = (url: string, value: string) => url.replace(/:\w+|\*$/g, () => value);
/** Values that reach the handler of a route with a parameter. */
const GOOD_VALUES = () => [identifier, 'a'.repeat(64)];

/** Requests to one route that are hostile in one place each. */
function* listRequests({ method, url }: Route, text: string): Generator<Sent> {
  const body = method === 'GET' ? {} : { payload: JSON.stringify({ text }) };
  const json = { 'content-type': 'application/json' };
  const encoded = encodeURIComponent(text.slice(0, 4_000));
  yield { method, url: fill(url, encoded), headers: json, ...body };
  for (const value of text.length > 4_000 ? [] : GOOD_VALUES()) {
    yield { method, url: `${fill(url, value)}?name=${encoded}&${encoded}=1&lang=${encoded}`, headers: json, ...body };
    yield {
      method,
      url: fill(url, value),
      headers: { ...json, authorization: `Bearer ${text.slice(0, 4_000)}` },
      ...body,
    };
    const headers = Object.fromEntries(HEADERS.map((name) => [name, encoded]));
    yield { method, url: fill(url, value), headers: { ...json, ...headers }, ...body };
    yield { method, url: fill(url, value), headers: { ...json, 'x-file-name': text, 'webhook-id': text }, ...body };
  }
  if (method === 'GET') return;
  yield { method, url: fill(url, identifier), headers: { 'content-type': text.slice(0, 4_000) }, payload: text };
  yield { method, url: fill(url, identifier), headers: json, payload: text };
}

const GRAPHQL: Route = { method: 'POST', url: '/graphql' };
const APPLICATION =
  'mutation($input: ApplicationInput!) { acceptCase(input: $input) { case { id: uuid } refusal { code } } }';

/** GraphQL requests that are hostile in their document, operation name or variables. */
function* listOperations(text: string): Generator<object> {
  const name = `${MARK}_${NUMBER}`;
  yield {
    query: `query ${name} { ${name}: case(id: ${JSON.stringify(text)}) { ...${name} } }
      fragment ${name} on Case { id }`,
  };
  yield { query: `query ${name} { matters(first: 1) { totalCount } } query b { __typename }`, operationName: text };
  yield { query: text };
  yield { query: `{ ${name} }`, variables: { [text]: text } };
  yield { query: 'query($id: ID!) { case(id: $id) { id: uuid } }', variables: { id: text } };
  const filter = { number: text, nameContains: text };
  yield {
    query: 'query($f: LicenseFilter) { licenses(first: 1, filter: $f) { totalCount } }',
    variables: { f: filter },
  };
  yield { query: `{ licenseStatus(identifier: "${identifier}") { state } matters(first: 1) { totalCount } }` };
  const applicant = { name: text, codeKind: 'CITIZEN_NUMBER', code: NUMBER };
  const input = { matter: ROUTES.DIRECT.matter, applicant, fields: [{ label: '采伐地点', text }] };
  yield { query: APPLICATION, variables: { input } };
  yield { query: APPLICATION, variables: { input: text } };
}

/** Sends everything hostile. Returns the failures. */
async function attack(): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const text of Object.values(TEXTS)) {
    // Operations first, while the hub still knows the caller: later it may ask the lost tables who that is.
    for (const operation of listOperations(text)) {
      const payload = JSON.stringify(operation);
      const headers = { 'content-type': 'application/json' };
      failures.push(...(await send(GRAPHQL, { ...GRAPHQL, headers, payload })));
    }
    for (const route of routes) {
      for (const request of listRequests(route, text)) failures.push(...(await send(route, request)));
    }
    const upload = { method: 'POST', url: '/cases/materials' };
    const fileHeaders = { 'content-type': 'application/pdf', 'x-file-name': encodeURIComponent(text.slice(0, 60)) };
    failures.push(...(await send(upload, { ...upload, headers: fileHeaders, payload: Buffer.from(buildPdf(text)) })));
    failures.push(...(await sendMessages(text)));
  }
  return failures;
}

/** Sends correctly signed messages of the platform and of the supervision system. */
async function sendMessages(text: string): Promise<Failure[]> {
  const by = { id: text, name: text };
  const messages = [
    buildMessage('DECIDED', forwarded.number, new Date(), { ...GRANT_BODY, opinion: PLAIN }),
    buildMessage('DECIDED', forwarded.number, new Date(), { ...GRANT_BODY, by, [text]: text }),
    buildMessage(text, text, new Date(), { id: text, organ: text }),
  ];
  const platform = { method: 'POST', url: '/cases/platform/v1/messages' };
  const failures: Failure[] = [];
  for (const message of messages) {
    const payload = JSON.stringify(message);
    const headers = {
      'content-type': 'application/json',
      'x-jws-signature': await signMessage(keys, payload, new Date()),
    };
    failures.push(...(await send(platform, { ...platform, headers, payload })));
  }
  const finding = { method: 'POST', url: '/cases/supervision/findings' };
  for (const data of [
    { case: forwarded.id, kind: 'NOTICE', text: PLAIN, by: PERSON },
    { [text]: text, kind: text, text },
  ]) {
    const payload = JSON.stringify({ type: 'finding', data });
    const headers = buildSignedHeaders(webhook.id, parseSecret(webhook.secret), payload, new Date());
    failures.push(...(await send(finding, { ...finding, headers, payload })));
  }
  return failures;
}

const REQUEST_FIELDS = ['request', 'method', 'route', 'fields', 'case', 'license', 'incident'];
const KNOWN_FIELDS = new Set([
  'level',
  'time',
  'service',
  'event',
  'status',
  'ms',
  'error',
  'stream',
  ...REQUEST_FIELDS,
]);

function expectCleanLines(): void {
  const patterns = new Set([...routes.map(({ url }) => url), 'unknown', '/graphql', '*']);
  for (const line of lines) {
    expect(line).toMatch(/^\{[\x20-\x7e…]+\}\n$/);
    expect(line.length).toBeLessThan(MAX_LINE_CHARS);
    for (const needle of NEEDLES) expect([line, line.includes(needle)]).toEqual([line, false]);
    const entry = JSON.parse(line);
    expect(Object.keys(entry).filter((field) => !KNOWN_FIELDS.has(field))).toEqual([]);
    if (entry.route !== undefined) expect(patterns).toContain(entry.route);
  }
}

/** Checks that each answer's incident is in exactly one line of a fault, with the request that had it. */
function expectOneLineEach(failures: readonly Failure[]): void {
  const faults = entries().filter(({ event }) => event === 'fault');
  const byIncident = Map.groupBy(faults, ({ incident }) => incident);
  for (const { incident, method, url } of failures) {
    const place = { method, route: url, request: expect.any(String), error: expect.any(Object) };
    expect(byIncident.get(incident), `${method} ${url}`).toEqual([expect.objectContaining(place)]);
  }
  const named = faults.flatMap(({ route, fields }) => (route === '/graphql' && fields !== undefined ? [fields] : []));
  expect(new Set(named)).toEqual(new Set(['licenseStatus matters', 'acceptCase']));
  expect(faults).toHaveLength(new Set(failures.map(({ incident }) => incident)).size);
}

/** What people read of deliveries that failed. */
async function listLastErrors(sql: postgres.Sql, schema: string): Promise<string[]> {
  const rows = await sql`select last_error from ${sql(schema)}.outbox_delivery where last_error is not null`;
  return rows.map((row) => row.last_error as string);
}

test('refusals and failures write clean lines, and each number that people see is in one of them', async () => {
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  await waitUntil('deliveries to peers have failed', async () => entries().some(({ event }) => event === 'failure'));
  const refusals = await attack();
  const lastErrors = [...(await listLastErrors(sql, 'cases')), ...(await listLastErrors(sql, 'licenses'))];
  for (const schema of ['matters', 'cases', 'licenses', 'seals']) {
    await sql.unsafe(`alter schema ${schema} rename to lost_${schema}`);
  }
  const failures = await attack();
  await sql.end();

  expect(refusals).toEqual([]);
  expect(lastErrors.length).toBeGreaterThan(0);
  // What a peer says is kept in one line, and without the code that it repeats.
  expect(lastErrors.filter((text) => text.includes(NUMBER) || /[\p{Cc}\u2028\u2029]/u.test(text))).toEqual([]);
  const numbers = lastErrors.flatMap((text) => /故障编号 (\S+)。/.exec(text)?.[1] ?? []);
  const reported = entries().filter(({ event }) => event === 'failure');
  for (const number of numbers) expect(reported.filter(({ incident }) => incident === number)).toHaveLength(1);
  const paths = ['/graphql', '/cases/materials', '/cases/platform/v1/messages', '/cases/supervision/findings'];
  for (const url of [...paths, '/licenses/evidence/:identifier', '/v/:identifier', '/licenses/status-list'])
    expect(failures.map((failure) => failure.url)).toContain(url);
  expectOneLineEach(failures);
  expectCleanLines();
});
