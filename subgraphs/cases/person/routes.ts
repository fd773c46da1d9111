import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ResolvePerson } from '../../kernel/actor.ts';
import { instantSchema } from '../../kernel/day-schema.ts';
import { isForwarded } from '../../kernel/http/caller-hook.ts';
import { TokenError } from '../../kernel/sealing/token.ts';

const MAX_TEXT_CHARS = 500;
const instant = instantSchema.transform((time) => new Date(time));
const text = z.string().max(MAX_TEXT_CHARS);
const identity = z.strictObject({
  issuer: text,
  subject: text,
  holderCode: text.nullable(),
  name: text.nullable(),
  issuedAt: instant,
  authTime: instant.nullable(),
  session: text.nullable(),
});

/**
 * `POST /person`: finds the person of an identity, for a gateway in another process. Only the gateway may ask: it has
 * verified who it is. The path is not under `/cases/`, so the gateway forwards nobody to it.
 * Answers 200 with `{ person }` (null for nobody), 401 with `{ code }` for a session that has ended, 403 to others.
 */
export function addPersonRoute(app: FastifyInstance, resolvePerson: ResolvePerson, now: () => Date): void {
  app.post('/person', async (request, reply) => {
    if (!isForwarded(request)) return reply.code(403).send({ code: 'FORBIDDEN', message: '只供网关查询。' });
    const input = identity.safeParse(request.body);
    if (!input.success) return reply.code(400).send({ code: 'BAD_USER_INPUT', message: '不是身份。' });
    try {
      return { person: await resolvePerson(input.data, now()) };
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return reply.code(error.statusCode).send({ code: error.code, message: error.message });
    }
  });
}
