import type { FastifyReply, FastifyRequest } from 'fastify';
import fresh from 'fresh';

/** How a file is answered: conditional requests and ranges (RFC 9110, 13 and 14). */

export interface FileAnswer {
  bytes: Buffer;
  /** Digest of the bytes, hex: the strong validator of the file. */
  digest: string;
  mediaType: string;
}

const RANGE_WRONG = { code: 'RANGE_NOT_SATISFIABLE', message: '文件没有所请求的部分。' };

/**
 * Sends a file: 304 if the caller has it (a list of tags, weak ones and `*` too), 206 for one range of bytes, 416 for a
 * range beyond the end. Several ranges, and a range of another version (If-Range), get the whole file.
 */
export function sendFile(request: FastifyRequest, reply: FastifyReply, file: FileAnswer): FastifyReply {
  const { bytes, digest, mediaType } = file;
  const etag = `"${digest}"`;
  reply.header('etag', etag).header('accept-ranges', 'bytes');
  if (fresh(request.headers, { etag })) return reply.code(304).send();
  const range = findRange(request, etag, bytes.length);
  if (range === 'BEYOND') {
    return reply.code(416).header('content-range', `bytes */${bytes.length}`).send(RANGE_WRONG);
  }
  reply.type(mediaType);
  if (range === null) return reply.send(bytes);
  const { start, end } = range;
  reply.code(206).header('content-range', `bytes ${start}-${end}/${bytes.length}`);
  return reply.send(bytes.subarray(start, end + 1));
}

/** One range, `first-last`, `first-` or `-count`. Several ranges are not answered as such. */
const RANGE = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/;

/** Returns the range that a request asks for, both ends included, or null if the whole file answers it. */
function findRange(
  { headers }: FastifyRequest,
  etag: string,
  size: number,
): { start: number; end: number } | 'BEYOND' | null {
  const { range = '', 'if-range': ifRange = etag } = headers;
  const [text, first, last, count] = ifRange === etag ? (RANGE.exec(range) ?? []) : [];
  if (text === undefined) return null;
  const start = first === undefined ? Math.max(size - Number(count), 0) : Number(first);
  const end = last ? Math.min(Number(last), size - 1) : size - 1;
  if (last && Number(last) < start) return null;
  return start < size ? { start, end } : 'BEYOND';
}
