import type { FastifyInstance } from 'fastify';
import { TokenError } from '../kernel/actor.ts';
import { Refusal } from '../kernel/refusal.ts';
import { requireService, type ServeOptions, viewRefusal } from '../kernel/serve.ts';
import { signRequest } from '../kernel/sign.ts';
import type { Seals } from './index.ts';

/**
 * `POST /sign` for licenses and cases in another process, with a service token: 200 with the answer, the signature in base64; 422 with a
 * refusal; 401 without a good token, 400 for a body of another form. `GET /root.pem` for everybody.
 */
export function signRoute(app: FastifyInstance, seals: Seals, options: ServeOptions): void {
  app.post('/sign', async (request, reply) => {
    try {
      await requireService(request, options);
      const asked = signRequest.safeParse(request.body);
      if (!asked.success) return reply.code(400).send({ code: 'BAD_USER_INPUT', message: asked.error.message });
      const answer = await seals.sign(asked.data);
      if (answer.state === 'PENDING') return answer;
      return { ...answer, signature: Buffer.from(answer.signature).toString('base64') };
    } catch (error) {
      if (error instanceof Refusal) return reply.code(422).send(viewRefusal(error));
      if (error instanceof TokenError) return reply.code(401).send({ code: error.code, message: error.message });
      throw error;
    }
  });
  app.get('/root.pem', async (_, reply) => reply.type('application/x-pem-file').send(await seals.rootCertificate()));
}
