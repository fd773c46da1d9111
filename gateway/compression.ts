import compress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';

/** Shorter answers gain nothing. */
const MIN_BYTES = 1_024;

/**
 * Compresses answers for callers that accept gzip. Must be called before routes are added. An answer with an ETag goes
 * as it is: its tag names these very bytes. A request is never decompressed: a few bytes could become gigabytes.
 */
export async function addCompression(app: FastifyInstance): Promise<void> {
  // The library looks at the request only, and after this hook.
  app.addHook('onSend', async (request, reply) => {
    if (reply.hasHeader('etag')) request.headers['x-no-compression'] = '1';
  });
  await app.register(compress, {
    ...{ global: true, globalDecompression: false, encodings: ['gzip'], threshold: MIN_BYTES },
    customTypes: /^(?:text\/|application\/(?:graphql-response\+)?json\b)/,
  });
}
