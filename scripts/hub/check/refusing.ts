import type { FastifyInstance } from 'fastify';
import { logFault } from '../../../subgraphs/kernel/environment/log.ts';
import { createApp } from '../../../subgraphs/kernel/http/http.ts';
import type { StartRefusal } from './checks.ts';

/**
 * Serves a hub that a check of its start has refused. Health says why; everything else is 503 with the same words.
 * Neither database nor folder is open.
 */
export async function serveRefusal(
  { check, message }: StartRefusal,
  { host, port }: { host: string; port: number },
): Promise<FastifyInstance> {
  const { code } = check;
  const app = createApp(logFault);
  app.get('/health/live', async () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) =>
    reply.code(503).send({ status: 'refused', code, message, checks: {} }),
  );
  app.post('/graphql', async (_request, reply) =>
    reply.code(503).send({ errors: [{ message, extensions: { code: 'HUB_REFUSES', reason: code } }] }),
  );
  app.all('/*', async (_request, reply) => reply.code(503).send({ code: 'HUB_REFUSES', reason: code, message }));
  await app.listen({ host, port });
  return app;
}
