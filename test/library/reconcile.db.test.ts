import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Change, Hub } from '../../scripts/city-library/reconciliation/hub.ts';
import { LogBroken, reconcile } from '../../scripts/city-library/reconciliation/reconcile.ts';
import { parseLogKey } from '../../scripts/witness/note.ts';
import type { LibraryDelivery } from '../../subgraphs/licenses/library/library-client.ts';
import { NoteSigner } from '../seals/note-signer.ts';
import { type Authority, makeAuthority, makeLicense, openTestLibrary, type TestLibrary } from './test-library.ts';
import { TestLog } from './test-log.ts';

const logSigner = new NoteSigner('example.com/log');
let authority: Authority;
let library: TestLibrary;
let sql: postgres.Sql;
beforeAll(async () => {
  authority = makeAuthority();
  library = await openTestLibrary(authority, [], [logSigner.vkey]);
  const options = { max: 2, transform: postgres.camel, connection: { search_path: 'city_library' } };
  sql = postgres(library.databaseUrl, options);
});
afterAll(async () => {
  await sql.end();
  await library.close();
});

let log: TestLog;
let feed: Change[];
/** The requested cursors. */
let requestedCursors: (string | null)[];
beforeEach(async () => {
  await sql`truncate license, file, certificate, act, statement, witnessed, reconciled`;
  [log, feed, requestedCursors] = [new TestLog(logSigner), [], []];
});

const PAGE = 2;
/** A hub with a log and a feed. Its cursor is an index into the feed. */
const hubWith = (publishedLog: TestLog, overrides: Partial<Hub> = {}): Hub => ({
  logFile: async (path) =>
    path === 'checkpoint' ? Buffer.from(publishedLog.checkpoint()) : publishedLog.readTile(path),
  changes: async (after) => {
    requestedCursors.push(after);
    const from = Number(after ?? 0);
    const changes = feed.slice(from, from + PAGE);
    const cursor = changes.length > 0 ? String(from + changes.length) : after;
    return { changes, cursor, isLast: from + PAGE >= feed.length };
  },
  ...overrides,
});
const compare = (hub = hubWith(log), isWhole = false) => {
  // The clock of the library does not advance. The comparison needs a later time.
  const now = () => new Date(library.clock().getTime() + 1_000);
  return reconcile({ sql, hub, log: parseLogKey(logSigner.vkey), isWhole, now, pauseMs: 1 });
};
const toChange = ({ number, revision, identifier, state, documentDigest }: LibraryDelivery): Change => ({
  ...{ number, revision, identifier, state, documentDigest },
});
/** Records an act at the hub and, if `isCollected`, at the library too. */
async function recordAct(delivery: LibraryDelivery, isCollected = true): Promise<void> {
  feed.push(toChange(delivery));
  if (isCollected) expect(await library.collect(delivery)).toMatchObject({ code: 1 });
}
const witness = async (publishedLog = log, old = 0) => {
  const answer = await library
    .app()
    .inject({ method: 'POST', url: '/add-checkpoint', payload: publishedLog.request(old) });
  expect(answer.statusCode).toBe(200);
};
const expectBrokenLog = (hub: Hub) =>
  compare(hub).then(
    () => expect.fail('compared'),
    (error: Error) => {
      expect(error).toBeInstanceOf(LogBroken);
      return error.message;
    },
  );
const rootOf = (testLog: TestLog, size: number) => testLog.root(size).toString('base64');

describe('a comparison of equal sides', () => {
  it('finds no difference, continues from its last cursor, and compares nothing if nothing happened', async () => {
    const license = makeLicense(authority, 'C001');
    log.grow(5);
    await witness();
    await recordAct(license.version('ISSUE', 1, 1));
    await recordAct(license.statement('SUSPEND', 'SUSPENDED', 2, 1));
    await recordAct(makeLicense(authority, 'C002').version('ISSUE', 1, 1));
    log.grow(400);
    expect(await compare()).toEqual({
      size: 405,
      root: rootOf(log, 405),
      hasGrown: true,
      compared: 3,
      differences: [],
    });
    expect(requestedCursors).toEqual([null, '2']);
    expect(await compare()).toMatchObject({ hasGrown: false, compared: 0, differences: [] });
    log.grow(1);
    await recordAct(license.statement('RESTORE', 'VALID', 3, 1));
    expect(await compare()).toMatchObject({ hasGrown: true, compared: 1, differences: [] });
    expect(requestedCursors).toEqual([null, '2', '3', '3']);
    expect(await compare(hubWith(log), true)).toMatchObject({ compared: 4, differences: [] });
  });

  it('needs no earlier checkpoint, and remembers the log across a restart of the library', async () => {
    log.grow(3);
    expect(await compare()).toMatchObject({ size: 3, differences: [] });
    await library.restart();
    const fork = new TestLog(logSigner, 'fork').withLeaves(9);
    log.grow(6);
    expect(await compare()).toMatchObject({ size: 9, differences: [] });
    expect(await expectBrokenLog(hubWith(fork))).toContain('分叉');
  });
});

describe('a comparison of different sides', () => {
  it('names every difference, and names it again the next time', async () => {
    log.grow(4);
    const [license, otherLicense] = ['D001', 'D002'].map((serial) => makeLicense(authority, serial));
    const issue = license?.version('ISSUE', 1, 1) as LibraryDelivery;
    const change = license?.version('CHANGE', 2, 2) as LibraryDelivery;
    await recordAct(issue);
    await recordAct(change, false);
    const unknownToHub = otherLicense?.version('ISSUE', 1, 1) as LibraryDelivery;
    expect(await library.collect(unknownToHub)).toMatchObject({ code: 1 });
    feed[0] = { ...toChange(issue), state: 'SUSPENDED', documentDigest: 'a'.repeat(64), identifier: 'x' };
    const expected = [
      expect.stringMatching(/^D001 第 1 号 identifier 不同：枢纽 x，本库 /),
      'D001 第 1 号 state 不同：枢纽 SUSPENDED，本库 VALID',
      `D001 第 1 号 documentDigest 不同：枢纽 ${'a'.repeat(64)}，本库 ${issue.documentDigest}`,
      'D001 第 2 号 枢纽变更流有，本库没有归集',
      'D002 第 1 号 本库已归集，枢纽变更流没有',
    ];
    for (const _ of [1, 2]) expect((await compare()).differences).toEqual(expected);
    expect(requestedCursors).toEqual([null, null]);
    feed = [toChange(issue), toChange(change), toChange(unknownToHub)];
    expect(await library.collect(change)).toMatchObject({ code: 1 });
    expect((await compare()).differences).toEqual([]);
  });

  it('finds an act that the library lost after a comparison only if it compares everything', async () => {
    log.grow(4);
    await recordAct(makeLicense(authority, 'D003').version('ISSUE', 1, 1));
    expect((await compare()).differences).toEqual([]);
    await sql`delete from act where number = 'D003'`;
    expect((await compare()).differences).toEqual([]);
    expect((await compare(hubWith(log), true)).differences).toEqual(['D003 第 1 号 枢纽变更流有，本库没有归集']);
  });
});

describe('a log that differs from the one that the library knows', () => {
  it('was rolled back: the error names both sizes and roots, and nothing is compared', async () => {
    log.grow(20);
    await witness();
    const olderLog = new TestLog(logSigner).withLeaves(12);
    const message = await expectBrokenLog(hubWith(olderLog));
    for (const part of ['12 项', rootOf(log, 12), '20 项', rootOf(log, 20), '倒退']) expect(message).toContain(part);
    expect(requestedCursors).toEqual([]);
  });

  it('was only briefly behind: the comparison succeeds', async () => {
    log.grow(20);
    await witness();
    const olderLog = new TestLog(logSigner).withLeaves(12);
    let reads = 0;
    const logFile = async (path: string) =>
      hubWith(path === 'checkpoint' && ++reads < 3 ? olderLog : log).logFile(path);
    expect(await compare(hubWith(log, { logFile }))).toMatchObject({ size: 20, differences: [] });
  });

  it.each([20, 21, 300])('has forked, at %i leaves', async (size) => {
    log.grow(20);
    await witness();
    const fork = new TestLog(logSigner, 'fork').withLeaves(size);
    const message = await expectBrokenLog(hubWith(fork));
    for (const part of [`${size} 项`, rootOf(fork, size), '20 项', rootOf(log, 20), '分叉'])
      expect(message).toContain(part);
    expect(requestedCursors).toEqual([]);
  });

  it('publishes tiles that do not match its checkpoint', async () => {
    log.grow(20);
    await witness();
    log.grow(10);
    const fork = new TestLog(logSigner, 'fork').withLeaves(30);
    const hubOfLog = hubWith(log);
    const logFile = async (path: string) => (path === 'checkpoint' ? hubOfLog.logFile(path) : fork.readTile(path));
    expect(await expectBrokenLog(hubWith(log, { logFile }))).toContain('不相衔接');
  });

  it('is signed by another key, has another name, or does not exist', async () => {
    const impostor = new TestLog(new NoteSigner(logSigner.name)).withLeaves(3);
    expect(await expectBrokenLog(hubWith(impostor))).toContain('没有该日志的签名');
    const stranger = new TestLog(new NoteSigner('example.com/other')).withLeaves(3);
    await expect(compare(hubWith(stranger))).rejects.toThrow('example.com/other');
    await expect(compare(hubWith(log, { logFile: async () => null }))).rejects.toThrow('没有公布');
  });

  it('a feed whose cursor does not advance ends the comparison', async () => {
    log.grow(3);
    const stuckHub = hubWith(log, { changes: async () => ({ changes: [], cursor: 'x', isLast: false }) });
    await expect(compare(stuckHub)).rejects.toThrow('没有前进');
  });
});
