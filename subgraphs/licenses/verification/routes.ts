import type { FastifyInstance } from 'fastify';
import { drawSeal } from '../../kernel/pdf/seal-picture.ts';
import { findFile } from '../act/file-store.ts';
import { toSvg } from './picture.ts';
import { findPublicStatus } from './view.ts';
import type { VerificationDependencies } from './workflow.ts';

/**
 * `GET /licenses/seal/<identifier>`, public: the picture of the seal on a license. Sends the office's own picture from
 * the document (PNG), or the drawn one (SVG). The picture shows the owner of the seal and proves nothing.
 */
export function addVerificationRoutes(app: FastifyInstance, { db, parse }: VerificationDependencies): void {
  app.get<{ Params: { identifier: string } }>('/licenses/seal/:identifier', async ({ params }, reply) => {
    const status = await findPublicStatus(db, params.identifier);
    if (!status) return reply.code(404).send({ code: 'LICENSE_UNKNOWN', message: '没有此证照。' });
    const { issuerName: organ, sealName: name, documentDigest } = status;
    reply.header('cache-control', 'public, max-age=86400');
    const file = (await findFile(db, documentDigest))?.bytes;
    const png = file ? await parse('readSealPicture', file) : null;
    if (png) return reply.type('image/png').send(Buffer.from(png));
    return reply.type('image/svg+xml').send(toSvg(drawSeal(organ, sealKindOf(name, organ))));
  });
}

/** The kind of seal: the part of its name after the organ's name. */
function sealKindOf(name: string, organ: string): string {
  return name.startsWith(organ) ? name.slice(organ.length) : name;
}
