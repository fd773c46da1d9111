import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Refusal } from '../../../kernel/refusal.ts';
import { MAX_FILE_BYTES } from './file.ts';

/** Receives the body of an upload within limits of size, time and speed. */

export interface ReceiveLimits {
  /** Time for a whole file to arrive. */
  totalMs: number;
  /** Least speed, measured over each window. */
  minBytesPerSecond: number;
  windowMs: number;
}

export interface ReceivedBody {
  bytes: Buffer;
  /** SHA-256, hex. Computed while the bytes arrive. */
  digest: string;
}

/** The memory of a body grows by doubling from this size. */
const FIRST_BYTES = 65_536;
/** A sender that cuts a file of 20 MiB into more parts than this sends next to nothing but frames. */
const MAX_PARTS = 65_536;

/**
 * Reads a whole body of `maxBytes` at most. Returns TOO_SLOW if it passes the time or falls below the least speed, and
 * BROKEN_OFF if it ends early or comes in too many parts. Refuses FILE_TOO_LARGE at the first byte too many.
 */
export function receiveBody(
  raw: IncomingMessage,
  limits: ReceiveLimits,
  maxBytes: number = MAX_FILE_BYTES,
): Promise<ReceivedBody | 'TOO_SLOW' | 'BROKEN_OFF'> {
  return new Promise((resolve, reject) => {
    if (raw.destroyed) return resolve('BROKEN_OFF');
    const body = createBody(maxBytes);
    const finish = (settle: () => void) => {
      stopWatch();
      raw.off('data', take).off('end', end).off('close', breakOff).off('error', breakOff);
      settle();
    };
    const take = (part: Buffer) => {
      const fault = body.add(part);
      if (fault === 'TOO_LARGE') finish(() => reject(new Refusal('FILE_TOO_LARGE')));
      if (fault === 'TOO_MANY_PARTS') finish(() => resolve('BROKEN_OFF'));
    };
    const end = () => finish(() => resolve(body.close()));
    const breakOff = () => finish(() => resolve('BROKEN_OFF'));
    const stopWatch = watchSpeed(limits, body.count, () => finish(() => resolve('TOO_SLOW')));
    raw.on('data', take).on('end', end).on('close', breakOff).on('error', breakOff);
  });
}

/**
 * Collects the parts of a body. Holds at most three times the bytes that have arrived, while it makes room. Parts are
 * copied, because each may hold on to a larger piece of memory.
 */
function createBody(maxBytes: number) {
  const hash = createHash('sha256');
  let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let length = 0;
  let parts = 0;
  return {
    /** Returns why the part is not taken, or null. */
    add(part: Buffer): 'TOO_LARGE' | 'TOO_MANY_PARTS' | null {
      if (length + part.length > maxBytes) return 'TOO_LARGE';
      if (++parts > MAX_PARTS) return 'TOO_MANY_PARTS';
      if (length + part.length > bytes.length) {
        const room = Math.min(maxBytes, Math.max(length + part.length, 2 * bytes.length));
        const larger = Buffer.allocUnsafeSlow(room);
        bytes.copy(larger, 0, 0, length);
        bytes = larger;
      }
      part.copy(bytes, length);
      length += part.length;
      hash.update(part);
      return null;
    },
    count: () => length,
    close: (): ReceivedBody => ({ bytes: bytes.subarray(0, length), digest: hash.digest('hex') }),
  };
}

/**
 * Calls `endSlow` when the time is over, or when fewer bytes than the least have come within a window. Returns the
 * function that ends the watch.
 */
function watchSpeed(limits: ReceiveLimits, countBytes: () => number, endSlow: () => void): () => void {
  const leastBytes = (limits.minBytesPerSecond * limits.windowMs) / 1_000;
  let earlierBytes = 0;
  let isOver = false;
  // Bytes that have arrived while this thread was busy are read before the next immediate.
  const later = (look: () => void) => () => setImmediate(() => (isOver ? undefined : look()));
  const look = later(() => {
    if (countBytes() - earlierBytes < leastBytes) return endSlow();
    earlierBytes = countBytes();
    window.refresh();
  });
  const window = setTimeout(look, limits.windowMs);
  const total = setTimeout(later(endSlow), limits.totalMs);
  return () => {
    isOver = true;
    clearTimeout(window);
    clearTimeout(total);
  };
}

/** Most bytes of a person's refused request that are read and discarded. */
export const MAX_DISCARD_BYTES: number = 64 * 1_048_576;
/** The same for a caller without a token: enough to answer a client that wrote before it read. */
export const MAX_ANONYMOUS_DISCARD_BYTES = 1_048_576;
const DISCARD_TIMEOUT_MS = 10_000;

/**
 * Reads and discards the rest of a request. Returns whether it ended within `maxBytes` and 10 s. If it did not, the
 * caller must close the connection.
 */
export function discardBody(raw: IncomingMessage, maxBytes: number): Promise<boolean> {
  if (raw.readableEnded || raw.destroyed) return Promise.resolve(true);
  return new Promise((resolve) => {
    let remainingBytes = maxBytes;
    const finish = (hasEnded: boolean) => {
      clearTimeout(timer);
      raw.off('data', count);
      resolve(hasEnded);
    };
    const count = (part: Buffer) => {
      remainingBytes -= part.length;
      if (remainingBytes < 0) finish(false);
    };
    const timer = setTimeout(() => finish(false), DISCARD_TIMEOUT_MS);
    raw.on('data', count);
    raw.once('close', () => finish(true));
    raw.once('end', () => finish(true));
    raw.once('error', () => finish(true));
  });
}
