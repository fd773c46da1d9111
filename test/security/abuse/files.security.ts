import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createParserPool } from '../../../subgraphs/kernel/foreign/pool.ts';
import { buildJpeg, buildPng, buildPngChunk } from '../../support/files.ts';
import { WORST_CODES, WORST_FILES, WORST_SIGNATURES } from '../../support/worst-files.ts';
import { postDocument } from './abuse.ts';
import { type AbusedHub, createAbusedHub, type HttpAnswer } from './abused-hub.ts';
import { sampleAbuses } from './sample.ts';

/**
 * The worst files for each parser, sent as strangers send them: to verifyLicense without a token, and as uploads. Each
 * is judged or given up, no worker is lost, and another caller's query is answered meanwhile.
 */

const QUERY = 'query($input:VerifyLicenseInput!){verifyLicense(input:$input){verdict subIndication}}';
const MAX_DOCUMENT_CHARS = 700_000;
/** Codes of an answer without a verdict. */
const GIVEN_UP = ['DEADLINE_EXCEEDED', 'OVERLOADED', 'BAD_USER_INPUT', 'OPERATION_TOO_EXPENSIVE'];
const UPLOAD_BYTES = 20_000_000;

const pool = createParserPool();
let hub: AbusedHub;
let token: string;
beforeAll(async () => {
  hub = await createAbusedHub({ parsers: pool });
  token = await hub.testHub.token('applicant-company');
});
afterAll(async () => {
  await hub.stop();
  await pool.stop();
});

let callers = 0;
const nextAddress = () => `192.0.2.${callers++ % 250}`;

/** Asks for a verification from a new address while another caller asks. Returns the verdict or the error's code. */
async function verify(input: Record<string, unknown>): Promise<string> {
  const abuse = postDocument('verify', QUERY, { variables: { input } });
  const [answer] = await Promise.all([hub.send(abuse, nextAddress()), hub.runSmallQuery(), hub.runSmallQuery()]);
  const { data, errors } = JSON.parse(String(answer?.body));
  return data?.verifyLicense?.verdict ?? errors[0].extensions.code;
}

const allowed = expect.toBeOneOf(['TOTAL_FAILED', 'INDETERMINATE', ...GIVEN_UP]);

describe('verifyLicense, without a token', () => {
  test.each(sampleAbuses(Object.entries(WORST_FILES)))('a file: %s', async (_kind, bytes) => {
    expect(await verify({ document: bytes.toString('base64').slice(0, MAX_DOCUMENT_CHARS) })).toEqual(allowed);
  });
  test.each(sampleAbuses(Object.entries(WORST_SIGNATURES)))('a signature: %s', async (_kind, bytes) => {
    const document = Buffer.from('%PDF-1.7\n').toString('base64');
    expect(await verify({ document, signature: bytes.toString('base64') })).toEqual(allowed);
  });
  test.each(sampleAbuses(Object.entries(WORST_CODES)))('a code: %s', async (_kind, code) => {
    expect(await verify({ code })).toEqual(allowed);
  });
  test.each([
    ['700 kB of a name without end', '/F ('],
    ['700 kB of brackets', '('],
    ['700 kB of references', '1 0 R '],
    ['700 kB of object heads', '1 0 obj'],
    ['700 kB of JSON lists', '['],
    ['700 kB of line ends', '\r\n'],
  ])('%s (input 13)', async (_kind, unit) => {
    const text = `%PDF-1.7\n${unit.repeat(520_000 / unit.length)}`;
    expect(await verify({ document: Buffer.from(text).toString('base64') })).toEqual(allowed);
  });
  test('no base64, and more than a document may have', async () => {
    expect(await verify({ document: '=-_ \u00e9'.repeat(1_000) })).toEqual(allowed);
    expect(await verify({ document: 'A'.repeat(MAX_DOCUMENT_CHARS + 4) })).toEqual(allowed);
  });
});

/** Returns a PNG whose header names these pixels. */
function buildHugePng(width: number, height: number): Buffer {
  const png = Buffer.from(buildPng());
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0], 8);
  return Buffer.concat([png.subarray(0, 8), buildPngChunk('IHDR', header), png.subarray(33)]);
}

const fillPdf = (unit: string) => {
  const pdf = Buffer.alloc(UPLOAD_BYTES, unit, 'latin1');
  pdf.write('%PDF-1.7\n', 'latin1');
  pdf.write('\nstartxref\n9\n%%EOF\n', UPLOAD_BYTES - 19, 'latin1');
  return pdf;
};
const jpegOf = (unit: string) =>
  Buffer.concat([buildJpeg().subarray(0, 2), Buffer.alloc(UPLOAD_BYTES - 2, unit, 'latin1')]);
const zipHead = Buffer.from('504b0304140000000800', 'hex');

const UPLOADS: [string, string, () => Buffer][] = [
  ['escapes of names over 20 MB', 'application/pdf', () => fillPdf('#41')],
  ['a name of 20 MB', 'application/pdf', () => fillPdf('/')],
  ['object heads over 20 MB', 'application/pdf', () => fillPdf('1 0 obj ')],
  ['a PNG of 60,000 × 60,000', 'image/png', () => buildHugePng(60_000, 60_000)],
  ['a PNG of 2^31 × 2^31', 'image/png', () => buildHugePng(2 ** 31 - 1, 2 ** 31 - 1)],
  [
    'a PNG of a million parts',
    'image/png',
    () => buildPng(1, [Buffer.alloc(12_000_000, buildPngChunk('tEXt', Buffer.alloc(0)))]),
  ],
  [
    'a PNG whose text unpacks to 64 MB',
    'image/png',
    () => buildPng(1, [buildPngChunk('zTXt', deflateSync(Buffer.alloc(64 * 1_024 ** 2)))]),
  ],
  ['a JPEG of marks over 20 MB', 'image/jpeg', () => jpegOf('\xff')],
  ['a JPEG of empty segments', 'image/jpeg', () => jpegOf('\xff\xe0\x00\x02')],
  ['a ZIP', 'application/zip', () => Buffer.concat([zipHead, Buffer.alloc(1_000_000)])],
  ['an OFD, which is a ZIP', 'application/ofd', () => Buffer.concat([zipHead, Buffer.alloc(1_000_000)])],
  ['a ZIP that says it is a PDF', 'application/pdf', () => Buffer.concat([zipHead, Buffer.alloc(1_000_000)])],
  [
    'an SVG with a script',
    'image/svg+xml',
    () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'),
  ],
  ['nothing', 'application/pdf', () => Buffer.alloc(0)],
  ['more than a file may have', 'application/pdf', () => Buffer.concat([fillPdf(' '), Buffer.alloc(2_000_000)])],
];

/** Large and harmless: they may be taken, once they are examined at bounded cost. */
const HARMLESS = new Set(['escapes of names over 20 MB', 'a name of 20 MB', 'object heads over 20 MB']);

describe('uploads', () => {
  test.each(sampleAbuses(UPLOADS))('%s', async (kind, type, build) => {
    const headers = { 'content-type': type, authorization: `Bearer ${token}`, 'x-file-name': 'a.pdf' };
    const abuse = { name: 'upload', method: 'POST', path: '/cases/materials', headers, body: build() };
    const [answer] = await Promise.all([hub.send(abuse, nextAddress()), hub.runSmallQuery(), hub.runSmallQuery()]);
    expect(readUpload(answer)).toBeOneOf(HARMLESS.has(kind) ? ['refused', 'accepted'] : ['refused']);
  });
});

/** A file beyond the limit may be answered before it is sent in full: then the connection ends. */
function readUpload(answer: HttpAnswer | null): string {
  if (answer === null || (answer.status >= 400 && answer.status < 500)) return 'refused';
  if (answer.status === 201) return 'accepted';
  return answer.status === 503 && String(answer.body).includes('DEADLINE_EXCEEDED') ? 'refused' : String(answer.status);
}

test('nothing of all this was a fault', () => {
  expect(hub.faults).toEqual([]);
});
