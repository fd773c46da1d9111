import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeKeys } from '../../scripts/city-library/key.ts';
import { computeProof } from '../../scripts/witness/tile.ts';
import { isConsistent } from '../../scripts/witness/tree.ts';
import { requireCheckpoint } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { LogPen } from '../seals/log-pen.ts';
import { type Authority, type City, makeAuthority, makeLicense, NAME, openCity } from './city.ts';
import { TestLog } from './log.ts';

let authority: Authority;
beforeAll(() => {
  authority = makeAuthority();
});

describe('the library as a witness', () => {
  const pen = new LogPen('example.com/log');
  let city: City;
  beforeAll(async () => {
    city = await openCity(authority, [], [pen.vkey]);
  });
  afterAll(() => city.close());
  const add = (payload: string) => city.app().inject({ method: 'POST', url: '/add-checkpoint', payload });
  const seen = () => city.app().inject('/log/checkpoint');
  const log = new TestLog(pen);

  it('signs a checkpoint that extends the last one, publishes it, and names it in its receipts', async () => {
    expect((await seen()).statusCode).toBe(404);
    log.grow(3);
    const first = await add(log.request(0));
    expect([first.statusCode, first.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
    const { witnessKey } = await makeKeys(city.databaseUrl, NAME);
    const trust = { origin: pen.name, log: readKey(pen.vkey), witnesses: [readKey(witnessKey)] };
    const shown = await seen();
    expect(shown.body).toBe(log.checkpoint() + first.body);
    expect(requireCheckpoint(shown.body, trust).witnesses).toHaveLength(1);
    const hash = createHash('sha256').update(pen.name).digest('hex');
    expect((await city.app().inject(`/${hash}/checkpoint`)).body).toBe(shown.body);

    const { receipt = '' } = await city.collect(makeLicense(authority, 'W001').version('ISSUE', 1, 1));
    const said = JSON.parse(Buffer.from(receipt.split('.')[1] ?? '', 'base64url').toString());
    expect(said.checkpoint).toEqual({ origin: pen.name, size: 3, root: log.root().toString('base64') });
    log.grow(2);
    expect((await add(log.request(3))).statusCode).toBe(200);
  });

  it('keeps its state across a restart, and refuses a log that was rolled back or has forked', async () => {
    const before = (await seen()).body;
    await city.restart();
    expect((await seen()).body).toBe(before);
    const short = new TestLog(pen);
    short.grow(4);
    const back = await add(short.request(0));
    expect([back.statusCode, back.headers['content-type'], back.body]).toEqual([409, 'text/x.tlog.size', '5\n']);
    const fork = new TestLog(pen, 'fork');
    fork.grow(8);
    expect((await add(fork.request(5))).statusCode).toBe(422);
    expect((await seen()).body).toBe(before);
  });

  it('answers other errors of a witness as specified, and its own errors in JSON', async () => {
    expect((await add(new TestLog(new LogPen('example.com/other')).grown(1).request(0))).statusCode).toBe(404);
    expect((await add(new TestLog(new LogPen(pen.name)).grown(1).request(0))).statusCode).toBe(403);
    expect((await add('nothing')).statusCode).toBe(400);
    expect((await add('x'.repeat(70_000))).statusCode).toBe(413);
    // Only the routes of the witness read any body as bytes.
    expect((await city.app().inject({ method: 'POST', url: '/token', payload: 'x' })).statusCode).toBe(400);
  });

  it('signs only one of two trees that arrive in parallel', async () => {
    const size = Number((await seen()).body.split('\n')[1]);
    const forks = ['one', 'other'].map((name) => {
      const made = new TestLog(pen);
      made.grow(size);
      made.name = name;
      return made.grown(3).request(size);
    });
    const answers = await Promise.all(forks.map((body) => add(body)));
    expect(answers.map((one) => one.statusCode).sort()).toEqual([200, 409]);
  });
});

describe('a library that follows no log', () => {
  let city: City;
  afterEach(() => city.close());
  it('signs no checkpoint and publishes none', async () => {
    city = await openCity(authority);
    const payload = new TestLog(new LogPen('example.com/log')).grown(1).request(0);
    expect((await city.app().inject({ method: 'POST', url: '/add-checkpoint', payload })).statusCode).toBe(404);
    expect((await city.app().inject('/log/checkpoint')).statusCode).toBe(404);
  });
});

describe('a proof from tiles', () => {
  it('proves the growth of trees of every shape from whole and partial tiles, and nothing else', async () => {
    const log = new TestLog(new LogPen('example.com/log'));
    const sizes = [1, 2, 3, 5, 127, 255, 256, 257, 511, 512, 600, 769, 1_025];
    for (const size of sizes) {
      log.grow(size - log.size);
      const next = { size, root: log.root() };
      for (const old of sizes.filter((one) => one <= size)) {
        const known = { size: old, root: log.root(old) };
        const proof = await computeProof(async (path) => log.file(path), old, size);
        expect(isConsistent(known, next, proof), `${old} to ${size}`).toBe(true);
        if (old < size) expect(isConsistent({ size: old, root: log.root(old - 1) }, next, proof)).toBe(false);
      }
    }
  });

  it('uses the whole tile if the partial one is gone, and reports a missing or short tile', async () => {
    const log = new TestLog(new LogPen('example.com/log')).grown(300);
    const whole = async (path: string) => log.file(path.replace(/\.p\/.*/, ''), 512);
    expect(await computeProof(whole, 5, 200)).toHaveLength(9);
    await expect(computeProof(async () => null, 5, 200)).rejects.toThrow('does not show tile/0/000');
    await expect(computeProof(async () => Buffer.alloc(32), 5, 200)).rejects.toThrow('does not show tile/0/000');
  });
});
