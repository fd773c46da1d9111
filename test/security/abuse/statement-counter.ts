import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between the hub and PostgreSQL and counts statements. It reads the protocol, so no driver can hide one. */
export interface StatementCounter {
  /** Number of statements since the start. */
  readonly count: number;
  /** Returns the URL of a database through the counter. */
  through(url: string): string;
  stop(): Promise<void>;
}

/** Messages of the front end that run a statement: Query and Execute (PostgreSQL 18, 54.7). */
const RUNS = new Set(['Q'.charCodeAt(0), 'E'.charCodeAt(0)]);
const LENGTH_BYTES = 4;

/** Starts a counter before the PostgreSQL of a URL, on a port of 127.0.0.1. */
export async function startStatementCounter(url: string): Promise<StatementCounter> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((client) => {
    const database = connect(Number(port), hostname);
    const reader = createReader(() => count++);
    client.on('data', reader);
    client.pipe(database).pipe(client);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          client.destroy();
          database.destroy();
        });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: ownPort } = server.address() as AddressInfo;
  return {
    get count() {
      return count;
    },
    through: (target) => {
      const counted = new URL(target);
      counted.host = `127.0.0.1:${ownPort}`;
      return counted.href;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Returns a reader of one connection's messages. The first message has no type, every later one has one byte. It keeps
 * the head of a message alone: a message may hold a file.
 */
function createReader(onStatement: () => void): (chunk: Buffer) => void {
  let head: Buffer = Buffer.alloc(0);
  let typeBytes = 0;
  let bodyBytes = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(bodyBytes, chunk.length - at);
      bodyBytes -= skipped;
      at += skipped;
      const part = chunk.subarray(at, at + typeBytes + LENGTH_BYTES - head.length);
      at += part.length;
      head = Buffer.concat([head, part]);
      if (head.length < typeBytes + LENGTH_BYTES) return;
      if (typeBytes > 0 && RUNS.has(head[0] ?? 0)) onStatement();
      bodyBytes = head.readUInt32BE(typeBytes) - LENGTH_BYTES;
      head = Buffer.alloc(0);
      typeBytes = 1;
    }
  };
}
