import type { FastifyInstance } from 'fastify';
import { type EvidenceDependencies, gatherBundle, publishList } from './workflow.ts';

/**
 * `GET /licenses/status-list` (IETF Token Status List) and `GET /licenses/evidence/<identifier>`: public, without a
 * token. Neither reveals more about a license than the page behind its QR code.
 */
export function addEvidenceRoutes(app: FastifyInstance, deps: EvidenceDependencies): void {
  app.get('/licenses/status-list', async (_request, reply) =>
    reply
      .type('application/statuslist+jwt')
      .header('cache-control', 'public, max-age=600')
      .send(await publishList(deps)),
  );
  app.get<{ Params: { identifier: string } }>('/licenses/evidence/:identifier', async ({ params }, reply) => {
    const bundle = await gatherBundle(deps, params.identifier);
    if (bundle === null) return reply.code(404).send({ code: 'LICENSE_UNKNOWN', message: '没有此证照。' });
    return reply.type('application/json; charset=utf-8').send(bundle);
  });
}
