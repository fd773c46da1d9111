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
import { type Embedded, startEmbedded } from '../../db/embedded.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let base: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'tongquan-embedded-'));
  chmodSync(base, 0o711);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const options = (name: string) => ({
  folder: join(base, name, 'postgres'),
  logFile: join(base, `${name}.log`),
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

async function ask(server: Embedded, query = 'select 1 as one'): Promise<Record<string, unknown> | undefined> {
  const client = postgres(server.url, { max: 1 });
  try {
    const [row] = await client.unsafe(query);
    return row;
  } finally {
    await client.end({ timeout: 1 });
  }
}

test('starts, keeps its data across a restart, and leaves no process behind', async () => {
  const first = await startEmbedded(options('restart'));
  expect(await ask(first, "select current_setting('server_version_num')::int / 10000 as major")).toEqual({ major: 18 });
  expect(await ask(first, "select current_setting('server_encoding') as encoding")).toEqual({ encoding: 'UTF8' });
  await ask(first, "create table kept as select '同权'::text as name");
  await first.stop();
  expect(isAlive(first.pid)).toBe(false);
  const second = await startEmbedded(options('restart'));
  expect(await ask(second, 'select name from kept')).toEqual({ name: '同权' });
  await second.stop();
});

test('refuses a wrong password', async () => {
  const server = await startEmbedded(options('password'));
  const client = postgres(server.url.replace(/:[^:@]*@/, ':wrong@'), { max: 1 });
  await expect(client`select 1`).rejects.toMatchObject({ code: '28P01' });
  await client.end();
  await server.stop();
});

test('stops the server of a killed hub and keeps its data', async () => {
  const script = `
    import { startEmbedded } from './db/embedded.ts';
    const server = await startEmbedded(${JSON.stringify(options('killed'))});
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const hub = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(hub.stdout, 'data')) as [Buffer];
  const left = Number(line.toString());
  expect(isAlive(left)).toBe(true);
  hub.kill('SIGKILL');
  const server = await startEmbedded(options('killed'));
  expect(isAlive(left)).toBe(false);
  expect(await ask(server)).toEqual({ one: 1 });
  await server.stop();
});

test('does not stop an unrelated process that a stale postmaster.pid names', async () => {
  const server = await startEmbedded(options('stale'));
  await server.stop();
  const other = spawn('sleep', ['60']);
  writeFileSync(join(options('stale').folder, 'postmaster.pid'), `${other.pid}\n${options('stale').folder}\n`);
  const again = await startEmbedded(options('stale'));
  expect(isAlive(other.pid ?? 0)).toBe(true);
  other.kill();
  await again.stop();
});

test('starts in a folder that only its owner may enter, such as a clone under /root', async () => {
  mkdirSync(join(base, 'closed'), { mode: 0o700 });
  const server = await startEmbedded(options('closed'));
  expect(await ask(server)).toEqual({ one: 1 });
  await server.stop();
});

test('refuses the data folder of another PostgreSQL version', async () => {
  const server = await startEmbedded(options('version'));
  await server.stop();
  writeFileSync(join(options('version').folder, 'PG_VERSION'), '17\n');
  await expect(startEmbedded(options('version'))).rejects.toThrow(/PostgreSQL 17.*PostgreSQL 18/);
});

test('refuses a folder with other files and does not change it', async () => {
  const file = join(base, 'photo.jpg');
  writeFileSync(file, 'x');
  await expect(startEmbedded({ ...options('other'), folder: base })).rejects.toThrow(/neither empty nor/);
  expect(existsSync(file)).toBe(true);
});

describe('the driver', () => {
  test('survives the loss of its server under load and reconnects', async () => {
    const server = await startEmbedded(options('driver'));
    const { db, close } = connect(server.url, 'driver-test');
    const faults: unknown[] = [];
    const notice = (error: unknown) => faults.push(error);
    process.on('uncaughtException', notice);
    let going = true;
    const worker = async (kind: number) => {
      while (going) {
        const work =
          kind % 2 === 0
            ? db.execute(sql`select ${kind}::int, pg_sleep(0.001)`)
            : db.transaction(async (tx) => {
                for (let i = 0; i < 20; i++) await tx.execute(sql`select ${i}::int`);
              });
        await Promise.resolve(work).catch(() => pause(2));
      }
    };
    const workers = Array.from({ length: 24 }, (_, kind) => worker(kind));
    await pause(300);
    process.kill(server.pid, 'SIGKILL');
    await server.ended;
    await pause(300);
    const again = await startEmbedded({ ...options('driver'), port: server.port });
    // When one backend is killed, the server restarts all of them.
    for (let round = 0; round < 3; round++) {
      await pause(300);
      const rows = await ask(
        again,
        'select pid from pg_stat_activity where state is not null and pid <> pg_backend_pid() limit 1',
      ).catch(() => undefined);
      if (rows) process.kill(Number(rows.pid), 'SIGKILL');
    }
    await pause(1_500);
    going = false;
    await Promise.all(workers);
    process.off('uncaughtException', notice);
    expect(faults).toEqual([]);
    expect([...(await db.execute(sql`select 1 as one`))]).toEqual([{ one: 1 }]);
    await close();
    await again.stop();
  });

  test('rejects a transaction whose connection was cut', async () => {
    const server = await startEmbedded(options('cut'));
    const { db, close } = connect(server.url, 'driver-test', 1);
    const cut = db.transaction(async (tx) => {
      const [me] = await tx.execute(sql`select pg_backend_pid() as pid`);
      await ask(server, `select pg_terminate_backend(${me?.pid})`);
      await pause(100);
      await tx.execute(sql`select 1`);
    });
    await expect(cut).rejects.toBeInstanceOf(Error);
    expect([...(await db.execute(sql`select 1 as one`))]).toEqual([{ one: 1 }]);
    await close();
    await server.stop();
  });

  test('never sends later statements of a cut transaction on the next connection', async () => {
    const server = await startEmbedded(options('stray'));
    await ask(server, 'create table entry (id int)');
    const { db, close } = connect(server.url, 'driver-test', 1);
    const cut = db.transaction(async (tx) => {
      await tx.execute(sql`insert into entry values (1)`);
      const [me] = await tx.execute(sql`select pg_backend_pid() as pid`);
      await ask(server, `select pg_terminate_backend(${me?.pid})`);
      await pause(100);
      expect([...(await db.execute(sql`select 1 as one`))]).toEqual([{ one: 1 }]);
      await tx.execute(sql`insert into entry values (2)`);
    });
    await expect(cut).rejects.toBeInstanceOf(Error);
    await pause(200);
    expect(await ask(server, 'select count(*)::int as entries from entry')).toEqual({ entries: 0 });
    await close();
    await server.stop();
  });
});
