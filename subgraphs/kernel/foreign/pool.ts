import { Worker } from 'node:worker_threads';
import { parseEnvironment } from '../environment/parse.ts';
import { currentCaller, HUB_CALLER } from '../http/caller.ts';
import { FairQueue } from '../limits/fair-queue.ts';
import { MAX_VERIFICATIONS } from '../limits/limits.ts';
import { Overload } from '../limits/overload.ts';
import { PeerError, Refusal, type RefusalCode } from '../refusal.ts';
import {
  type InputOf,
  measureMessage,
  type OutputOf,
  type ParserTable,
  packMessage,
  type WorkerAnswer,
  type WorkerRequest,
} from './message.ts';

/**
 * A small pool of worker threads for everything that parses what strangers send. The hub's own thread never waits for
 * a parser. One caller may keep all workers busy but one, and waits behind its own work only.
 */
export interface ParserPool {
  /**
   * Returns the function that runs the parsers of a module, which exports them as `PARSERS`. It rejects with an
   * Overload: OVERLOADED or RATE_LIMITED if too much work waits, in all or of this caller, DEADLINE_EXCEEDED if the
   * parser passed its time or its memory. It rejects with the Refusal or PeerError that a parser throws. Any other
   * error is a fault.
   */
  open<Table extends ParserTable>(module: URL): Parse<Table>;
  /** Ends all workers. Work that waits or runs is OVERLOADED. */
  stop(): Promise<void>;
  /** How many workers live, and how many have ended while a parser ran. */
  readonly counts: Readonly<{ workers: number; ended: number }>;
}

export type Parse<Table extends ParserTable> = <Name extends keyof Table & string>(
  name: Name,
  input: InputOf<Table, Name>,
  options?: ParseOptions,
) => Promise<OutputOf<Table, Name>>;

export interface ParseOptions {
  /** Byte arrays of the input that the caller does not read again. They are handed over instead of being copied. */
  given?: readonly Uint8Array[];
}

export interface ParserLimits {
  /** Number of workers. Fewer than two let one caller block the others for `deadlineMs`. */
  workers: number;
  /** Time that one parser may take. */
  deadlineMs: number;
  /** Memory that one parser may take, heap and buffers together. */
  memoryMb: number;
  /** Maximum of waiting work, of all callers and of one, and how long it may wait. The hub itself is not limited. */
  waiting: number;
  waitingPerCaller: number;
  waitMs: number;
}

/** So many callers can wait with as much work as each of them may have. */
const WAITING_CALLERS = 4;
const WAIT_MS = 10_000;

/** The limits that an operator may set (docs/configuration.md). */
export interface ParserSettings {
  PARSER_WORKERS: number;
  PARSER_DEADLINE_MS: number;
  PARSER_MEMORY_MB: number;
  MAX_OPERATIONS_PER_CALLER: number;
}

/** Returns the limits that the environment sets. All operations that one caller may have at once can wait. */
export function readParserLimits(settings: ParserSettings): ParserLimits {
  const waitingPerCaller = settings.MAX_OPERATIONS_PER_CALLER * MAX_VERIFICATIONS;
  return {
    workers: settings.PARSER_WORKERS,
    deadlineMs: settings.PARSER_DEADLINE_MS,
    memoryMb: settings.PARSER_MEMORY_MB,
    waiting: waitingPerCaller * WAITING_CALLERS,
    waitingPerCaller,
    waitMs: WAIT_MS,
  };
}

const DEFAULT_LIMITS = readParserLimits(parseEnvironment('start', {}).settings);

/** Maximum of one input: an uploaded file of 20 MiB and what belongs to it. */
const MAX_INPUT_BYTES = 25_165_824;
/** For loading the modules of a parser. It depends on the hub alone. */
const LOAD_TIMEOUT_MS = 30_000;
/** How often the memory of a running parser is looked at. Most parsers end before the first look. */
const MEMORY_CHECK_MS = 20;
/**
 * The engine aborts the whole process if one allocation passes the limit of a worker's heap. So its limit is this many
 * times the limit of the pool, which ends the worker first.
 */
const HEAP_RESERVE = 4;
const STACK_MB = 4;
const BYTES_PER_MB = 1_048_576;

interface Work {
  caller: string;
  request: WorkerRequest;
  given: readonly Uint8Array[];
  resolve: (output: unknown) => void;
  reject: (error: unknown) => void;
  /** Ends the waiting. */
  waitTimer: NodeJS.Timeout;
}

/** A worker and what it does. */
interface Seat {
  worker: Worker;
  work: Work | null;
  timers: NodeJS.Timeout[];
}

/** Creates a pool. Its workers start when there is work, and do not keep the process alive without work. */
export function createParserPool(changes: Partial<ParserLimits> = {}): ParserPool {
  const pool = new Pool({ ...DEFAULT_LIMITS, ...changes });
  return {
    open:
      <Table extends ParserTable>(module: URL): Parse<Table> =>
      (name, input, { given = [] } = {}) =>
        pool.run({ module: module.href, name, input }, given) as Promise<OutputOf<Table, typeof name>>,
    stop: () => pool.stop(),
    get counts() {
      return { workers: pool.seats.size, ended: pool.ended };
    },
  };
}

class Pool {
  readonly seats = new Set<Seat>();
  ended = 0;
  readonly #limits: ParserLimits;
  readonly #queue: FairQueue<Work>;
  #isStopped = false;

  constructor(limits: ParserLimits) {
    this.#limits = limits;
    this.#queue = new FairQueue({
      all: limits.waiting,
      perCaller: limits.waitingPerCaller,
      unlimitedCaller: HUB_CALLER,
    });
  }

  async run(request: WorkerRequest, given: readonly Uint8Array[]): Promise<unknown> {
    if (this.#isStopped) throw new Overload('OVERLOADED');
    if (measureMessage(request.input) > MAX_INPUT_BYTES) throw new Overload('DEADLINE_EXCEEDED');
    return new Promise((resolve, reject) => {
      const caller = currentCaller();
      const waitTimer = setTimeout(() => {
        if (this.#queue.remove(caller, work)) reject(new Overload('OVERLOADED'));
      }, this.#limits.waitMs);
      const work: Work = { caller, request, given, resolve, reject, waitTimer };
      const limit = this.#queue.add(caller, work);
      if (limit === null) return this.#serve();
      clearTimeout(waitTimer);
      reject(new Overload(limit === 'CALLER' ? 'RATE_LIMITED' : 'OVERLOADED'));
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (let work = this.#queue.take(() => true); work; work = this.#queue.take(() => true)) {
      clearTimeout(work.waitTimer);
      work.reject(new Overload('OVERLOADED'));
    }
    await Promise.all([...this.seats].map((seat) => this.#end(seat, new Overload('OVERLOADED'))));
  }

  /** Gives waiting work to free workers. Starts a worker if there are fewer than allowed. */
  #serve(): void {
    const { workers } = this.#limits;
    const mayRun = (caller: string) => {
      const running = [...this.seats].filter(({ work }) => work?.caller === caller).length;
      return running < Math.max(1, workers - 1);
    };
    for (;;) {
      const free = [...this.seats].find(({ work }) => work === null);
      if (!free && this.seats.size >= workers) return;
      const work = this.#queue.take(mayRun);
      if (!work) return;
      this.#start(free ?? this.#hire(), work);
    }
  }

  #hire(): Seat {
    const heapMb = this.#limits.memoryMb * HEAP_RESERVE;
    const worker = new Worker(new URL('main.ts', import.meta.url), {
      ...{ argv: [], env: {}, execArgv: [], stdin: false, stdout: true, stderr: true },
      resourceLimits: { maxOldGenerationSizeMb: heapMb, stackSizeMb: STACK_MB },
    });
    const seat: Seat = { worker, work: null, timers: [] };
    this.seats.add(seat);
    worker.stdout.resume();
    worker.stderr.resume();
    worker.on('message', (answer: WorkerAnswer) => this.#receive(seat, answer));
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      void this.#end(seat, isMemory ? new Overload('DEADLINE_EXCEEDED') : error);
    });
    worker.on('exit', (code) => void this.#end(seat, new Error(`a parser ended its worker with exit code ${code}`)));
    worker.unref();
    return seat;
  }

  #start(seat: Seat, work: Work): void {
    clearTimeout(work.waitTimer);
    seat.work = work;
    seat.worker.ref();
    this.#setTimer(seat, LOAD_TIMEOUT_MS, () => this.#end(seat, new Error(`${work.request.module} does not load`)));
    try {
      const { value, transfer } = packMessage(work.request, work.given);
      seat.worker.postMessage(value, transfer);
    } catch (error) {
      this.#free(seat);
      work.reject(error);
    }
  }

  #receive(seat: Seat, answer: WorkerAnswer): void {
    const { work } = seat;
    if (!work) return;
    if (answer.kind === 'started') {
      this.#watch(seat, work, answer.usedBytes);
      return;
    }
    this.#free(seat);
    if (answer.kind === 'done') work.resolve(answer.output);
    else if (answer.kind === 'peer') work.reject(new PeerError(answer.message));
    else if (answer.kind === 'failed') work.reject(new Error(`parser ${work.request.name}: ${answer.message}`));
    else {
      const refusal = new Refusal(answer.code as RefusalCode, answer.field);
      work.reject(Object.assign(refusal, { message: answer.message }));
    }
    this.#serve();
  }

  /**
   * Ends the worker if the parser passes the deadline or the memory. Only what the worker has more than at its start
   * counts: it may still have garbage of earlier work.
   */
  #watch(seat: Seat, work: Work, usedAtStart: number): void {
    this.#clearTimers(seat);
    const giveUp = () => this.#end(seat, new Overload('DEADLINE_EXCEEDED'));
    this.#setTimer(seat, this.#limits.deadlineMs, () => {
      // If this thread was busy itself, the answer may have arrived in time. It is received before the next immediate.
      setImmediate(() => {
        if (seat.work === work) void giveUp();
      });
    });
    const checkMemory = async () => {
      const heap = await seat.worker.getHeapStatistics().catch(() => null);
      if (!heap || seat.work !== work) return;
      const usedBytes = heap.used_heap_size + heap.external_memory - usedAtStart;
      if (usedBytes > this.#limits.memoryMb * BYTES_PER_MB) await giveUp();
      else this.#setTimer(seat, MEMORY_CHECK_MS, checkMemory);
    };
    this.#setTimer(seat, MEMORY_CHECK_MS, checkMemory);
  }

  #setTimer(seat: Seat, ms: number, act: () => unknown): void {
    seat.timers.push(setTimeout(act, ms));
  }

  #clearTimers(seat: Seat): void {
    for (const timer of seat.timers.splice(0)) clearTimeout(timer);
  }

  #free(seat: Seat): void {
    this.#clearTimers(seat);
    seat.work = null;
    seat.worker.unref();
  }

  /** Ends a worker, whose work fails with `reason`. Another one takes its seat when there is work. */
  async #end(seat: Seat, reason: unknown): Promise<void> {
    if (!this.seats.delete(seat)) return;
    const { work } = seat;
    this.#free(seat);
    if (work) {
      if (!this.#isStopped) this.ended++;
      work.reject(reason);
    }
    const termination = seat.worker.terminate();
    this.#serve();
    await termination;
  }
}
