import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requireService } from '../kernel/http/context.ts';
import { toRefusalView } from '../kernel/http/errors.ts';
import type { ServeOptions } from '../kernel/http/serve.ts';
import { Refusal } from '../kernel/refusal.ts';
import { attestActsRequest, attestRequest } from '../kernel/sealing/attest.ts';
import { personSigningRequest } from '../kernel/sealing/person-signature.ts';
import {
  codeRequest,
  evidenceMaterialRequest,
  pictureRequest,
  receiptRecord,
  signRequest,
  stampRequest,
} from '../kernel/sealing/sign.ts';
import { TokenError } from '../kernel/sealing/token.ts';
import type { Seals } from './index.ts';

/** Largest request body. Claims have at most 2 MiB of text, a document with a picture of its seal less than 1 MiB. */
const MAX_BODY_BYTES = 4_194_304;

/**
 * Adds the ports of seals for subgraphs in other processes. Each call needs a service token. `POST /sign` and
 * `/picture` and `/person-signing` are for licenses and cases. The others are for licenses only.
 *
 * Answers 200 with the result (bytes in base64) and 422 with a refusal. Answers 401 without a valid token, 403 to
 * another service, 400 to a malformed body. `GET /root.pem` is public.
 */
export function addPortRoutes(app: FastifyInstance, seals: Seals, options: ServeOptions): void {
  const port = <PortRequest>(
    path: string,
    schema: z.ZodType<PortRequest>,
    services: readonly string[],
    answer: (input: PortRequest) => Promise<object>,
  ) =>
    app.post(path, { bodyLimit: MAX_BODY_BYTES }, async (request, reply) =>
      settle(request, reply, options, services, async () => answer(schema.parse(request.body))),
    );
  port('/sign', signRequest, ['licenses', 'cases'], async (input) => {
    const answer = await seals.sign(input);
    return answer.state === 'PENDING' ? answer : { ...answer, signature: base64(answer.signature) };
  });
  port('/picture', pictureRequest, ['licenses', 'cases'], async (input) => {
    const picture = await seals.picture(input);
    return { picture: picture && base64(picture) };
  });
  port('/person-signing', personSigningRequest, ['licenses', 'cases'], (input) => seals.personSigning(input));
  port('/code', codeRequest, ['licenses'], async (input) => ({ code: await seals.signCode(input) }));
  port('/attest', attestRequest, ['licenses'], async (input) => ({ attestation: await seals.attest(input) }));
  port('/attest-acts', attestActsRequest, ['licenses'], async (input) => ({ texts: await seals.attestActs(input) }));
  port('/stamp', stampRequest, ['licenses'], async ({ digest }) => ({
    token: base64(await seals.stamp(Buffer.from(digest, 'hex'))),
  }));
  port('/material', evidenceMaterialRequest, ['licenses'], async (input) => {
    const { codes, log, logKeys, ...files } = await seals.material(input);
    const fileEntries = Object.entries(files).map(([name, bytes]) => [name, base64(bytes)]);
    return { ...Object.fromEntries(fileEntries), codes: codes.map(base64), log, logKeys };
  });
  port('/record', receiptRecord, ['licenses'], async (input) => {
    await seals.record(input);
    return {};
  });
  app.get('/root.pem', async (_, reply) => reply.type('application/x-pem-file').send(await seals.rootCertificate()));
}

async function settle(
  request: FastifyRequest,
  reply: FastifyReply,
  options: ServeOptions,
  services: readonly string[],
  answer: () => Promise<object>,
): Promise<object> {
  try {
    if (!services.includes(await requireService(request, options))) {
      return reply.code(403).send({ code: 'FORBIDDEN', message: '此服务不能使用此接口。' });
    }
    return await answer();
  } catch (error) {
    if (error instanceof Refusal) return reply.code(422).send(toRefusalView(error));
    if (error instanceof TokenError)
      return reply.code(error.statusCode).send({ code: error.code, message: error.message });
    if (error instanceof z.ZodError) return reply.code(400).send({ code: 'BAD_USER_INPUT', message: error.message });
    throw error;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
