import { createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { scanByClamd } from '../../subgraphs/cases/material/upload/clamd-client.ts';
import {
  examineFile,
  MAX_FILE_BYTES,
  MAX_FILE_NAME_CHARS,
  requireFile,
  requireFileName,
  requireMatchingType,
  withEnding,
} from '../../subgraphs/cases/material/upload/file.ts';
import { askScanner, type ScanVerdict } from '../../subgraphs/cases/material/upload/scan-client.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { buildEicarPdf, buildJpeg, buildPdf, buildPng, buildPngChunk } from '../support/files.ts';

function refusalCodeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
const refusalOfFile = (bytes: Uint8Array) => refusalCodeOf(() => requireFile(bytes));

const INTACT_FILES = { 'application/pdf': buildPdf(), 'image/jpeg': buildJpeg(), 'image/png': buildPng() } as const;
const HTML = '<!doctype html><script>alert(1)</script>';

describe('the media type follows from the bytes', () => {
  test.each(Object.entries(INTACT_FILES))('%s', (mediaType, bytes) => {
    expect(requireFile(bytes)).toBe(mediaType);
    // The offset of the bytes in their buffer must not matter.
    const shiftedBytes = new Uint8Array(bytes.length + 3);
    shiftedBytes.set(bytes, 3);
    expect(requireFile(shiftedBytes.subarray(3))).toBe(mediaType);
  });

  test('refuses a file that is empty or too large', () => {
    expect(refusalOfFile(new Uint8Array())).toBe('FILE_EMPTY');
    expect(refusalOfFile(Buffer.concat([buildPdf(), Buffer.alloc(MAX_FILE_BYTES)]))).toBe('FILE_TOO_LARGE');
  });

  test.each([
    ['text', Buffer.from('营业执照')],
    ['HTML', Buffer.from(HTML)],
    ['an empty ZIP', Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)])],
    ['a program', Buffer.from('MZ\x90\x00')],
    ['GIF', Buffer.from('GIF89a')],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['a PDF header after junk', Buffer.concat([Buffer.from('GIF89a;\n'), buildPdf()])],
    ['a PDF header after HTML', Buffer.concat([Buffer.from(HTML), buildPdf()])],
    ['half a PNG signature', Buffer.from([0x89, 0x50, 0x4e, 0x47])],
  ])('refuses the type of %s', (_, bytes) => expect(refusalOfFile(bytes)).toBe('FILE_TYPE_NOT_ALLOWED'));

  test.each([
    ['a PDF with only a header', Buffer.from('%PDF-1.7\n')],
    ['a PDF without a version', Buffer.from('%PDF-x.y\nstartxref\n0\n%%EOF')],
    ['a PDF whose end is missing', buildPdf().subarray(0, -8)],
    ['a PDF cut in the middle', buildPdf().subarray(0, 300)],
    ['a PDF without a cross-reference table', Buffer.from('%PDF-1.7\n1 0 obj\nendobj\n%%EOF')],
    ['a PDF whose cross-reference offset lies beyond its end', Buffer.from('%PDF-1.7\nstartxref\n99999\n%%EOF')],
    ['a PDF with a ZIP after its end', Buffer.concat([buildPdf(), Buffer.from('PK\x03\x04')])],
    ['a ZIP without its directory', Buffer.from('PK\x03\x04 word/document.xml')],
    ['a PNG cut short', buildPng(50).subarray(0, -5)],
    ['a PNG without its end', buildPng().subarray(0, -12)],
    ['a PNG with HTML after its end', Buffer.concat([buildPng(), Buffer.from(HTML)])],
    ['a PNG with a flipped bit', Buffer.from(buildPng().map((byte, i) => (i === 20 ? byte ^ 1 : byte)))],
    ['a PNG without an image', Buffer.concat([buildPng().subarray(0, 33), buildPngChunk('IEND', Buffer.alloc(0))])],
    ['a PNG without a header', Buffer.concat([buildPng().subarray(0, 8), buildPng().subarray(33)])],
    [
      'a PNG chunk that is longer than the file',
      Buffer.concat([buildPng().subarray(0, 33), Buffer.from('\xff\xff\xff\xffIDAT', 'latin1')]),
    ],
    ['a JPEG cut in its image', buildJpeg().subarray(0, -2)],
    ['a JPEG cut in a segment', buildJpeg().subarray(0, 40)],
    ['a JPEG without an image', Buffer.from([0xff, 0xd8, 0xff, 0xd9])],
    ['a JPEG with only a header', Buffer.from([0xff, 0xd8, 0xff])],
    ['a JPEG header followed by HTML', Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 2]), Buffer.from(HTML)])],
  ])('refuses %s as broken', (_, bytes) => expect(refusalOfFile(bytes)).toBe('FILE_BROKEN'));

  test('accepts variants that common programs write', () => {
    // Phones append previews and depth maps to the image.
    expect(requireFile(Buffer.concat([buildJpeg(), buildJpeg()]))).toBe('image/jpeg');
    // HTML in a PNG text chunk is harmless: the file is served as an image and as an attachment that browsers save.
    expect(requireFile(buildPng(1, [buildPngChunk('tEXt', Buffer.from(`Comment\0${HTML}`))]))).toBe('image/png');
    expect(requireFile(Buffer.concat([buildPdf(), Buffer.from('\r\n\0\0')]))).toBe('application/pdf');
  });

  test('refuses a file that is truncated anywhere, and never throws an internal error', () => {
    const intactFile = fc.constantFrom(buildPdf(), buildJpeg(), buildPng(20));
    fc.assert(
      fc.property(intactFile, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (bytes, share) => {
        const end = Math.floor((bytes.length - 1) * share);
        expect(['FILE_EMPTY', 'FILE_TYPE_NOT_ALLOWED', 'FILE_BROKEN']).toContain(refusalOfFile(bytes.subarray(0, end)));
      }),
    );
    fc.assert(
      fc.property(intactFile, fc.uint8Array({ maxLength: 400 }), fc.nat(200), (bytes, noise, offset) => {
        const damagedFile = Buffer.concat([bytes.subarray(0, offset), noise]);
        expect([null, 'FILE_EMPTY', 'FILE_TYPE_NOT_ALLOWED', 'FILE_BROKEN', 'FILE_TOO_COMPLEX']).toContain(
          refusalOfFile(damagedFile),
        );
      }),
    );
  });
});

describe('the declared media type and the file name', () => {
  const refusalOfDeclaration = (declaredType: string | null, name: string) =>
    refusalCodeOf(() => requireMatchingType('image/jpeg', declaredType, name));
  test.each([
    ['image/jpeg', '照片.jpg'],
    ['image/jpeg; charset=binary', '照片.JPEG'],
    ['IMAGE/JPG', '照片'],
    ['application/octet-stream', '2022.9.29'],
    [null, '照片.jpg'],
  ])('accepts %s with %s', (declaredType, name) => expect(refusalOfDeclaration(declaredType, name)).toBeNull());
  test.each([
    ['application/pdf', '照片.jpg'],
    ['text/html', '照片.jpg'],
    ['image/png', '照片'],
    [null, '照片.pdf'],
    ['image/jpeg', '照片.PNG'],
  ])('refuses %s with %s', (declaredType, name) =>
    expect(refusalOfDeclaration(declaredType, name)).toBe('FILE_TYPE_MISMATCH'),
  );

  test('adds the extension of the media type if the name does not have it', () => {
    expect(withEnding('照片.jpg', 'image/jpeg')).toBe('照片.jpg');
    expect(withEnding('照片.JPEG', 'image/jpeg')).toBe('照片.JPEG');
    expect(withEnding('2022.9.29', 'application/pdf')).toBe('2022.9.29.pdf');
    expect(withEnding('setup.exe', 'application/pdf')).toBe('setup.exe.pdf');
    expect(withEnding('照片', 'image/png')).toBe('照片.png');
  });

  test.each([
    ['', 'FIELD_MALFORMED'],
    [' a.pdf', 'FIELD_MALFORMED'],
    ['../a.pdf', 'FIELD_MALFORMED'],
    ['C:\\a.pdf', 'FIELD_MALFORMED'],
    ['a\r\nset-cookie: b.pdf', 'FIELD_MALFORMED'],
    ['a\u202efdp.exe', 'FIELD_MALFORMED'],
    ['a\ud800.pdf', 'FIELD_MALFORMED'],
    ['证'.repeat(MAX_FILE_NAME_CHARS + 1), 'FIELD_TOO_LONG'],
    ['证'.repeat(MAX_FILE_NAME_CHARS), null],
    ['身份证 𠮷.pdf', null],
  ])('checks the file name %j', (name, code) => expect(refusalCodeOf(() => requireFileName(name))).toBe(code));
});

describe('the examination of a file', () => {
  const refusalOfExamination = (bytes: Uint8Array) => refusalCodeOf(() => examineFile(bytes));
  test('finds the EICAR string and active content in a PDF', () => {
    expect(refusalOfExamination(buildEicarPdf())).toBe('FILE_INFECTED');
    expect(refusalOfExamination(buildPdf('a', '<< /S /JavaScript /JS (app.alert(1)) >>'))).toBe('FILE_INFECTED');
    expect(refusalOfExamination(buildPdf('a', '<< /S /J#61vaScript /JS (app.alert(1)) >>'))).toBe('FILE_INFECTED');
    expect(refusalOfExamination(buildPdf('a', '<< /S /Launch /F (cmd.exe) >>'))).toBe('FILE_INFECTED');
  });
  test('passes clean files and links', () => {
    for (const [mediaType, bytes] of Object.entries(INTACT_FILES)) expect(examineFile(bytes)).toBe(mediaType);
    expect(refusalOfExamination(buildPdf('a', '<< /S /URI /URI (http://example.cn) >>'))).toBeNull();
  });
});

test('a scanner that throws or times out gives UNAVAILABLE, never CLEAN', async () => {
  const meta = { mediaType: 'application/pdf', digest: '' } as const;
  const failingScan = async () => {
    throw new Error('down');
  };
  expect(await askScanner(failingScan, buildPdf(), meta)).toEqual({ verdict: 'UNAVAILABLE', reason: 'down' });
  const hangingScan = () => new Promise<ScanVerdict>(() => {});
  expect((await askScanner(hangingScan, buildPdf(), meta, 5)).verdict).toBe('UNAVAILABLE');
});

describe('clamd', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  /**
   * Starts a fake clamd that reads an INSTREAM request (clamd(8)) and sends what `reply` returns.
   * It drops the connection if `reply` returns null. Returns the port.
   */
  async function clamd(reply: (stream: Buffer) => string | null): Promise<number> {
    const serveSocket = (socket: Socket) => {
      let received = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (part) => {
        received = Buffer.concat([received, part]);
        const stream = readStream(received);
        if (!stream) return;
        const answer = reply(stream);
        if (answer === null) socket.destroy();
        else socket.end(answer);
      });
    };
    server = createServer(serveSocket);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Returns the bytes of a complete INSTREAM request, or null if more data has to come. */
  function readStream(received: Buffer): Buffer | null {
    const head = 'zINSTREAM\0';
    if (received.length < head.length) return null;
    expect(received.toString('latin1', 0, head.length)).toBe(head);
    const parts: Buffer[] = [];
    for (let offset = head.length; offset + 4 <= received.length; ) {
      const length = received.readUInt32BE(offset);
      if (length === 0) return Buffer.concat(parts);
      parts.push(received.subarray(offset + 4, offset + 4 + length));
      offset += 4 + length;
    }
    return null;
  }

  const requestScan = async (port: number, bytes: Uint8Array) =>
    scanByClamd('127.0.0.1', port)(bytes, { mediaType: 'application/pdf', digest: '' });

  test('receives every byte, and the hub reads its verdict', async () => {
    const large = Buffer.concat([buildPdf(), Buffer.alloc(200_000, 7)]);
    const streams: Buffer[] = [];
    const port = await clamd((stream) => {
      streams.push(stream);
      return stream.includes('EICAR') ? 'stream: Win.Test.EICAR_HDB-1 FOUND\0' : 'stream: OK\0';
    });
    expect(await requestScan(port, large)).toEqual({ verdict: 'CLEAN' });
    expect(streams[0]?.equals(large)).toBe(true);
    expect(await requestScan(port, buildEicarPdf())).toEqual({ verdict: 'INFECTED', reason: 'Win.Test.EICAR_HDB-1' });
  });

  test.each([
    ['an error', 'INSTREAM size limit exceeded. ERROR\0'],
    ['a truncated answer', 'stream: OK'],
    ['an empty answer', ''],
    ['a lost connection', null],
  ])('%s gives no verdict', async (_, reply) => {
    const port = await clamd(() => reply);
    expect((await requestScan(port, buildPdf())).verdict).toBe('UNAVAILABLE');
  });

  test('a closed port gives no verdict', async () => {
    const port = await clamd(() => null);
    const { promise, resolve } = Promise.withResolvers<void>();
    server?.close(() => resolve());
    await promise;
    server = undefined;
    expect((await requestScan(port, buildPdf())).verdict).toBe('UNAVAILABLE');
  });
});
