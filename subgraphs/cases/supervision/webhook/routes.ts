import type { FastifyInstance } from 'fastify';
import { toRefusalView } from '../../../kernel/http/errors.ts';
import { Refusal, type RefusalCode } from '../../../kernel/refusal.ts';
import { takeMessage, type WebhookDependencies } from './workflow.ts';

const FINDINGS_PATH = '/cases/supervision/findings';
/** Largest message that is read. */
const MAX_MESSAGE_BYTES = 65_536;

/** Refusals of the message itself. The content of a correctly signed message is answered with 200 or 422. */
const STATUSES: Partial<Record<RefusalCode, number>> = {
  SIGNATURE_MISSING: 401,
  SIGNATURE_MALFORMED: 401,
  SIGNATURE_INVALID: 401,
  TIMESTAMP_NOT_FRESH: 401,
  MESSAGE_CONFLICT: 409,
};

/** `POST /cases/supervision/findings`: findings of outside supervision systems, signed with the webhook's secret. */
export function supervisionRoutes(app: FastifyInstance, deps: WebhookDependencies): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The signature covers the bytes, so the body is read as bytes.
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.post<{ Body: Buffer | undefined }>(
      FINDINGS_PATH,
      { bodyLimit: MAX_MESSAGE_BYTES },
      async (request, reply) => {
        try {
          const body = readBody(request.body);
          if (body === null) return reply.code(400).send(toRefusalView(new Refusal('MESSAGE_MALFORMED')));
          const { status, answer } = await takeMessage(deps, request.headers, body);
          return reply.code(status).send(answer);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return reply.code(STATUSES[error.code] ?? 422).send(toRefusalView(error));
        }
      },
    );
  });
}

/**
 * Returns the body as text, or null if it is not UTF-8.
 * No byte is dropped or replaced, so that the text is what was signed.
 */
function readBody(body: Buffer | undefined): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}
