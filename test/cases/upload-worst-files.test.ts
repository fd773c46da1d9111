import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { examineFile, MAX_FILE_BYTES } from '../../subgraphs/cases/material/upload/file.ts';
import type { PARSERS } from '../../subgraphs/cases/parsers.ts';
import { createParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { Overload } from '../../subgraphs/kernel/limits/overload.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { buildOfd, buildOffice, buildTiff, buildZip, tiffPage } from '../support/containers.ts';
import { buildJpeg, buildPdf, buildPng, buildPngChunk } from '../support/files.ts';
import { testParsers } from '../support/parsers.ts';

/** The most expensive files of each accepted type. Each has an answer within the memory of a worker. */

const MODULE = new URL('../../subgraphs/cases/parsers.ts', import.meta.url);
const parse = testParsers.open<typeof PARSERS>(MODULE);

/** Returns the type or the code of the refusal, from a worker with the hub's bound on memory. */
async function answerOf(bytes: Uint8Array): Promise<string> {
  try {
    return await parse('examineFile', bytes);
  } catch (error) {
    if (error instanceof Refusal || error instanceof Overload) return error.code;
    throw error;
  }
}

/** Builds a PDF of the largest size that repeats `unit`. */
function fillPdf(unit: string): Buffer {
  const [head, tail] = ['%PDF-1.7\n', '\nstartxref\n9\n%%EOF\n'];
  const bytes = Buffer.alloc(MAX_FILE_BYTES);
  bytes.fill(unit, 'latin1');
  bytes.write(head, 'latin1');
  bytes.write(tail, MAX_FILE_BYTES - tail.length, 'latin1');
  return bytes;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const END = buildPngChunk('IEND', Buffer.alloc(0));
function buildPngHeader(width: number, height: number, depth = 8, colourType = 0): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType], 8);
  return buildPngChunk('IHDR', header);
}
const buildPngOf = (...chunks: Buffer[]) => Buffer.concat([SIGNATURE, ...chunks, END]);
const DATA = buildPngChunk('IDAT', deflateSync(Buffer.alloc(2_000_000)));
const repeat = (unit: Buffer, bytes: number) => Buffer.alloc(bytes - (bytes % unit.length), unit);

const JPEG_START = Buffer.from([0xff, 0xd8]);
const buildFrame = (height: number, width: number, components = 3) =>
  Buffer.from([0xff, 0xc0, 0, 11, 8, height >> 8, height & 255, width >> 8, width & 255, components, 0, 0, 0]);
const SCAN = Buffer.from([0xff, 0xda, 0, 2, 0x3f]);
const JPEG_END = Buffer.from([0xff, 0xd9]);
const fillJpeg = (...unit: number[]) =>
  Buffer.concat([JPEG_START, Buffer.alloc(MAX_FILE_BYTES - 2, Buffer.from(unit))]);

/** Builds a PDF with an object stream of `objects`. `dictionary` has further entries. */
function buildObjectStreamPdf(objects: string, dictionary = '/Filter /FlateDecode', data?: Buffer): Buffer {
  const stream = data ?? deflateSync(Buffer.from(objects, 'latin1'));
  return buildPdf(
    'a',
    `<< /Type /ObjStm /N 1 /First 4 ${dictionary} >>\nstream\r\n${stream.toString('latin1')}\nendstream`,
  );
}
const SCRIPT = '1 0 << /S /JavaScript /JS (app.alert(1)) >>';
const BOMB = deflateSync(Buffer.alloc(9_000_000, '1 2 '));

/** Repeats `unit` with noise between, which does not compress as a bomb does. */
function noisy(unit: string, count: number): string {
  let seed = 1;
  const noise = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return String.fromCharCode(97 + (seed % 26));
  };
  return Array.from({ length: count }, () => `${unit}${noise()}${noise()}`).join('');
}
const NOISE = noisy('<abcdefghij/>', 1_900_000);
const buildPart = (i: number, content: string) => ({ name: `Doc_0/${i}.xml`, content });
const buildOfdOf = (root: string) =>
  buildZip([{ name: 'OFD.xml', content: `${root}${noisy('', 50_000)}` }, buildPart(1, '<a/>')]);
const SHARED_PAGES = Array.from({ length: 20 }, () => [
  ...tiffPage().filter(([tag]) => tag !== 273 && tag !== 279),
  ...([273, 279].map((tag) => [tag, 3, 100_000, 8] as const) as [number, number, number, number][]),
]);

describe('files of the largest size, in a worker', () => {
  test.each([
    ['escapes without a name', fillPdf('#41'), 'application/pdf'],
    ['escaped names', fillPdf('/#41'), 'application/pdf'],
    ['empty names', fillPdf('/'), 'application/pdf'],
    ['names of the length of a bad one', fillPdf('/JavaScripx'), 'application/pdf'],
    ['names without end', fillPdf('/aaaaaaaaaaaaaaaaaaa#61a'), 'application/pdf'],
    ['filters in one comment', fillPdf('/Filter%'), 'FILE_TOO_COMPLEX'],
    ['filters that reach far', fillPdf(`/Filter${' '.repeat(120)}`), 'application/pdf'],
    ['sizes of pictures', fillPdf('/Width 1 /Height 1 '), 'FILE_TOO_COMPLEX'],
    ['object streams without a stream', fillPdf('/ObjStm'), 'FILE_TOO_COMPLEX'],
    ['plain object streams', fillPdf('/ObjStm>>stream\n1 2 '), 'FILE_TOO_COMPLEX'],
    [
      'object streams that inflate to the limit',
      fillPdf(`/ObjStm>>stream\n${deflateSync(Buffer.alloc(8_000_000, '1 2 ')).toString('latin1')}`),
      'FILE_TOO_COMPLEX',
    ],
    ['strings within strings', fillPdf('('), 'application/pdf'],
    ['arrays within arrays', fillPdf('['), 'FILE_TOO_COMPLEX'],
    ['dictionaries within dictionaries', fillPdf('<</a'), 'FILE_TOO_COMPLEX'],
    ['1.2 million objects', fillPdf('1 0 obj<<>>endobj\n'), 'application/pdf'],
    ['white space', fillPdf(' '), 'application/pdf'],
    ['a JPEG of fill bytes', fillJpeg(0xff), 'FILE_BROKEN'],
    ['a JPEG of segments', fillJpeg(0xff, 0xe0, 0, 2), 'FILE_BROKEN'],
    ['a JPEG scan without end', Buffer.concat([JPEG_START, SCAN, Buffer.alloc(20_000_000, 0xff)]), 'FILE_BROKEN'],
    ['a JPEG of restarts', Buffer.concat([JPEG_START, SCAN, repeat(Buffer.from([0xff, 0xd0]), 2e7)]), 'FILE_BROKEN'],
    [
      'a PNG of empty chunks',
      buildPngOf(buildPngHeader(1, 1), repeat(buildPngChunk('aaAa', Buffer.alloc(0)), 20_000_000), DATA),
      'FILE_TOO_COMPLEX',
    ],
    [
      'a PNG of short texts',
      buildPngOf(
        buildPngHeader(1, 1),
        repeat(buildPngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(800))])), 600_000),
        DATA,
      ),
      'image/png',
    ],
    [
      'a TIFF of pages that share their places',
      buildTiff(SHARED_PAGES, { data: Buffer.alloc(8_000_000) }),
      'FILE_TOO_COMPLEX',
    ],
    ['a TIFF of entries', buildTiff([Array.from({ length: 1_001 }, () => [1, 3, 1, 1] as const)]), 'FILE_TOO_COMPLEX'],
    ['a ZIP of 5,001 parts', buildZip(Array.from({ length: 5_001 }, (_, i) => buildPart(i, ''))), 'FILE_TOO_COMPLEX'],
    [
      'a ZIP of 4,997 parts',
      buildOfd(Array.from({ length: 4_997 }, (_, i) => buildPart(i, '<a/>'))),
      'application/ofd',
    ],
    ['XML of 60 MB', buildOfd([buildPart(1, NOISE), buildPart(2, NOISE)]), 'application/ofd'],
    ['tags without end', buildOfd([buildPart(1, `${NOISE}${'<'.repeat(2_000_000)}`)]), 'application/ofd'],
    ['a root of marks', buildOfdOf('<'.repeat(1_900_000)), 'FILE_BROKEN'],
    ['a root of letters', buildOfdOf(`<a ${'b'.repeat(1_900_000)}>`), 'FILE_BROKEN'],
    ['a root of tags', buildOfdOf('<a b="c"/>'.repeat(200_000)), 'FILE_TOO_COMPLEX'],
    [
      'fields without end',
      buildOffice('DOCX', { body: noisy('<w:instrText instr= instr="', 900_000) }),
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    ],
  ])('%s', async (_name, bytes, answer) => {
    expect(bytes.length).toBeLessThanOrEqual(MAX_FILE_BYTES);
    expect(await answerOf(bytes)).toBe(answer);
  });
});

describe('small files that stand for very much', () => {
  const text = (inflated: number) => deflateSync(Buffer.alloc(inflated));
  const refuse = (bytes: Uint8Array) => {
    try {
      return examineFile(bytes);
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  };
  test.each([
    ['60,000 × 60,000 pixels', buildPngOf(buildPngHeader(60_000, 60_000), DATA), 'FILE_TOO_COMPLEX'],
    ['a side of 30,001', buildPngOf(buildPngHeader(30_001, 1), DATA), 'FILE_TOO_COMPLEX'],
    ['the largest side', buildPngOf(buildPngHeader(30_000, 1), DATA), 'image/png'],
    ['16 bits of four channels', buildPngOf(buildPngHeader(10_000, 10_000, 16, 6), DATA), 'FILE_TOO_COMPLEX'],
    ['fewer bytes than its pixels need', buildPngOf(buildPngHeader(20_000, 20_000), DATA), 'FILE_BROKEN'],
    ['no pixels', buildPngOf(buildPngHeader(0, 1), DATA), 'FILE_BROKEN'],
    ['an unknown colour', buildPngOf(buildPngHeader(1, 1, 8, 7), DATA), 'FILE_BROKEN'],
    ['an animation', buildPng(1, [buildPngChunk('acTL', Buffer.alloc(8))]), 'FILE_TOO_COMPLEX'],
    [
      'a text of 20 MB',
      buildPng(1, [buildPngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), text(20e6)]))]),
      'FILE_TOO_COMPLEX',
    ],
    [
      'a text of 20 MB in another form',
      buildPng(1, [buildPngChunk('iTXt', Buffer.concat([Buffer.from('a\0\u0001\0zh\0\0', 'latin1'), text(20e6)]))]),
      'FILE_TOO_COMPLEX',
    ],
    [
      'profiles of 20 MB together',
      buildPng(
        1,
        Array.from({ length: 20 }, () => buildPngChunk('iCCP', Buffer.concat([Buffer.from('a\0\0'), text(1e6)]))),
      ),
      'FILE_TOO_COMPLEX',
    ],
    [
      'a JPEG of 65,535 × 65,535',
      Buffer.concat([JPEG_START, buildFrame(65_535, 65_535), SCAN, JPEG_END]),
      'FILE_TOO_COMPLEX',
    ],
    [
      'a JPEG of 25,000 × 25,000',
      Buffer.concat([JPEG_START, buildFrame(25_000, 25_000), SCAN, JPEG_END]),
      'FILE_TOO_COMPLEX',
    ],
    ['a JPEG without height', Buffer.concat([JPEG_START, buildFrame(0, 9), SCAN, JPEG_END]), 'FILE_BROKEN'],
    [
      'a JPEG of two frames',
      Buffer.concat([JPEG_START, buildFrame(9, 9), buildFrame(9, 9), SCAN, JPEG_END]),
      'FILE_BROKEN',
    ],
    [
      'a JPEG of 65 scans',
      Buffer.concat([JPEG_START, buildFrame(9, 9), ...Array.from({ length: 65 }, () => SCAN), JPEG_END]),
      'FILE_TOO_COMPLEX',
    ],
    ['a picture in a PDF', buildPdf('a', '<< /Subtype /Image /Width 65000 /Height 65000 >>'), 'FILE_TOO_COMPLEX'],
    ['deflate in deflate', buildPdf('a', '<< /Filter [/FlateDecode /Fl#61teDecode] >>'), 'FILE_TOO_COMPLEX'],
    [
      'deflate in hexadecimal digits',
      buildPdf('a', '<< /Filter [ /ASCIIHexDecode /FlateDecode ] >>'),
      'application/pdf',
    ],
    ['an object stream that inflates to 9 MB', buildObjectStreamPdf('', '', BOMB), 'FILE_TOO_COMPLEX'],
    ['5,001 levels', buildPdf('a', `${'['.repeat(5_001)}${']'.repeat(5_001)}`), 'FILE_TOO_COMPLEX'],
  ])('%s', (_name, bytes, answer) => expect(refuse(bytes)).toBe(answer));

  test.each([
    ['in an object stream', buildObjectStreamPdf(SCRIPT), 'FILE_INFECTED'],
    ['in an object stream, escaped', buildObjectStreamPdf(SCRIPT.replace('Java', '#4a#61v#61')), 'FILE_INFECTED'],
    ['in a plain object stream', buildObjectStreamPdf('', '', Buffer.from(SCRIPT)), 'FILE_INFECTED'],
    ['in a string before the object', buildPdf('a', `( ${SCRIPT}`), 'FILE_INFECTED'],
    ['in a comment', buildPdf('a', `% ${SCRIPT}`), 'FILE_INFECTED'],
    [
      'in an object stream whose name is escaped',
      Buffer.from(buildObjectStreamPdf(SCRIPT).toString('latin1').replace('/ObjStm', '/Obj#53tm'), 'latin1'),
      'FILE_INFECTED',
    ],
    [
      'behind another filter',
      buildObjectStreamPdf('', '/Filter /ASCIIHexDecode', Buffer.from('31203020')),
      'FILE_TOO_COMPLEX',
    ],
    [
      'behind a filter that is a reference',
      buildObjectStreamPdf(SCRIPT.replace('/JavaScript', '/X'), '/Filter 9 0 R'),
      'FILE_TOO_COMPLEX',
    ],
    [
      'behind a predictor',
      buildObjectStreamPdf('', '', deflateSync(Buffer.from([2, 0x31, 0x20, 0x30]))),
      'FILE_TOO_COMPLEX',
    ],
    [
      'in damaged data',
      buildObjectStreamPdf('', '', deflateSync(Buffer.from(SCRIPT)).subarray(0, -9)),
      'FILE_TOO_COMPLEX',
    ],
    ['by encryption', buildPdf('a', '<< /Encrypt 9 0 R >>'), 'FILE_ENCRYPTED'],
    ['by encryption, escaped', buildPdf('a', '<< /#45ncrypt 9 0 R >>'), 'FILE_ENCRYPTED'],
    ['in a form of Adobe', buildPdf('a', '<< /XFA 9 0 R >>'), 'FILE_INFECTED'],
    ['in a medium', buildPdf('a', '<< /Subtype /RichMedia >>'), 'FILE_INFECTED'],
  ])('active content hidden %s is found, or the file refused', (_name, bytes, answer) => {
    expect(refuse(bytes)).toBe(answer);
  });

  test('what programs write is accepted: object streams, signatures, pictures, links', () => {
    expect(refuse(buildObjectStreamPdf('1 0 << /Type /Page >>'))).toBe('application/pdf');
    expect(refuse(buildPdf('a', '<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached >>'))).toBe(
      'application/pdf',
    );
    const both = buildObjectStreamPdf('1 0 << /Type /Sig /Filter /Adobe.PPKLite >>', '/Filter[/FlateDecode]');
    expect(refuse(both)).toBe('application/pdf');
    expect(refuse(buildPdf('a', '<< /Subtype /Image /Width 20000 /Height 20000 /Filter /CCITTFaxDecode >>'))).toBe(
      'application/pdf',
    );
    expect(refuse(buildPdf('a', '<< /EncryptMetadata false /JavaScripts 1 /Launched 2 >>'))).toBe('application/pdf');
    expect(refuse(buildJpeg())).toBe('image/jpeg');
  });
});

test('a file that takes longer than the deadline is given up, and the next one is examined', async () => {
  const pool = createParserPool({ deadlineMs: 1, workers: 1 });
  try {
    const hasty = pool.open<typeof PARSERS>(MODULE);
    await expect(hasty('examineFile', fillPdf('/#41'))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(pool.counts.ended).toBe(1);
    expect(await answerOf(buildPdf())).toBe('application/pdf');
  } finally {
    await pool.stop();
  }
});
