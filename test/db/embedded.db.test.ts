import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { type EmbeddedServer, startEmbedded } from '../../db/embedded.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let baseFolder: string;

beforeAll(() => {
  baseFolder = mkdtempSync(join(tmpdir(), 'tongquan-embedded-'));
  chmodSync(baseFolder, 0o711);
});
afterAll(() => rmSync(baseFolder, { recursive: true, force: true }));

const buildOptions = (name: string) => ({
  folder: join(baseFolder, name, 'postgres'),
  logFile: join(baseFolder, `${name}.log`),
  password: 'a password / with & signs',
});

function isAlive(pid: number): boolean {
  try {
    // An ended process that its parent has not reaped yet still accepts a signal, but has no command line.
    return existsSync('/proc/self') ? readFileSync(`/proc/${pid}/cmdline`).length > 0 : process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function runQuery(
  server: EmbeddedServer,
  query = 'select 1 as one',
): Promise<Record<string, unknown> | undefined> {
  const client = postgres(server.url, { max: 1 });
  try {
    const [row] = await client.unsafe(query);
    return row;
  } finally {
    await client.end({ timeout: 1 });
  }
}

test('starts, keeps its data across a restart, and leaves no process behind', async () => {
  const firstServer = await startEmbedded(buildOptions('restart'));
  expect(await runQuery(firstServer, "select current_setting('server_version_num')::int / 10000 as major")).toEqual({
    major: 18,
  });
  expect(await runQuery(firstServer, "select current_setting('server_encoding') as encoding")).toEqual({
    encoding: 'UTF8',
  });
  await runQuery(firstServer, "create table kept as select '同权'::text as name");
  await firstServer.stop();
  expect(isAlive(firstServer.pid)).toBe(false);
  const secondServer = await startEmbedded(buildOptions('restart'));
  expect(await runQuery(secondServer, 'select name from kept')).toEqual({ name: '同权' });
  await secondServer.stop();
});

test('refuses a wrong password', async () => {
  const server = await startEmbedded(buildOptions('password'));
  const client = postgres(server.url.replace(/:[^:@]*@/, ':wrong@'), { max: 1 });
  await expect(client`select 1`).rejects.toMatchObject({ code: '28P01' });
  await client.end();
  await server.stop();
});

test('stops the server of a killed hub and keeps its data', async () => {
  const script = `
    import { startEmbedded } from './db/embedded.ts';
    const server = await startEmbedded(${JSON.stringify(buildOptions('killed'))});
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const hub = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(hub.stdout, 'data')) as [Buffer];
  const leftoverPid = Number(line.toString());
  expect(isAlive(leftoverPid)).toBe(true);
  hub.kill('SIGKILL');
  const server = await startEmbedded(buildOptions('killed'));
  expect(isAlive(leftoverPid)).toBe(false);
  expect(await runQuery(server)).toEqual({ one: 1 });
  await server.stop();
});

test('does not stop an unrelated process that a stale postmaster.pid names', async () => {
  const server = await startEmbedded(buildOptions('stale'));
  await server.stop();
  const otherProcess = spawn('sleep', ['60']);
  writeFileSync(
    join(buildOptions('stale').folder, 'postmaster.pid'),
    `${otherProcess.pid}\n${buildOptions('stale').folder}\n`,
  );
  const secondServer = await startEmbedded(buildOptions('stale'));
  expect(isAlive(otherProcess.pid ?? 0)).toBe(true);
  otherProcess.kill();
  await secondServer.stop();
});

test('starts in a folder that only its owner may enter, such as a clone under /root', async () => {
  mkdirSync(join(baseFolder, 'closed'), { mode: 0o700 });
  const server = await startEmbedded(buildOptions('closed'));
  expect(await runQuery(server)).toEqual({ one: 1 });
  await server.stop();
});

test('refuses the data folder of another PostgreSQL version', async () => {
  const server = await startEmbedded(buildOptions('version'));
  await server.stop();
  writeFileSync(join(buildOptions('version').folder, 'PG_VERSION'), '17\n');
  await expect(startEmbedded(buildOptions('version'))).rejects.toThrow(/PostgreSQL 17.*PostgreSQL 18/);
});

test('refuses a folder with other files and does not change it', async () => {
  const file = join(baseFolder, 'photo.jpg');
  writeFileSync(file, 'x');
  await expect(startEmbedded({ ...buildOptions('other'), folder: baseFolder })).rejects.toThrow(/neither empty nor/);
  expect(existsSync(file)).toBe(true);
});

describe('the driver', () => {
  test('survives the loss of its server under load and reconnects', async () => {
    const server = await startEmbedded(buildOptions('driver'));
    const { db, close } = connect(server.url, 'driver-test');
    const faults: unknown[] = [];
    const recordFault = (error: unknown) => faults.push(error);
    process.on('uncaughtException', recordFault);
    let isRunning = true;
    const worker = async (index: number) => {
      while (isRunning) {
        const work =
          index % 2 === 0
            ? db.execute(sql`select ${index}::int, pg_sleep(0.001)`)
            : db.transaction(async (tx) => {
                for (let i = 0; i < 20; i++) await tx.execute(sql`select ${i}::int`);
              });
        await Promise.resolve(work).catch(() => pause(2));
      }
    };
    const workers = Array.from({ length: 24 }, (_, index) => worker(index));
    await pause(300);
    process.kill(server.pid, 'SIGKILL');
    await server.ended;
    await pause(300);
    const secondServer = await startEmbedded({ ...buildOptions('driver'), port: server.port });
    // When one backend is killed, the server restarts all of them.
    for (let round = 0; round < 3; round++) {
      await pause(300);
      const rows = await runQuery(
        secondServer,
        'select pid from pg_stat_activity where state is not null and pid <> pg_backend_pid() limit 1',
      ).catch(() => undefined);
      if (rows) process.kill(Number(rows.pid), 'SIGKILL');
    }
    await pause(1_500);
    isRunning = false;
    await Promise.all(workers);
    process.off('uncaughtException', recordFault);
    expect(faults).toEqual([]);
    expect([...(await db.execute(sql`select 1 as one`))]).toEqual([{ one: 1 }]);
    await close();
    await secondServer.stop();
  });

  test('rejects a transaction whose connection was cut', async () => {
    const server = await startEmbedded(buildOptions('cut'));
    const { db, close } = connect(server.url, 'driver-test', 1);
    const cutTransaction = db.transaction(async (tx) => {
      const [backend] = await tx.execute(sql`select pg_backend_pid() as pid`);
      await runQuery(server, `select pg_terminate_backend(${backend?.pid})`);
      await pause(100);
      await tx.execute(sql`select 1`);
    });
    await expect(cutTransaction).rejects.toBeInstanceOf(Error);
    expect([...(await db.execute(sql`select 1 as one`))]).toEqual([{ one: 1 }]);
    await close();
    await server.stop();
  });

  test('never sends later statements of a cut transaction on the next connection', async () => {
    const server = await startEmbedded(buildOptions('stray'));
    await runQuery(server, 'create table entry (id int)');
    const { db, close } = connect(server.url, 'driver-test', 1);
    const cutTransaction = db.transaction(async (tx) => {
      await tx.execute(sql`insert into entry values (1)`);
      const [backend] = await tx.execute(sql`select pg_backend_pid() as pid`);
      await runQuery(server, `select pg_terminate_backend(${backend?.pid})`);
      await pause(100);
      expect([...(await db.execute(sql`select 1 as one`))]).toEqual([{ one: 1 }]);
      await tx.execute(sql`insert into entry values (2)`);
    });
    await expect(cutTransaction).rejects.toBeInstanceOf(Error);
    await pause(200);
    expect(await runQuery(server, 'select count(*)::int as entries from entry')).toEqual({ entries: 0 });
    await close();
    await server.stop();
  });
});
