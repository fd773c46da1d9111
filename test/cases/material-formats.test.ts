import { describe, expect, test } from 'vitest';
import { examineFile } from '../../subgraphs/cases/material/upload/file.ts';
import { FILE_FORMATS } from '../../subgraphs/kernel/events/guide-fact.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import {
  buildOfd,
  buildOffice,
  buildTiff,
  buildZip,
  CONTENT_TYPE_OF,
  tiffPage,
  writeRelationships,
  type ZipPart,
} from '../support/containers.ts';
import { buildJpeg, buildPdf, buildPng } from '../support/files.ts';

/** What each format takes and refuses by its content. */

function answerOf(bytes: Uint8Array): string {
  try {
    return examineFile(bytes);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
const [DOCX, XLSX] = [
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
];

test('each format of a guide has a file that is taken', () => {
  const files = {
    PDF: buildPdf(),
    JPEG: buildJpeg(),
    PNG: buildPng(),
    OFD: buildOfd(),
    DOCX: buildOffice('DOCX'),
    XLSX: buildOffice('XLSX'),
    TIFF: buildTiff(),
  } satisfies Record<(typeof FILE_FORMATS)[number], Buffer>;
  expect(Object.values(files).map(answerOf)).toEqual([
    ...['application/pdf', 'image/jpeg', 'image/png', 'application/ofd', DOCX, XLSX, 'image/tiff'],
  ]);
  expect(new Refusal('FILE_TYPE_NOT_ALLOWED').message).toContain(FILE_FORMATS.join('、'));
});

describe('what programs put around a PDF', () => {
  const around = (before: string, after: string) =>
    answerOf(Buffer.concat([Buffer.from(before, 'latin1'), buildPdf(), Buffer.from(after, 'latin1')]));
  test.each([
    ['a byte-order mark', '\xef\xbb\xbf', ''],
    ['lines and zeros before it', '\r\n \0\n', ''],
    ['the end of a print job', '', '\x1b%-12345X@PJL EOJ\r\n\x1b%-12345X'],
    ['filling', '', '\xff'.repeat(200)],
    ['a word of a gateway', '', '\r\n--boundary-7f3a--\r\n'],
    ['an end of file of DOS', '', '\x1a'],
  ])('%s is taken', (_, before, after) => expect(around(before, after)).toBe('application/pdf'));
  test.each([
    ['HTML before it', '<html>', '', 'FILE_TYPE_NOT_ALLOWED'],
    ['a picture before it', 'GIF89a', '', 'FILE_TYPE_NOT_ALLOWED'],
    ['HTML after it', '', '<script>alert(1)</script>', 'FILE_BROKEN'],
    ['a ZIP after it', '', 'PK\x05\x06', 'FILE_BROKEN'],
    ['objects after it', '', '\n9 0 obj\n<< /S /JavaScript >>\nendobj\n', 'FILE_BROKEN'],
    ['too much after it', '', ' '.repeat(1_024), 'FILE_BROKEN'],
  ])('%s is refused', (_, before, after, code) => expect(around(before, after)).toBe(code));
});

describe('names in a PDF are read whole', () => {
  const withName = (name: string) => answerOf(buildPdf('a', `<< /S ${name} (x) >>`));
  test.each([
    ...['/Launchpad', '/LaunchDate', '/PreLaunch', '/JavaScripts', '/JavaScriptX', '/XFAx', '/Renditions', '/launch'],
    ...['/EmbeddedFile', '/EmbeddedFiles', '/OpenAction', '/Launch#70ad', '/Encrypted'],
  ])('%s is harmless', (name) => expect(withName(name)).toBe('application/pdf'));
  test.each([
    ...['/Launch', '/JavaScript', '/J#61vaScript', '/#4a#61#76aScript', '/La#75nch', '/XF#41', '/RichMedia'],
    ...['/Launch/F', '/Launch(a)', '/Launch%x\n'],
  ])('%s is found', (name) => expect(withName(name)).toBe('FILE_INFECTED'));
});

const part = (name: string, content: string | Uint8Array = '<a/>'): ZipPart => ({ name, content });
const withFields = (body: string) => buildOffice('DOCX', { body });
const piece = (text: string) => `<w:r><w:instrText xml:space="preserve">${text}</w:instrText></w:r>`;
const BEGIN = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>';
const withRelationship = (kind: string, target: string, mode?: string) =>
  buildOffice('DOCX', { parts: [part('word/_rels/document.xml.rels', writeRelationships([kind, target, mode]))] });

describe('documents of Office', () => {
  test.each([
    ['pictures', buildOffice('DOCX', { parts: [part('word/media/image1.png', buildPng())] }), DOCX],
    ['a link', withRelationship('hyperlink', 'https://example.org/a?b=1&amp;c=2', 'External'), DOCX],
    ['settings of a printer', buildOffice('XLSX', { parts: [part('xl/printerSettings/p1.bin', '\0\u0001')] }), XLSX],
    ['fields', withFields(`${BEGIN}${piece(' PAGE ')}${BEGIN}${piece(' HYPERLINK "http://a/DDE x" ')}`), DOCX],
    ['words like fields', withFields('<w:t>DDEAUTO LINK INCLUDETEXT</w:t>'), DOCX],
    ['text with a mark of XML', withFields('<w:t a="x>y">&lt;!DOCTYPE</w:t>'), DOCX],
  ])('with %s are taken', (_, bytes, mediaType) => expect(answerOf(bytes)).toBe(mediaType));

  test.each([
    ['a macro', buildOffice('DOCX', { parts: [part('word/vbaProject.bin')] }), 'FILE_INFECTED'],
    [
      'the type of macros',
      buildOffice('DOCX', { contentType: 'application/vnd.ms-word.document.macroEnabled.main+xml' }),
      'FILE_INFECTED',
    ],
    [
      'a macro under another name',
      buildOffice('DOCX', {
        types: '<Override PartName="/word/a.xml" ContentType="application/vnd.ms-office.vba&#80;roject"/>',
      }),
      'FILE_INFECTED',
    ],
    ['a control', buildOffice('XLSX', { parts: [part('xl/activeX/activeX1.xml')] }), 'FILE_INFECTED'],
    ['an embedded object', buildOffice('DOCX', { parts: [part('word/embeddings/a.xlsx')] }), 'FILE_INFECTED'],
    ['a program', buildOffice('DOCX', { parts: [part('word/media/a.exe', 'MZ')] }), 'FILE_TOO_COMPLEX'],
    ['a program as a picture', buildOffice('DOCX', { parts: [part('word/media/a.png', 'MZ')] }), 'FILE_TOO_COMPLEX'],
    ['a part without ending', buildOffice('DOCX', { parts: [part('word/data')] }), 'FILE_TOO_COMPLEX'],
    ['another book behind it', buildOffice('XLSX', { parts: [part('xl/externalLinks/e1.xml')] }), 'FILE_INFECTED'],
    ['connections', buildOffice('XLSX', { parts: [part('xl/connections.xml')] }), 'FILE_INFECTED'],
    ['a template elsewhere', withRelationship('attachedTemplate', 'http://a/t.dotm', 'External'), 'FILE_INFECTED'],
    ['a picture elsewhere', withRelationship('image', 'http://a/t.png', 'External'), 'FILE_INFECTED'],
    ['a picture elsewhere, escaped', withRelationship('image', 'http://a/t', '&#69;xternal'), 'FILE_INFECTED'],
    ['a link to a file', withRelationship('hyperlink', 'file:///c:/a.exe', 'External'), 'FILE_INFECTED'],
    ['foreign content', withRelationship('aFChunk', 'a.xml'), 'FILE_INFECTED'],
    ['an unknown relationship', withRelationship('novelty', 'a.xml'), 'FILE_TOO_COMPLEX'],
    ['a field that starts a program', withFields(`${BEGIN}${piece(' DDEAUTO c:\\cmd ')}`), 'FILE_INFECTED'],
    [
      'such a field in pieces',
      withFields(`${BEGIN}${piece('PAGE')}${BEGIN}${piece('DD')}${piece('EAUTO c:\\cmd')}`),
      'FILE_INFECTED',
    ],
    ['such a simple field', withFields('<w:fldSimple w:instr="INCLUDETEXT &quot;a&quot;"/>'), 'FILE_INFECTED'],
    [
      'a document type',
      buildOffice('DOCX', { parts: [part('word/a.xml', '<!DOCTYPE a [<!ENTITY b "c">]><a/>')] }),
      'FILE_TOO_COMPLEX',
    ],
    [
      'another encoding',
      buildOffice('DOCX', { parts: [part('word/a.xml', Buffer.from('<a/>', 'utf16le'))] }),
      'FILE_TOO_COMPLEX',
    ],
    ['deep elements', buildOffice('DOCX', { parts: [part('word/a.xml', '<a>'.repeat(600))] }), 'FILE_TOO_COMPLEX'],
    ['a large picture', buildOffice('DOCX', { parts: [part('word/media/a.tif', hugeTiff())] }), 'FILE_TOO_COMPLEX'],
    ['slides', buildOffice('DOCX', { contentType: 'application/vnd.ms-powerpoint' }), 'FILE_TYPE_NOT_ALLOWED'],
    ['a template', buildOffice('XLSX', { contentType: `${CONTENT_TYPE_OF.XLSX}.template` }), 'FILE_TYPE_NOT_ALLOWED'],
    ['nothing of Office', buildZip([part('a.xml')]), 'FILE_TYPE_NOT_ALLOWED'],
    ['old Word', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'FILE_TYPE_NOT_ALLOWED'],
  ])('with %s are refused', (_, bytes, code) => expect(answerOf(bytes)).toBe(code));
});

function hugeTiff(): Buffer {
  return buildTiff([tiffPage(40_000, 1)]);
}

describe('OFD', () => {
  const withPart = (name: string, content: string | Uint8Array) => answerOf(buildOfd([part(name, content)]));
  test('takes pictures, fonts and seals', () => {
    expect(withPart('Doc_0/Res/a.jpg', buildJpeg())).toBe('application/ofd');
    expect(withPart('Doc_0/Signs/Sign_0/SignedValue.dat', Buffer.from([0x30, 0]))).toBe('application/ofd');
    expect(answerOf(buildOfd([], '/Doc_0/Document.xml'))).toBe('application/ofd');
  });
  test.each([
    ['a program among its attachments', 'Doc_0/Attachs/a.exe', 'MZ', 'FILE_TOO_COMPLEX'],
    ['a program as a picture', 'Doc_0/Res/a.jpg', 'MZ', 'FILE_TOO_COMPLEX'],
    ['encryption', 'Doc_0/Encryptions.xml', '<a/>', 'FILE_ENCRYPTED'],
  ])('refuses %s', (_, name, content, code) => expect(withPart(name, content)).toBe(code));
  test('refuses one without its document', () => expect(answerOf(buildOfd([], 'Doc_1/D.xml'))).toBe('FILE_BROKEN'));
});

describe('ZIP', () => {
  const document = (extra: ZipPart) => buildOfd([extra]);
  const long = 'x'.repeat(100);
  test('takes sizes behind the data, and parts that are not deflated', () => {
    expect(answerOf(document({ ...part('a.xml'), sizeFollows: true }))).toBe('application/ofd');
    expect(answerOf(document({ ...part('a.xml'), method: 0 }))).toBe('application/ofd');
    expect(answerOf(document(part('Doc_0/Res/', '')))).toBe('application/ofd');
  });
  test.each([
    ['a name with steps back', document(part('../a.xml')), 'FILE_BROKEN'],
    ['an absolute name', document(part('/a.xml')), 'FILE_BROKEN'],
    ['a name with a backslash', document(part('a\\b.xml')), 'FILE_BROKEN'],
    ['one name twice', document(part('ofd.XML')), 'FILE_BROKEN'],
    ['two names of one part', document({ ...part('a.xml'), lies: { localName: 'b.xml' } }), 'FILE_BROKEN'],
    ['a wrong sum', document({ ...part('a.xml', long), lies: { crc: 1 } }), 'FILE_BROKEN'],
    ['a size too small', document({ ...part('a.xml', long), lies: { unpackedBytes: 50 } }), 'FILE_BROKEN'],
    ['a size too large', document({ ...part('a.xml', long), lies: { unpackedBytes: 500 } }), 'FILE_BROKEN'],
    ['parts that share bytes', document({ ...part('a.xml'), lies: { header: 0 } }), 'FILE_BROKEN'],
    ['bytes between its parts', buildZip([part('OFD.xml')], Buffer.from('MZ')), 'FILE_BROKEN'],
    ['bytes behind its end', Buffer.concat([buildOfd(), Buffer.from('MZ')]), 'FILE_BROKEN'],
    ['bytes before its start', Buffer.concat([Buffer.from('PK\x03\x04'), buildOfd()]), 'FILE_BROKEN'],
    ['its end cut off', buildOfd().subarray(0, -1), 'FILE_BROKEN'],
    ['encryption', document({ ...part('a.xml'), lies: { flags: 1 } }), 'FILE_ENCRYPTED'],
    ['another method', document({ ...part('a.xml'), method: 14 }), 'FILE_TOO_COMPLEX'],
    ['a bomb', document(part('a.xml', Buffer.alloc(8_000_000, 0x20))), 'FILE_TOO_COMPLEX'],
    ['too much in all', document({ ...part('a.xml', long), lies: { unpackedBytes: 60e6 } }), 'FILE_TOO_COMPLEX'],
    ['the test string of scanners', document(part('a.xml', eicar())), 'FILE_INFECTED'],
  ])('refuses %s', (_, bytes, code) => expect(answerOf(bytes)).toBe(code));
});

function eicar(): string {
  return ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD', '-ANTIVIRUS-TEST-FILE!$H+H*'].join('');
}

describe('TIFF', () => {
  test('takes both byte orders and several pages', () => {
    expect(answerOf(buildTiff([tiffPage(), tiffPage()], { isLittle: false }))).toBe('image/tiff');
    expect(answerOf(buildTiff(Array.from({ length: 500 }, () => tiffPage())))).toBe('image/tiff');
  });
  test.each([
    ['pages without end', buildTiff([tiffPage(), tiffPage()], { loop: true }), 'FILE_BROKEN'],
    ['its end cut off', buildTiff().subarray(0, -1), 'FILE_BROKEN'],
    ['data that is not there', buildTiff([tiffPage(1, 1, 1_000_000)]), 'FILE_BROKEN'],
    ['a page without size', buildTiff([tiffPage(0, 1)]), 'FILE_BROKEN'],
    ['a page without data', buildTiff([tiffPage().filter(([tag]) => tag !== 273)]), 'FILE_BROKEN'],
    ['one entry twice', buildTiff([[...tiffPage(), [256, 4, 1, 1]]]), 'FILE_BROKEN'],
    ['501 pages', buildTiff(Array.from({ length: 501 }, () => tiffPage())), 'FILE_TOO_COMPLEX'],
    ['a side of 30,001', buildTiff([tiffPage(30_001, 1)]), 'FILE_TOO_COMPLEX'],
    ['much in all', buildTiff(Array.from({ length: 5 }, () => tiffPage(20_000, 20_000))), 'FILE_TOO_COMPLEX'],
    ['many values', buildTiff([[...tiffPage(), [324, 4, 500_000, 8]]]), 'FILE_TOO_COMPLEX'],
  ])('refuses %s', (_, bytes, code) => expect(answerOf(bytes)).toBe(code));
});
