import { Readable } from 'node:stream';
import type { Room } from './room.ts';

/** The bodies of requests before they are parsed: kept as bytes, counted, and parsed only when it is their turn. */

/** So much of each body needs no room, so that callers with large bodies keep nobody with a small one out. */
const FREE_BYTES = 16_384;

export interface BodyOptions {
  room: Room;
  caller: string;
  /** Longest body that its route takes. */
  maxBytes: number;
  /** Is told how many bytes have arrived. Resolves when the body may be parsed. Rejects if it may not. */
  whenRead(bytes: number): Promise<void>;
}

/**
 * Returns a stream of the body in one piece, which comes when `whenRead` resolves. Until then the bytes take room of
 * their caller. The stream fails with Overload if there is none. Nothing is read before somebody reads the stream.
 */
export function keepBody(payload: Readable, options: BodyOptions): Readable {
  const body = Readable.from(readBody(payload, options));
  // Who has refused a request listens no more.
  body.on('error', () => {});
  return body;
}

async function* readBody(payload: Readable, { room, caller, maxBytes, whenRead }: BodyOptions): AsyncGenerator<Buffer> {
  const body = new Bytes();
  let taken = 0;
  try {
    // The connection stays, for the answer to a refused body.
    for await (const part of payload.iterator({ destroyOnReturn: false })) {
      body.add(part);
      const due = Math.max(0, body.length - FREE_BYTES);
      room.take(caller, due - taken);
      taken = due;
      // A body that is too long goes on to who refuses it.
      if (body.length > maxBytes) break;
    }
    await whenRead(body.length);
  } finally {
    room.free(caller, taken);
  }
  yield body.read();
}

/** Bytes in one piece. A body may come in a million parts, which take a hundred times as much. */
class Bytes {
  length = 0;
  #bytes = Buffer.alloc(0);

  add(part: Uint8Array): void {
    const length = this.length + part.length;
    if (length > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(2 * this.#bytes.length, length));
      grown.set(this.read());
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.length);
    this.length = length;
  }

  read(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}
