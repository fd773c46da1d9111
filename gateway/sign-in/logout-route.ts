import type { FastifyInstance, FastifyReply } from 'fastify';
import type { PersonRegister } from '../../subgraphs/cases/person/register.ts';
import type { Clock } from '../../subgraphs/kernel/day.ts';
import { TokenError, type TokenErrorCode } from '../../subgraphs/kernel/sealing/token.ts';
import type { EdgeSignIn } from './sign-in.ts';

interface LogoutOptions extends Pick<PersonRegister, 'recordLogout'>, Pick<EdgeSignIn, 'readLogout'> {
  now: Clock;
}

/** A token has at most 8,192 characters, which a form does not encode. */
const MAX_FORM_BYTES = 16_384;
const FORM = /^application\/x-www-form-urlencoded *(?:;|$)/i;

/** ASCII, for the issuer's log (RFC 6749, 5.2). */
const DESCRIPTIONS: Readonly<Partial<Record<TokenErrorCode, string>>> = {
  TOKEN_EXPIRED: 'the logout token is too old',
  ISSUER_AWAY: 'the keys of the issuer cannot be read',
};

/**
 * `POST /sign-in/back-channel-logout`: the issuer says that it has ended sessions (OpenID Connect Back-Channel Logout
 * 1.0). The signature of the token is all it needs. Answers 200 without a body when the end is recorded, else 400 with
 * `{ error, error_description }`.
 */
export async function addLogoutRoute(app: FastifyInstance, options: LogoutOptions): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MAX_FORM_BYTES }, (_request, text, done) =>
      done(null, text),
    );
    scope.post('/sign-in/back-channel-logout', async ({ headers, body }, reply) => {
      reply.header('cache-control', 'no-store');
      const isForm = FORM.test(headers['content-type'] ?? '') && typeof body === 'string';
      const [token, ...others] = new URLSearchParams(isForm ? body : '').getAll('logout_token');
      if (token === undefined || others.length > 0) return refuse(reply, 'the form must have one logout_token');
      return endSessions(token, options, reply);
    });
  });
}

async function endSessions(
  token: string,
  { readLogout, recordLogout, now }: LogoutOptions,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    const at = now();
    const isNew = await recordLogout(await readLogout(token, at), at);
    return isNew ? reply.code(200).send() : refuse(reply, 'the logout token was sent before');
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return refuse(reply, DESCRIPTIONS[error.code] ?? 'the logout token is not accepted');
  }
}

function refuse(reply: FastifyReply, description: string): FastifyReply {
  return reply.code(400).send({ error: 'invalid_request', error_description: description });
}
