import type { FastifyInstance } from 'fastify';
import { signRequest } from '../kernel/events.ts';
import { Refusal } from '../kernel/refusal.ts';
import { requireService, type ServeOptions, viewRefusal } from '../kernel/serve.ts';
import type { Seals } from './index.ts';

/**
 * `POST /sign` for licenses in another process, with a service token: 200 with the answer, the signature in base64; 422 with a
 * refusal. `GET /root.pem` for everybody.
 */
export function signRoute(app: FastifyInstance, seals: Seals, options: ServeOptions): void {
  app.post('/sign', async (request, reply) => {
    await requireService(request, options);
    try {
      const answer = await seals.sign(signRequest.parse(request.body));
      if (answer.state === 'PENDING') return answer;
      return { ...answer, signature: Buffer.from(answer.signature).toString('base64') };
    } catch (error) {
      if (error instanceof Refusal) return reply.code(422).send(viewRefusal(error));
      throw error;
    }
  });
  app.get('/root.pem', async (_, reply) => reply.type('application/x-pem-file').send(await seals.rootCertificate()));
}
