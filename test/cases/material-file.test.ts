import { createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { scanByClamd } from '../../subgraphs/cases/material/clamd.ts';
import {
  FILE_BYTES_MOST,
  FILE_NAME_LENGTH,
  requireFile,
  requireFileName,
  requireHonest,
  trueName,
} from '../../subgraphs/cases/material/file.ts';
import { askScanner, builtInScan, type ScanVerdict } from '../../subgraphs/cases/material/scan.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { chunk, eicar, jpeg, pdf, png } from '../support/files.ts';

function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
const fault = (bytes: Uint8Array) => codeOf(() => requireFile(bytes));

const WHOLE = { 'application/pdf': pdf(), 'image/jpeg': jpeg(), 'image/png': png() } as const;
const HTML = '<!doctype html><script>alert(1)</script>';

describe('the bytes tell what a file is', () => {
  test.each(Object.entries(WHOLE))('%s', (mediaType, bytes) => {
    expect(requireFile(bytes)).toBe(mediaType);
    // However the bytes lie in their buffer.
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(requireFile(shifted.subarray(3))).toBe(mediaType);
  });

  test('nothing is taken that is empty or too large', () => {
    expect(fault(new Uint8Array())).toBe('FILE_EMPTY');
    expect(fault(Buffer.concat([pdf(), Buffer.alloc(FILE_BYTES_MOST)]))).toBe('FILE_TOO_LARGE');
  });

  test.each([
    ['text', Buffer.from('营业执照')],
    ['HTML', Buffer.from(HTML)],
    ['a ZIP, and so DOCX and OFD', Buffer.from('PK\x03\x04 word/document.xml')],
    ['a program', Buffer.from('MZ\x90\x00')],
    ['GIF', Buffer.from('GIF89a')],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['a PDF header after junk', Buffer.concat([Buffer.from('GIF89a;\n'), pdf()])],
    ['a PDF header after HTML', Buffer.concat([Buffer.from(HTML), pdf()])],
    ['half a PNG signature', Buffer.from([0x89, 0x50, 0x4e, 0x47])],
  ])('%s is not taken', (_, bytes) => expect(fault(bytes)).toBe('FILE_TYPE_NOT_ALLOWED'));

  test.each([
    ['a PDF of a header alone', Buffer.from('%PDF-1.7\n')],
    ['a PDF without a version', Buffer.from('%PDF-x.y\nstartxref\n0\n%%EOF')],
    ['a PDF whose end is missing', pdf().subarray(0, -8)],
    ['a PDF cut in the middle', pdf().subarray(0, 300)],
    ['a PDF without a table', Buffer.from('%PDF-1.7\n1 0 obj\nendobj\n%%EOF')],
    ['a PDF whose table lies beyond its end', Buffer.from('%PDF-1.7\nstartxref\n99999\n%%EOF')],
    ['a PDF with a ZIP after its end', Buffer.concat([pdf(), Buffer.from('PK\x03\x04')])],
    ['a PNG cut short', png(50).subarray(0, -5)],
    ['a PNG without its end', png().subarray(0, -12)],
    ['a PNG with HTML after its end', Buffer.concat([png(), Buffer.from(HTML)])],
    ['a PNG with a bit turned', Buffer.from(png().map((byte, i) => (i === 20 ? byte ^ 1 : byte)))],
    ['a PNG without an image', Buffer.concat([png().subarray(0, 33), chunk('IEND', Buffer.alloc(0))])],
    ['a PNG without a header', Buffer.concat([png().subarray(0, 8), png().subarray(33)])],
    [
      'a PNG chunk that claims more than there is',
      Buffer.concat([png().subarray(0, 33), Buffer.from('\xff\xff\xff\xffIDAT', 'latin1')]),
    ],
    ['a JPEG cut in its image', jpeg().subarray(0, -2)],
    ['a JPEG cut in a segment', jpeg().subarray(0, 40)],
    ['a JPEG without an image', Buffer.from([0xff, 0xd8, 0xff, 0xd9])],
    ['a JPEG of a head alone', Buffer.from([0xff, 0xd8, 0xff])],
    [
      'a JPEG that is HTML after its head',
      Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 2]), Buffer.from(HTML)]),
    ],
  ])('%s is broken', (_, bytes) => expect(fault(bytes)).toBe('FILE_BROKEN'));

  test('what honest programs write is taken', () => {
    // Telephones put previews and depth maps behind the image.
    expect(requireFile(Buffer.concat([jpeg(), jpeg()]))).toBe('image/jpeg');
    // Text within a PNG is text: it is served as an image, and saved rather than shown.
    expect(requireFile(png(1, [chunk('tEXt', Buffer.from(`Comment\0${HTML}`))]))).toBe('image/png');
    expect(requireFile(Buffer.concat([pdf(), Buffer.from('\r\n\0\0')]))).toBe('application/pdf');
  });

  test('cut anywhere, no file is whole, and none is a fault of ours', () => {
    const whole = fc.constantFrom(pdf(), jpeg(), png(20));
    fc.assert(
      fc.property(whole, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (bytes, share) => {
        const end = Math.floor((bytes.length - 1) * share);
        expect(['FILE_EMPTY', 'FILE_TYPE_NOT_ALLOWED', 'FILE_BROKEN']).toContain(fault(bytes.subarray(0, end)));
      }),
    );
    fc.assert(
      fc.property(whole, fc.uint8Array({ maxLength: 400 }), fc.nat(200), (bytes, noise, at) => {
        const spoiled = Buffer.concat([bytes.subarray(0, at), noise]);
        expect([null, 'FILE_EMPTY', 'FILE_TYPE_NOT_ALLOWED', 'FILE_BROKEN']).toContain(fault(spoiled));
      }),
    );
  });
});

describe('what the sender says', () => {
  const honest = (said: string | null, name: string) => codeOf(() => requireHonest('image/jpeg', said, name));
  test.each([
    ['image/jpeg', '照片.jpg'],
    ['image/jpeg; charset=binary', '照片.JPEG'],
    ['IMAGE/JPG', '照片'],
    ['application/octet-stream', '2022.9.29'],
    [null, '照片.jpg'],
  ])('%s %s fits', (said, name) => expect(honest(said, name)).toBeNull());
  test.each([
    ['application/pdf', '照片.jpg'],
    ['text/html', '照片.jpg'],
    ['image/png', '照片'],
    [null, '照片.pdf'],
    ['image/jpeg', '照片.PNG'],
  ])('%s %s does not', (said, name) => expect(honest(said, name)).toBe('FILE_TYPE_MISMATCH'));

  test('a name that ends otherwise gets its true ending', () => {
    expect(trueName('照片.jpg', 'image/jpeg')).toBe('照片.jpg');
    expect(trueName('照片.JPEG', 'image/jpeg')).toBe('照片.JPEG');
    expect(trueName('2022.9.29', 'application/pdf')).toBe('2022.9.29.pdf');
    expect(trueName('setup.exe', 'application/pdf')).toBe('setup.exe.pdf');
    expect(trueName('照片', 'image/png')).toBe('照片.png');
  });

  test.each([
    ['', 'FIELD_MALFORMED'],
    [' a.pdf', 'FIELD_MALFORMED'],
    ['../a.pdf', 'FIELD_MALFORMED'],
    ['C:\\a.pdf', 'FIELD_MALFORMED'],
    ['a\r\nset-cookie: b.pdf', 'FIELD_MALFORMED'],
    ['a\u202efdp.exe', 'FIELD_MALFORMED'],
    ['a\ud800.pdf', 'FIELD_MALFORMED'],
    ['证'.repeat(FILE_NAME_LENGTH + 1), 'FIELD_TOO_LONG'],
    ['证'.repeat(FILE_NAME_LENGTH), null],
    ['身份证 𠮷.pdf', null],
  ])('the name %j', (name, code) => expect(codeOf(() => requireFileName(name))).toBe(code));
});

describe('the built-in scanner', () => {
  const scan = async (bytes: Uint8Array) =>
    (await builtInScan(bytes, { mediaType: requireFile(bytes), digest: '' })).verdict;
  test('finds the EICAR string and what a PDF would run', async () => {
    expect(await scan(eicar())).toBe('INFECTED');
    expect(await scan(pdf('a', '<< /S /JavaScript /JS (app.alert(1)) >>'))).toBe('INFECTED');
    expect(await scan(pdf('a', '<< /S /J#61vaScript /JS (app.alert(1)) >>'))).toBe('INFECTED');
    expect(await scan(pdf('a', '<< /S /Launch /F (cmd.exe) >>'))).toBe('INFECTED');
  });
  test('lets be what is none of it', async () => {
    for (const bytes of Object.values(WHOLE)) expect(await scan(bytes)).toBe('CLEAN');
    expect(await scan(pdf('a', '<< /S /URI /URI (http://example.cn) >>'))).toBe('CLEAN');
  });
});

test('a scanner that throws or is late is away, never content', async () => {
  const meta = { mediaType: 'application/pdf', digest: '' } as const;
  const throws = async () => {
    throw new Error('down');
  };
  expect(await askScanner(throws, pdf(), meta)).toEqual({ verdict: 'UNAVAILABLE', reason: 'down' });
  const never = () => new Promise<ScanVerdict>(() => {});
  expect((await askScanner(never, pdf(), meta, 5)).verdict).toBe('UNAVAILABLE');
});

describe('clamd', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  /** A clamd that takes the stream as clamd(8) says and answers `reply`. */
  async function clamd(reply: (stream: Buffer) => string | null): Promise<number> {
    const talk = (socket: Socket) => {
      let got = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (part) => {
        got = Buffer.concat([got, part]);
        const stream = readStream(got);
        if (!stream) return;
        const said = reply(stream);
        if (said === null) socket.destroy();
        else socket.end(said);
      });
    };
    server = createServer(talk);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** The bytes of a whole INSTREAM, or null while more is to come. */
  function readStream(got: Buffer): Buffer | null {
    const head = 'zINSTREAM\0';
    if (got.length < head.length) return null;
    expect(got.toString('latin1', 0, head.length)).toBe(head);
    const parts: Buffer[] = [];
    for (let at = head.length; at + 4 <= got.length; ) {
      const length = got.readUInt32BE(at);
      if (length === 0) return Buffer.concat(parts);
      parts.push(got.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    return null;
  }

  const ask = async (port: number, bytes: Uint8Array) =>
    scanByClamd('127.0.0.1', port)(bytes, { mediaType: 'application/pdf', digest: '' });

  test('gets every byte, and its verdict is read', async () => {
    const large = Buffer.concat([pdf(), Buffer.alloc(200_000, 7)]);
    const seen: Buffer[] = [];
    const port = await clamd((stream) => {
      seen.push(stream);
      return stream.includes('EICAR') ? 'stream: Win.Test.EICAR_HDB-1 FOUND\0' : 'stream: OK\0';
    });
    expect(await ask(port, large)).toEqual({ verdict: 'CLEAN' });
    expect(seen[0]?.equals(large)).toBe(true);
    expect(await ask(port, eicar())).toEqual({ verdict: 'INFECTED', reason: 'Win.Test.EICAR_HDB-1' });
  });

  test.each([
    ['an error', 'INSTREAM size limit exceeded. ERROR\0'],
    ['an answer that breaks off', 'stream: OK'],
    ['nothing', ''],
    ['a lost connection', null],
  ])('%s is no verdict', async (_, reply) => {
    const port = await clamd(() => reply);
    expect((await ask(port, pdf())).verdict).toBe('UNAVAILABLE');
  });

  test('nobody there is no verdict', async () => {
    const port = await clamd(() => null);
    const { promise, resolve } = Promise.withResolvers<void>();
    server?.close(() => resolve());
    await promise;
    server = undefined;
    expect((await ask(port, pdf())).verdict).toBe('UNAVAILABLE');
  });
});
