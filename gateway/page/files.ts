import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** The static files of the public pages: a closed list. */

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';
const OWN_FILES = {
  'style.css': STYLE,
  'answer.css': STYLE,
  'explorer/explorer.css': STYLE,
  'icon.svg': 'image/svg+xml',
  'verify.js': SCRIPT,
  'status.js': SCRIPT,
  'answer.js': SCRIPT,
  'ask.js': SCRIPT,
  'camera.js': SCRIPT,
  'element.js': SCRIPT,
  'explorer/examples.js': SCRIPT,
  'explorer/explorer.js': SCRIPT,
  'log.js': SCRIPT,
  'proof.js': SCRIPT,
  'explorer/sign-in.js': SCRIPT,
  'terms.js': SCRIPT,
  'tlog.js': SCRIPT,
  'words.js': SCRIPT,
} as const;
/** The decoder of the package `qr` (MIT or Apache-2.0), for browsers without a detector. Loaded on the first scan. */
const DECODER_FILES = ['index.js', 'decode.js'] as const;
/** GraphiQL (MIT) as the package `@graphql-yoga/render-graphiql` builds it, in one file with its workers. */
const EXPLORER_FILES = {
  'graphiql.js': ['js', SCRIPT],
  'graphiql.css': ['css', STYLE],
  'graphql.worker.js': ['graphqlWorker', SCRIPT],
  'json.worker.js': ['jsonWorker', SCRIPT],
  'editor.worker.js': ['editorWorkerService', SCRIPT],
} as const;

interface StaticFile {
  bytes: Buffer;
  etag: string;
}

/**
 * `GET /page/<file>`, with its digest as ETag. A browser revalidates each time, so that a page never runs scripts of
 * another release.
 */
export function addPageFileRoutes(app: FastifyInstance): void {
  for (const [name, type] of Object.entries(OWN_FILES))
    serveFile(app, name, type, readStatic(new URL(`static/${name}`, import.meta.url)));
  const decoder = pathToFileURL(createRequire(import.meta.url).resolve('qr/decode.js'));
  for (const name of DECODER_FILES) serveFile(app, `qr/${name}`, SCRIPT, readStatic(new URL(name, decoder)));
  for (const [name, [part, type]] of Object.entries(EXPLORER_FILES)) {
    app.get(`/page/graphiql/${name}`, async (request, reply) =>
      sendFile(request, reply, type, await readExplorer(part)),
    );
  }
}

const readStatic = (from: URL) => toStatic(readFileSync(fileURLToPath(from)));

function toStatic(bytes: Buffer): StaticFile {
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('hex')}"` };
}

type ExplorerPart = (typeof EXPLORER_FILES)[keyof typeof EXPLORER_FILES][0];
const explorerFiles = new Map<ExplorerPart, StaticFile>();

/** Nine megabytes, so they are read when somebody opens the explorer for the first time. */
async function readExplorer(part: ExplorerPart): Promise<StaticFile> {
  const known = explorerFiles.get(part);
  if (known) return known;
  const parts = await import('@graphql-yoga/render-graphiql/graphiql');
  const file = toStatic(Buffer.from(parts[part]));
  explorerFiles.set(part, file);
  return file;
}

function serveFile(app: FastifyInstance, name: string, type: string, file: StaticFile): void {
  app.get(`/page/${name}`, async (request, reply) => sendFile(request, reply, type, file));
}

function sendFile(request: FastifyRequest, reply: FastifyReply, type: string, { bytes, etag }: StaticFile) {
  reply.header('etag', etag).header('cache-control', 'no-cache');
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  return reply.type(type).send(bytes);
}
