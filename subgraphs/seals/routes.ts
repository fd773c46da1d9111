import type { FastifyInstance } from 'fastify';
import { buildContentDisposition } from '../kernel/http/http.ts';
import { type PkiDependencies, readCertificates, readRevocationList } from './certification/certification-workflow.ts';
import { findPicture } from './store.ts';

/** How long a client may cache a revocation list. A revocation must be visible within the hour. */
const LIST_MAX_AGE_SECONDS = 300;

/**
 * Adds the public routes. `GET /seals/root.crl` and `/seals/issuing.crl`: the revocation lists (RFC 5280, DER). `GET
 * /seals/certificates.pem`: every certificate below the root. `GET /seals/picture/<digest>`: an office's own picture of
 * a seal (PNG).
 */
export function addPublicRoutes(app: FastifyInstance, deps: PkiDependencies): void {
  for (const id of ['root', 'issuing'] as const) {
    app.get(`/seals/${id}.crl`, async (_, reply) =>
      reply
        .type('application/pkix-crl')
        .header('cache-control', `public, max-age=${LIST_MAX_AGE_SECONDS}`)
        .send(Buffer.from(await readRevocationList(deps, id))),
    );
  }
  app.get<{ Params: { digest: string } }>('/seals/picture/:digest', async ({ params }, reply) => {
    const { digest } = params;
    const png = /^[0-9a-f]{64}$/.test(digest) ? await findPicture(deps.db, digest) : null;
    if (!png) return reply.code(404).send({ code: 'SEAL_UNKNOWN', message: '没有此印模图片。' });
    return reply
      .type('image/png')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(Buffer.from(png));
  });
  app.get('/seals/certificates.pem', async (_, reply) =>
    reply
      .header('content-disposition', buildContentDisposition('certificates.pem'))
      .type('application/x-pem-file')
      .send(await readCertificates(deps)),
  );
}
