import { connect } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { proxySubgraph } from '../../gateway/remote.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { identities } from '../support/services.ts';

/** What a path may be that the gateway hands on with its proof, over real sockets: a client would normalise it. */

const reached: string[] = [];
const faults: unknown[] = [];
let subgraph: FastifyInstance;
let gateway: FastifyInstance;
let port: number;
beforeAll(async () => {
  subgraph = Fastify();
  subgraph.all('/*', async ({ url }) => void reached.push(url));
  const baseUrl = await subgraph.listen({ host: '127.0.0.1', port: 0 });
  gateway = createApp((_, error) => faults.push(error));
  const proof = { identity: identities.gateway, now: () => new Date() };
  await proxySubgraph(gateway, 'licenses', baseUrl, proof);
  port = Number(new URL(await gateway.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(async () => {
  await gateway.close();
  await subgraph.close();
});
beforeEach(() => {
  reached.length = 0;
  faults.length = 0;
});

/** Sends a request whose target is these very characters, and returns its status. */
function send(method: string, target: string): Promise<number> {
  const body = method === 'GET' ? '' : '{}';
  const head = `${method} ${target} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\ncontent-type: application/json`;
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    socket.on('close', () => resolve(Number(answer.split(' ')[1])));
    socket.on('error', reject);
  });
}

const UP = ['..', '%2e%2e', '.%2E', '%2E.'];
const SEPARATORS = ['/', '\\'];
const PREFIXES = ['licenses', 'files'];
const OWN_DOORS = ['graphql', 'events/cases', 'root.pem', 'health/ready'];
const AWAY = PREFIXES.flatMap((prefix) =>
  SEPARATORS.flatMap((separator) =>
    UP.flatMap((up) =>
      OWN_DOORS.flatMap((door) => [
        [`/${prefix}`, up, door].join(separator).replace(separator, '/'),
        [`/${prefix}/x`, up, up, door].join(separator),
        [`http://hub/${prefix}/x`, up, up, door].join(separator),
      ]),
    ),
  ),
);

test.each(['GET', 'POST'])('no path leads out of what a subgraph has for everybody: %s', async (method) => {
  const statuses = await Promise.all(AWAY.map((target) => send(method, target)));
  expect([...new Set(statuses)].filter((status) => status !== 400 && status !== 404)).toEqual([]);
  expect({ reached, faults }).toEqual({ reached: [], faults: [] });
});

test.each([
  ['/licenses/a/b?c=d&e', '/licenses/a/b?c=d&e'],
  ['/files/a%20b', '/files/a%20b'],
  ['/files/a%2fb', '/files/a%2fb'],
  ['/licenses/a\\..\\b', '/licenses/b'],
  ['http://other/licenses/a', '/licenses/a'],
])('%s goes on as %s', async (target, path) => {
  expect(await send('GET', target)).toBe(200);
  expect({ reached, faults }).toEqual({ reached: [path], faults: [] });
});
