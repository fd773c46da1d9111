import { afterEach, describe, expect, test } from 'vitest';
import { parseEnvironment } from '../../subgraphs/kernel/environment/parse.ts';
import {
  createParserPool,
  type ParserLimits,
  type ParserPool,
  readParserLimits,
} from '../../subgraphs/kernel/foreign/pool.ts';
import { runAsCaller } from '../../subgraphs/kernel/http/caller.ts';
import { FairQueue } from '../../subgraphs/kernel/limits/fair-queue.ts';
import { DEFAULT_HUB_LIMITS, MAX_VERIFICATIONS } from '../../subgraphs/kernel/limits/limits.ts';
import { waitUntil } from '../support/until.ts';
import type { PARSERS } from './foreign-parsers.ts';

const MODULE = new URL('foreign-parsers.ts', import.meta.url);
const PATIENT = 60_000;

let pool: ParserPool;
const open = (limits: Partial<ParserLimits> = {}) => {
  pool = createParserPool({ deadlineMs: PATIENT, waitMs: PATIENT, ...limits });
  return pool.open<typeof PARSERS>(MODULE);
};
afterEach(() => pool?.stop());

/** A gate before which work waits: whether it is open, how much work has come to it, how much has passed. */
const newGate = () => new Int32Array(new SharedArrayBuffer(12));
const openGate = (gate: Int32Array) => {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
};
const as = <Result>(key: string, run: () => Result) => runAsCaller({ key }, run);
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'DONE',
    (error: { code?: string }) => error.code ?? String(error),
  );

describe('a parser in the pool', () => {
  test('runs in a warm worker without environment, data or secrets', async () => {
    const parse = open({ workers: 1 });
    expect(pool.counts.workers).toBe(0);
    expect(await parse('describe', null)).toEqual({ isMainThread: false, workerData: undefined, environment: {} });
    expect(await parse('identify', null)).toBe(await parse('identify', null));
    expect(pool.counts).toEqual({ workers: 1, ended: 0 });
  });

  test('gets and returns bytes, dates and texts, and nothing of the memory around them', async () => {
    const parse = open();
    const memory = new Uint8Array(64).fill(7);
    const input = { view: memory.subarray(8, 12), list: [Buffer.from('a')], at: new Date(5), text: '于都', none: null };
    const output = (await parse('echo', input)) as typeof input;
    expect(output).toEqual({ ...input, list: [new Uint8Array([97])] });
    expect(output.view.buffer.byteLength).toBe(4);
    expect(memory).toEqual(new Uint8Array(64).fill(7));
  });

  test('takes over the memory that its caller gives away, but not that of a view', async () => {
    const parse = open();
    const [whole, view] = [new Uint8Array(64).fill(1), new Uint8Array(64).fill(2).subarray(1)];
    expect(await parse('echo', [whole, view], { given: [whole, view] })).toEqual([
      new Uint8Array(64).fill(1),
      new Uint8Array(63).fill(2),
    ]);
    expect([whole.length, view.length]).toEqual([0, 63]);
  });

  test('refuses as in the hub itself; another error is a fault that says where it was', async () => {
    const parse = open();
    const refusal = await parse('refuse', null).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      name: 'Refusal',
      code: 'FILE_BROKEN',
      field: 'items[3]',
      message: '文件已损坏：第 3 页。',
    });
    await expect(parse('fail', null)).rejects.toThrow(/parser fail: TypeError: a mistake\n.*foreign-parsers/);
    await expect(parse('returnFunction', null)).rejects.toThrow(/parser returnFunction/);
    await expect(parse('toString' as 'fail', null)).rejects.toThrow('has no parser toString');
    await expect(parse('recurse', null)).rejects.toThrow('Maximum call stack');
    expect(pool.counts.ended).toBe(0);
  });

  test('whose module does not load is a fault', async () => {
    open();
    const parse = pool.open<typeof PARSERS>(new URL('no-such-module.ts', import.meta.url));
    await expect(parse('echo', 1)).rejects.toThrow('no-such-module');
  });
});

describe('a parser that never ends', () => {
  test.each(['spin', 'backtrack', 'sleep'] as const)('(%s) is given up at the deadline', async (name) => {
    const parse = open({ deadlineMs: 50, workers: 1 });
    const first = await parse('identify', null);
    expect(await codeOf(parse(name, null))).toBe('DEADLINE_EXCEEDED');
    expect(pool.counts.ended).toBe(1);
    expect(await parse('identify', null)).not.toBe(first);
  });

  test.each(['fillHeap', 'growMap', 'fillTexts', 'fillBuffers'] as const)(
    '(%s) is given up at its memory',
    async (name) => {
      const parse = open({ workers: 1 });
      expect(await codeOf(parse(name, null))).toBe('DEADLINE_EXCEEDED');
      expect(await parse('echo', 'next')).toBe('next');
      expect(pool.counts).toEqual({ workers: 1, ended: 1 });
    },
  );

  test.each(['exit', 'throwLater'] as const)('(%s) or ends its worker is a fault of one request', async (name) => {
    const parse = open({ workers: 1 });
    const [broken, next] = await Promise.allSettled([parse(name, null), parse('echo', 'next')]);
    expect([broken.status, next]).toEqual(['rejected', { status: 'fulfilled', value: 'next' }]);
  });
});

describe('the queue of the pool', () => {
  test('is bounded per caller and in all', async () => {
    const parse = open({ workers: 2, waiting: 3, waitingPerCaller: 2 });
    const gate = newGate();
    const passGate = () => codeOf(parse('waitForGate', gate.buffer));
    const running = [as('a', passGate), as('b', passGate)];
    const waiting = [as('a', passGate), as('a', passGate)];
    expect(await as('a', passGate)).toBe('RATE_LIMITED');
    waiting.push(as('b', passGate));
    expect(await as('b', passGate)).toBe('OVERLOADED');
    expect(await as('c', passGate)).toBe('OVERLOADED');
    openGate(gate);
    expect(new Set(await Promise.all([...running, ...waiting]))).toEqual(new Set(['DONE']));
    expect(await as('c', passGate)).toBe('DONE');
  });

  test('holds the work of the hub itself without a limit of its own', async () => {
    const parse = open({ workers: 2, waiting: 6, waitingPerCaller: 1 });
    const gate = newGate();
    const passGate = () => codeOf(parse('waitForGate', gate.buffer));
    const work = [passGate(), ...Array.from({ length: 6 }, passGate)];
    expect(await passGate()).toBe('OVERLOADED');
    openGate(gate);
    expect(new Set(await Promise.all(work))).toEqual(new Set(['DONE']));
  });

  test('holds all verifications of all operations that one caller may have at once', async () => {
    const { maxOperationsPerCaller } = DEFAULT_HUB_LIMITS.operations;
    const parse = open();
    const gate = newGate();
    const passGate = () => codeOf(as('a', () => parse('waitForGate', gate.buffer)));
    const work = Array.from({ length: maxOperationsPerCaller * MAX_VERIFICATIONS }, passGate);
    const other = as('b', () => codeOf(parse('echo', 1)));
    openGate(gate);
    expect(new Set(await Promise.all([...work, other]))).toEqual(new Set(['DONE']));
  });

  test('follows what an operator sets', () => {
    const { settings } = parseEnvironment('start', { MAX_OPERATIONS_PER_CALLER: '20', PARSER_WORKERS: '3' });
    expect(readParserLimits(settings)).toMatchObject({ workers: 3, waitingPerCaller: 100, waiting: 400 });
  });

  test('leaves a worker to the others whatever one caller sends', async () => {
    const parse = open({ workers: 2 });
    const gate = newGate();
    const flood = Array.from({ length: 6 }, () => as('flooder', () => parse('waitForGate', gate.buffer)));
    expect(await as('other', () => parse('echo', 'next'))).toBe('next');
    await waitUntil('the first has come to the gate', async () => Atomics.load(gate, 1) > 0);
    expect(Atomics.load(gate, 1)).toBe(1);
    openGate(gate);
    expect(await Promise.all(flood)).toHaveLength(6);
  });

  test('gives up work that waits too long', async () => {
    const parse = open({ workers: 1, waitMs: 50 });
    const gate = newGate();
    const running = codeOf(parse('waitForGate', gate.buffer));
    expect(await codeOf(parse('echo', 1))).toBe('OVERLOADED');
    openGate(gate);
    expect(await running).toBe('DONE');
  });

  test('takes no input beyond the largest file', async () => {
    const parse = open();
    expect(await codeOf(parse('echo', { files: [new Uint8Array(25_165_825)] }))).toBe('DEADLINE_EXCEEDED');
    expect(pool.counts.workers).toBe(0);
  });

  test('ends what waits and runs when the pool stops', async () => {
    const parse = open({ workers: 1 });
    const work = [parse('sleep', null), parse('echo', 1)].map(codeOf);
    await pool.stop();
    expect(await Promise.all([...work, codeOf(parse('echo', 1))])).toEqual(['OVERLOADED', 'OVERLOADED', 'OVERLOADED']);
    expect(pool.counts).toEqual({ workers: 0, ended: 0 });
  });

  test('serves callers in turn', () => {
    const queue = new FairQueue<string>({ all: 9, perCaller: 9 });
    for (const work of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.add(work.charAt(0), work);
    const takeAll = () => Array.from({ length: 4 }, () => queue.take((caller) => caller !== 'c'));
    expect(queue.remove('a', 'a2')).toBe(true);
    expect(queue.remove('a', 'a2')).toBe(false);
    expect(takeAll()).toEqual(['a1', 'b1', 'a3', 'b2']);
    expect([queue.size, queue.take(() => false), queue.take(() => true), queue.size]).toEqual([1, null, 'c1', 0]);
  });
});
