import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLog } from '../../subgraphs/kernel/environment/log.ts';
import { parseEnvironment } from '../../subgraphs/kernel/environment/parse.ts';
import { currentCaller, keyOfAddress } from '../../subgraphs/kernel/http/caller.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { Overload, type OverloadCode } from '../../subgraphs/kernel/limits/overload.ts';
import {
  type ServiceIdentity,
  type ServiceReceiver,
  writeServiceToken,
} from '../../subgraphs/kernel/sealing/service-token.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { forgeIdentity, identities, servicesOf } from '../support/services.ts';
import { createStubGateway, postQuery, type StubGateway, type Stubs } from '../support/stubs.ts';

const clock = testClock('2022-09-29');
const QUERY = '{ licenseStatus(identifier: "x") { name } }';
const PROXIES = ['127.0.0.1', '10.0.0.0/8', '2001:db8:1::/48'];

/** The callers that the stub of licenses has seen. */
let seenCallers: string[] = [];
/** What the stub of licenses throws. */
let overload: Overload | null = null;
const stubs: Stubs = {
  licenses: {
    Query: {
      licenseStatus: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        seenCallers.push(currentCaller());
        if (overload) throw overload;
        return null;
      },
    },
  },
};

const gateways: StubGateway[] = [];
const makeGateway = async (...rest: [('local' | 'http')?, object?]) => {
  const gateway = await createStubGateway(clock, stubs, ...rest);
  gateways.push(gateway);
  return gateway;
};
afterAll(() => Promise.all(gateways.map((gateway) => gateway.stop())));

/** Sends the query from a peer with headers, and returns the caller that the resolver saw. */
async function findCaller(app: FastifyInstance, peer: string, headers: Record<string, string> = {}): Promise<unknown> {
  seenCallers = [];
  const payload = { query: QUERY };
  await app.inject({ method: 'POST', url: '/graphql', remoteAddress: peer, headers, payload });
  return seenCallers[0];
}

test.each([
  ['192.0.2.7', 'address:192.0.2.7'],
  ['::ffff:192.0.2.7', 'address:192.0.2.7'],
  ['2001:db8::1', 'address:2001:db8:0:0::/64'],
  ['2001:db8:0:0:ffff::9', 'address:2001:db8:0:0::/64'],
  ['2001:db8:0:1::1', 'address:2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'address:fe80:0:0:0::/64'],
  ['192.0.2.7:51234', 'address:192.0.2.7'],
  ['[2001:db8::1]:51234', 'address:2001:db8:0:0::/64'],
  ['[2001:db8::1]', 'address:2001:db8:0:0::/64'],
  ['[::ffff:192.0.2.7]:1', 'address:192.0.2.7'],
  ['192.0.2.7:', 'address:unknown'],
  ['192.0.2.7:port', 'address:unknown'],
  ['[192.0.2.7', 'address:unknown'],
  ['x'.repeat(5_000), 'address:unknown'],
  ['', 'address:unknown'],
  [undefined, 'address:unknown'],
])('the key of %s', (address, key) => {
  expect(keyOfAddress(address)).toBe(key);
});

test('work that no request asked for has the caller hub', () => {
  expect(currentCaller()).toBe('hub');
});

describe.each(['local', 'http'] as const)('%s subgraphs', (transport) => {
  let open: FastifyInstance;
  let proxied: FastifyInstance;
  let token: string;

  beforeAll(async () => {
    open = (await makeGateway(transport)).app;
    proxied = (await makeGateway(transport, { trustedProxies: PROXIES })).app;
    token = await tokenFor(requireDemoPerson('auditor'), clock());
  });

  test('the public is known by its address', async () => {
    expect(await findCaller(open, '192.0.2.7')).toBe('address:192.0.2.7');
  });

  test('a person is known by the subject of a verified token', async () => {
    const headers = { authorization: `Bearer ${token}` };
    expect(await findCaller(open, '192.0.2.7', headers)).toBe('person:auditor');
  });

  test.each([
    ['without a trusted proxy nobody names an address', 'open', '127.0.0.1', '198.51.100.1', '127.0.0.1'],
    [
      'behind a trusted proxy the address is what it added',
      'proxied',
      '127.0.0.1',
      '1.1.1.1, 198.51.100.1',
      '198.51.100.1',
    ],
    [
      'behind two trusted proxies it is what the first added',
      'proxied',
      '127.0.0.1',
      '1.1.1.1, 198.51.100.1, 10.2.3.4',
      '198.51.100.1',
    ],
    ['the address may have a port', 'proxied', '127.0.0.1', '1.1.1.1, 198.51.100.1:5123', '198.51.100.1'],
    [
      'so may a trusted proxy',
      'proxied',
      '127.0.0.1',
      '1.1.1.1, 198.51.100.1:5123, 10.2.3.4:80, [2001:db8:1::9]:81',
      '198.51.100.1',
    ],
    ['a stranger is not a trusted proxy', 'proxied', '192.0.2.7', '198.51.100.1', '192.0.2.7'],
    ['what a trusted proxy adds and is no address counts together', 'proxied', '127.0.0.1', 'nobody', 'unknown'],
  ])('%s', async (_title, gateway, peer, forwarded, address) => {
    const app = gateway === 'open' ? open : proxied;
    expect(await findCaller(app, peer, { 'x-forwarded-for': forwarded })).toBe(`address:${address}`);
  });

  test('the log tells once of a trusted proxy that sends no address', async () => {
    const lines: string[] = [];
    startLog({ service: 'test', level: 'warn', write: (line) => lines.push(line) });
    const { app } = await makeGateway(transport, { trustedProxies: PROXIES });
    for (const name of ['192.0.2.1', 'nobody', 'somebody'])
      await findCaller(app, '127.0.0.1', { 'x-forwarded-for': name });
    startLog({ service: 'hub', level: 'error' });
    expect(
      lines.filter((line) => line.includes('the header of a trusted proxy has no address of the client')),
    ).toHaveLength(1);
  });

  test('the headers of the gateway are not taken from outside', async () => {
    const proof = await writeServiceToken(identities.gateway, 'cases', clock());
    const headers = { 'x-hub-caller': 'person%3Aadministrator', 'x-hub-proof': proof };
    expect(await findCaller(open, '192.0.2.7', headers)).toBe('address:192.0.2.7');
  });

  test.each<[OverloadCode, number]>([
    ['RATE_LIMITED', 429],
    ['OVERLOADED', 503],
    ['DEADLINE_EXCEEDED', 503],
  ])('an operation that ends by %s has its status and Retry-After', async (code, status) => {
    overload = new Overload(code, 6.5);
    const answer = await open.inject({ method: 'POST', url: '/graphql', payload: { query: QUERY } });
    overload = null;
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([status, '7']);
    const [error] = answer.json().errors;
    expect(error).toMatchObject({ message: new Overload(code).message, extensions: { code, retryAfter: 7 } });
  });

  test('other data of the operation is answered with status 200', async () => {
    overload = new Overload('OVERLOADED');
    const { status, data, errors } = await postQuery(open, `{ __typename ${QUERY.slice(1)}`);
    overload = null;
    expect([status, data?.__typename, errors?.[0]?.extensions.code]).toEqual([200, 'Query', 'OVERLOADED']);
  });
});

describe('a subgraph in its own process', () => {
  const app = createApp(() => {}, { gateway: { services: servicesOf('cases'), now: clock } });
  app.post('/caller', async () => currentCaller());
  app.post('/busy', async () => {
    throw new Overload('OVERLOADED', 3);
  });

  const ask = async (caller: string, identity: ServiceIdentity, receiver: ServiceReceiver) => {
    const headers = { 'x-hub-caller': caller, 'x-hub-proof': await writeServiceToken(identity, receiver, clock()) };
    return (await app.inject({ method: 'POST', url: '/caller', headers, payload: { body: 'x'.repeat(100_000) } })).body;
  };

  test.each<[string, string, ServiceIdentity, ServiceReceiver, string]>([
    ['the gateway is believed', encodeURIComponent('person:张三'), identities.gateway, 'cases', 'person:张三'],
    ['another key proves nothing', 'person:a', forgeIdentity('gateway'), 'cases', 'address:127.0.0.1'],
    ['another process proves nothing', 'person:a', identities.licenses, 'cases', 'address:127.0.0.1'],
    ['a proof for another process proves nothing', 'person:a', identities.gateway, 'seals', 'address:127.0.0.1'],
    ['a caller that cannot be decoded is none', '%zz', identities.gateway, 'cases', 'address:127.0.0.1'],
    ['a caller without end is none', 'a'.repeat(1_025), identities.gateway, 'cases', 'address:127.0.0.1'],
  ])('%s', async (_title, caller, identity, receiver, expected) => {
    expect(await ask(caller, identity, receiver)).toBe(expected);
  });

  test('a route that throws Overload answers with its status, Retry-After, code and sentence', async () => {
    const answer = await app.inject({ method: 'POST', url: '/busy' });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '3']);
    expect(answer.json()).toEqual({ code: 'OVERLOADED', message: new Overload('OVERLOADED').message, retryAfter: 3 });
  });
});

test.each([
  ['10.0.0.1', ['10.0.0.1']],
  ['10.0.0.0/8, ::1,2001:db8::/32', ['10.0.0.0/8', '::1', '2001:db8::/32']],
  ['', []],
])('TRUSTED_PROXIES=%s', (text, networks) => {
  expect(parseEnvironment('start', { TRUSTED_PROXIES: text }).settings.TRUSTED_PROXIES).toEqual(networks);
});

test.each(['0.0.0.0/0', '::/0', 'true', '1', 'proxy.test', '10.0.0.0/33', '10.0.0.0/8 ::1', '10.1'])(
  'TRUSTED_PROXIES=%s is wrong',
  (text) => {
    const { problems } = parseEnvironment('start', { TRUSTED_PROXIES: text });
    expect(problems).toEqual([expect.stringMatching(/^TRUSTED_PROXIES: expected IP addresses and networks/)]);
  },
);
