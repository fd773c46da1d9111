import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Reader } from '../../../../db/client.ts';
import type { Person } from '../../../kernel/actor.ts';
import { identifyCaller } from '../../../kernel/http/context.ts';
import type { ServeOptions } from '../../../kernel/http/serve.ts';
import { writeKey } from '../../../kernel/tlog/note.ts';
import { LEAF_KINDS, type LeafKind, type VerifierFile } from '../leaf.ts';
import { parseTilePath, tilePath } from '../tile.ts';
import { proveLeaf, readLogKey } from '../workflow.ts';
import { isDigestOfEntry, isOpenEntry, isOpenTile, mayReadClosedEntry, mayReadClosedTile } from './access.ts';
import { readFileIfExists } from './publish-workflow.ts';

const TEXT = 'text/plain; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const TILE_CACHE = 'public, max-age=31536000, immutable';
/** The next checkpoint may follow within a second. */
const CHECKPOINT_CACHE = 'public, max-age=2';
const KEY_CACHE = 'public, max-age=3600';
const CLOSED_CACHE = 'no-store';
const RETRY_AFTER_SECONDS = 1;
const MAX_SUBJECT_CHARS = 128;

export interface LogRouteOptions {
  db: Reader;
  folder: string | null;
  witnesses: readonly string[];
  verifier: VerifierFile | null;
}

/**
 * Adds the public routes of the log (透明日志). `GET /log/checkpoint` and `/log/tile/…` follow C2SP tlog-tiles. `/log/key`
 * returns the key as text. `/log/proof/<issuance id>` returns a C2SP tlog-proof; `?kind=` selects kinds other than
 * SEAL_USE. A proof answers 404 for an unknown subject, and 409 for a leaf without a place. `/log/verify.mjs` is the
 * offline verifier whose digest is a leaf.
 *
 * Tiles of entries and proofs that are closed (see access.ts) need a token. `?digest=` opens the proof of what its
 * sender has. Answers 401 or 403 otherwise.
 */
export function addLogRoutes(
  app: FastifyInstance,
  { db, folder, witnesses, verifier }: LogRouteOptions,
  options: ServeOptions,
): void {
  const readLogFile = async (path: string) => (folder === null ? null : readFileIfExists(join(folder, path)));
  app.get('/log/checkpoint', async (_, reply) => {
    const note = await readLogFile('checkpoint');
    if (!note) return replyUnknown(reply);
    return reply.type(TEXT).header('cache-control', CHECKPOINT_CACHE).send(note);
  });
  app.get('/log/key', async (_, reply) =>
    reply
      .type(TEXT)
      .header('cache-control', KEY_CACHE)
      .send(`${writeKey(await readLogKey(db))}\n`),
  );
  app.get('/log/verify.mjs', async (_, reply) => {
    if (!verifier) return replyUnknown(reply);
    const disposition = 'attachment; filename="verify.mjs"';
    reply.type(SCRIPT).header('cache-control', 'no-cache').header('content-disposition', disposition);
    return reply.send(verifier.bytes);
  });
  app.get<{ Params: { '*': string } }>('/log/tile/*', async (request, reply) => {
    const tile = parseTilePath(`tile/${request.params['*']}`);
    const bytes = tile && (await readLogFile(tilePath(tile)));
    if (!tile || !bytes) return replyUnknown(reply);
    const isOpen = tile.level !== 'entries' || isOpenTile(bytes);
    if (!isOpen && !(await requireReader(request, reply, options, mayReadClosedTile))) return reply;
    const cache = isOpen ? TILE_CACHE : CLOSED_CACHE;
    reply.type('application/octet-stream').header('cache-control', cache).header('vary', 'accept-encoding');
    const sendsGzip = tile.level === 'entries' && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    if (!sendsGzip) return reply.send(bytes);
    return reply.header('content-encoding', 'gzip').send(await promisify(gzip)(bytes));
  });
  app.get<{ Params: { subject: string }; Querystring: { kind?: string; digest?: string } }>(
    '/log/proof/:subject',
    async (request, reply) => {
      const { params, query } = request;
      const kind = LEAF_KINDS.find((candidate) => candidate === (query.kind ?? ('SEAL_USE' satisfies LeafKind)));
      if (!kind || params.subject.length > MAX_SUBJECT_CHARS) return replyUnknown(reply);
      const proof = await proveLeaf(db, witnesses, kind, params.subject);
      if (proof.state === 'UNKNOWN') return replyUnknown(reply);
      if (proof.state === 'PENDING') {
        const pendingBody = { code: 'LOG_PENDING', message: '已记入透明日志，尚未排入，请稍后再试。' };
        return reply.code(409).header('retry-after', RETRY_AFTER_SECONDS).send(pendingBody);
      }
      const { entry, text } = proof;
      const isOpen = isOpenEntry(entry) || isDigestOfEntry(entry, String(query.digest));
      const mayRead = (person: Person) => mayReadClosedEntry(entry, person);
      if (!isOpen && !(await requireReader(request, reply, options, mayRead))) return reply;
      return reply
        .type(TEXT)
        .header('cache-control', isOpenEntry(entry) ? 'no-cache' : CLOSED_CACHE)
        .send(text);
    },
  );
}

const CLOSED = '日志的这一部分含旧版条目，可以用来试探个人信息';

/** Returns whether the caller may read what is closed. Sends 401 or 403 if not. */
async function requireReader(
  request: FastifyRequest,
  reply: FastifyReply,
  options: ServeOptions,
  mayRead: (person: Person) => boolean,
): Promise<boolean> {
  const context = await identifyCaller(request, reply, options);
  if (!context) return false;
  const { actor } = context;
  if (actor.kind === 'person' && mayRead(actor)) return true;
  const isPublic = actor.kind === 'public';
  await reply
    .code(isPublic ? 401 : 403)
    .header('cache-control', CLOSED_CACHE)
    .send({
      code: isPublic ? 'UNAUTHENTICATED' : 'FORBIDDEN',
      message: isPublic ? `${CLOSED}：须凭令牌读取。` : `${CLOSED}：您无权读取。`,
    });
  return false;
}

function replyUnknown(reply: FastifyReply): FastifyReply {
  return reply
    .code(404)
    .header('cache-control', 'no-store')
    .send({ code: 'LOG_UNKNOWN', message: '透明日志中没有此项。' });
}
