import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Person } from '../../../kernel/actor.ts';
import { currentCaller } from '../../../kernel/http/caller.ts';
import { identifyCaller } from '../../../kernel/http/context.ts';
import { toRefusalView } from '../../../kernel/http/errors.ts';
import type { ServeOptions } from '../../../kernel/http/serve.ts';
import { Overload } from '../../../kernel/limits/overload.ts';
import { requireAllowed } from '../../../kernel/policy.ts';
import { Refusal } from '../../../kernel/refusal.ts';
import { MATERIAL_POLICY } from '../policy.ts';
import { fileUrl, viewUpload } from '../view.ts';
import {
  discardBody,
  MAX_ANONYMOUS_DISCARD_BYTES,
  MAX_DISCARD_BYTES,
  type ReceiveLimits,
  receiveBody,
} from './body-client.ts';
import { MAX_FILE_BYTES } from './file.ts';
import { isForm, MAX_FORM_BYTES, readFormFile } from './form/form-view.ts';
import { createUploadPlaces, type PlaceLimits, type Release, type UploadPlaces } from './places.ts';
import { type MaterialDependencies, receiveUpload } from './workflow.ts';

/** What uploads may take of this process. A place holds up to `MAX_FILE_BYTES` of memory. */
export interface UploadLimits {
  places: PlaceLimits;
  receive: ReceiveLimits;
}

/** The limits that an operator may set (docs/configuration.md). */
export interface UploadSettings {
  UPLOAD_PLACES: number;
  UPLOAD_PLACES_PER_PERSON: number;
  UPLOAD_SECONDS: number;
  UPLOAD_MIN_BYTES_PER_SECOND: number;
}

/** Shorter than the window in which the server measures connections, so that a slow sender learns what is wrong. */
const WINDOW_MS = 5_000;

export function readUploadLimits(settings: UploadSettings): UploadLimits {
  return {
    places: { inAll: settings.UPLOAD_PLACES, perPerson: settings.UPLOAD_PLACES_PER_PERSON },
    receive: {
      totalMs: settings.UPLOAD_SECONDS * 1_000,
      minBytesPerSecond: settings.UPLOAD_MIN_BYTES_PER_SECOND,
      windowMs: WINDOW_MS,
    },
  };
}

/** Refused requests whose rest is read at the same time. Further ones are closed at once. */
const DISCARD_PLACES: PlaceLimits = { inAll: 32, perPerson: 4 };

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', message: '请先登录：上传和下载材料需要令牌。' };
const UPLOAD_INCOMPLETE = { code: 'UPLOAD_BROKEN_OFF', message: '文件没有传完，请重新上传。' };
const UPLOAD_TOO_SLOW = { code: 'UPLOAD_TOO_SLOW', message: '上传过慢，已中止，请换用较快的网络重新上传。' };

/** `POST /cases/materials`, described in docs/materials.md. The scope must pass bodies on unread. */
export function uploadRoute(
  scope: FastifyInstance,
  dependencies: MaterialDependencies,
  options: ServeOptions,
  limits: UploadLimits,
): void {
  const places = createUploadPlaces(limits.places);
  const discards = createUploadPlaces(DISCARD_PLACES);
  const receiver: Receiver = { dependencies, limits: limits.receive, discards };
  // Uploads have places of their own, which they keep for minutes.
  scope.post('/cases/materials', { config: { takesNoPlace: true } }, async (request, reply) => {
    const context = await identifyCaller(request, reply, options);
    if (!context) {
      // The token was refused, and that was answered.
      if (!(await discardInPlace(request, discards, MAX_ANONYMOUS_DISCARD_BYTES))) request.raw.destroy();
      return reply;
    }
    const { actor } = context;
    if (actor.kind === 'public') {
      return refuse(receiver, request, reply.code(401), UNAUTHENTICATED, MAX_ANONYMOUS_DISCARD_BYTES);
    }
    try {
      const release = places.take(actor.id);
      try {
        return await receive(receiver, request, reply, actor);
      } finally {
        release();
      }
    } catch (error) {
      if (!(error instanceof Overload)) throw error;
      const { statusCode, retryAfterSeconds, code, message } = error;
      reply.code(statusCode).header('retry-after', retryAfterSeconds);
      return refuse(receiver, request, reply, { code, message });
    }
  });
}

interface Receiver {
  dependencies: MaterialDependencies;
  limits: ReceiveLimits;
  discards: UploadPlaces;
}

async function receive(
  receiver: Receiver,
  request: FastifyRequest,
  reply: FastifyReply,
  actor: Person,
): Promise<FastifyReply> {
  try {
    requireAllowed(MATERIAL_POLICY.receiveUpload, null, actor);
    const contentType = request.headers['content-type'] ?? null;
    const form = contentType !== null && isForm(contentType) ? contentType : null;
    const name = form === null ? nameOf(request) : '';
    const maxBytes = form === null ? MAX_FILE_BYTES : MAX_FORM_BYTES;
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw new Refusal('FILE_TOO_LARGE');
    const body = await receiveBody(request.raw, receiver.limits, maxBytes);
    if (body === 'BROKEN_OFF') return refuse(receiver, request, reply.code(400), UPLOAD_INCOMPLETE);
    // The rest is not waited for: it would come as slowly.
    if (body === 'TOO_SLOW') return reply.code(408).header('connection', 'close').send(UPLOAD_TOO_SLOW);
    const file = form === null ? { name, contentType, ...body } : await readFormFile(form, body.bytes);
    if (file === 'BROKEN_OFF') return refuse(receiver, request, reply.code(400), UPLOAD_INCOMPLETE);
    const upload = await receiveUpload(receiver.dependencies, actor, file);
    return await reply.code(201).header('location', fileUrl(upload.id)).send(viewUpload(upload));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    reply.code(error.code === 'FILE_TOO_LARGE' ? 413 : 422);
    return refuse(receiver, request, reply, toRefusalView(error));
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

/** Reads the request to its end and then answers. If the connection closed earlier, a sender could lose the answer. */
async function refuse(
  { discards }: Receiver,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: object,
  maxDiscardBytes: number = MAX_DISCARD_BYTES,
): Promise<FastifyReply> {
  if (!(await discardInPlace(request, discards, maxDiscardBytes))) reply.header('connection', 'close');
  return reply.send(answer);
}

/** Returns whether the request has ended. Does not wait for its end if the sender holds too many places. */
async function discardInPlace(request: FastifyRequest, discards: UploadPlaces, maxBytes: number): Promise<boolean> {
  let release: Release;
  try {
    release = discards.take(currentCaller());
  } catch {
    return request.raw.readableEnded;
  }
  try {
    return await discardBody(request.raw, maxBytes);
  } finally {
    release();
  }
}
