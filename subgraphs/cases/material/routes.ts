import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../kernel/refusal.ts';
import { attachment, identify, type ServeOptions, viewRefusal } from '../../kernel/serve.ts';
import { FILE_BYTES_MOST } from './file.ts';
import { fileUrl, viewUpload } from './resolvers.ts';
import { type MaterialDependencies, openFile, requireUploader, takeUpload } from './workflow.ts';

/** Uploads that one process reads at once; each holds its file in memory. */
export const UPLOADS_AT_ONCE = 8;
/** Longest that the sending of one file may take. */
const RECEIVE_TIMEOUT_MS = 120_000;
/** What is still read, and thrown away, of a request that was refused, so that its sender gets to read the answer. */
const DISCARD_BYTES_MOST = 64 * 1_048_576;
const DISCARD_TIMEOUT_MS = 10_000;

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', message: '请先登录：上传和下载材料需要令牌。' };
const UNKNOWN = { code: 'FILE_UNKNOWN', message: '没有此文件。' };
const BUSY = { code: 'UPLOADS_BUSY', message: '上传繁忙，请稍后再试。' };
const BROKEN_OFF = { code: 'UPLOAD_BROKEN_OFF', message: '文件没有传完，请重新上传。' };

/** `POST /cases/materials` and `GET /cases/materials/:id`, described in docs/materials.md. */
export function materialRoutes(app: FastifyInstance, dependencies: MaterialDependencies, options: ServeOptions): void {
  let reading = 0;
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body stays unread until it is known who sends it.
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

    scope.post(fileUrl('').slice(0, -1), async (request, reply) => {
      if (reading >= UPLOADS_AT_ONCE) return refuse(request, reply.header('retry-after', '1').code(503), BUSY);
      reading += 1;
      try {
        return await receive(request, reply, dependencies, options);
      } finally {
        reading -= 1;
      }
    });

    scope.get<{ Params: { id: string } }>(fileUrl(':id'), async (request, reply) => {
      const context = await identify(request, reply, options);
      if (!context) return reply;
      const { actor } = context;
      if (actor.kind === 'public') return reply.code(401).send(UNAUTHENTICATED);
      try {
        const opened = await openFile(dependencies, actor, request.params.id);
        // The same answer whether there is none or it is somebody else's.
        if (!opened) return reply.code(404).send(UNKNOWN);
        const { upload, bytes } = opened;
        return await reply
          .header('content-disposition', attachment(upload.name))
          .header('x-content-type-options', 'nosniff')
          .header('content-security-policy', "sandbox; default-src 'none'")
          .header('cache-control', 'private, no-store')
          .header('etag', `"${upload.digest}"`)
          .type(upload.mediaType)
          .send(Buffer.from(bytes));
      } catch (error) {
        if (error instanceof Refusal) return reply.code(422).send(viewRefusal(error));
        throw error;
      }
    });
  });
}

async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  dependencies: MaterialDependencies,
  options: ServeOptions,
): Promise<FastifyReply> {
  const context = await identify(request, reply, options);
  if (!context) {
    discard(request.raw);
    return reply;
  }
  const { actor } = context;
  if (actor.kind === 'public') return refuse(request, reply.code(401), UNAUTHENTICATED);
  try {
    requireUploader(actor);
    const name = nameOf(request);
    if (Number(request.headers['content-length'] ?? 0) > FILE_BYTES_MOST) throw new Refusal('FILE_TOO_LARGE');
    const bytes = await readBody(request.raw);
    if (!bytes) return refuse(request, reply.code(400), BROKEN_OFF);
    const said = request.headers['content-type'] ?? null;
    const upload = await takeUpload(dependencies, actor, { name, said, bytes });
    return await reply.code(201).header('location', fileUrl(upload.id)).send(viewUpload(upload));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refuse(request, reply.code(error.code === 'FILE_TOO_LARGE' ? 413 : 422), viewRefusal(error));
  }
}

/** The header `x-file-name`, percent-encoded UTF-8 as in RFC 8187. Refuses FIELD_MALFORMED. */
function nameOf(request: FastifyRequest): string {
  const header = request.headers['x-file-name'];
  if (typeof header !== 'string') throw new Refusal('FIELD_MALFORMED', 'x-file-name', '请填写文件名');
  try {
    return decodeURIComponent(header);
  } catch {
    throw new Refusal('FIELD_MALFORMED', 'x-file-name');
  }
}

/** The whole body, or null where it breaks off. Refuses FILE_TOO_LARGE at the first byte too many. */
async function readBody(raw: IncomingMessage): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => raw.destroy(), RECEIVE_TIMEOUT_MS);
  try {
    for await (const part of raw.iterator({ destroyOnReturn: false })) {
      length += part.length;
      if (length > FILE_BYTES_MOST) throw new Refusal('FILE_TOO_LARGE');
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

function refuse(request: FastifyRequest, reply: FastifyReply, answer: object): FastifyReply {
  reply.send(answer);
  discard(request.raw);
  return reply;
}

/** Reads on without keeping anything, then hangs up: hanging up at once would lose the answer on its way. */
function discard(raw: IncomingMessage): void {
  if (raw.readableEnded || raw.destroyed) return;
  let left = DISCARD_BYTES_MOST;
  const timer = setTimeout(() => raw.destroy(), DISCARD_TIMEOUT_MS);
  raw.on('data', (part: Buffer) => {
    left -= part.length;
    if (left < 0) raw.destroy();
  });
  raw.once('error', () => {});
  raw.once('close', () => clearTimeout(timer));
}
