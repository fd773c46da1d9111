import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Person } from '../../kernel/actor.ts';
import { identifyCaller } from '../../kernel/http/context.ts';
import { toRefusalView } from '../../kernel/http/errors.ts';
import { buildContentDisposition } from '../../kernel/http/http.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { MATERIAL_POLICY } from './policy.ts';
import { MAX_FILE_BYTES } from './upload/file.ts';
import { type MaterialDependencies, receiveUpload } from './upload/workflow.ts';
import { fileUrl, viewUpload } from './view.ts';
import { openFile } from './workflow.ts';

/** Most uploads that one process reads at the same time. Each holds its file in memory. */
const MAX_CONCURRENT_UPLOADS = 8;
/** Longest time for receiving one file. */
const RECEIVE_TIMEOUT_MS = 120_000;
/** Most bytes of a refused request that are read and discarded. The connection is closed if more arrive. */
const MAX_DISCARD_BYTES = 64 * 1_048_576;
const DISCARD_TIMEOUT_MS = 10_000;

/** A file of a stranger that a browser opens in spite of `content-disposition` runs and loads nothing. */
const FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'";

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', message: '请先登录：上传和下载材料需要令牌。' };
const FILE_UNKNOWN = { code: 'FILE_UNKNOWN', message: '没有此文件。' };
const UPLOADS_BUSY = { code: 'UPLOADS_BUSY', message: '上传繁忙，请稍后再试。' };
const UPLOAD_INCOMPLETE = { code: 'UPLOAD_BROKEN_OFF', message: '文件没有传完，请重新上传。' };

/** `POST /cases/materials` and `GET /cases/materials/:id`, described in docs/materials.md. */
export function materialRoutes(app: FastifyInstance, dependencies: MaterialDependencies, options: ServeOptions): void {
  const slots = { taken: 0 };
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body is not read before the sender is identified.
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

    scope.post('/cases/materials', { config: { takesNoPlace: true } }, async (request, reply) => {
      const context = await identifyCaller(request, reply, options);
      if (!context) return reply;
      if (context.actor.kind === 'public') return refuse(request, reply.code(401), UNAUTHENTICATED);
      if (slots.taken >= MAX_CONCURRENT_UPLOADS) {
        return refuse(request, reply.code(503).header('retry-after', '1'), UPLOADS_BUSY);
      }
      slots.taken += 1;
      try {
        return await receive(request, reply, dependencies, context.actor);
      } finally {
        slots.taken -= 1;
      }
    });

    scope.get<{ Params: { id: string } }>(fileUrl(':id'), async (request, reply) => {
      const context = await identifyCaller(request, reply, options);
      if (!context) return reply;
      const { actor } = context;
      if (actor.kind === 'public') return reply.code(401).send(UNAUTHENTICATED);
      try {
        const openedFile = await openFile(dependencies, actor, {
          id: request.params.id,
          purpose: headerOf(request, 'x-purpose'),
        });
        // The answer is the same if there is no such file or the caller may not see it.
        if (!openedFile) return reply.code(404).send(FILE_UNKNOWN);
        const { upload, bytes } = openedFile;
        return await reply
          .header('content-disposition', buildContentDisposition(upload.name))
          .header('content-security-policy', FILE_POLICY)
          .header('etag', `"${upload.digest}"`)
          .type(upload.mediaType)
          .send(Buffer.from(bytes));
      } catch (error) {
        if (error instanceof Refusal) return reply.code(422).send(toRefusalView(error));
        throw error;
      }
    });
  });
}

async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  dependencies: MaterialDependencies,
  actor: Person,
): Promise<FastifyReply> {
  try {
    requireAllowed(MATERIAL_POLICY.receiveUpload, null, actor);
    const name = nameOf(request);
    if (Number(request.headers['content-length'] ?? 0) > MAX_FILE_BYTES) throw new Refusal('FILE_TOO_LARGE');
    const bytes = await readBody(request.raw);
    if (!bytes) return refuse(request, reply.code(400), UPLOAD_INCOMPLETE);
    const contentType = request.headers['content-type'] ?? null;
    const upload = await receiveUpload(dependencies, actor, { name, contentType, bytes });
    return await reply.code(201).header('location', fileUrl(upload.id)).send(viewUpload(upload));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refuse(request, reply.code(error.code === 'FILE_TOO_LARGE' ? 413 : 422), toRefusalView(error));
  }
}

function nameOf(request: FastifyRequest): string {
  const name = headerOf(request, 'x-file-name');
  if (name === null) throw new Refusal('FIELD_MALFORMED', 'x-file-name', '请填写文件名');
  return name;
}

/**
 * Returns a header, decoded from percent-encoded UTF-8 (RFC 8187), or null if it was not sent. Refuses FIELD_MALFORMED.
 */
function headerOf(request: FastifyRequest, name: string): string | null {
  const header = request.headers[name];
  if (typeof header !== 'string') return null;
  try {
    return decodeURIComponent(header);
  } catch {
    throw new Refusal('FIELD_MALFORMED', name);
  }
}

/** Reads the whole body. Returns null if it breaks off. Refuses FILE_TOO_LARGE at the first byte too many. */
async function readBody(raw: IncomingMessage): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => raw.destroy(), RECEIVE_TIMEOUT_MS);
  try {
    for await (const part of raw.iterator({ destroyOnReturn: false })) {
      length += part.length;
      if (length > MAX_FILE_BYTES) throw new Refusal('FILE_TOO_LARGE');
      parts.push(part);
    }
    return Buffer.concat(parts, length);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Reads the request to its end and then answers. If the connection closed earlier, a sender could lose the answer. */
async function refuse(request: FastifyRequest, reply: FastifyReply, answer: object): Promise<FastifyReply> {
  if (!(await discard(request.raw))) reply.header('connection', 'close');
  return reply.send(answer);
}

/** Reads and discards the rest of a request. Returns whether it ended within the limits. */
function discard(raw: IncomingMessage): Promise<boolean> {
  if (raw.readableEnded || raw.destroyed) return Promise.resolve(true);
  return new Promise((resolve) => {
    let remainingBytes = MAX_DISCARD_BYTES;
    const finish = (ended: boolean) => {
      clearTimeout(timer);
      raw.off('data', count);
      resolve(ended);
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
