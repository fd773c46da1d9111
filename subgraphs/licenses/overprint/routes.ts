import type { FastifyInstance } from 'fastify';
import { sha256 } from '../../kernel/events/events.ts';
import { sendFile } from '../../kernel/http/answer/file.ts';
import { identifyCaller } from '../../kernel/http/context.ts';
import { toRefusalView } from '../../kernel/http/errors.ts';
import { buildContentDisposition } from '../../kernel/http/http.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { readLicenseIdentifier } from '../../kernel/identifier.ts';
import { isRehearsal, readStatedPurpose } from '../../kernel/privacy/purpose-header.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { FILE_UNKNOWN, UNAUTHENTICATED } from '../reading/routes.ts';
import { type OverprintDependencies, printOverprint } from './workflow.ts';

/**
 * `GET /licenses/overprint/<identifier>`: the printing aid of a version for its pre-printed blank (套打). It holds the
 * holder's code, so it is opened like a file: for a purpose, recorded, kept by no cache.
 */
export function addOverprintRoutes(app: FastifyInstance, deps: OverprintDependencies, options: ServeOptions): void {
  app.get<{ Params: { identifier: string } }>('/licenses/overprint/:identifier', async (request, reply) => {
    const context = await identifyCaller(request, reply, options);
    if (!context) return reply;
    if (context.actor.kind === 'public') return reply.code(401).send(UNAUTHENTICATED);
    const { identifier } = request.params;
    try {
      const opening = { identifier, stated: readStatedPurpose(request), dryRun: isRehearsal(request) };
      const isIdentifier = readLicenseIdentifier(identifier).verdict !== 'INVALID';
      const overprint = isIdentifier ? await printOverprint(deps, context.actor, opening) : null;
      if (!overprint) return await reply.code(404).send(FILE_UNKNOWN);
      if (opening.dryRun) return await reply.code(204).send();
      const bytes = Buffer.from(overprint.bytes);
      reply.header('content-disposition', buildContentDisposition(overprint.name));
      return await sendFile(request, reply, { bytes, digest: sha256(bytes), mediaType: 'application/pdf' });
    } catch (error) {
      if (error instanceof Refusal) return reply.code(422).send(toRefusalView(error));
      throw error;
    }
  });
}
