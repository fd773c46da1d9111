import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddedServer } from '../../db/embedded.ts';
import { toDatabaseUrl } from '../../db/migrate.ts';
import type { BootOptions } from '../../scripts/hub/boot.ts';
import { START_CHECKS, StartRefusal } from '../../scripts/hub/check/checks.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { grantCase, issueGrantedLicense, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import type { TestHub } from '../support/hub.ts';
import { sampleCases } from '../support/sample.ts';
import { waitUntil } from '../support/until.ts';
import {
  askRunning,
  bootHub,
  copyFolder,
  copyStartedFolder,
  dumpFolder,
  dumpServer,
  makePlace,
  runSql,
  startServerOf,
  useDatabase,
} from './hub-place.ts';
import { MIXES, type Mix, remove } from './mixes.ts';

/**
 * Starts real hubs on folders and databases that do not belong together: older, newer, lost, of another hub. Each start
 * is refused by the check that is for it, and changes nothing.
 */

const FEED =
  'query($after: String) { licenseChanges(first: 100, after: $after) { edges { node { number } } pageInfo { endCursor } } }';

describe('a hub that was set back', () => {
  const place = makePlace();
  const current = place.path('current');
  let server: EmbeddedServer;
  let options: Partial<BootOptions>;
  /** A case that was granted before the older copy, and whose license was issued after it. */
  let openCase: string;
  /** Licenses that the older copy does not have, and the position after them in the feed. */
  const lostLicenses: { identifier: string; number: string }[] = [];
  let lostCursor: string;

  beforeAll(async () => {
    await copyStartedFolder(place.path('embedded'));
    const first = await bootHub(place.path('embedded'));
    openCase = await grantCase(askRunning(first) as TestHub, ROUTES.DIRECT);
    await first.stop();
    copyFolder(place.path('embedded'), place.path('older'), true);
    copyFolder(place.path('embedded'), current);
    server = await startServerOf(place.path('embedded'));
    options = { databaseUrl: server.url };
    await runSql(server.url, (sql) => sql`create database older template tongquan`);
    await runSql(server.url, (sql) => sql`create database older_library template city_library`);
    const running = await bootHub(current, options);
    const hub = askRunning(running) as TestHub;
    const serials = [openCase, await grantCase(hub, ROUTES.DIRECT)];
    for (const [i, caseId] of serials.entries())
      lostLicenses.push(await issueGrantedLicense(hub, ROUTES.DIRECT, caseId, i + 1));
    await waitUntil('the leaves of both are published', async () => (await countPending(server.url)) === 0);
    lostCursor = (await hub.ask('library', FEED)).data.licenseChanges.pageInfo.endCursor;
    await running.stop();
    await runSql(server.url, (sql) => sql`create database newer template tongquan`);
    copyFolder(current, place.path('newer'));
  });
  afterAll(async () => {
    await server?.stop();
    place.remove();
  });

  async function arrange({ folder, database, changeFolder, changeDatabase, isEmbedded, code }: Mix): Promise<void> {
    rmSync(current, { recursive: true, force: true });
    if (folder === 'none') mkdirSync(current);
    else copyFolder(place.path(folder), current);
    if (isEmbedded && database === 'older') copyPostgres(place.path('older'), current);
    changeFolder?.(current);
    if (isEmbedded) return;
    if (database === 'none') await runSql(server.url, (sql) => sql`drop database if exists tongquan with (force)`);
    else await useDatabase(server.url, database);
    if (changeDatabase !== undefined)
      await runSql(toDatabaseUrl(server.url, 'tongquan'), (sql) => sql.unsafe(changeDatabase));
    const witnessed = code === 'DATABASE_BEHIND_WITNESS' ? 1_000_000 : null;
    await runSql(toDatabaseUrl(server.url, 'city_library'), async (sql) => {
      await sql`delete from city_library.witnessed`;
      if (witnessed === null) return;
      await sql`insert into city_library.witnessed (origin, size, root, note)
        values ('tongquan.test/yudu/seals', ${witnessed}, 'x', 'x')`;
    });
  }

  test.each(sampleCases('mixes', Object.entries(MIXES), 8))('%s is refused, and nothing is changed', async (_, mix) => {
    await arrange(mix);
    const dumpAll = async () => [
      dumpFolder(current),
      mix.isEmbedded ? await dumpEmbedded(current) : await dumpServer(server.url),
    ];
    const before = await dumpAll();
    const refusal = await bootHub(current, { ...(mix.isEmbedded ? {} : options), ...mix.mode }).then(
      (running) => running.stop(),
      (error) => error,
    );
    expect(refusal).toBeInstanceOf(StartRefusal);
    expect((refusal as StartRefusal).check.code, String(refusal)).toBe(mix.code);
    expect((refusal as StartRefusal).message).toMatch(/^系统拒绝运行 [A-Z_]+：[^\n]+ — [^\n]+$/);
    expect(await dumpAll()).toEqual(before);
  });

  test('a second hub on the database is refused while the first one runs, and not afterwards', async () => {
    await arrange({ code: '', folder: 'newer', database: 'newer' });
    copyFolder(current, place.path('second'));
    const running = await bootHub(current, options);
    const refusal = await bootHub(place.path('second'), options).catch((error) => error);
    expect((refusal as StartRefusal).check?.code, String(refusal)).toBe('DATABASE_IN_USE');
    await running.stop();
    const next = await bootHub(place.path('second'), options);
    await next.stop();
  });

  test('a newer database beside older files, and a folder of release 0.4.1, start', async () => {
    await arrange({ code: '', folder: 'older', database: 'newer', changeFolder: remove('hub.json') });
    const running = await bootHub(current, options);
    await running.stop();
    expect(existsSync(join(current, 'hub.json'))).toBe(true);
  });

  test('a running hub whose database is set back under it halts, and says why', async () => {
    await arrange({ code: '', folder: 'newer', database: 'newer' });
    const running = await bootHub(current, options);
    try {
      const ask = (url: string, method: 'GET' | 'POST' = 'GET') => running.hub.app.inject({ method, url });
      expect((await ask('/health/ready')).statusCode).toBe(200);
      await useDatabase(server.url, 'older');
      const ready = await waitUntil('it has halted', async () => {
        const answer = await ask('/health/ready');
        return answer.json().status === 'refused' && answer;
      });
      expect([ready.statusCode, ready.json()]).toMatchObject([503, { code: 'DATABASE_SET_BACK' }]);
      const before = await dumpServer(server.url);
      const mutation = 'mutation { makeSealGrant: __typename }';
      const answer = await askRunning(running).ask('administrator', mutation);
      expect([answer.status, answer.errors?.[0]?.extensions]).toEqual([503, { code: 'HUB_HALTED' }]);
      const post = await ask('/cases/platforms/x/messages', 'POST');
      expect([post.statusCode, post.json().code]).toEqual([503, 'HUB_HALTED']);
      const query = await askRunning(running).ask(null, '{ matters(first: 1) { totalCount } }');
      expect(query.data.matters.totalCount).toBe(108);
      expect(await dumpServer(server.url)).toEqual(before);
    } finally {
      await running.stop();
    }
  });

  test.each([
    ['an older database beside a newer log', 'DATABASE_BEHIND_LOG'],
    ['an empty folder on the database of a hub', 'FOLDER_EMPTY'],
  ])('npm start stays and says why in health and on the terminal: %s', async (title, code) => {
    await arrange(MIXES[title] as Mix);
    const before = [dumpFolder(current), await dumpServer(server.url)];
    const port = await findFreePort();
    const child = spawn(process.execPath, ['scripts/start.ts', '--no-library'], {
      env: { PATH: process.env.PATH, DATA_FOLDER: current, DATABASE_URL: server.url, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let terminal = '';
    child.stderr.on('data', (chunk) => {
      terminal += chunk;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const ask = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });
    const ready = await waitUntil('health answers', () => ask('/health/ready').catch(() => false as const));
    expect([ready.status, await ready.json()]).toMatchObject([503, { status: 'refused', code }]);
    expect((await ask('/health/live')).status).toBe(200);
    const answer = await ask('/graphql', 'POST');
    expect([answer.status, await answer.json()]).toMatchObject([503, { errors: [{ extensions: { reason: code } }] }]);
    expect((await ask('/log/checkpoint')).status).toBe(503);
    const readLines = (file: string) => {
      const text = readFileSync(join(current, file), 'utf8');
      return text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    };
    expect(readLines('hub.log').at(-1)).toMatchObject({ event: 'refusal', code });
    expect(readLines('requests.log').at(-1)).toMatchObject({ event: 'request', status: 503 });
    expect(terminal.trimEnd().split('\n')).toHaveLength(1);
    expect(terminal).toContain(code);
    expect([dumpFolder(current), await dumpServer(server.url)]).toEqual(before);
    child.kill('SIGTERM');
    expect(await ended).toBe(1);
  });

  const runResume = (...args: string[]) => {
    const env = { PATH: process.env.PATH, DATA_FOLDER: current, DATABASE_URL: server.url };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/resume/main.ts', ...args], { env });
    return { status, out: `${stdout}${stderr}` };
  };

  test('npm run resume lists what is lost and changes nothing; confirmed, it skips every number that was seen', async () => {
    await arrange(MIXES['an older database beside a newer log'] as Mix);
    const before = [dumpFolder(current), await dumpServer(server.url)];
    const plan = runResume();
    expect(plan.status, plan.out).toBe(1);
    for (const { identifier } of lostLicenses) expect(plan.out).toContain(identifier);
    expect(plan.out).toContain('DATABASE_BEHIND_LOG');
    expect([dumpFolder(current), await dumpServer(server.url)]).toEqual(before);

    const published = readFileSync(join(current, 'log/checkpoint'), 'utf8');
    const entries = (await listEntries(server.url)).length;
    const done = runResume('--confirm');
    expect(done.status, done.out).toBe(0);
    const restored = await listEntries(server.url);
    expect(restored.length).toBe(Number(published.split('\n')[1]));
    expect(restored.length).toBeGreaterThan(entries);
    expect(runResume().status).toBe(0);

    const running = await bootHub(current, options);
    const hub = askRunning(running) as TestHub;
    const route = ROUTES.DIRECT;
    const issue = (caseId: string, serial: number) =>
      runMutation(
        hub,
        route.prints,
        'issueLicense',
        'CaseActInput',
        { case: caseId, ...toBlanks(route, serial) },
        'license { identifier number }',
      );
    const newCase = await grantCase(hub, route);
    expect((await issue(newCase, 1)).refusal.code).toBe('BLANK_USED');
    const license = (await issue(newCase, 3)).license;
    const lostNumbers = lostLicenses.map(({ number }) => Number(number));
    expect(Number(license.number)).toBeGreaterThan(Math.max(...lostNumbers));
    // The decision that was sealed before is not sealed again, under no number.
    await issue(openCase, 4);
    await waitUntil('the log has grown', async () => (await listEntries(server.url)).length > restored.length + 1);
    const after = await listEntries(server.url);
    expect(after.slice(0, restored.length)).toEqual(restored);
    const codes = after.map((entry) => JSON.parse(entry)).filter(({ kind }) => kind === 'CODE_USE');
    expect(new Set(codes.map(({ identifier }) => identifier)).size).toBe(codes.length);
    expect(codes.filter(({ caseId }) => caseId === openCase)).toHaveLength(1);
    const feed = (await hub.ask('library', FEED, { after: lostCursor })).data.licenseChanges;
    expect(feed.edges.map(({ node }: { node: { number: string } }) => node.number)).toEqual([license.number]);
    await running.stop();
    expect(readFileSync(join(current, 'log/checkpoint'), 'utf8').split('\n')[0]).toBe(published.split('\n')[0]);
  });

  test.each([
    ['no published log'],
    ['a published log without its files'],
    ['licenses older than the other schemas'],
    ['seals older than the other schemas'],
    ['cases older than the other schemas'],
    ['matters older than the other schemas'],
    ['a clock that was set back'],
  ])('npm run resume brings on: %s', async (title) => {
    await arrange(MIXES[title] as Mix);
    const done = runResume('--confirm');
    expect(done.status, done.out).toBe(0);
    const running = await bootHub(current, options);
    await running.stop();
  });

  test('npm run resume does not go on from what it cannot read or may not open', async () => {
    for (const title of [
      'a log that has grown apart',
      'secrets of another hub',
      'an older folder and database beside a library that has signed more',
    ]) {
      await arrange(MIXES[title] as Mix);
      const before = [dumpFolder(current), await dumpServer(server.url)];
      const result = runResume('--confirm');
      expect(result.status, title).toBe(2);
      expect(result.out.trim().split('\n').at(-1)).toMatch(/[\u4e00-\u9fff].* — /u);
      expect([dumpFolder(current), await dumpServer(server.url)]).toEqual(before);
    }
  });

  test('every check has a row', () => {
    const codes = new Set([...Object.values(MIXES).map(({ code }) => code), 'DATABASE_IN_USE']);
    expect(START_CHECKS.map(({ code }) => code).filter((code) => !codes.has(code))).toEqual([]);
  });
});

function countPending(adminUrl: string): Promise<number> {
  return runSql(toDatabaseUrl(adminUrl, 'tongquan'), async (sql) => {
    const [row] = await sql`select count(*)::int as count from seals.log_pending`;
    return Number(row?.count);
  });
}

/** Returns the entries of the log in the database, in their order. */
function listEntries(adminUrl: string): Promise<string[]> {
  return runSql(toDatabaseUrl(adminUrl, 'tongquan'), async (sql) => {
    const rows =
      await sql`select l.entry from seals.log_sequence s join seals.log_leaf l using (serial) order by index`;
    return rows.map(({ entry }) => String(entry));
  });
}

function copyPostgres(from: string, to: string): void {
  copyFolder(join(from, 'postgres'), join(to, 'postgres'), true);
}

/** Dumps the server of a folder, or the names of its files if it cannot be started without its secrets. */
async function dumpEmbedded(folder: string): Promise<Record<string, string>> {
  if (!existsSync(join(folder, 'secrets.json')) || !existsSync(join(folder, 'postgres'))) return {};
  const server = await startServerOf(folder);
  try {
    return await dumpServer(server.url);
  } finally {
    await server.stop();
  }
}
