import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { negotiate } from '@fastify/accept-negotiator';
import type { FastifyInstance } from 'fastify';
import { sendFile } from '../../subgraphs/kernel/http/answer/file.ts';

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
  'progress.js': SCRIPT,
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

/** A file as it is, and compressed. Each form has a digest of its own, as RFC 9110 (8.8.3.3) asks of a strong tag. */
interface StaticFile {
  mediaType: string;
  plain: EncodedFile;
  compressed: EncodedFile;
}

interface EncodedFile {
  bytes: Buffer;
  digest: string;
}

/**
 * `GET /page/<file>`, with its digest as ETag. A browser revalidates each time, so that a page never runs scripts of
 * another release.
 */
export function addPageFileRoutes(app: FastifyInstance): void {
  for (const [name, type] of Object.entries(OWN_FILES))
    serveFile(app, name, () => readStatic(new URL(`static/${name}`, import.meta.url), type));
  const decoder = pathToFileURL(createRequire(import.meta.url).resolve('qr/decode.js'));
  for (const name of DECODER_FILES) serveFile(app, `qr/${name}`, () => readStatic(new URL(name, decoder), SCRIPT));
  for (const [name, [part, type]] of Object.entries(EXPLORER_FILES))
    serveFile(app, `graphiql/${name}`, () => readExplorer(part, type));
}

const readStatic = (from: URL, mediaType: string) => toStatic(readFileSync(fileURLToPath(from)), mediaType);

async function toStatic(bytes: Buffer, mediaType: string): Promise<StaticFile> {
  return { mediaType, plain: toEncoded(bytes), compressed: toEncoded(await compress(bytes)) };
}

const compress = promisify(gzip);
const toEncoded = (bytes: Buffer): EncodedFile => ({
  bytes,
  digest: createHash('sha256').update(bytes).digest('hex'),
});

type ExplorerPart = (typeof EXPLORER_FILES)[keyof typeof EXPLORER_FILES][0];

/** Nine megabytes, so they are read and compressed when somebody opens the explorer for the first time. */
async function readExplorer(part: ExplorerPart, mediaType: string): Promise<StaticFile> {
  const parts = await import('@graphql-yoga/render-graphiql/graphiql');
  return toStatic(Buffer.from(parts[part]), mediaType);
}

/** Serves a file that is read on the first request. */
function serveFile(app: FastifyInstance, name: string, read: () => Promise<StaticFile>): void {
  let file: Promise<StaticFile> | null = null;
  app.get(`/page/${name}`, async (request, reply) => {
    file ??= read();
    const { mediaType, plain, compressed } = await file;
    const isCompressed = negotiate(String(request.headers['accept-encoding'] ?? ''), ['gzip']) === 'gzip';
    if (isCompressed) reply.header('content-encoding', 'gzip');
    reply.header('vary', 'accept-encoding').header('cache-control', 'no-cache');
    return sendFile(request, reply, { ...(isCompressed ? compressed : plain), mediaType });
  });
}
