import { startLoop } from '../loop.ts';
import { type LogOptions, logEnd, startLog } from './log.ts';
import { isRunByNpm } from './read.ts';

/** What ends a process, in which order, and within which time. */

/** Requests under way have this long to end. Then the process ends all the same. */
const STOP_TIMEOUT_MS = 9_500;
/** Read as early as possible: npm may end while this process starts. */
const PARENT = process.ppid;
/** How often a process looks whether npm, its parent, is still there. */
const PARENT_POLL_MS = 500;
/** A terminal sends Ctrl-C to npm and to this process, and npm passes it on: two signals within this time are one. */
const ECHO_MS = 500;
/** The signals that stop a process, with the exit codes of shells for them. SIGHUP: its terminal was closed. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

interface EndOptions {
  timeoutMs?: number;
  /** Ends the process. */
  exit?: (code: number) => void;
  /** Milliseconds of a clock that is never set. */
  now?: () => number;
}

/** The two ways to end a process after `stop`. */
export interface End {
  /** Exits with this code after `stop`, or with 1 if `stop` fails or takes too long. Does nothing the second time. */
  end(code: number): void;
  /** What a signal does: the first one ends with 0, a later one exits at once with `exitCode`. */
  interrupt(exitCode: number): void;
}

/** Returns what ends a process after `stop`. */
export function createEnd(
  stop: () => Promise<unknown>,
  { timeoutMs = STOP_TIMEOUT_MS, exit = process.exit, now = () => performance.now() }: EndOptions = {},
): End {
  let stoppingSince: number | null = null;
  const end = (code: number) => {
    if (stoppingSince !== null) return;
    stoppingSince = now();
    setTimeout(() => exit(code || 1), timeoutMs).unref();
    stop().then(
      () => exit(code),
      () => exit(code || 1),
    );
  };
  const interrupt = (exitCode: number) => {
    if (stoppingSince === null) end(0);
    else if (now() - stoppingSince > ECHO_MS) exit(exitCode);
  };
  return { end, interrupt };
}

/** How this process ends. Until it is known, at once. */
let ending: Pick<End, 'end'> = { end: (code) => process.exit(code) };
let isWatching = false;

/** Makes an error that nobody caught end this process in order, after one line in the log. */
function endOnErrors(): void {
  if (isWatching) return;
  isWatching = true;
  // Lines to a terminal that is closed must not end the process before it has stopped.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logEnd(error);
      ending.end(1);
    });
  }
}

/** Starts the log of this process. From here on the process writes no error in full: one that nobody caught ends it. */
export function startProcess(options: LogOptions): void {
  startLog(options);
  endOnErrors();
}

/**
 * Makes this process end after `stop`: on an error that nobody caught, on a signal, when the process that holds its
 * channel ends, and when the npm that runs it ends, each for whatever reason. A second signal ends it at once.
 */
export function endAfter(stop: () => Promise<unknown>, options: Pick<EndOptions, 'timeoutMs'> = {}): End {
  const { end, interrupt } = createEnd(stop, options);
  ending = { end };
  endOnErrors();
  for (const [signal, exitCode] of Object.entries(SIGNALS)) process.on(signal, () => interrupt(exitCode));
  if (process.channel) process.once('disconnect', () => end(0));
  else if (isRunByNpm()) watchParent(() => end(0));
  return { end, interrupt };
}

/**
 * Calls `onEnd` when the parent has ended. npm passes SIGTERM and SIGINT on, but no other end of it, and a shell in
 * between passes nothing on.
 */
function watchParent(onEnd: () => void): void {
  const loop = startLoop(
    async () => {
      if (process.ppid === PARENT) return false;
      void loop.stop();
      onEnd();
      return false;
    },
    { pollMs: PARENT_POLL_MS, isDelayed: true },
  );
}
