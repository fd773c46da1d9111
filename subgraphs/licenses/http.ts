import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Sign, SignAnswer } from '../kernel/events.ts';
import { REFUSALS, Refusal, type RefusalCode } from '../kernel/refusal.ts';
import { postService, readContext, type ServeOptions } from '../kernel/serve.ts';
import type { Licenses } from './index.ts';

/** `GET /files/:digest` of the licenses subgraph, for a gateway in another process; the caller's token decides. */
export function fileRoute(app: FastifyInstance, licenses: Licenses, options: ServeOptions): void {
  app.get<{ Params: { digest: string } }>('/files/:digest', async (request, reply) => {
    const { actor } = await readContext(request, options.tokenKey, options.now());
    const file = await licenses.file(request.params.digest, actor);
    if (!file) return reply.code(404).send();
    return reply
      .type(file.mediaType)
      .header('x-file-name', encodeURIComponent(file.name))
      .send(Buffer.from(file.bytes));
  });
}

const signed = z.object({
  state: z.literal('SIGNED'),
  signature: z.base64(),
  sealId: z.string(),
  sealName: z.string(),
  signedAt: z.iso.datetime(),
});
const pending = z.object({ state: z.literal('PENDING'), reason: z.string() });
const refused = z.object({
  code: z.enum(Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]]),
  field: z.string().nullable(),
});

/** The port `licenses → seals.sign` across HTTP. */
export function signOver(baseUrl: string, serviceKey: Uint8Array, now: () => Date): Sign {
  return async (request): Promise<SignAnswer> => {
    const response = await postService(`${baseUrl}/sign`, 'licenses', request, serviceKey, now);
    const body: unknown = await response.json();
    if (response.status === 422) {
      const { code, field } = refused.parse(body);
      throw new Refusal(code, field);
    }
    const answer = z.discriminatedUnion('state', [signed, pending]).parse(body);
    return answer.state === 'PENDING' ? answer : { ...answer, signature: Buffer.from(answer.signature, 'base64') };
  };
}
