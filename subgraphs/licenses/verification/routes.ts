import type { FastifyInstance } from 'fastify';
import { SharedWork } from '../../../db/deadline.ts';
import { createCache } from '../../kernel/cache.ts';
import { dayOf } from '../../kernel/day.ts';
import { drawSeal } from '../../kernel/pdf/seal-picture.ts';
import { findFile } from '../act/file-store.ts';
import { toSvg } from './picture.ts';
import { findPublicStatus, type PublicStatus } from './view.ts';
import type { VerificationDependencies } from './workflow.ts';

/** A picture of an office is at most 256 KiB. */
const MAX_CACHED_PICTURES = 100;

interface SealPicture {
  type: 'image/png' | 'image/svg+xml';
  body: Buffer | string;
}

/**
 * `GET /licenses/seal/<identifier>`, public: the picture of the seal on a license. Sends the office's own picture from
 * the document (PNG), or the drawn one (SVG). The picture shows the owner of the seal and proves nothing.
 */
export function addVerificationRoutes(app: FastifyInstance, { db, now, parse }: VerificationDependencies): void {
  // A document never changes, so it is read once for many requests.
  const pictures = createCache<SealPicture>(MAX_CACHED_PICTURES);
  const running = new SharedWork<SealPicture>();
  const readPicture = async ({ issuerName: organ, fileDigest }: PublicStatus, name: string) => {
    const file = (await findFile(db, fileDigest))?.bytes;
    const png = file ? await parse('readSealPicture', file) : null;
    const picture: SealPicture = png
      ? { type: 'image/png', body: Buffer.from(png) }
      : { type: 'image/svg+xml', body: toSvg(drawSeal(organ, sealKindOf(name, organ))) };
    if (file) pictures.set(fileDigest, picture);
    return picture;
  };
  app.get<{ Params: { identifier: string } }>('/licenses/seal/:identifier', async ({ params }, reply) => {
    const status = await findPublicStatus(db, params.identifier, dayOf(now()));
    if (!status) return reply.code(404).send({ code: 'LICENSE_UNKNOWN', message: '没有此证照。' });
    const { fileDigest, sealName } = status;
    if (sealName === null) return reply.code(404).send({ code: 'SEAL_UNKNOWN', message: '存量证照上没有印章。' });
    const picture = pictures.get(fileDigest) ?? (await running.share(fileDigest, () => readPicture(status, sealName)));
    return reply.header('cache-control', 'public, max-age=86400').type(picture.type).send(picture.body);
  });
}

/** The kind of seal: the part of its name after the organ's name. */
function sealKindOf(name: string, organ: string): string {
  return name.startsWith(organ) ? name.slice(organ.length) : name;
}
