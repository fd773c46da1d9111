import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { fetchFile } from '../support/reading.ts';
import { waitForNotices } from '../support/sealed-notices.ts';
import { createUpload } from '../support/upload.ts';

/** A code is disclosed and a file opened for a purpose. Each reading is recorded, and its holder sees the record. */

const route = ROUTES.DIRECT;
const [HOLDER, CLERK, APPROVER, SUPERVISOR] = [
  'applicant-company',
  'yudu-lyj.clerk',
  'yudu-lyj.approver',
  'yudu-lyj.supervisor',
];
const MASKED = '9100**********001R';
const LINES = [
  { label: '林权所有者', text: '李晓明 11010519491231002X，电话 13800138000' },
  { label: '采伐地点', text: '示范' },
];

describe.each(['local', 'http'] as const)('readings of a case and its license (%s)', (transport) => {
  let hub: TestHub;
  let sql: postgres.Sql;
  let caseId: string;
  let license: { identifier: string; number: string; document: { url: string; digest: string } };
  let materialUrl: string;
  beforeAll(async () => {
    hub = await createTestHub({ transport });
    sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
    const upload = await createUpload(hub, HOLDER);
    materialUrl = `/cases/materials/${upload}`;
    caseId = await grantCase(hub, route, { materials: [{ code: '图纸', upload }], fields: LINES });
    license = await issueGrantedLicense(hub, route, caseId, 1);
  }, 60_000);
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
  });

  const ask = async (person: string, query: string, variables: object = {}) => {
    const { data, errors } = await hub.ask(person, query, variables as Record<string, unknown>);
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const countReadings = async () => {
    const [row] = await sql`select (select count(*) from cases.reading) + (select count(*) from licenses.reading) as n`;
    return Number(row?.n);
  };
  const discloseApplicant = (person: string, input: object) =>
    runMutation(
      hub,
      person,
      'discloseApplicant',
      'DiscloseApplicantInput',
      { case: caseId, ...input },
      'applicant { code } fields { text }',
    );
  const discloseHolder = (person: string, input: object) =>
    runMutation(
      hub,
      person,
      'discloseHolder',
      'DiscloseHolderInput',
      { identifier: license.identifier, ...input },
      'holder { code } fields { text }',
    );

  test('everywhere else codes are masked for everybody but the holder, also in lines', async () => {
    const query = `query($id: ID!, $license: ID!) {
      case(id: $id) { applicant { code } fields { text } }
      license(identifier: $license) { holder { code } fields { text } } }`;
    const maskedLine = '李晓明 1101**********002X，电话 1380***8000';
    for (const person of [CLERK, APPROVER, SUPERVISOR, 'auditor']) {
      const data = await ask(person, query, { id: caseId, license: license.identifier });
      for (const part of [data.case.applicant, data.license.holder])
        expect([person, part.code]).toEqual([person, MASKED]);
      for (const part of [data.case, data.license])
        expect(part.fields).toEqual([{ text: maskedLine }, { text: '示范' }]);
    }
    const library = await ask('library', 'query($id: ID!) { license(identifier: $id) { holder { code } } }', {
      id: license.identifier,
    });
    expect(library.license.holder.code).toBe(MASKED);
    const own = await ask(HOLDER, query, { id: caseId, license: license.identifier });
    expect([own.case.applicant.code, own.license.holder.code]).toEqual([COMPANY.code, COMPANY.code]);
  });

  test('a code is disclosed for a fitting purpose, and a rehearsal discloses and records nothing', async () => {
    const before = await countReadings();
    const rehearsal = await discloseApplicant(CLERK, { purpose: 'VERIFICATION', dryRun: true });
    expect(rehearsal.applicant.code).toBe(MASKED);
    expect(rehearsal.fields[0].text).not.toContain('11010519491231002X');
    expect((await discloseHolder(CLERK, { purpose: 'VERIFICATION', dryRun: true })).holder.code).toBe(MASKED);
    const refusals = [
      await discloseApplicant(CLERK, { purpose: 'AUDIT' }),
      // The case is decided.
      await discloseApplicant(CLERK, { purpose: 'EXAMINATION' }),
      await discloseApplicant('xingguo-lyj.clerk', { purpose: 'VERIFICATION' }),
      await discloseApplicant('administrator', { purpose: 'AUDIT' }),
      await discloseHolder(APPROVER, { purpose: 'CERTIFICATION' }),
      await discloseHolder('xingguo-lyj.clerk', { purpose: 'VERIFICATION' }),
      await discloseHolder(HOLDER, { purpose: 'VERIFICATION' }),
      await discloseHolder(CLERK, { purpose: 'VERIFICATION', remark: '\n' }),
    ].map(({ refusal }) => refusal?.code ?? null);
    expect(refusals).toEqual([
      ...['PURPOSE_UNFIT', 'PURPOSE_UNFIT', 'CASE_UNKNOWN', 'CASE_UNKNOWN'],
      ...['PURPOSE_UNFIT', 'LICENSE_UNKNOWN', 'ROLE_NOT_ALLOWED', null],
    ]);
    expect(await countReadings()).toBe(before + 1);
    const disclosure = await discloseApplicant(CLERK, { purpose: 'CERTIFICATION', remark: '核对证照' });
    expect(disclosure).toMatchObject({
      applicant: { code: COMPANY.code },
      fields: LINES.map(({ text }) => ({ text })),
    });
    expect((await discloseHolder('auditor', { purpose: 'AUDIT' })).holder.code).toBe(COMPANY.code);
    expect(await countReadings()).toBe(before + 3);
  });

  test('a file is opened by its holder without, by others for a purpose, and a stranger finds none', async () => {
    const [notice] = await waitForNotices(hub, caseId, HOLDER);
    const urls: string[] = [license.document.url, materialUrl, notice?.url ?? ''];
    expect(urls.every((url) => typeof url === 'string')).toBe(true);
    for (const url of urls) {
      const before = await countReadings();
      expect([url, (await fetchFile(hub, HOLDER, url, null)).statusCode]).toEqual([url, 200]);
      expect((await fetchFile(hub, null, url)).statusCode).toBe(401);
      for (const stranger of ['applicant-citizen', 'xingguo-lyj.clerk', 'window-xingguo', 'administrator'])
        expect([url, stranger, (await fetchFile(hub, stranger, url, 'VERIFICATION')).statusCode]).toEqual([
          url,
          stranger,
          404,
        ]);
      for (const purpose of [null, '', 'EXAMINATION', 'SUPERVISION', '审查']) {
        const { statusCode, body } = await fetchFile(hub, CLERK, url, purpose && encodeURIComponent(purpose));
        expect([url, purpose, statusCode, body.includes('%PDF')]).toEqual([url, purpose, 422, false]);
      }
      expect(await countReadings()).toBe(before);
      const file = await fetchFile(hub, CLERK, url, 'VERIFICATION', '窗口核验');
      expect([url, file.statusCode, file.rawPayload.subarray(0, 5).toString()]).toEqual([url, 200, '%PDF-']);
      expect(file.headers['cache-control']).toBe('no-store');
      expect(await countReadings()).toBe(before + 1);
    }
  });

  test('a license file has a name, a type and its digest as ETag, and every repetition is a reading', async () => {
    const { url, digest } = license.document;
    const file = await fetchFile(hub, 'auditor', url);
    expect(createHash('sha256').update(file.rawPayload).digest('hex')).toBe(digest);
    expect(file.headers).toMatchObject({ 'content-type': 'application/pdf', etag: `"${digest}"` });
    expect(file.headers['content-disposition']).toMatch(/^attachment; .*\.pdf/);
    const before = await countReadings();
    const authorization = `Bearer ${await hub.token('auditor')}`;
    const headers = { authorization, 'x-purpose': 'AUDIT', 'if-none-match': `"${digest}"` };
    expect((await hub.hub.app.inject({ url, headers })).statusCode).toBe(304);
    expect(await countReadings()).toBe(before + 1);
    const unknown = await fetchFile(hub, CLERK, `/files/${'b'.repeat(64)}`);
    const denied = await fetchFile(hub, 'window-xingguo', url);
    expect([denied.statusCode, denied.body]).toEqual([unknown.statusCode, unknown.body]);
    expect(unknown.statusCode).toBe(404);
    expect([400, 404]).toContain((await fetchFile(hub, 'auditor', '/files/..%2f..%2fetc')).statusCode);
    const forged = await hub.hub.app.inject({ url, headers: { authorization: 'Bearer x.y.z' } });
    expect(forged.json()).toMatchObject({ code: 'TOKEN_INVALID' });
    // A library of protocol 1 states nothing: the hub knows its only purpose.
    expect((await fetchFile(hub, 'library', url, null)).statusCode).toBe(200);
    expect(
      await sql`select 1 from licenses.reading where reader_id = 'library' and purpose = 'COLLECTION'
      and object = 'DOCUMENT'`,
    ).toHaveLength(1);
  });

  test('the record is for the holder without persons, and with them for the organ’s supervision and auditors', async () => {
    const node = 'object organ { id: code } purpose readerId reader remark number at';
    const query = `query($id: ID!, $license: ID!) {
      case(id: $id) { readings { ${node} } } license(identifier: $license) { readings { ${node} } }
      caseReadings(first: 100) { edges { node { ${node} } } } licenseReadings(first: 100) { edges { node { ${node} } } } }`;
    const read = async (person: string) => {
      const data = await ask(person, query, { id: caseId, license: license.identifier });
      const lists = [data.caseReadings, data.licenseReadings].map(({ edges }) =>
        edges.map((edge: { node: object }) => edge.node),
      );
      return { own: [data.case?.readings ?? null, data.license?.readings ?? null], lists };
    };
    const ofHolder = await read(HOLDER);
    expect(ofHolder.own).toEqual(ofHolder.lists);
    const [caseRows, licenseRows] = ofHolder.own;
    expect(caseRows).toContainEqual(
      expect.objectContaining({ object: 'MATERIAL', organ: { id: 'yudu-lyj' }, purpose: 'VERIFICATION' }),
    );
    expect(caseRows).toContainEqual(expect.objectContaining({ object: 'CODE', purpose: 'CERTIFICATION' }));
    expect(licenseRows).toContainEqual(expect.objectContaining({ object: 'DOCUMENT', organ: null, purpose: 'AUDIT' }));
    for (const row of [...caseRows, ...licenseRows])
      expect(row).toMatchObject({ readerId: null, reader: null, remark: null });
    const ofAuditor = await read('auditor');
    expect(ofAuditor.own.map((rows) => rows?.length)).toEqual([caseRows.length, licenseRows.length]);
    expect(ofAuditor.own[0]).toContainEqual(expect.objectContaining({ readerId: CLERK, remark: '核对证照' }));
    const ofSupervisor = await read(SUPERVISOR);
    for (const rows of [...ofSupervisor.own, ...ofSupervisor.lists]) {
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toMatchObject({ organ: { id: 'yudu-lyj' }, reader: expect.any(String) });
    }
    expect(await read(CLERK)).toEqual({ own: [null, null], lists: [[], []] });
    expect(await read('applicant-citizen')).toEqual({ own: [null, null], lists: [[], []] });
    expect((await hub.ask(null, '{ caseReadings(first: 1) { edges { cursor } } }')).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    );
  });

  test('neither subgraph can change or delete its record', async () => {
    for (const subgraph of ['cases', 'licenses'] as const) {
      const own = postgres(hub.databaseUrls[subgraph], { max: 1, onnotice: () => {} });
      await expect(own`update ${own(subgraph)}.reading set purpose = null`).rejects.toThrow('permission denied');
      await expect(own`delete from ${own(subgraph)}.reading`).rejects.toThrow('permission denied');
      await own.end();
    }
  });
});
