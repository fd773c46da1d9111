import type { FastifyInstance } from 'fastify';
import { identifyCaller } from '../../kernel/http/context.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { findVersions } from '../store.ts';
import { type EvidenceDependencies, gatherEvidence, publishList } from './workflow.ts';

const CLOSED = '此证照的证据包含旧版日志条目，可以用来试探个人信息';

/**
 * `GET /licenses/status-list` (IETF Token Status List) and `GET /licenses/evidence/<identifier>`: public, without a
 * token. The bundle of a version of releases up to 0.4 needs the SHA-256 of its file (`?document=`), or the token of
 * somebody who may see the version. Answers 401 or 403 otherwise.
 */
export function addEvidenceRoutes(app: FastifyInstance, deps: EvidenceDependencies, options: ServeOptions): void {
  app.get('/licenses/status-list', async (_request, reply) =>
    reply
      .type('application/statuslist+jwt')
      .header('cache-control', 'public, max-age=600')
      .send(await publishList(deps)),
  );
  app.get<{ Params: { identifier: string }; Querystring: { document?: string } }>(
    '/licenses/evidence/:identifier',
    async (request, reply) => {
      const evidence = await gatherEvidence(deps, request.params.identifier);
      if (evidence === null) return reply.code(404).send({ code: 'LICENSE_UNKNOWN', message: '没有此证照。' });
      const { text, isOpen, secretDigest } = evidence;
      if (!isOpen && (secretDigest === null || request.query.document !== secretDigest)) {
        const context = await identifyCaller(request, reply, options);
        if (!context) return reply;
        const { actor } = context;
        if (actor.kind === 'public')
          return reply.code(401).send({ code: 'UNAUTHENTICATED', message: `${CLOSED}：须有令牌，或文件的摘要。` });
        const visible = await findVersions(deps.db, 'identifier', [request.params.identifier], actor);
        if (visible.length === 0)
          return reply.code(403).send({ code: 'FORBIDDEN', message: `${CLOSED}：您无权读取。` });
      }
      return reply.type('application/json; charset=utf-8').send(text);
    },
  );
}
