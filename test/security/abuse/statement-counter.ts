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

/** Returns a reader of one connection's messages. The first message has no type, every later one has one byte. */
function createReader(onStatement: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let typeBytes = 0;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= typeBytes + LENGTH_BYTES) {
      const end = typeBytes + rest.readUInt32BE(typeBytes);
      if (rest.length < end) return;
      if (typeBytes > 0 && RUNS.has(rest[0] ?? 0)) onStatement();
      rest = rest.subarray(end);
      typeBytes = 1;
    }
  };
}
