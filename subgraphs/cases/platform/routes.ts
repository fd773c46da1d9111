import type { FastifyError, FastifyInstance } from 'fastify';
import { logFault } from '../../kernel/environment/log.ts';
import { reportFault } from '../../kernel/http/errors.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { findOverload } from '../../kernel/limits/overload.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';
import { FILE_UNKNOWN, sendMaterial } from '../material/routes.ts';
import { FILES_PATH } from './file-link.ts';
import { openListedFile } from './material-workflow.ts';
import { MAX_MESSAGE_BYTES, SIGNATURE_HEADER } from './message.ts';
import { type PlatformDependencies, PROTOCOLS, takeMessage } from './workflow.ts';

/** HTTP statuses of refusals that store nothing. The same message may be sent again. */
const STATUSES: Partial<Record<RefusalCode, number>> = {
  MESSAGE_MALFORMED: 400,
  SIGNATURE_MISSING: 401,
  SIGNATURE_MALFORMED: 401,
  SIGNATURE_INVALID: 401,
  KEY_UNKNOWN: 401,
  KEY_NOT_IN_FORCE: 401,
  AUDIENCE_WRONG: 401,
  TIMESTAMP_NOT_FRESH: 401,
  MESSAGE_CONFLICT: 409,
  MESSAGE_TOO_LARGE: 413,
};

interface FileRequest {
  Params: { upload: string };
  Querystring: Record<string, unknown>;
}

/** Receives messages of approval platforms, by every protocol, and serves the files that protocol 2 lists. */
export function platformRoutes(
  app: FastifyInstance,
  deps: PlatformDependencies,
  { onFault = logFault }: Pick<ServeOptions, 'onFault'>,
): void {
  app.register(async (scope) => {
    // A signature covers bytes, so the body is read as bytes, whatever its content type.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler<FastifyError>((error, _request, reply) => {
      // The app answers it: the platform sends the message again.
      if (findOverload(error)) throw error;
      const refusal = toRefusal(error);
      if (!refusal) {
        const { incident } = reportFault(onFault, error);
        const message = '系统内部故障，请稍后重发。';
        return reply.code(500).send({ outcome: 'FAULT', code: 'INTERNAL', message, field: null, incident });
      }
      const { code, message, field } = refusal;
      return reply.code(STATUSES[code] ?? 422).send({ outcome: 'REFUSED', code, message, field });
    });
    for (const protocol of Object.values(PROTOCOLS)) {
      scope.post(protocol.path, { bodyLimit: MAX_MESSAGE_BYTES }, async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const answer = await takeMessage(deps, request.headers[SIGNATURE_HEADER], body, protocol);
        return reply.code(answer.status).type('application/json; charset=utf-8').send(answer.body);
      });
    }
    scope.get<FileRequest>(`${FILES_PATH}/:upload`, async (request, reply) => {
      const file = await openListedFile(deps, request.params.upload, request.query);
      // The answer is the same for a link that has ended and for one that never was.
      return file ? sendMaterial(request, reply, file) : reply.code(404).send(FILE_UNKNOWN);
    });
  });
}

function toRefusal(error: FastifyError | Refusal): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error.statusCode === 413) return new Refusal('MESSAGE_TOO_LARGE');
  return error.statusCode !== undefined && error.statusCode < 500 ? new Refusal('MESSAGE_MALFORMED') : null;
}
