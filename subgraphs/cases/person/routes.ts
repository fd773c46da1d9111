import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { instantSchema } from '../../kernel/day-schema.ts';
import { isForwarded } from '../../kernel/http/caller-hook.ts';
import { TokenError } from '../../kernel/sealing/token.ts';
import type { PersonRegister } from './register.ts';

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

const logout = z
  .strictObject({
    issuer: text,
    id: text,
    subject: text.nullable(),
    session: text.nullable(),
    endedAt: instant,
  })
  .refine(({ subject, session }) => subject !== null || session !== null);

/** Adds the routes by which a gateway in another process asks the register. Nobody else may. */
export function addRegisterRoutes(app: FastifyInstance, register: PersonRegister, now: () => Date): void {
  addPersonRoute(app, register, now);
  addLogoutRoute(app, register, now);
  addPlaceRoute(app, register, now);
}

/**
 * `POST /person`: finds the person of an identity, for a gateway in another process. Only the gateway may ask: it has
 * verified who it is. The path is not under `/cases/`, so the gateway forwards nobody to it.
 * Answers 200 with `{ person }` (null for nobody), 401 with `{ code }` for a session that has ended, 403 to others.
 */
function addPersonRoute(app: FastifyInstance, { resolvePerson }: PersonRegister, now: () => Date): void {
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

/**
 * `POST /logout`: records sessions that the issuer has ended. The gateway has verified that the issuer says it.
 * Answers 200 with `{ isNew }`, 403 to others than the gateway.
 */
function addLogoutRoute(app: FastifyInstance, { recordLogout }: PersonRegister, now: () => Date): void {
  app.post('/logout', async (request, reply) => {
    if (!isForwarded(request)) return reply.code(403).send({ code: 'FORBIDDEN', message: '只供网关登记。' });
    const input = logout.safeParse(request.body);
    if (!input.success) return reply.code(400).send({ code: 'BAD_USER_INPUT', message: '不是退出声明。' });
    return { isNew: await recordLogout(input.data, now()) };
  });
}

/**
 * `POST /place`: what an organ has become by reforms. Answers 200 with `{ place }`, 403 to others than the gateway.
 */
function addPlaceRoute(app: FastifyInstance, { resolvePlace }: PersonRegister, now: () => Date): void {
  app.post('/place', async (request, reply) => {
    if (!isForwarded(request)) return reply.code(403).send({ code: 'FORBIDDEN', message: '只供网关查询。' });
    const input = z.strictObject({ organ: text }).safeParse(request.body);
    if (!input.success) return reply.code(400).send({ code: 'BAD_USER_INPUT', message: '不是机关。' });
    return { place: await resolvePlace(input.data.organ, now()) };
  });
}
