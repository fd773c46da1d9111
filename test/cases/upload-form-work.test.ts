import { Busboy } from '@fastify/busboy';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_FORM_BYTES, readFormFile } from '../../subgraphs/cases/material/upload/form/form-view.ts';

/** How much of a form is parsed at a time, whatever it holds: the work is counted, not timed. */

const TYPE = 'multipart/form-data; boundary=b';
const HEAD =
  '--b\r\ncontent-disposition: form-data; name="file"; filename="a.pdf"\r\ncontent-type: application/pdf\r\n\r\n';
const END = '\r\n--b--\r\n';

/** Fills a body up to the longest form with repetitions of a text. */
function fill(text: string, head = HEAD, end = END): Buffer {
  const body = Buffer.alloc(MAX_FORM_BYTES, text);
  body.write(head, 0);
  body.write(end, body.length - end.length);
  return body;
}

let pieces: number[];
beforeEach(() => {
  pieces = [];
  const { write } = Busboy.prototype;
  vi.spyOn(Busboy.prototype, 'write').mockImplementation(function (this: unknown, ...args: unknown[]) {
    pieces.push((args[0] as Buffer).length);
    return write.apply(this as never, args as never);
  });
});
afterEach(() => vi.restoreAllMocks());

describe('a form of the greatest length', () => {
  test.each([
    ['boundaries and nothing else', '\r\n--bx'],
    ['whole boundaries', '\r\n--b\r\n'],
    ['empty fields', '\r\n--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n'],
    ['empty files', '\r\n--b\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\n'],
  ])('of %s is refused, or given up, after its first piece', async (_, text) => {
    const answer = await readFormFile(TYPE, fill(text)).catch((refusal) => refusal.code);
    expect(['FIELD_MALFORMED', 'BROKEN_OFF']).toContain(answer);
    expect(pieces.length).toBeLessThanOrEqual(2);
  });

  test.each([
    ['carriage returns', '\r'],
    ['line ends', '\r\n'],
    ['beginnings of a boundary', '\r\n--'],
    ['dashes', '-'],
  ])('with a file of %s is read in pieces, and others have their turn between any two', async (_, text) => {
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const file = await readFormFile(TYPE, fill(text)).catch((refusal) => refusal.code);
    isDone = true;
    expect(file === 'FILE_TOO_LARGE' || file.bytes.length > 0).toBe(true);
    expect(Math.max(...pieces)).toBeLessThanOrEqual(16_384);
    expect(turns).toBeGreaterThanOrEqual(pieces.length - 1);
    expect(pieces.length).toBeGreaterThan(1_000);
  });
});
