import type { FastifyInstance } from 'fastify';
import { isSealedPdf } from '../../kernel/pdf/pdf.ts';
import { toPng } from '../../kernel/pdf/seal-image.ts';
import { drawSeal } from '../../kernel/pdf/seal-picture.ts';
import { readSealedPdf } from '../../kernel/pdf/sealed-pdf.ts';
import { findFile } from '../act/file-store.ts';
import type { EvidenceDependencies } from '../evidence/workflow.ts';
import { toSvg } from './picture.ts';
import { findPublicStatus } from './view.ts';

/**
 * `GET /licenses/seal/<identifier>`, public: the picture of the seal on a license. Sends the office's own picture from
 * the document (PNG), or the drawn one (SVG). The picture shows the owner of the seal and proves nothing.
 */
export function addVerificationRoutes(app: FastifyInstance, { db }: EvidenceDependencies): void {
  app.get<{ Params: { identifier: string } }>('/licenses/seal/:identifier', async ({ params }, reply) => {
    const status = await findPublicStatus(db, params.identifier);
    if (!status) return reply.code(404).send({ code: 'LICENSE_UNKNOWN', message: '没有此证照。' });
    const { issuerName: organ, sealName: name, documentDigest } = status;
    reply.header('cache-control', 'public, max-age=86400');
    const file = (await findFile(db, documentDigest))?.bytes;
    const image = file && isSealedPdf(file) ? readSealedPdf(file).image : null;
    if (image) return reply.type('image/png').send(Buffer.from(toPng(image)));
    return reply.type('image/svg+xml').send(toSvg(drawSeal(organ, sealKindOf(name, organ))));
  });
}

/** The kind of seal: the part of its name after the organ's name. */
function sealKindOf(name: string, organ: string): string {
  return name.startsWith(organ) ? name.slice(organ.length) : name;
}
