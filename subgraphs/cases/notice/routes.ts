import type { FastifyInstance } from 'fastify';
import type { Reader } from '../../../db/client.ts';
import { sha256 } from '../../kernel/events/events.ts';
import { sendFile } from '../../kernel/http/answer/file.ts';
import { identifyCaller } from '../../kernel/http/context.ts';
import { toRefusalView } from '../../kernel/http/errors.ts';
import { buildContentDisposition } from '../../kernel/http/http.ts';
import type { ServeOptions } from '../../kernel/http/serve.ts';
import { isSealedPdf } from '../../kernel/pdf/pdf.ts';
import { insertSignature } from '../../kernel/pdf/sealed-pdf.ts';
import { isRehearsal, readStatedPurpose } from '../../kernel/privacy/purpose-header.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type NoticeReaders, openNotice } from './reading-workflow.ts';
import { renderNoticeOnce } from './render.ts';
import * as store from './store.ts';

const MEDIA_TYPES = { pdf: 'application/pdf', p7s: 'application/pkcs7-signature' } as const;
const FILE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(pdf|p7s)$/;

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', message: '请先登录：下载文书需要令牌。' };

/**
 * `GET /cases/notices/<id>.pdf`, for whoever may see the case: the applicant, and others for a purpose.
 * For a sealed notice there is also the signature alone, `.p7s`.
 * The answer is the same 404 if there is none, it is not sealed yet, or the caller may not see it.
 */
export function noticeRoutes(app: FastifyInstance, deps: NoticeReaders, options: ServeOptions): void {
  app.get<{ Params: { file: string } }>('/cases/notices/:file', async (request, reply) => {
    const context = await identifyCaller(request, reply, options);
    if (!context) return reply;
    const { actor } = context;
    if (actor.kind === 'public') return reply.code(401).send(UNAUTHENTICATED);
    const [, id = '', form = ''] = FILE.exec(request.params.file) ?? [];
    try {
      const opening = { id, form, stated: readStatedPurpose(request), dryRun: isRehearsal(request) };
      const stored = id === '' ? null : await openNotice(deps, actor, opening);
      if (stored && opening.dryRun) return await reply.code(204).send();
      const bytes = stored && (form === 'pdf' ? await pdfOf(deps.db, stored) : (stored.seal?.signature ?? null));
      if (!bytes) return reply.code(404).send({ code: 'FILE_UNKNOWN', message: '没有此文件。' });
      reply.header('content-disposition', buildContentDisposition(`${id}.${form}`));
      const mediaType = MEDIA_TYPES[form as keyof typeof MEDIA_TYPES];
      return await sendFile(request, reply, { bytes: Buffer.from(bytes), digest: sha256(bytes), mediaType });
    } catch (error) {
      if (error instanceof Refusal) return reply.code(422).send(toRefusalView(error));
      throw error;
    }
  });
}

/**
 * Returns the sealed file of a notice, or null before it is sealed. Renders one without a seal on request.
 */
async function pdfOf(db: Reader, { notice, seal }: store.StoredNotice): Promise<Uint8Array | null> {
  if (!seal) return renderNoticeOnce(notice.content);
  if (seal.state !== 'DONE' || seal.documentDigest === null || seal.signature === null) return null;
  const file = await store.findFile(db, seal.documentDigest);
  return file && isSealedPdf(file) ? insertSignature(file, seal.signature) : file;
}
