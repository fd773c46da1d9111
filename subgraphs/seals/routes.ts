import type { FastifyInstance } from 'fastify';
import { type PkiDependencies, readCertificates, readList } from './certification.ts';

/** How long somebody may keep a revocation list before asking again; a revocation must be seen within the hour. */
const LIST_MAX_AGE_SECONDS = 300;

/**
 * `GET /seals/root.crl` and `/seals/issuing.crl`: the revocation lists (RFC 5280, DER); `GET /seals/certificates.pem`: every
 * certificate below the root. For everybody.
 */
export function publicRoutes(app: FastifyInstance, deps: PkiDependencies): void {
  for (const id of ['root', 'issuing'] as const) {
    app.get(`/seals/${id}.crl`, async (_, reply) =>
      reply
        .type('application/pkix-crl')
        .header('cache-control', `public, max-age=${LIST_MAX_AGE_SECONDS}`)
        .send(Buffer.from(await readList(deps, id))),
    );
  }
  app.get('/seals/certificates.pem', async (_, reply) =>
    reply.type('application/x-pem-file').send(await readCertificates(deps)),
  );
}
