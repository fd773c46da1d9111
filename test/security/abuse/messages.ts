/** HTTP messages that two readers may take for different requests, or that ask for more than a request needs. */

const HOST = 'host: hub\r\n';
const INNER = 'GET /health/live HTTP/1.1\r\nhost: hub\r\n\r\n';
const POST = `POST /graphql HTTP/1.1\r\n${HOST}content-type: application/json\r\n`;

/** Messages of which no part may be answered as a request: the hub says 4xx or closes. */
export const BROKEN_MESSAGES: Readonly<Record<string, string>> = {
  'a length and chunks': `${POST}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
  'chunks and a length': `${POST}transfer-encoding: chunked\r\ncontent-length: ${INNER.length}\r\n\r\n0\r\n\r\n${INNER}`,
  'two lengths': `${POST}content-length: 0\r\ncontent-length: ${INNER.length}\r\n\r\n${INNER}`,
  'a length with a sign': `${POST}content-length: +0\r\n\r\n${INNER}`,
  'a length in hexadecimal': `${POST}content-length: 0x0\r\n\r\n${INNER}`,
  'a list of lengths': `${POST}content-length: 0, 0\r\n\r\n${INNER}`,
  'a negative length': `${POST}content-length: -1\r\n\r\n${INNER}`,
  'a length beyond every number': `${POST}content-length: ${'9'.repeat(60)}\r\n\r\n${INNER}`,
  'an unknown coding': `${POST}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${INNER}`,
  'chunks that are not the last coding': `${POST}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n${INNER}`,
  'a space before the colon': `${POST}content-length : 5\r\n\r\n${INNER}`,
  'a line feed alone': `${POST.replaceAll('\r\n', '\n')}content-length: 0\n\n${INNER}`,
  'a carriage return alone': `${POST}x: a\rcontent-length: 5\r\n\r\n${INNER}`,
  'a folded header': `${POST}x: a\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
  'a NUL in a header': `${POST}x: a\0b\r\n\r\n${INNER}`,
  'a header without a name': `${POST}: a\r\n\r\n${INNER}`,
  'a chunk with a sign': `${POST}transfer-encoding: chunked\r\n\r\n-1\r\n\r\n${INNER}`,
  'a chunk of 2^64 bytes': `${POST}transfer-encoding: chunked\r\n\r\n10000000000000000\r\n\r\n${INNER}`,
  'a chunk without its end': `${POST}transfer-encoding: chunked\r\n\r\n1\r\naX\r\n${INNER}`,
  'an extension of a chunk of 100 kB': `${POST}transfer-encoding: chunked\r\n\r\n1;${'x'.repeat(100_000)}\r\na\r\n0\r\n\r\n`,
  'a header of 100 kB': `${POST}x: ${'a'.repeat(100_000)}\r\n\r\n${INNER}`,
  '20,000 headers': `${POST}${'x: a\r\n'.repeat(20_000)}\r\n${INNER}`,
  'an address of 100 kB': `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n${HOST}\r\n${INNER}`,
  'a method without end': 'G'.repeat(100_000),
  'no host': 'GET /graphql HTTP/1.1\r\n\r\n',
  'a host with a path': 'GET /graphql HTTP/1.1\r\nhost: a/../b\r\n\r\n',
  'an old version': `GET /graphql\r\n${INNER}`,
  'a version that is none': `GET /graphql HTTP/9.9\r\n${HOST}\r\n${INNER}`,
  'HTTP/2 without TLS': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'a TLS greeting': '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
  'bytes of no protocol': '\xff\xfe\0\0'.repeat(1_000),
  'a tunnel': `CONNECT 127.0.0.1:5432 HTTP/1.1\r\n${HOST}\r\n`,
};

/** Beginnings of requests whose rest never comes. */
export const STUCK_MESSAGES: Readonly<Record<string, string>> = {
  nothing: '',
  'one byte': 'P',
  'a header without end': `${POST}x: `,
  'a body that does not come': `${POST}content-length: 1000\r\n\r\n{`,
  'a chunk that does not come': `${POST}transfer-encoding: chunked\r\n\r\n3e8\r\n{`,
  'a body that the hub is to ask for': `${POST}content-length: 1000\r\nexpect: 100-continue\r\n\r\n`,
  'an upload that does not come': `POST /cases/materials HTTP/1.1\r\n${HOST}content-type: application/pdf\r\ncontent-length: 1000000\r\n\r\n%PDF-1.7`,
};
