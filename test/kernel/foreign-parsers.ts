import { setTimeout as pause } from 'node:timers/promises';
import { isMainThread, workerData } from 'node:worker_threads';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';

/** Parsers for the tests of the pool: each does what a worker must survive or end. */

const BLOCK_BYTES = 8_388_608;

/** Keeps what `make` returns, for ever. */
function collect(make: (i: number) => unknown): never {
  const items: unknown[] = [];
  for (let i = 0; ; i++) items.push(make(i));
}

export const PARSERS = {
  echo: (input: unknown) => input,
  /** Says which worker it is: a module is loaded once in each. */
  identify: (() => {
    const id = Math.random();
    return (_: null) => id;
  })(),
  describe: (_: null) => ({ isMainThread, workerData: workerData as unknown, environment: { ...process.env } }),
  /** Counts itself as running until the first number is not 0. */
  waitForGate: (buffer: SharedArrayBuffer) => {
    const gate = new Int32Array(buffer);
    Atomics.add(gate, 1, 1);
    Atomics.wait(gate, 0, 0);
    return Atomics.add(gate, 2, 1);
  },
  spin: (_: null) => {
    for (;;);
  },
  backtrack: (_: null) => /^(a+)+$/.test(`${'a'.repeat(64)}b`),
  sleep: (_: null) => pause(3_600_000),
  fillHeap: (_: null) => collect((i) => ({ i })),
  /** One allocation after the other doubles in size. */
  growMap: (_: null) => {
    const map = new Map<number, number>();
    for (let i = 0; ; i++) map.set(i, i);
  },
  fillTexts: (_: null) => collect(() => Buffer.alloc(BLOCK_BYTES, 'a').toString('latin1')),
  fillBuffers: (_: null) => collect(() => Buffer.alloc(BLOCK_BYTES, 1)),
  recurse: (_: null) => {
    const descend = (): number[] => [...descend()];
    return descend();
  },
  refuse: (_: null) => {
    throw new Refusal('FILE_BROKEN', 'items[3]', '第 3 页');
  },
  fail: (_: null) => {
    throw new TypeError('a mistake');
  },
  exit: (_: null) => process.exit(3),
  throwLater: (_: null) => {
    setImmediate(() => {
      throw new Error('after the answer');
    });
    return pause(3_600_000);
  },
  returnFunction: (_: null) => () => 1,
};
