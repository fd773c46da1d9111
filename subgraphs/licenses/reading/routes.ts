import type { FastifyInstance } from 'fastify';
import { sendFile } from '../../kernel/http/answer/file.ts';
import { identifyCaller } from '../../kernel/http/context.ts';
import { toRefusalView } from '../../kernel/http/errors.ts';
import { buildContentDisposition } from '../../kernel/http/http.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { isRehearsal, readStatedPurpose } from '../../kernel/privacy/purpose-header.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { openFile, type ReadingDependencies } from './workflow.ts';

const DIGEST = /^[0-9a-f]{64}$/;
export const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', message: '请先登录：下载文件需要令牌。' };
export const FILE_UNKNOWN = { code: 'FILE_UNKNOWN', message: '没有此文件。' };

/**
 * `GET /files/<sha256>`: a sealed license, statement or signature. The holder opens the own files, others state a
 * purpose. Nothing may cache it, so that each reading is opening here and recorded.
 */
export function addFileRoutes(app: FastifyInstance, deps: ReadingDependencies, options: ServeOptions): void {
  app.get<{ Params: { digest: string } }>('/files/:digest', async (request, reply) => {
    const context = await identifyCaller(request, reply, options);
    if (!context) return reply;
    if (context.actor.kind === 'public') return reply.code(401).send(UNAUTHENTICATED);
    const { digest } = request.params;
    try {
      const opening = { digest, stated: readStatedPurpose(request), dryRun: isRehearsal(request) };
      const file = DIGEST.test(digest) ? await openFile(deps, context.actor, opening) : null;
      // The same answer for a missing and a forbidden file, so that a digest cannot reveal whether a file exists.
      if (!file) return await reply.code(404).send(FILE_UNKNOWN);
      if (opening.dryRun) return await reply.code(204).send();
      reply.header('content-disposition', buildContentDisposition(file.name));
      return await sendFile(request, reply, { ...file, bytes: Buffer.from(file.bytes), digest });
    } catch (error) {
      if (error instanceof Refusal) return reply.code(422).send(toRefusalView(error));
      throw error;
    }
  });
}
