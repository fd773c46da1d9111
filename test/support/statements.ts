import { Socket } from 'node:net';

/** Messages that a client sends by PostgreSQL's protocol, version 3. Each has a type and its length. */
const PARSE = 'P';
const BIND = 'B';
const HEADER_BYTES = 5;

/** Reads texts that end with a NUL. */
function readTexts(body: Buffer, count: number): string[] {
  return body.toString('utf8').split('\0', count);
}

/**
 * Notes the text of every statement that this process sends to PostgreSQL, until `stop` is called. It reads what the
 * driver writes, so it does not matter which copy of the driver a test loaded.
 */
export function recordStatements(): { texts: string[]; stop(): void } {
  const texts: string[] = [];
  const prepared = new WeakMap<Socket, Map<string, string>>();
  const write = Socket.prototype.write;
  const read = (socket: Socket, chunk: Buffer) => {
    const known = prepared.get(socket) ?? new Map<string, string>();
    prepared.set(socket, known);
    for (let at = 0; at + HEADER_BYTES <= chunk.length; ) {
      const type = String.fromCharCode(chunk[at] ?? 0);
      const length = chunk.readInt32BE(at + 1);
      if (length < 4 || at + 1 + length > chunk.length) return;
      const body = chunk.subarray(at + HEADER_BYTES, at + 1 + length);
      const [first = '', second = ''] = readTexts(body, 2);
      if (type === PARSE) known.set(first, second);
      if (type === BIND) texts.push(known.get(second) ?? `prepared before: ${second}`);
      at += 1 + length;
    }
  };
  Socket.prototype.write = function (this: Socket, ...args: Parameters<Socket['write']>) {
    if (Buffer.isBuffer(args[0])) read(this, args[0]);
    return write.apply(this, args);
  } as Socket['write'];
  return {
    texts,
    stop: () => {
      Socket.prototype.write = write;
    },
  };
}
