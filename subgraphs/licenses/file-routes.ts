import type { FastifyInstance } from 'fastify';
import { identifyCaller } from '../kernel/http/context.ts';
import type { ServeOptions } from '../kernel/http/serve.ts';
import type { Licenses } from './index.ts';

/**
 * Adds `GET /files/:digest` of the licenses subgraph, for a gateway in another process.
 * The caller's token decides whether the file is returned.
 */
export function addFileRoute(app: FastifyInstance, licenses: Licenses, options: ServeOptions): void {
  app.get<{ Params: { digest: string } }>('/files/:digest', async (request, reply) => {
    const context = await identifyCaller(request, reply, options);
    if (!context) return reply;
    const file = await licenses.file(request.params.digest, context.actor);
    if (!file) return reply.code(404).send();
    return reply
      .type(file.mediaType)
      .header('x-file-name', encodeURIComponent(file.name))
      .send(Buffer.from(file.bytes));
  });
}
