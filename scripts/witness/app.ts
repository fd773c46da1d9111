import { createHash, type KeyObject } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { logFault } from '../../subgraphs/kernel/environment/log.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import type { ConnectionLimits } from '../../subgraphs/kernel/limits/limits.ts';
import type { Memory, WitnessedTree } from './memory.ts';
import { cosign, findLogSignatures, Malformed, type NamedKey, parseRequest } from './note.ts';
import { EMPTY_ROOT, isConsistent, type Tree } from './tree.ts';

export interface WitnessOptions {
  /** The name with which the witness signs. */
  name: string;
  /** Ed25519. */
  privateKey: KeyObject;
  /** Keys of the watched logs. Each log signs with its origin as name. */
  logs: readonly NamedKey[];
  memory: Memory;
  now: () => Date;
  /** The defaults if absent. */
  connections?: ConnectionLimits;
}

/** Enough for 63 lines of proof and a checkpoint with its signatures. */
const MAX_BODY_BYTES = 65_536;
const TEXT_MEDIA_TYPE = 'text/plain; charset=utf-8';

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** Creates a server that is only a reference witness. It does not listen yet. */
export function createWitness(options: WitnessOptions): FastifyInstance {
  const app = createApp(logFault, { bodyLimit: MAX_BODY_BYTES, connections: options.connections });
  registerWitnessRoutes(app, options);
  return app;
}

/**
 * Adds the routes of a witness (C2SP tlog-witness): `POST /add-checkpoint`, and for monitors
 * `GET /<SHA-256 of the origin>/checkpoint`. Replaces the body parsers of the given scope.
 */
export function registerWitnessRoutes(app: FastifyInstance, options: WitnessOptions): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post('/add-checkpoint', { bodyLimit: MAX_BODY_BYTES }, async ({ body }, reply) => {
    const {
      status,
      type,
      body: text,
    } = await answerCheckpoint(options, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
    return reply.code(status).header('content-type', type).send(text);
  });
  app.get<{ Params: { hash: string } }>('/:hash/checkpoint', async ({ params }, reply) => {
    const log = options.logs.find(({ name }) => createHash('sha256').update(name).digest('hex') === params.hash);
    const witnessedTree = log && (await options.memory.of(log.name));
    return witnessedTree
      ? reply.type(TEXT_MEDIA_TYPE).send(witnessedTree.note)
      : reply.code(404).type(TEXT_MEDIA_TYPE).send('not seen\n');
  });
}

async function answerCheckpoint(options: WitnessOptions, body: Buffer): Promise<Answer> {
  let request: ReturnType<typeof parseRequest>;
  try {
    request = parseRequest(body);
  } catch (error) {
    if (error instanceof Malformed) return textAnswer(400, error.message);
    throw error;
  }
  const { oldSize, checkpoint } = request;
  const log = options.logs.find((namedKey) => namedKey.name === checkpoint.origin);
  if (!log) return textAnswer(404, 'unknown log');
  const lines = findLogSignatures(checkpoint, log);
  if (!lines) return textAnswer(403, 'not signed by the log');
  if (oldSize > checkpoint.size) return textAnswer(400, 'the old size is larger');
  return (await options.memory.change(log.name, (witnessedTree) => decide(options, request, lines, witnessedTree)))
    .answer;
}

/** Signs a checkpoint that extends the stored tree. Returns the answer and the tree to store, or null to store none. */
function decide(
  { name, privateKey, now }: WitnessOptions,
  { oldSize, proof, checkpoint }: ReturnType<typeof parseRequest>,
  lines: readonly string[],
  witnessedTree: WitnessedTree | null,
): { keep: WitnessedTree | null; answer: Answer } {
  const storedTree = toTree(witnessedTree);
  if (oldSize !== storedTree.size) {
    return { keep: null, answer: { status: 409, type: 'text/x.tlog.size', body: `${storedTree.size}\n` } };
  }
  if (!isConsistent(storedTree, checkpoint, proof)) {
    return { keep: null, answer: textAnswer(422, 'the log does not go on from what was seen') };
  }
  const { size, root, text } = checkpoint;
  const line = cosign(name, privateKey, text, Math.floor(now().getTime() / 1_000));
  const newTree = { size, root: root.toString('base64'), note: `${text}\n${lines.join('\n')}\n${line}` };
  return { keep: newTree, answer: { status: 200, type: TEXT_MEDIA_TYPE, body: line } };
}

function toTree(witnessedTree: WitnessedTree | null): Tree {
  return witnessedTree
    ? { size: witnessedTree.size, root: Buffer.from(witnessedTree.root, 'base64') }
    : { size: 0, root: EMPTY_ROOT };
}

function textAnswer(status: number, reason: string): Answer {
  return { status, type: TEXT_MEDIA_TYPE, body: `${reason}\n` };
}
