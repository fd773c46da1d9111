import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeKeys } from '../../scripts/city-library/key.ts';
import { computeProof } from '../../scripts/witness/tile.ts';
import { isConsistent } from '../../scripts/witness/tree.ts';
import { requireCheckpoint } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { NoteSigner } from '../seals/note-signer.ts';
import {
  type Authority,
  LIBRARY_NAME,
  makeAuthority,
  makeLicense,
  openTestLibrary,
  type TestLibrary,
} from './test-library.ts';
import { TestLog } from './test-log.ts';

let authority: Authority;
beforeAll(() => {
  authority = makeAuthority();
});

describe('the library as a witness', () => {
  const logSigner = new NoteSigner('example.com/log');
  let library: TestLibrary;
  beforeAll(async () => {
    library = await openTestLibrary(authority, [], [logSigner.vkey]);
  });
  afterAll(() => library.close());
  const addCheckpoint = (payload: string) => library.app().inject({ method: 'POST', url: '/add-checkpoint', payload });
  const fetchCheckpoint = () => library.app().inject('/log/checkpoint');
  const log = new TestLog(logSigner);

  it('signs a checkpoint that extends the last one, publishes it, and names it in its receipts', async () => {
    expect((await fetchCheckpoint()).statusCode).toBe(404);
    log.grow(3);
    const firstAnswer = await addCheckpoint(log.request(0));
    expect([firstAnswer.statusCode, firstAnswer.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
    const { witnessKey } = await makeKeys(library.databaseUrl, LIBRARY_NAME);
    const trust = { origin: logSigner.name, log: readKey(logSigner.vkey), witnesses: [readKey(witnessKey)] };
    const publishedCheckpoint = await fetchCheckpoint();
    expect(publishedCheckpoint.body).toBe(log.checkpoint() + firstAnswer.body);
    expect(requireCheckpoint(publishedCheckpoint.body, trust).witnesses).toHaveLength(1);
    const hash = createHash('sha256').update(logSigner.name).digest('hex');
    expect((await library.app().inject(`/${hash}/checkpoint`)).body).toBe(publishedCheckpoint.body);

    const { receipt = '' } = await library.collect(makeLicense(authority, 'W001').version('ISSUE', 1, 1));
    const claims = JSON.parse(Buffer.from(receipt.split('.')[1] ?? '', 'base64url').toString());
    expect(claims.checkpoint).toEqual({ origin: logSigner.name, size: 3, root: log.root().toString('base64') });
    log.grow(2);
    expect((await addCheckpoint(log.request(3))).statusCode).toBe(200);
  });

  it('keeps its state across a restart, and refuses a log that was rolled back or has forked', async () => {
    const checkpointBefore = (await fetchCheckpoint()).body;
    await library.restart();
    expect((await fetchCheckpoint()).body).toBe(checkpointBefore);
    const shortLog = new TestLog(logSigner);
    shortLog.grow(4);
    const rollbackAnswer = await addCheckpoint(shortLog.request(0));
    expect([rollbackAnswer.statusCode, rollbackAnswer.headers['content-type'], rollbackAnswer.body]).toEqual([
      409,
      'text/x.tlog.size',
      '5\n',
    ]);
    const forkedLog = new TestLog(logSigner, 'fork');
    forkedLog.grow(8);
    expect((await addCheckpoint(forkedLog.request(5))).statusCode).toBe(422);
    expect((await fetchCheckpoint()).body).toBe(checkpointBefore);
  });

  it('answers other errors of a witness as specified, and its own errors in JSON', async () => {
    expect(
      (await addCheckpoint(new TestLog(new NoteSigner('example.com/other')).withLeaves(1).request(0))).statusCode,
    ).toBe(404);
    expect((await addCheckpoint(new TestLog(new NoteSigner(logSigner.name)).withLeaves(1).request(0))).statusCode).toBe(
      403,
    );
    expect((await addCheckpoint('nothing')).statusCode).toBe(400);
    expect((await addCheckpoint('x'.repeat(70_000))).statusCode).toBe(413);
    // Only the routes of the witness read any body as bytes.
    expect((await library.app().inject({ method: 'POST', url: '/token', payload: 'x' })).statusCode).toBe(400);
  });

  it('signs only one of two trees that arrive in parallel', async () => {
    const size = Number((await fetchCheckpoint()).body.split('\n')[1]);
    const forks = ['one', 'other'].map((name) => {
      const forkedTree = new TestLog(logSigner);
      forkedTree.grow(size);
      forkedTree.name = name;
      return forkedTree.withLeaves(3).request(size);
    });
    const answers = await Promise.all(forks.map((body) => addCheckpoint(body)));
    expect(answers.map((one) => one.statusCode).sort()).toEqual([200, 409]);
  });
});

describe('a library that follows no log', () => {
  let library: TestLibrary;
  afterEach(() => library.close());
  it('signs no checkpoint and publishes none', async () => {
    library = await openTestLibrary(authority);
    const payload = new TestLog(new NoteSigner('example.com/log')).withLeaves(1).request(0);
    expect((await library.app().inject({ method: 'POST', url: '/add-checkpoint', payload })).statusCode).toBe(404);
    expect((await library.app().inject('/log/checkpoint')).statusCode).toBe(404);
  });
});

describe('a proof from tiles', () => {
  it('proves the growth of trees of every shape from whole and partial tiles, and nothing else', async () => {
    const log = new TestLog(new NoteSigner('example.com/log'));
    const sizes = [1, 2, 3, 5, 127, 255, 256, 257, 511, 512, 600, 769, 1_025];
    for (const size of sizes) {
      log.grow(size - log.size);
      const newTree = { size, root: log.root() };
      for (const old of sizes.filter((one) => one <= size)) {
        const oldTree = { size: old, root: log.root(old) };
        const proof = await computeProof(async (path) => log.readTile(path), old, size);
        expect(isConsistent(oldTree, newTree, proof), `${old} to ${size}`).toBe(true);
        if (old < size) expect(isConsistent({ size: old, root: log.root(old - 1) }, newTree, proof)).toBe(false);
      }
    }
  });

  it('uses the whole tile if the partial one is gone, and reports a missing or short tile', async () => {
    const log = new TestLog(new NoteSigner('example.com/log')).withLeaves(300);
    const readWholeTile = async (path: string) => log.readTile(path.replace(/\.p\/.*/, ''), 512);
    expect(await computeProof(readWholeTile, 5, 200)).toHaveLength(9);
    await expect(computeProof(async () => null, 5, 200)).rejects.toThrow('does not show tile/0/000');
    await expect(computeProof(async () => Buffer.alloc(32), 5, 200)).rejects.toThrow('does not show tile/0/000');
  });
});
