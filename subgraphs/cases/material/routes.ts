import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendFile } from '../../kernel/http/answer/file.ts';
import { identifyCaller } from '../../kernel/http/context.ts';
import { toRefusalView } from '../../kernel/http/errors.ts';
import { buildContentDisposition } from '../../kernel/http/http.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { isRehearsal, readStatedPurpose } from '../../kernel/privacy/purpose-header.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type UploadLimits, uploadRoute } from './upload/routes.ts';
import type { Upload } from './upload/store.ts';
import type { MaterialDependencies } from './upload/workflow.ts';
import { fileUrl } from './view.ts';
import { openFile } from './workflow.ts';

/** A file of a stranger that a browser opens in spite of `content-disposition` runs and loads nothing. */
const FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'";

/** Sends a file of a stranger as what its content is, to be saved and not to be shown by a browser. */
export function sendMaterial(
  request: FastifyRequest,
  reply: FastifyReply,
  { upload, bytes }: { upload: Upload; bytes: Uint8Array },
): FastifyReply {
  reply
    .header('content-disposition', buildContentDisposition(upload.name))
    .header('content-security-policy', FILE_POLICY);
  return sendFile(request, reply, { ...upload, bytes: Buffer.from(bytes) });
}

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', message: '请先登录：上传和下载材料需要令牌。' };
export const FILE_UNKNOWN = { code: 'FILE_UNKNOWN', message: '没有此文件。' };

/** `POST /cases/materials` and `GET /cases/materials/:id`, described in docs/materials.md. */
export function materialRoutes(
  app: FastifyInstance,
  dependencies: MaterialDependencies,
  options: ServeOptions,
  limits: UploadLimits,
): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body is not read before the sender is identified.
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    uploadRoute(scope, dependencies, options, limits);

    scope.get<{ Params: { id: string } }>(fileUrl(':id'), async (request, reply) => {
      const context = await identifyCaller(request, reply, options);
      if (!context) return reply;
      const { actor } = context;
      if (actor.kind === 'public') return reply.code(401).send(UNAUTHENTICATED);
      try {
        const dryRun = isRehearsal(request);
        const opening = { id: request.params.id, stated: readStatedPurpose(request), dryRun };
        const openedFile = await openFile(dependencies, actor, opening);
        // The answer is the same if there is no such file or the caller may not see it.
        if (!openedFile) return reply.code(404).send(FILE_UNKNOWN);
        if (dryRun) return await reply.code(204).send();
        return await sendMaterial(request, reply, openedFile);
      } catch (error) {
        if (error instanceof Refusal) return reply.code(422).send(toRefusalView(error));
        throw error;
      }
    });
  });
}
