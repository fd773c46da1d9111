import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';

/** The static files of the public pages: a closed list, read once at start. */

const SCRIPT = 'text/javascript; charset=utf-8';
const OWN_FILES = {
  'style.css': 'text/css; charset=utf-8',
  'answer.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'verify.js': SCRIPT,
  'status.js': SCRIPT,
  'answer.js': SCRIPT,
  'ask.js': SCRIPT,
  'camera.js': SCRIPT,
  'element.js': SCRIPT,
  'log.js': SCRIPT,
  'proof.js': SCRIPT,
  'terms.js': SCRIPT,
  'tlog.js': SCRIPT,
  'words.js': SCRIPT,
} as const;
/** The decoder of the package `qr` (MIT or Apache-2.0), for browsers without a detector. Loaded on the first scan. */
const DECODER_FILES = ['index.js', 'decode.js'] as const;

/**
 * `GET /page/<file>`, with its digest as ETag. A browser revalidates each time, so that a page never runs scripts of
 * another release.
 */
export function addPageFileRoutes(app: FastifyInstance): void {
  for (const [name, type] of Object.entries(OWN_FILES))
    serveFile(app, name, type, new URL(`static/${name}`, import.meta.url));
  const decoder = pathToFileURL(createRequire(import.meta.url).resolve('qr/decode.js'));
  for (const name of DECODER_FILES) serveFile(app, `qr/${name}`, SCRIPT, new URL(name, decoder));
}

function serveFile(app: FastifyInstance, name: string, type: string, from: URL): void {
  const bytes = readFileSync(fileURLToPath(from));
  const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`;
  app.get(`/page/${name}`, async (request, reply) => {
    reply.header('etag', etag).header('cache-control', 'no-cache');
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type(type).send(bytes);
  });
}
