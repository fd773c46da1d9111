import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Rejection } from '../../subgraphs/kernel/events/outbox-store.ts';
import { PeerError } from '../../subgraphs/kernel/refusal.ts';
import { createLibraryClient, type StatementDelivery } from '../../subgraphs/licenses/library/library-client.ts';
import { spoilAttestation } from '../support/attestation.ts';
import { testParsers } from '../support/parsers.ts';

/** How the hub's client learns the versions of the protocol that a library speaks. */

let close: () => Promise<unknown> = async () => {};
afterEach(() => close());

const ENDLESS_MS = 3_600_000;

/** Starts a library that answers as a test wants. Returns a client for it and what it was asked. */
async function startPeer(protocolPauseMs: number) {
  const peer = {
    token: { access_token: 'x', expires_in: 600 } as object | null,
    answer: { status: 200, body: { code: 1, receipt: 'r' } as object },
    paths: [] as string[],
    bodies: [] as Record<string, unknown>[],
  };
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    peer.paths.push(request.url ?? '');
    if (request.url !== '/token') peer.bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
    const isToken = request.url === '/token';
    reply.statusCode = isToken ? (peer.token ? 200 : 503) : peer.answer.status;
    reply.end(JSON.stringify(isToken ? (peer.token ?? {}) : peer.answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const identity = { url, clientId: 'hub', clientSecret: 'a-secret-of-the-library' };
  const client = createLibraryClient({ ...identity, parsers: testParsers, now: () => new Date(), protocolPauseMs });
  return { peer, client };
}

const { signal } = new AbortController();
const named = (protocols: unknown) => ({ access_token: 'x', expires_in: 600, protocols });

function buildDelivery(): StatementDelivery {
  const { claims } = spoilAttestation();
  return {
    ...{ stream: 'register:1', revision: 1, follows: 1, number: '1', claims, statement: 'a.b.c' },
    ...{ documentDigest: 'a'.repeat(64), statedAt: '2026-06-01T04:00:00.000Z', chain: [Buffer.from('chain')] },
  };
}

describe('a client', () => {
  it.each([
    ['none', undefined],
    ['a text', '2'],
    ['an empty list', []],
    ['a list of texts', ['2']],
    ['a list with a fraction', [1, 2.5]],
    ['a list that never ends', Array.from({ length: 10_000 }, (_, i) => i + 1)],
  ])('takes a token that names %s as one of version 1, and uses it', async (_, protocols) => {
    const { peer, client } = await startPeer(0);
    peer.token = named(protocols);
    expect(await client.speaks(2, signal)).toBe(false);
    expect(client.protocols).toEqual([1]);
    expect(await client.speaks(1, signal)).toBe(true);
  });

  it('knows nothing before the first answer, and asks nothing that it knows', async () => {
    const { peer, client } = await startPeer(0);
    expect(client.protocols).toBeNull();
    peer.token = named([1, 2, 3]);
    for (let i = 0; i < 3; i++) expect(await client.speaks(2, signal)).toBe(true);
    expect(peer.paths).toEqual(['/token']);
  });

  it('asks a library of version 1 again after a pause only', async () => {
    const { peer, client } = await startPeer(ENDLESS_MS);
    for (let i = 0; i < 5; i++) expect(await client.speaks(2, signal)).toBe(false);
    expect(peer.paths).toHaveLength(1);
    const impatient = await startPeer(0);
    for (let i = 0; i < 3; i++) expect(await impatient.client.speaks(2, signal)).toBe(false);
    expect(impatient.peer.paths).toHaveLength(3);
    impatient.peer.token = named([1, 2]);
    expect(await impatient.client.speaks(2, signal)).toBe(true);
  });

  it('does not know a library that answers nothing, and asks again', async () => {
    const { peer, client } = await startPeer(0);
    peer.token = null;
    expect(await client.speaks(2, signal)).toBe(false);
    expect(client.protocols).toBeNull();
    peer.token = named([1, 2]);
    expect(await client.speaks(2, signal)).toBe(true);
  });

  it('sends a statement with the members of its claims, and nothing else of them', async () => {
    const { peer, client } = await startPeer(0);
    const delivery = buildDelivery();
    expect(await client.deliverStatement(delivery)).toBe('r');
    expect(peer.paths).toEqual(['/token', '/statements/validate', '/statements/collect']);
    const { claims, ...rest } = delivery;
    const { act, sub: identifier, version, state } = claims;
    const chain = [Buffer.from('chain').toString('base64')];
    expect(peer.bodies[1]).toEqual({ ...rest, act, identifier, version, state, chain });
  });

  it('takes an unknown path as no answer about the statement: it waits, and the versions are asked again', async () => {
    const { peer, client } = await startPeer(0);
    peer.token = named([1, 2]);
    expect(await client.speaks(2, signal)).toBe(true);
    const reasons = [{ code: 'NOT_FOUND', message: '没有' }];
    peer.answer = { status: 404, body: { code: 0, temporary: false, reasons } };
    const error = await client.deliverStatement(buildDelivery()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PeerError);
    expect(error).not.toBeInstanceOf(Rejection);
    expect(client.protocols).toBeNull();
    peer.answer = { status: 422, body: { code: 0, temporary: false, reasons } };
    await expect(client.deliverStatement(buildDelivery())).rejects.toBeInstanceOf(Rejection);
  });
});
