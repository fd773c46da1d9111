import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Rejection } from '../../subgraphs/kernel/events/outbox-store.ts';
import { createLibraryClient, type LibraryClient } from '../../subgraphs/licenses/library/library-client.ts';
import { testParsers } from '../support/parsers.ts';
import {
  type Authority,
  CLIENT,
  makeAuthority,
  makeLicense,
  openTestLibrary,
  type TestLibrary,
} from './test-library.ts';

let authority: Authority;
let library: TestLibrary;
let client: LibraryClient;

beforeAll(async () => {
  authority = makeAuthority();
  library = await openTestLibrary(authority);
  const url = await library.app().listen({ port: 0, host: '127.0.0.1' });
  client = createLibraryClient({ parsers: testParsers, url: `${url}/`, ...CLIENT, now: library.clock });
});
afterAll(() => library.close());

/** Returns the error with which a delivery fails. */
async function catchDeliveryError(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('delivered'),
    (error: Error) => error,
  );
}

describe('against the reference library', () => {
  it('delivers, and returns the same receipt for the same delivery', async () => {
    const issue = makeLicense(authority, 'E001').version('ISSUE', 1, 1);
    const receipt = await client.deliver(issue);
    expect(receipt).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(await client.deliver(issue)).toBe(receipt);
    expect(await Promise.all([client.deliver(issue), client.deliver(issue)])).toEqual([receipt, receipt]);
  });

  it('throws Rejected with the reason if the library refuses permanently', async () => {
    const license = makeLicense(authority, 'E002');
    const wrong = {
      ...license.version('ISSUE', 1, 1),
      signature: license.version('ISSUE', 1, 1, { text: 'x' }).signature,
    };
    const error = await catchDeliveryError(client.deliver(wrong));
    expect(error).toBeInstanceOf(Rejection);
    expect(error.message).toContain('SIGNATURE_OF_OTHER_DOCUMENT');
  });

  it('throws a plain Error if an earlier act is missing, and delivers after it arrived', async () => {
    const license = makeLicense(authority, 'E003');
    const cancel = license.statement('CANCEL', 'CANCELLED', 2, 1);
    const error = await catchDeliveryError(client.deliver(cancel));
    expect(error).not.toBeInstanceOf(Rejection);
    expect(error.message).toContain('ORDER');
    await client.deliver(license.version('ISSUE', 1, 1));
    await client.deliver(cancel);
  });

  it('returns a receipt in spite of warnings', async () => {
    const lateDelivery = {
      ...makeLicense(authority, 'E004').version('ISSUE', 1, 1),
      changedAt: '2024-01-01T00:00:00.000Z',
    };
    expect(await client.deliver(lateDelivery)).toBeTruthy();
  });

  it('renews a token that the library reports as expired', async () => {
    const frozenClock = () => new Date('2024-03-05T02:00:00Z');
    const url = `http://127.0.0.1:${(library.app().server.address() as AddressInfo).port}`;
    const frozenClient = createLibraryClient({ parsers: testParsers, url, ...CLIENT, now: frozenClock });
    const license = makeLicense(authority, 'E005');
    await frozenClient.deliver(license.version('ISSUE', 1, 1));
    library.clock.advance(700_000);
    await frozenClient.deliver(license.version('CHANGE', 2, 2));
    library.clock.advance(-700_000);
  });

  it('throws a plain Error for a wrong secret, because an operator can correct it', async () => {
    const url = `http://127.0.0.1:${(library.app().server.address() as AddressInfo).port}`;
    const wrong = createLibraryClient({
      parsers: testParsers,
      url,
      ...CLIENT,
      clientSecret: 'wrong',
      now: library.clock,
    });
    const error = await catchDeliveryError(wrong.deliver(makeLicense(authority, 'E006').version('ISSUE', 1, 1)));
    expect(error).not.toBeInstanceOf(Rejection);
    expect(error.message).toContain('401');
  });
});

describe('against a library that misbehaves', () => {
  let close: () => Promise<unknown> = async () => {};
  afterEach(() => close());

  /** Starts a peer whose answers the test writes. Records the path of each request. */
  async function startPeer(answer: (path: string, reply: ServerResponse, request: IncomingMessage) => void) {
    const requestedPaths: string[] = [];
    const server = createServer((request, reply) => {
      requestedPaths.push(request.url ?? '');
      request.resume().on('end', () => answer(request.url ?? '', reply, request));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close = () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    };
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return {
      paths: requestedPaths,
      client: createLibraryClient({ parsers: testParsers, url, ...CLIENT, now: () => new Date(), timeoutMs: 400 }),
    };
  }

  const token = JSON.stringify({ access_token: 'x', expires_in: 600 });
  const answerWith = (status: number, body: string) => (path: string, reply: ServerResponse) => {
    if (path === '/token') reply.end(token);
    else reply.writeHead(status).end(body);
  };
  const delivery = () => makeLicense(authority, 'F001').version('ISSUE', 1, 1);

  it.each([
    ['a server error', 500, '{"code":0,"reasons":[]}'],
    ['a proxy that answers 404', 404, '<html>not found</html>'],
    ['no JSON', 200, 'ok'],
    ['JSON of another kind', 200, '{"success":true}'],
    ['success without a receipt', 200, '{"code":1}'],
    ['a refusal that says it is temporary', 409, '{"code":0,"temporary":true,"reasons":[]}'],
    ['a repeated refusal of the token', 401, '{"code":0,"reasons":[]}'],
    ['a redirection', 302, ''],
    ['an answer above the size limit', 200, `"${'x'.repeat(1_100_000)}"`],
  ])('throws a plain Error on %s', async (_what, status, body) => {
    const peer = await startPeer(answerWith(status, body));
    const error = await catchDeliveryError(peer.client.deliver(delivery()));
    expect(error).not.toBeInstanceOf(Rejection);
    expect(error.message).toMatch(/^城市证照库/);
    expect(peer.paths.length).toBeLessThanOrEqual(4);
  });

  it('throws a plain Error if it does not answer in time or is not reachable', async () => {
    const silentPeer = await startPeer(() => {});
    expect(await catchDeliveryError(silentPeer.client.deliver(delivery()))).not.toBeInstanceOf(Rejection);
    await close();
    expect((await catchDeliveryError(silentPeer.client.deliver(delivery()))).message).toContain('无法连接');
  });

  it('requests one token for parallel deliveries, and requests again after a failure', async () => {
    let tokenRequests = 0;
    const peer = await startPeer((path, reply) => {
      if (path === '/token' && ++tokenRequests === 1) reply.writeHead(503).end();
      else if (path === '/token') setTimeout(() => reply.end(token), 50);
      else reply.end(JSON.stringify({ code: 1, receipt: 'r' }));
    });
    await catchDeliveryError(peer.client.deliver(delivery()));
    const receipts = await Promise.all(Array.from({ length: 5 }, () => peer.client.deliver(delivery())));
    expect(new Set(receipts)).toEqual(new Set(['r']));
    expect(tokenRequests).toBe(2);
  });
});
