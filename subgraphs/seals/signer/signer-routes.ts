import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { logFault } from '../../kernel/environment/log.ts';
import { requireService } from '../../kernel/http/context.ts';
import { toRefusalView } from '../../kernel/http/errors.ts';
import { createApp } from '../../kernel/http/http.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import type { ConnectionLimits } from '../../kernel/limits/limits.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { DOCUMENT_CONTENT_TYPE, ORDER_NAMES, ORDERS, parseOrder } from './protocol.ts';
import type { Signer } from './signer.ts';

/** Largest request body: a document, or the entries of a revocation list. */
const MAX_BODY_BYTES = 8_388_608;

/**
 * Serves a signer over HTTP: `POST /<order>` with a service token of seals. Answers 200 with the result and 422 with a
 * refusal. Answers 400 to a malformed order or to a key of another purpose, 401 without a valid token, 403 to another
 * service. Never returns or logs key material.
 */
export function serveSigner(
  signer: Signer,
  options: Pick<ServeOptions, 'services' | 'now' | 'onFault'> & { connections?: ConnectionLimits },
): FastifyInstance {
  const app = createApp(options.onFault ?? logFault, { bodyLimit: MAX_BODY_BYTES, connections: options.connections });
  app.addContentTypeParser(DOCUMENT_CONTENT_TYPE, { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  app.get('/health/live', async () => ({ status: 'live' }));
  for (const name of ORDER_NAMES) {
    const { order, answer } = ORDERS[name];
    const run = signer[name] as (input: unknown) => Promise<unknown>;
    // Nobody else has the signer read a body.
    const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
      reply.header('connection', 'close');
      if ((await requireService(request, options)) !== 'seals') return reply.code(403).send({ code: 'FORBIDDEN' });
      reply.removeHeader('connection');
    };
    app.post(`/${name}`, { onRequest }, async (request, reply) => {
      try {
        const input = Buffer.isBuffer(request.body) ? parseOrder(request.body) : request.body;
        return { answer: z.encode(answer as z.ZodType, await run(z.decode(order as z.ZodType, input))) };
      } catch (error) {
        if (error instanceof Refusal) return reply.code(422).send(toRefusalView(error));
        return reply.code(400).send({ code: 'BAD_USER_INPUT', message: String(error).slice(0, 500) });
      }
    });
  }
  return app;
}
