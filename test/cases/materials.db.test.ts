import { createHash } from 'node:crypto';
import { connect as connectSocket } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_FILE_BYTES } from '../../subgraphs/cases/material/upload/file.ts';
import { linesFor } from '../support/content.ts';
import { buildEicarPdf, buildJpeg, buildPdf, buildPng } from '../support/files.ts';
import { COMPANY, findRefusalCode, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { fetchFile } from '../support/reading.ts';
import { createUpload, uploadFile } from '../support/upload.ts';

const sha256Hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const APPLICANT = 'applicant-company';
const CLERK = ROUTES.DIRECT.accepts;
const MATERIALS = `materials { code name kind form copies superseded addedAt addedBy
  file { id: uuid name mediaType sizeBytes digest url } license { identifier } checked { version state stillGood } }`;

const application = (materials: object[], extraInput: { matter?: string } = {}) => ({
  matter: ROUTES.DIRECT.matter,
  applicant: COMPANY,
  fields: linesFor(extraInput.matter ?? ROUTES.DIRECT.matter),
  materials,
  ...extraInput,
});

async function acceptCase(
  hub: TestHub,
  materials: object[],
  extraInput: { matter?: string } = {},
  clerk: string = CLERK,
) {
  const input = application(materials, extraInput);
  return runMutation(hub, clerk, 'acceptCase', 'ApplicationInput', input, `case { id: uuid ${MATERIALS} }`);
}
const refusalOfAcceptance = (hub: TestHub, materials: object[], clerk: string = CLERK) =>
  findRefusalCode(hub, clerk, 'acceptCase', 'ApplicationInput', application(materials));

describe.each(['local', 'http'] as const)('materials, subgraphs reached %s', (transport) => {
  let hub: TestHub;
  let sql: postgres.Sql;
  let address: URL;
  beforeAll(async () => {
    hub = await createTestHub({ transport });
    address = new URL(await hub.hub.app.listen({ host: '127.0.0.1', port: 0 }));
    sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  });
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
  });

  test('a file is uploaded, attached to a case and downloaded unchanged', async () => {
    const bytes = buildPdf('business license');
    const { status, headers, body } = await uploadFile(hub, APPLICANT, bytes, { name: '营业执照 (副本).pdf' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      name: '营业执照 (副本).pdf',
      mediaType: 'application/pdf',
      sizeBytes: bytes.length,
      digest: sha256Hex(bytes),
      state: 'READY',
      url: `/cases/materials/${body.id}`,
    });
    expect(headers.location).toBe(body.url);

    const materials = [
      { code: '营业执照', upload: body.id },
      { code: '申请书', paper: true, copies: 2 },
    ];
    const { case: subject, refusal } = await acceptCase(hub, materials);
    expect(refusal).toBeNull();
    expect(subject.materials).toMatchObject([
      {
        code: '营业执照',
        kind: 'UPLOAD',
        form: null,
        superseded: false,
        file: { id: body.id, digest: sha256Hex(bytes), url: body.url },
      },
      { code: '申请书', kind: 'PAPER', copies: 2, file: null, license: null, checked: null },
    ]);

    for (const person of [APPLICANT, CLERK, ROUTES.DIRECT.decides, 'auditor']) {
      const file = await fetchFile(hub, person, body.url);
      expect([person, file.statusCode]).toEqual([person, 200]);
      expect(file.rawPayload.equals(bytes)).toBe(true);
      expect(file.headers).toMatchObject({
        'content-type': 'application/pdf',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
      });
      expect(file.headers['content-disposition']).toMatch(/^attachment; .*filename\*=UTF-8''%E8%90%A5/);
    }
    const readRows =
      await sql`select reader_id, organ, purpose from cases.reading where object_id = ${body.id} order by serial`;
    expect(readRows.map((read) => read.reader_id)).toEqual([CLERK, ROUTES.DIRECT.decides, 'auditor']);
    expect(readRows.map((read) => read.purpose)).toEqual(['VERIFICATION', 'VERIFICATION', 'AUDIT']);
  });

  test('everybody except the applicant must state a purpose to read a file', async () => {
    const upload = await createUpload(hub, APPLICANT);
    const url = `/cases/materials/${upload}`;
    expect((await fetchFile(hub, APPLICANT, url, null)).statusCode).toBe(200);
    expect((await acceptCase(hub, [{ code: '图纸', upload }])).refusal).toBeNull();
    expect((await fetchFile(hub, APPLICANT, url, null)).statusCode).toBe(200);
    for (const [purpose, remark, code, field] of [
      ['', null, 'PURPOSE_MISSING', 'purpose'],
      [' ', null, 'PURPOSE_MISSING', 'purpose'],
      ['toString', null, 'PURPOSE_UNKNOWN', 'purpose'],
      ['%E7%9C%8B', null, 'PURPOSE_UNKNOWN', 'purpose'],
      ['SUPERVISION', null, 'PURPOSE_UNFIT', 'purpose'],
      ['COLLECTION', null, 'PURPOSE_UNFIT', 'purpose'],
      // Only after the decision.
      ['CERTIFICATION', null, 'PURPOSE_UNFIT', 'purpose'],
      [undefined, '长'.repeat(201), 'FIELD_TOO_LONG', 'remark'],
      [undefined, '换\n行', 'FIELD_MALFORMED', 'remark'],
    ] as const) {
      for (const person of [CLERK, ROUTES.DIRECT.decides, 'auditor']) {
        const answer = await fetchFile(hub, person, url, purpose, remark);
        expect([answer.statusCode, answer.json()]).toEqual([422, expect.objectContaining({ code, field })]);
      }
      // A stranger cannot learn that the file exists.
      expect((await fetchFile(hub, 'applicant-citizen', url, purpose ?? 'AUDIT', remark)).statusCode).toBe(404);
    }
    expect((await fetchFile(hub, CLERK, url, null)).json().code).toBe('PURPOSE_MISSING');
    const { statusCode } = await hub.hub.app.inject({
      url,
      headers: { authorization: `Bearer ${await hub.token(CLERK)}`, 'x-purpose': '%E7%' },
    });
    expect(statusCode).toBe(422);
    expect(await sql`select 1 from cases.reading where object_id = ${upload}`).toEqual([]);
    expect((await fetchFile(hub, CLERK, url, 'EXAMINATION', '核对图纸')).statusCode).toBe(200);
  });

  test('lists every read for auditors, and for seal approver and supervisor of the reader’s organ', async () => {
    const upload = await createUpload(hub, APPLICANT);
    const { case: subject } = await acceptCase(hub, [{ code: '图纸', upload }]);
    for (const person of [CLERK, 'auditor', CLERK])
      await fetchFile(hub, person, `/cases/materials/${upload}`, undefined, '核对图纸');
    const fields =
      'edges { cursor node { code caseId caseNumber readerId reader organ { id: code } purpose remark at } } pageInfo { hasNextPage }';
    const listReads = async (person: string, filter: object, page = { first: 100, after: null as string | null }) => {
      const query = `query($filter: MaterialReadFilter, $first: Int!, $after: String) {
        materialReads(filter: $filter, first: $first, after: $after) { ${fields} } }`;
      const { data, errors } = await hub.ask(person, query, { filter, ...page });
      return errors ? errors[0]?.extensions.code : data.materialReads;
    };
    const readers = (connection: { edges: { node: { readerId: string } }[] }) =>
      connection.edges.map(({ node }) => node.readerId);
    const caseFilter = { case: subject.id };
    expect(readers(await listReads('auditor', caseFilter))).toEqual([CLERK, 'auditor', CLERK]);
    const [{ node }] = (await listReads('auditor', caseFilter)).edges;
    expect(node).toMatchObject({
      code: '图纸',
      caseId: subject.id,
      caseNumber: expect.stringMatching(/^\d{19}$/),
      purpose: 'VERIFICATION',
      remark: '核对图纸',
    });
    for (const person of ['yudu-lyj.sealapprover', 'yudu-lyj.supervisor']) {
      expect(readers(await listReads(person, caseFilter))).toEqual([CLERK, CLERK]);
      expect(await listReads(person, { organ: 'yudu-slj' })).toBe('FORBIDDEN');
    }
    expect(readers(await listReads('yudu-slj.sealapprover', caseFilter))).toEqual([]);
    for (const person of [CLERK, 'yudu-lyj.approver', 'yudu-lyj.keeper', APPLICANT, 'administrator', 'library']) {
      expect(await listReads(person, caseFilter)).toBe('FORBIDDEN');
    }
    expect(readers(await listReads('auditor', { ...caseFilter, person: 'auditor' }))).toEqual(['auditor']);
    expect(readers(await listReads('auditor', { ...caseFilter, organ: 'yudu-lyj' }))).toEqual([CLERK, CLERK]);
    expect(readers(await listReads('auditor', { ...caseFilter, from: '2999-01-01T00:00:00Z' }))).toEqual([]);
    expect(readers(await listReads('auditor', { ...caseFilter, to: '2000-01-01T00:00:00Z' }))).toEqual([]);
    expect(readers(await listReads('auditor', { case: 'nonsense' }))).toEqual([]);
    const first = await listReads('auditor', caseFilter, { first: 2, after: null });
    expect(first.pageInfo.hasNextPage).toBe(true);
    expect(readers(await listReads('auditor', caseFilter, { first: 2, after: first.edges[1].cursor }))).toEqual([
      CLERK,
    ]);
  });

  test('stores every type byte for byte, also a file above the GraphQL limit', async () => {
    const large = Buffer.concat([buildJpeg(), Buffer.alloc(3 * 1_048_576, 0xa5)]);
    for (const [bytes, type, name] of [
      [buildJpeg(), 'image/jpeg', '照片.jpg'],
      [buildPng(3), 'image/png', '图.png'],
      [large, null, '照片'],
    ] as const) {
      const { status, body } = await uploadFile(hub, APPLICANT, bytes, { type, name });
      expect([status, body.digest]).toEqual([201, sha256Hex(bytes)]);
      expect((await fetchFile(hub, APPLICANT, body.url)).rawPayload.equals(bytes)).toBe(true);
    }
  });

  test.each([
    ['an empty file', Buffer.alloc(0), 422, 'FILE_EMPTY', {}],
    ['text', Buffer.from('hello'), 422, 'FILE_TYPE_NOT_ALLOWED', {}],
    ['a PDF behind junk', Buffer.concat([Buffer.from('junk'), buildPdf()]), 422, 'FILE_TYPE_NOT_ALLOWED', {}],
    ['a truncated PDF', buildPdf().subarray(0, 300), 422, 'FILE_BROKEN', {}],
    ['a truncated JPEG', buildJpeg().subarray(0, -3), 422, 'FILE_BROKEN', {}],
    [
      'a PNG with HTML behind it',
      Buffer.concat([buildPng(), Buffer.from('<html>')]),
      422,
      'FILE_BROKEN',
      { type: 'image/png', name: 'a.png' },
    ],
    ['a PNG declared as PDF', buildPng(), 422, 'FILE_TYPE_MISMATCH', { name: 'a.png' }],
    ['a PDF named .jpg', buildPdf(), 422, 'FILE_TYPE_MISMATCH', { name: 'a.jpg' }],
    ['a PDF declared as HTML', buildPdf(), 422, 'FILE_TYPE_MISMATCH', { type: 'text/html' }],
    ['EICAR', buildEicarPdf(), 422, 'FILE_INFECTED', {}],
    ['a script in a PDF', buildPdf('a', '<< /S /JavaScript /JS (a) >>'), 422, 'FILE_INFECTED', {}],
    ['a name with a folder', buildPdf(), 422, 'FIELD_MALFORMED', { name: '../../etc/passwd' }],
    ['a file above the limit', Buffer.alloc(MAX_FILE_BYTES + 1, 0x20), 413, 'FILE_TOO_LARGE', {}],
  ] as const)('%s is refused and not stored', async (_, bytes, status, code, sent) => {
    const before = await sql`select count(*)::int as files from cases.material_file`;
    const answer = await uploadFile(hub, APPLICANT, bytes, sent);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.message).toMatch(/。$/);
    expect(await sql`select count(*)::int as files from cases.material_file`).toEqual(before);
  });

  test('requires a file name that can be decoded', async () => {
    for (const headers of [{}, { 'x-file-name': '%E8%90' }]) {
      const authorization = `Bearer ${await hub.token(APPLICANT)}`;
      const payload = buildPdf();
      const type = { 'content-type': 'application/pdf', authorization };
      const answer = await hub.hub.app.inject({
        method: 'POST',
        url: '/cases/materials',
        headers: { ...type, ...headers },
        payload,
      });
      expect([answer.statusCode, answer.json().code, answer.json().field]).toEqual([
        422,
        'FIELD_MALFORMED',
        'x-file-name',
      ]);
    }
  });

  test('refuses uploads by the public, with a bad token, and by people without the right role', async () => {
    expect(await uploadFile(hub, null, buildPdf())).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    const badTokenAnswer = await hub.hub.app.inject({
      method: 'POST',
      url: '/cases/materials',
      headers: { authorization: 'Bearer x.y.z', 'content-type': 'application/pdf' },
      payload: buildPdf(),
    });
    expect([badTokenAnswer.statusCode, badTokenAnswer.json().code]).toEqual([401, 'TOKEN_INVALID']);
    for (const person of [
      'auditor',
      'library',
      'administrator',
      'yudu-lyj.reviewer',
      'yudu-lyj.approver',
      'yudu-lyj.keeper',
      'yudu-lyj.sealapprover',
      'yudu-lyj.supervisor',
    ]) {
      expect([person, (await uploadFile(hub, person, buildPdf())).body.code]).toEqual([person, 'ROLE_NOT_ALLOWED']);
    }
    expect((await uploadFile(hub, 'window-yudu', buildPdf())).status).toBe(201);
  });

  test('answers the same for a file of somebody else and for a file that does not exist', async () => {
    const waitingUpload = await createUpload(hub, APPLICANT);
    const attachedUpload = await createUpload(hub, APPLICANT);
    expect((await acceptCase(hub, [{ code: '图纸', upload: attachedUpload }])).refusal).toBeNull();
    const unknownFile = await fetchFile(hub, 'applicant-citizen', `/cases/materials/${crypto.randomUUID()}`);
    expect([unknownFile.statusCode, unknownFile.json().code]).toEqual([404, 'FILE_UNKNOWN']);
    const deniedReads = [
      ['applicant-citizen', waitingUpload],
      ['applicant-citizen', attachedUpload],
      ['window-xingguo', waitingUpload],
      ['window-xingguo', attachedUpload],
      // Before it is attached, only its uploader can read a file.
      [CLERK, waitingUpload],
      ['auditor', waitingUpload],
      ['library', attachedUpload],
      ['administrator', attachedUpload],
      ['applicant-citizen', 'nonsense'],
    ];
    for (const [person = '', id] of deniedReads) {
      const answer = await fetchFile(hub, person, `/cases/materials/${id}`);
      expect([person, answer.statusCode, answer.body]).toEqual([person, 404, unknownFile.body]);
    }
    expect((await fetchFile(hub, null, `/cases/materials/${attachedUpload}`)).statusCode).toBe(401);
    expect((await fetchFile(hub, APPLICANT, `/cases/materials/${waitingUpload}`)).statusCode).toBe(200);
  });

  test('only the clerk can read a scan until it is attached; then everybody who may see the case', async () => {
    const scan = await createUpload(hub, 'window-yudu');
    expect(await refusalOfAcceptance(hub, [{ code: '身份证', upload: scan }], CLERK)).toBe('UPLOAD_UNKNOWN');
    const input = application([{ code: '身份证', upload: scan }], { matter: ROUTES.SUBSTANTIVE_REVIEW.matter });
    const fields = `case { id: uuid ${MATERIALS} }`;
    const { case: subject } = await runMutation(hub, 'window-yudu', 'acceptCase', 'ApplicationInput', input, fields);
    expect((await fetchFile(hub, APPLICANT, `/cases/materials/${scan}`)).statusCode).toBe(200);
    const { data } = await hub.ask(APPLICANT, `query($id: ID!) { case(id: $id) { ${MATERIALS} } }`, { id: subject.id });
    expect(data.case.materials).toMatchObject([{ addedBy: '经办人员' }]);
    expect(subject.materials).toMatchObject([{ addedBy: '刘春兰' }]);
  });

  test('stores the same bytes once for two uploads', async () => {
    const bytes = buildPdf('twice');
    const [firstUpload, secondUpload] = await Promise.all([
      uploadFile(hub, APPLICANT, bytes),
      uploadFile(hub, 'window-yudu', bytes),
    ]);
    expect([firstUpload?.status, secondUpload?.status]).toEqual([201, 201]);
    expect(firstUpload?.body.digest).toBe(secondUpload?.body.digest);
    expect(firstUpload?.body.id).not.toBe(secondUpload?.body.id);
    expect(await sql`select count(*)::int as n from cases.material_file where digest = ${sha256Hex(bytes)}`).toEqual([
      { n: 1 },
    ]);
    expect((await fetchFile(hub, APPLICANT, secondUpload?.body.url)).statusCode).toBe(404);
    expect((await fetchFile(hub, 'window-yudu', secondUpload?.body.url)).rawPayload.equals(bytes)).toBe(true);
  });

  test('an upload can be attached to only one case, even by two concurrent requests', async () => {
    const upload = await createUpload(hub, APPLICANT);
    const refusals = await Promise.all([1, 2].map(() => refusalOfAcceptance(hub, [{ code: '图纸', upload }])));
    expect(refusals.toSorted()).toEqual(['UPLOAD_UNKNOWN', null]);
    expect(await refusalOfAcceptance(hub, [{ code: '图纸', upload }])).toBe('UPLOAD_UNKNOWN');
    expect(await refusalOfAcceptance(hub, [{ code: '图纸', upload: 'nonsense' }])).toBe('UPLOAD_UNKNOWN');
    const foreignUpload = await createUpload(hub, 'applicant-citizen');
    expect(await refusalOfAcceptance(hub, [{ code: '图纸', upload: foreignUpload }])).toBe('UPLOAD_UNKNOWN');
  });

  test('a fault in one material refuses the whole application', async () => {
    const upload = await createUpload(hub, APPLICANT);
    const cases = 'select count(*)::int as n from cases.case_file';
    const before = await sql.unsafe(cases);
    expect(await refusalOfAcceptance(hub, [{ code: '图纸', upload, paper: true }])).toBe('MATERIAL_SOURCE');
    expect(await refusalOfAcceptance(hub, [{ code: '图纸' }])).toBe('MATERIAL_SOURCE');
    const duplicates = [
      { code: '图纸', upload },
      { code: '图纸', paper: true },
    ];
    expect(await refusalOfAcceptance(hub, duplicates)).toBe('MATERIAL_TWICE');
    expect(await refusalOfAcceptance(hub, [{ code: '图\n纸', upload }])).toBe('FIELD_MALFORMED');
    expect(await refusalOfAcceptance(hub, [{ code: '图纸', upload, copies: 2 }])).toBe('FIELD_MALFORMED');
    const manyMaterials = Array.from({ length: 51 }, (_, i) => ({ code: `M${i}`, paper: true }));
    expect(await refusalOfAcceptance(hub, manyMaterials)).toBe('FIELD_TOO_LONG');
    expect(await refusalOfAcceptance(hub, manyMaterials.slice(1))).toBeNull();
    expect((await sql.unsafe(cases))[0]?.n).toBe(before[0]?.n + 1);
    expect(await refusalOfAcceptance(hub, [{ code: '图纸', upload }])).toBeNull();
  });

  test('refuses a large body before its end, and closes the connection of an endless body', async () => {
    const token = await hub.token(APPLICANT);
    const headers = { authorization: `Bearer ${token}`, 'x-file-name': 'a.pdf', 'content-type': 'application/pdf' };
    const upload = (body: ReadableStream | Buffer) =>
      fetch(new URL('/cases/materials', address), { method: 'POST', headers, body, duplex: 'half' } as RequestInit);

    // The request has no content-length, so only counting shows that it is too large.
    const part = new Uint8Array(1_048_576).fill(0x20);
    const stream = (parts: number) => {
      let sentParts = 0;
      return new ReadableStream({
        pull: (controller) => (sentParts++ < parts ? controller.enqueue(part) : controller.close()),
      });
    };
    const large = await upload(stream(2 * (MAX_FILE_BYTES / part.length)));
    expect([large.status, await large.json()]).toMatchObject([413, { code: 'FILE_TOO_LARGE' }]);

    const before = process.memoryUsage.rss();
    const sent = await pourWithoutEnd(Number(address.port), token);
    expect(sent).toBeGreaterThan(MAX_FILE_BYTES);
    // Buffers at both ends of the connection hold some bytes. The test only needs an upper bound.
    expect(sent).toBeLessThan(8 * MAX_FILE_BYTES);
    expect(process.memoryUsage.rss() - before).toBeLessThan(8 * MAX_FILE_BYTES);

    expect((await upload(buildPdf('after'))).status).toBe(201);
  });

  test('an aborted upload stores nothing; an upload by curl is accepted', async () => {
    const token = await hub.token(APPLICANT);
    const bytes = buildPdf('expected');
    const head = [
      'POST /cases/materials HTTP/1.1',
      'host: hub',
      `authorization: Bearer ${token}`,
      'x-file-name: a.pdf',
      `content-length: ${bytes.length}`,
    ].join('\r\n');
    const files = () => sql`select count(*)::int as n from cases.material_file`;
    const before = await files();
    await new Promise<void>((resolve) => {
      const socket = connectSocket(Number(address.port), '127.0.0.1', () => {
        socket.write(`${head}\r\n\r\n`);
        socket.write(bytes.subarray(0, 100), () => socket.destroy());
      });
      socket.on('close', () => resolve());
    });
    // curl sends "expect: 100-continue" before a large body.
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connectSocket(Number(address.port), '127.0.0.1', () => {
        socket.write(`${head}\r\nconnection: close\r\nexpect: 100-continue\r\n\r\n`);
      });
      let response = '';
      socket.on('data', (data) => {
        if (response === '') socket.write(bytes);
        response += data.toString();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(response));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
    expect((await files())[0]?.n).toBe(before[0]?.n + 1);
  });
});

/** Sends an endless upload until the hub closes the connection. Returns the number of bytes sent. */
function pourWithoutEnd(port: number, token: string): Promise<number> {
  const head = `POST /cases/materials HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${token}\r\nx-file-name: a.pdf\r\ncontent-type: application/pdf\r\ntransfer-encoding: chunked\r\n\r\n`;
  const part = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')]);
  return new Promise((resolve) => {
    let sentBytes = 0;
    const writeUntilFull = () => {
      do sentBytes += part.length;
      while (socket.writable && socket.write(part));
    };
    const socket = connectSocket(port, '127.0.0.1', () => {
      socket.write(head);
      writeUntilFull();
    });
    socket.on('drain', writeUntilFull);
    // The hub's answer may be lost when it closes the connection. Only the close matters.
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => resolve(sentBytes));
  });
}
