import { createHash, type KeyObject } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Memory } from './memory.ts';
import { cosign, Malformed, type NamedKey, readRequest, signedBy } from './note.ts';
import { EMPTY, goesOn } from './tree.ts';

export interface WitnessOptions {
  /** Name under which it signs. */
  name: string;
  /** Ed25519. */
  privateKey: KeyObject;
  /** The logs that it watches: each signs under its origin. */
  logs: readonly NamedKey[];
  memory: Memory;
  now: () => Date;
}

/** 63 lines of proof and a checkpoint with its signatures. */
const BODY_LIMIT_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = 10_000;
const TEXT = 'text/plain; charset=utf-8';

interface Answer {
  status: number;
  type: string;
  body: string;
}

/**
 * A reference witness (C2SP tlog-witness): `POST /add-checkpoint`, and `GET /<SHA-256 of the origin>/checkpoint` for whoever watches.
 * Does not listen yet.
 */
export function createWitness(options: WitnessOptions): FastifyInstance {
  const app = Fastify({ bodyLimit: BODY_LIMIT_BYTES, requestTimeout: REQUEST_TIMEOUT_MS });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post('/add-checkpoint', async ({ body }, reply) => {
    const { status, type, body: text } = answer(options, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
    return reply.code(status).header('content-type', type).send(text);
  });
  app.get<{ Params: { hash: string } }>('/:hash/checkpoint', async ({ params }, reply) => {
    const log = options.logs.find(({ name }) => createHash('sha256').update(name).digest('hex') === params.hash);
    const seen = log && options.memory.of(log.name);
    return seen ? reply.type(TEXT).send(seen.note) : reply.code(404).type(TEXT).send('not seen\n');
  });
  return app;
}

/** From first to last without a pause: nobody comes between what is remembered and what is signed. */
function answer({ name, privateKey, logs, memory, now }: WitnessOptions, body: Buffer): Answer {
  let request: ReturnType<typeof readRequest>;
  try {
    request = readRequest(body);
  } catch (error) {
    if (error instanceof Malformed) return said(400, error.message);
    throw error;
  }
  const { oldSize, proof, checkpoint } = request;
  const log = logs.find((one) => one.name === checkpoint.origin);
  if (!log) return said(404, 'unknown log');
  const lines = signedBy(checkpoint, log);
  if (!lines) return said(403, 'not signed by the log');
  if (oldSize > checkpoint.size) return said(400, 'the old size is larger');
  const seen = memory.of(log.name);
  const old = { size: seen?.size ?? 0, root: seen ? Buffer.from(seen.root, 'base64') : EMPTY };
  if (oldSize !== old.size) return { status: 409, type: 'text/x.tlog.size', body: `${old.size}\n` };
  if (!goesOn(old, checkpoint, proof)) return said(422, 'the log does not go on from what was seen');
  const line = cosign(name, privateKey, checkpoint.text, Math.floor(now().getTime() / 1_000));
  const { size, root, text } = checkpoint;
  memory.keep(log.name, { size, root: root.toString('base64'), note: `${text}\n${lines.join('\n')}\n${line}` });
  return { status: 200, type: TEXT, body: line };
}

function said(status: number, why: string): Answer {
  return { status, type: TEXT, body: `${why}\n` };
}
