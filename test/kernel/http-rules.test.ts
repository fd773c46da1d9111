import dns from 'node:dns';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import tls from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { proxySubgraph } from '../../gateway/remote.ts';
import { setProduction } from '../../subgraphs/kernel/environment/mode.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { OPERATOR, type Reach } from '../../subgraphs/kernel/outgoing/address.ts';
import { NoAnswer, openSocket, sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { der } from '../library/authority.ts';
import { extension, issueCertificate } from '../support/pki-builder.ts';
import { identities } from '../support/services.ts';

/** Where the client connects, over real sockets, and what it takes as an answer. Only look-ups are planted. */

const person: Reach = { by: 'PERSON', listedHosts: [] };
const limits = { timeoutMs: 3_600_000, maxAnswerBytes: 1_000 };
const UNREACHABLE = '地址无法解析或不允许连接';

const servers: Pick<Server, 'close'>[] = [];
beforeEach(() => setProduction(false));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  setProduction(false);
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) (server as Server).closeAllConnections();
    server.close();
  }
});

/** Listens on a loopback address and counts connections. */
async function listen(server: Server, host = '127.0.0.1') {
  servers.push(server);
  const peer = { connections: 0, port: 0 };
  server.on('connection', () => peer.connections++);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  peer.port = (server.address() as AddressInfo).port;
  return peer;
}
const serve = (listener: RequestListener = (_, response) => response.end('{}')) => listen(createServer(listener));

/** Answers the look-ups of names in turn with lists of addresses, the last one again and again. */
function plantAddresses(...answers: string[][]) {
  const names: string[] = [];
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, _options: object, done: (...args: unknown[]) => void) => {
    names.push(name);
    const addresses = answers[Math.min(names.length, answers.length) - 1] ?? [];
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as typeof dns.lookup);
  return names;
}

const refusal = (request: Promise<unknown>): Promise<Error> =>
  request.then(
    () => expect.fail('there was an answer'),
    (error: Error) => error,
  );

describe('a name that a person entered', () => {
  test.each([['127.0.0.1'], ['::ffff:127.0.0.1'], ['0.0.0.0'], ['127.0.0.1', '::1', '10.0.0.1']])(
    'does not lead to %s',
    async (...addresses) => {
      const peer = await serve();
      const names = plantAddresses(addresses);
      for (const protocol of ['http', 'https']) {
        const url = `${protocol}://rebind.example.cn:${peer.port}/`;
        const error = await refusal(sendRequest(url, { ...limits, reach: person }));
        expect(error).toBeInstanceOf(NoAnswer);
        // The same as of a name that does not exist: it tells nothing of the names inside.
        expect(error.message).toBe(UNREACHABLE);
      }
      expect(names).toEqual(['rebind.example.cn', 'rebind.example.cn']);
      expect(peer.connections).toBe(0);
    },
  );

  test('leads to the address that was checked, whatever a second look-up says', async () => {
    const peer = await serve();
    const names = plantAddresses(['127.0.0.1'], ['10.0.0.1']);
    const url = `http://localhost:${peer.port}/`;
    expect((await sendRequest(url, { ...limits, reach: person })).status).toBe(200);
    expect(names).toHaveLength(1);
    // The next request looks the name up again and is refused: no connection is left from the first one.
    expect((await refusal(sendRequest(url, { ...limits, reach: person }))).message).toBe(UNREACHABLE);
    expect(peer.connections).toBe(1);
  });

  test('leads only to those of its addresses that are allowed', async () => {
    const forbidden = await serve();
    const allowed = await listen(
      createServer((_, response) => response.end()),
      '127.0.0.2',
    );
    plantAddresses(['127.0.0.1', '::1', '127.0.0.2']);
    const reach: Reach = { by: 'PERSON', listedHosts: ['127.0.0.2'] };
    for (const { port } of [forbidden, allowed])
      await refusal(sendRequest(`https://many.example.cn:${port}/`, { ...limits, reach }));
    expect([forbidden.connections, allowed.connections]).toEqual([0, 1]);
  });

  test.each(['http://127.0.0.1', 'http://2130706433', 'http://[::ffff:127.0.0.1]', 'http://localhost'])(
    'is not this machine in production: %s',
    async (origin) => {
      const peer = await serve();
      expect((await sendRequest(`${origin}:${peer.port}/`, { ...limits, reach: person })).status).toBe(200);
      setProduction(true);
      const error = await refusal(sendRequest(`${origin}:${peer.port}/`, { ...limits, reach: person }));
      expect(error.message).toBe(UNREACHABLE);
      expect(peer.connections).toBe(1);
    },
  );

  test.each(['ftp://a.example.cn/', 'file:///etc/passwd', 'data:,x', 'ws://a.example.cn/', 'no url'])(
    'is reached by HTTP alone: %s',
    async (url) => {
      for (const reach of [person, OPERATOR])
        expect(await refusal(sendRequest(url, { ...limits, reach }))).toBeInstanceOf(NoAnswer);
    },
  );
});

describe('a host of the environment', () => {
  test('needs TLS in production, unless it is this machine', async () => {
    const peer = await serve();
    plantAddresses(['127.0.0.1'], ['10.255.255.1']);
    setProduction(true);
    const url = `http://seals.example.cn:${peer.port}/`;
    expect((await sendRequest(url, { ...limits, reach: OPERATOR })).status).toBe(200);
    const other = `http://other.example.cn:${peer.port}/`;
    expect((await refusal(sendRequest(other, { ...limits, reach: OPERATOR }))).message).toBe(UNREACHABLE);
  });
  test('is checked for a TCP connection too', async () => {
    const peer = await listen(createTcpServer((socket) => socket.end()) as unknown as Server);
    setProduction(true);
    expect(() => openSocket('10.255.255.1', peer.port, limits.timeoutMs)).toThrow(NoAnswer);
    plantAddresses(['169.254.169.254']);
    const socket = openSocket('scanner.example.cn', peer.port, limits.timeoutMs);
    await new Promise((resolve) => socket.on('error', resolve));
    expect(peer.connections).toBe(0);
    const own = openSocket('127.0.0.1', peer.port, limits.timeoutMs);
    await new Promise((resolve) => own.on('close', resolve).resume());
    expect(peer.connections).toBe(1);
  });
});

describe('TLS', () => {
  const alternativeName = extension('2.5.29.17', false, der(0x30, der(0x82, Buffer.from('localhost'))));
  const { pair, certificate } = issueCertificate({ isCa: true, usage: null, extra: [alternativeName] });
  const cert = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`;
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const serveSecurely = () => listen(createSecureServer({ key, cert }, (_, response) => response.end('{}')));

  test('takes no certificate that nobody trusts, not even if the environment says so', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const peer = await serveSecurely();
    for (const reach of [person, OPERATOR]) {
      const error = await refusal(sendRequest(`https://localhost:${peer.port}/`, { ...limits, reach }));
      expect(error.message).toBe('对方的证书不可信');
    }
  });

  test("takes the certificate of an office's own authority", async () => {
    const authorities = tls.getCACertificates('default');
    const peer = await serveSecurely();
    tls.setDefaultCACertificates([...authorities, cert]);
    try {
      const url = `https://localhost:${peer.port}/`;
      expect((await sendRequest(url, { ...limits, reach: person })).status).toBe(200);
      // The name must be the certificate's.
      const other = `https://127.0.0.1:${peer.port}/`;
      expect((await refusal(sendRequest(other, { ...limits, reach: person }))).message).toBe('对方的证书不可信');
    } finally {
      tls.setDefaultCACertificates(authorities);
    }
  });

  test("the gateway's proxy checks certificates and addresses like the client", async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const app = createApp(() => {});
    const proof = { identity: identities.gateway, now: () => new Date() };
    servers.push(app as never);
    const secure = await serveSecurely();
    const plain = await serve();
    await proxySubgraph(app, 'cases', `https://localhost:${secure.port}`, proof);
    await proxySubgraph(app, 'matters', `http://matters.example.cn:${plain.port}`, proof);
    expect((await app.inject('/cases/x')).statusCode).toBe(502);
    plantAddresses(['169.254.169.254'], ['127.0.0.1']);
    expect((await app.inject('/matters/x')).statusCode).toBe(502);
    expect(plain.connections).toBe(0);
    expect((await app.inject('/matters/x')).statusCode).toBe(200);
    setProduction(true);
    await expect(proxySubgraph(app, 'seals', 'http://10.0.0.1:4004', proof)).rejects.toThrow(NoAnswer);
  });
});

describe('an answer', () => {
  const bomb = gzipSync(Buffer.alloc(10_000_000));
  test.each<[string, RequestListener, string]>([
    [
      'that is compressed',
      (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb.subarray(0, 900)),
      '答复经过压缩，不予读取',
    ],
    ['by another coding', (_, response) => response.writeHead(200, { 'content-encoding': 'BR' }).end('x'), '压缩'],
    ['with long headers', (_, response) => response.writeHead(200, { 'x-a': 'a'.repeat(20_000) }).end(), '头部过长'],
    ['that is no HTTP', (request) => request.socket.end('SSH-2.0-OpenSSH_9.6\r\n'), '答复不是 HTTP'],
    ['that redirects', (_, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end(), '重定向'],
    [
      'that changes the protocol',
      (request) => request.socket.end('HTTP/1.1 101 x\r\nupgrade: a\r\nconnection: upgrade\r\n\r\n'),
      '连接',
    ],
  ])('%s is none', async (_, listener, reason) => {
    const peer = await serve(listener);
    const url = `http://localhost:${peer.port}/`;
    expect((await refusal(sendRequest(url, { ...limits, reach: person }))).message).toContain(reason);
    expect(peer.connections).toBe(1);
  });

  test('is asked for without compression, on a connection of its own, past any proxy of the environment', async () => {
    const seen: (string | undefined)[] = [];
    const peer = await serve((request, response) => {
      seen.push(`${request.headers['accept-encoding']} ${request.url} ${request.headers.connection}`);
      response.end();
    });
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) vi.stubEnv(name, `http://127.0.0.1:1`);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    const url = `http://localhost:${peer.port}/a`;
    for (let i = 0; i < 2; i++) await sendRequest(url, { ...limits, reach: person });
    expect(seen).toEqual(['identity /a close', 'identity /a close']);
    expect(peer.connections).toBe(2);
  });
});

test("a person's request never takes a connection that the operator's rules have opened", async () => {
  const peer = await serve();
  const url = `http://localhost:${peer.port}/`;
  await sendRequest(url, { ...limits, reach: OPERATOR });
  await sendRequest(url, { ...limits, reach: OPERATOR });
  expect(peer.connections).toBe(1);
  setProduction(true);
  expect((await refusal(sendRequest(url, { ...limits, reach: person }))).message).toBe(UNREACHABLE);
  setProduction(false);
  await sendRequest(url, { ...limits, reach: person });
  expect(peer.connections).toBe(2);
});
