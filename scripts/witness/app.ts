import { createHash, type KeyObject } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Memory, Seen } from './memory.ts';
import { cosign, Malformed, type NamedKey, readRequest, signedBy } from './note.ts';
import { EMPTY, goesOn, type Tree } from './tree.ts';

export interface WitnessOptions {
  /** The name with which the witness signs. */
  name: string;
  /** Ed25519. */
  privateKey: KeyObject;
  /** Keys of the watched logs. Each log signs with its origin as name. */
  logs: readonly NamedKey[];
  memory: Memory;
  now: () => Date;
}

/** Enough for 63 lines of proof and a checkpoint with its signatures. */
const BODY_LIMIT_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = 10_000;
const TEXT = 'text/plain; charset=utf-8';

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** Creates a server that is only a reference witness. It does not listen yet. */
export function createWitness(options: WitnessOptions): FastifyInstance {
  const app = Fastify({ requestTimeout: REQUEST_TIMEOUT_MS });
  witnessRoutes(app, options);
  return app;
}

/**
 * Adds the routes of a witness (C2SP tlog-witness): `POST /add-checkpoint`, and for monitors
 * `GET /<SHA-256 of the origin>/checkpoint`. Replaces the body parsers of the given scope.
 */
export function witnessRoutes(app: FastifyInstance, options: WitnessOptions): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post('/add-checkpoint', { bodyLimit: BODY_LIMIT_BYTES }, async ({ body }, reply) => {
    const { status, type, body: text } = await answer(options, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
    return reply.code(status).header('content-type', type).send(text);
  });
  app.get<{ Params: { hash: string } }>('/:hash/checkpoint', async ({ params }, reply) => {
    const log = options.logs.find(({ name }) => createHash('sha256').update(name).digest('hex') === params.hash);
    const seen = log && (await options.memory.of(log.name));
    return seen ? reply.type(TEXT).send(seen.note) : reply.code(404).type(TEXT).send('not seen\n');
  });
}

async function answer(options: WitnessOptions, body: Buffer): Promise<Answer> {
  let request: ReturnType<typeof readRequest>;
  try {
    request = readRequest(body);
  } catch (error) {
    if (error instanceof Malformed) return said(400, error.message);
    throw error;
  }
  const { oldSize, checkpoint } = request;
  const log = options.logs.find((one) => one.name === checkpoint.origin);
  if (!log) return said(404, 'unknown log');
  const lines = signedBy(checkpoint, log);
  if (!lines) return said(403, 'not signed by the log');
  if (oldSize > checkpoint.size) return said(400, 'the old size is larger');
  return (await options.memory.change(log.name, (seen) => decide(options, request, lines, seen))).answer;
}

/** Signs a checkpoint that extends the stored tree. Returns the answer and the tree to store, or null to store none. */
function decide(
  { name, privateKey, now }: WitnessOptions,
  { oldSize, proof, checkpoint }: ReturnType<typeof readRequest>,
  lines: readonly string[],
  seen: Seen | null,
): { keep: Seen | null; answer: Answer } {
  const old = treeOf(seen);
  if (oldSize !== old.size) {
    return { keep: null, answer: { status: 409, type: 'text/x.tlog.size', body: `${old.size}\n` } };
  }
  if (!goesOn(old, checkpoint, proof)) {
    return { keep: null, answer: said(422, 'the log does not go on from what was seen') };
  }
  const { size, root, text } = checkpoint;
  const line = cosign(name, privateKey, text, Math.floor(now().getTime() / 1_000));
  const keep = { size, root: root.toString('base64'), note: `${text}\n${lines.join('\n')}\n${line}` };
  return { keep, answer: { status: 200, type: TEXT, body: line } };
}

function treeOf(seen: Seen | null): Tree {
  return seen ? { size: seen.size, root: Buffer.from(seen.root, 'base64') } : { size: 0, root: EMPTY };
}

function said(status: number, why: string): Answer {
  return { status, type: TEXT, body: `${why}\n` };
}
