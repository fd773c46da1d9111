import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requirePatchedDriver } from '../../db/driver.ts';
import { copyPublishedDriver } from '../support/published-driver.ts';

/**
 * What `patches/postgres+3.4.9.patch` repairs: a connection that ends while statements are on their way. Each test says
 * which part of the patch it needs, by its number in `patches/README.md`. `published` is the driver without the patch.
 */

const folder = mkdtempSync(join(tmpdir(), 'tongquan-driver-'));
let published: typeof postgres;
beforeAll(async () => {
  published = (await import(copyPublishedDriver(folder))).default;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const message = (type: string, body: Buffer = Buffer.alloc(0)) => {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
};
const READY = message('Z', Buffer.from('I'));
const AUTHENTICATION_OK = message('R', Buffer.alloc(4));
const ANSWERS: Record<string, Buffer> = {
  Q: Buffer.concat([message('C', Buffer.from('OK\0')), READY]),
  P: message('1'),
  D: Buffer.concat([message('t', Buffer.alloc(2)), message('n')]),
  B: message('2'),
  E: message('C', Buffer.from('OK\0')),
  S: READY,
};

/** A connection to a server that answers every statement, until it is told to be silent. */
class FakeSocket extends EventEmitter {
  readonly readyState = 'open';
  readonly received: string[] = [];
  isSilent = false;
  isFull = false;
  #started = false;

  write(chunk: Buffer): boolean {
    this.received.push(chunk.toString('latin1'));
    if (!this.isSilent) this.#answer(chunk);
    return !this.isFull;
  }

  #answer(chunk: Buffer): void {
    const answers: Buffer[] = [];
    let rest = chunk;
    if (!this.#started) {
      this.#started = true;
      rest = chunk.subarray(chunk.readInt32BE());
      answers.push(AUTHENTICATION_OK, READY);
    }
    for (; rest.length > 0; rest = rest.subarray(1 + rest.readInt32BE(1))) {
      answers.push(ANSWERS[rest.toString('latin1', 0, 1)] ?? Buffer.alloc(0));
    }
    setImmediate(() => this.emit('data', Buffer.concat(answers)));
  }

  end(): void {}
  destroy(): void {}
}

let sockets: FakeSocket[] = [];
beforeEach(() => {
  sockets = [];
});
const newest = () => sockets.at(-1) ?? expect.fail('no connection');
const open = (driver: typeof postgres) =>
  driver('postgres://test@localhost/test', {
    max: 1,
    fetch_types: false,
    backoff: () => 0,
    // The driver takes a function here. Its types do not say so.
    ...{
      socket: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket;
      },
    },
  });

const clients: postgres.Sql[] = [];
const openPatched = () => {
  const sql = open(postgres);
  clients.push(sql);
  return sql;
};
afterEach(async () => {
  for (const sql of clients.splice(0)) void sql.end({ timeout: 0 });
});

/** Long enough for anything that will happen: everything here takes a few turns of the event loop. */
const SETTLE_TURNS = 30;
/** Waits for turns of the event loop, not for a time: a machine that stalls makes all of them late. */
const passTurns = async (turns: number) => {
  for (let turn = 0; turn < turns; turn++) await pause(10);
};
const outcomeOf = (statement: PromiseLike<unknown>) =>
  Promise.race([
    statement.then(
      () => 'answered',
      (error: { code?: string; message: string }) => error.code ?? error.message,
    ),
    passTurns(SETTLE_TURNS).then(() => 'never settled'),
  ]);

/** Part 1: a reserved connection writes after its socket is gone. Without it an error that nobody can catch. */
test('part 1: a statement on a connection that is gone is refused', async () => {
  const sql = openPatched();
  await sql.unsafe('select 0');
  const reserved = await sql.reserve();
  newest().emit('close', false);
  expect(await outcomeOf(reserved.unsafe('select 1'))).toBe('CONNECTION_CLOSED');
  expect(await outcomeOf(reserved.unsafe('select 2'))).toBe('CONNECTION_CLOSED');
});

/** Part 2: the connection ends before a statement is written. */
const loseUnwritten = async (sql: postgres.Sql) => {
  await sql.unsafe('select 1');
  const unwritten = outcomeOf(sql.unsafe('select 2'));
  await Promise.resolve().then(() => {});
  newest().emit('close', false);
  expect(await unwritten).toBe('CONNECTION_CLOSED');
  return outcomeOf(sql.unsafe('select 3'));
};

/** Part 3: a statement starts between the error of a connection and its end. */
const startAfterError = async (sql: postgres.Sql) => {
  await sql.unsafe('select 1');
  const socket = newest();
  socket.isSilent = true;
  socket.emit('error', new Error('reset'));
  const late = outcomeOf(sql.unsafe('select 2'));
  await nextTurn();
  socket.emit('close', true);
  return late;
};

/** Part 4: a transaction whose connection ends goes on, while another statement has connected again. */
const continueTransaction = async (sql: postgres.Sql) => {
  let late: Promise<unknown> = Promise.resolve();
  const transaction = sql.begin(async (tx) => {
    await nextTurn();
    newest().emit('close', false);
    await outcomeOf(sql.unsafe('select 1'));
    late = outcomeOf(tx.unsafe('insert')) as Promise<unknown>;
    await late;
  });
  expect(await outcomeOf(transaction)).toBe('CONNECTION_CLOSED');
  await passTurns(SETTLE_TURNS / 3);
  return { outcome: await late, isSent: newest().received.some((text) => text.includes('insert')) };
};

/** Part 4: a statement of the transaction waits for the socket to drain when the connection ends. */
const loseWaiting = async (sql: postgres.Sql) => {
  let waiting: Promise<unknown> = Promise.resolve();
  const transaction = sql.begin(async (tx) => {
    newest().isSilent = true;
    newest().isFull = true;
    const big = 'x'.repeat(20_000);
    const first = outcomeOf(tx.unsafe(`select '${big}'`));
    await nextTurn();
    waiting = outcomeOf(tx.unsafe('select 2')) as Promise<unknown>;
    await nextTurn();
    newest().emit('close', false);
    expect(await first).toBe('CONNECTION_CLOSED');
  });
  expect(await outcomeOf(transaction)).toBe('CONNECTION_CLOSED');
  return waiting;
};

describe('part 2: what was not written is not part of the next connection', () => {
  test('patched', async () => expect(await loseUnwritten(openPatched())).toBe('answered'));
  test('as published the pool never connects again', async () =>
    expect(await loseUnwritten(open(published))).toBe('never settled'));
});

describe('part 3: a statement that starts between error and end is refused', () => {
  test('patched', async () => expect(await startAfterError(openPatched())).toBe('CONNECTION_CLOSED'));
  test('as published it is never answered', async () =>
    expect(await startAfterError(open(published))).toBe('never settled'));
});

describe('part 4: a transaction ends with its connection', () => {
  test('patched: nothing of it is sent on the next connection', async () =>
    expect(await continueTransaction(openPatched())).toEqual({ outcome: 'CONNECTION_CLOSED', isSent: false }));
  test('as published its statement runs on its own', async () =>
    expect(await continueTransaction(open(published))).toMatchObject({ isSent: true }));
  test('patched: what waits is refused', async () =>
    expect(await loseWaiting(openPatched())).toBe('CONNECTION_CLOSED'));
});

describe('a driver without the patch', () => {
  const line = /^node_modules\/postgres lacks [^\n]*npm ci[^\n]*$/;

  test('is refused, in one line that says what to do', () => {
    expect(() => requirePatchedDriver()).not.toThrow();
    expect(() => requirePatchedDriver(published)).toThrow(line);
  });

  test.each(['matters', 'cases', 'licenses', 'seals'])('%s connects in that way', (name) => {
    const text = readFileSync(new URL(`../../subgraphs/${name}/main.ts`, import.meta.url), 'utf8');
    expect(text).toContain('connectOrExit(');
    expect(text).not.toMatch(/\bconnect\(/);
  });
});
