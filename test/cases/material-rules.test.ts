import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { builtInScan, type Scan, type ScanVerdict } from '../../subgraphs/cases/material/scan.ts';
import { UPLOAD_LIFE_DAYS, WAITING_BYTES_MOST, WAITING_MOST } from '../../subgraphs/cases/material/workflow.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { pdf } from '../support/files.ts';
import { act, COMPANY, grantCase, issue, ROUTES, refusalOf } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { until } from '../support/until.ts';
import { get, send, uploaded } from '../support/upload.ts';

const APPLICANT = 'applicant-company';
const CLERK = ROUTES.DIRECT.accepts;
const DAY_MS = 86_400_000;
/** 第二类医疗器械经营备案 with its sample guide: M01 original, M02 and M03 copies, M04 electronic, all required. */
const GUIDED = 'yd2022-3-21';
/** 药品经营许可证（零售）: M01 an original in two copies. */
const COPIES = 'yd2022-3-31';
const FIELDS = `case { id step materials { code name kind form copies superseded file { id }
  license { identifier } checked { version state stillGood } } }`;

describe('rules for materials: guides, licenses, scans and expiry', () => {
  let hub: TestHub;
  let sql: postgres.Sql;
  let clock: TestClock;
  let scanner: () => Promise<ScanVerdict>;
  const clean = async (): Promise<ScanVerdict> => ({ verdict: 'CLEAN' });
  const away = async (): Promise<ScanVerdict> => ({ verdict: 'UNAVAILABLE', reason: 'away' });
  const infected = async (): Promise<ScanVerdict> => ({ verdict: 'INFECTED', reason: 'Test.Virus' });
  const scan: Scan = async (bytes, meta) => {
    const own = await builtInScan(bytes, meta);
    return own.verdict === 'CLEAN' ? scanner() : own;
  };

  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    scanner = clean;
    hub = await testHub({ now: clock, scan });
    sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  });
  beforeEach(() => {
    scanner = clean;
  });
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
  });

  const input = (materials: object[], more: object = {}) => ({
    matter: ROUTES.DIRECT.matter,
    applicant: COMPANY,
    materials,
    ...more,
  });
  const accept = (materials: object[], more: object = {}, clerk: string = CLERK) =>
    act(hub, clerk, 'acceptCase', 'ApplicationInput', input(materials, more), FIELDS);
  const refused = (materials: object[], more: object = {}, clerk: string = CLERK) =>
    refusalOf(hub, clerk, 'acceptCase', 'ApplicationInput', input(materials, more));
  const waiting = async (person: string) => {
    const query = '{ uploads(first: 100) { edges { node { id name state expiresAt } } } }';
    const { data } = await hub.ask(person, query);
    return data.uploads.edges.map((edge: { node: { id: string } }) => edge.node);
  };

  test('an applicant may file with some materials; acceptance needs all that the guide requires', async () => {
    const upload = () => uploaded(hub, APPLICANT);
    const some = [
      { code: 'M02', upload: await upload() },
      { code: 'M04', upload: await upload() },
    ];
    const filing = { matter: GUIDED, applicant: COMPANY };
    const file = async (materials: object[]) =>
      refusalOf(hub, APPLICANT, 'receiveApplication', 'ApplicationInput', { ...filing, materials });
    const one = { upload: await upload() };
    expect(await file([{ code: '营业执照', ...one }])).toBe('MATERIAL_UNKNOWN');
    expect(await file([{ code: 'M01', ...one }])).toBe('MATERIAL_FORM');
    expect(await file([{ code: 'M01', paper: true }])).toBe('MATERIAL_FORM');
    expect(await file([{ code: 'M02', license: 'x' }])).toBe('IDENTIFIER_INVALID');

    const { case: filed } = await act(
      hub,
      APPLICANT,
      'receiveApplication',
      'ApplicationInput',
      { ...filing, materials: some },
      FIELDS,
    );
    expect(filed).toMatchObject({
      step: 'RECEIVED',
      materials: [
        { code: 'M02', form: 'COPY' },
        { code: 'M04', form: 'ELECTRONIC' },
      ],
    });
    const taken = await act(hub, 'window-yudu', 'acceptApplication', 'CaseInput', { case: filed.id }, FIELDS);
    expect(taken.refusal).toMatchObject({ code: 'MATERIALS_MISSING' });
    expect(taken.refusal.message).toBe(
      '缺少必需的申请材料：第二类医疗器械经营备案表、经营场所、库房的产权证明或者租赁协议。',
    );

    const ask = { case: filed.id, items: ['备案表', '租赁协议'] };
    expect(await refusalOf(hub, 'window-yudu', 'askSupplement', 'AskSupplementInput', ask)).toBeNull();
    const again = await upload();
    const brought = {
      case: filed.id,
      materials: [
        { code: 'M01', paper: true },
        { code: 'M02', upload: again },
        { code: 'M03', paper: true },
      ],
    };
    expect(await refusalOf(hub, APPLICANT, 'supplementCase', 'SupplementInput', brought)).toBe('MATERIAL_FORM');
    await act(hub, 'window-yudu', 'supplementCase', 'SupplementInput', brought, FIELDS);
    const { case: accepted } = await act(
      hub,
      'window-yudu',
      'acceptApplication',
      'CaseInput',
      { case: filed.id },
      FIELDS,
    );
    expect(accepted.step).toBe('ACCEPTED');
    const codes = accepted.materials.map((m: { code: string; superseded: boolean }) => [m.code, m.superseded]);
    expect(codes).toEqual([
      ['M02', true],
      ['M04', false],
      ['M01', false],
      ['M02', false],
      ['M03', false],
    ]);
  });

  test('checks the number of copies that the county guide requires', async () => {
    const materials = [{ code: 'M01', paper: true }];
    expect(await refused(materials, { matter: COPIES }, 'window-yudu')).toBe('MATERIAL_COPIES');
    const enough = [{ code: 'M01', paper: true, copies: 2 }];
    expect(await refused(enough, { matter: COPIES }, 'window-yudu')).toBe('MATERIALS_MISSING');
  });

  test('a dry run does not use an upload', async () => {
    const upload = await uploaded(hub, APPLICANT);
    const rehearsed = await accept([{ code: '图纸', upload }], { dryRun: true });
    expect(rehearsed.refusal).toBeNull();
    expect(await refused([{ code: '图纸', upload }])).toBeNull();
  });

  test('an electronic license counts as a material while it is in force', async () => {
    const granted = await grantCase(hub, ROUTES.DIRECT);
    const license = await issue(hub, ROUTES.DIRECT, granted, 1);
    const { identifier } = license;
    await until('cases know the license', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { step } }', { id: granted });
      return data.case.step === 'CERTIFIED';
    });
    const material = [{ code: '林木采伐许可证', license: identifier }];
    const { case: subject, refusal } = await accept(material);
    expect(refusal).toBeNull();
    const checked = { version: 1, state: 'VALID', stillGood: true };
    expect(subject.materials).toMatchObject([{ kind: 'LICENSE', license: { identifier }, checked }]);

    const citizen = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
    expect(await refused(material, { applicant: citizen })).toBe('NOT_YOUR_RECORD');
    const [, type = '', issuer = ''] = /^1\.2\.156\.3005\.2\.(\w+)\.(\w+)/.exec(identifier) ?? [];
    const none = writeLicenseIdentifier({ type, issuer, serial: '99999', version: 1 });
    expect(await refused([{ code: '林木采伐许可证', license: none }])).toBe('LICENSE_UNKNOWN');
    const next = writeLicenseIdentifier({ type, issuer, serial: license.number, version: 2 });
    expect(await refused([{ code: '林木采伐许可证', license: next }])).toBe('LICENSE_NOT_CURRENT');
    expect(await refused([{ code: '林木采伐许可证', license: `${identifier}0` }])).toBe('IDENTIFIER_INVALID');

    const own = { identifier, reason: '监督检查发现问题' };
    expect(await refusalOf(hub, ROUTES.DIRECT.decides, 'suspendLicense', 'OwnActInput', own)).toBeNull();
    const stands = async () => {
      const { data } = await hub.ask(APPLICANT, `query($id: ID!) { ${FIELDS.replace('case {', 'case(id: $id) {')} }`, {
        id: subject.id,
      });
      return data.case.materials[0].checked;
    };
    await until('the case shows that it is good no longer', async () => (await stands()).stillGood === false);
    expect(await stands()).toEqual({ version: 1, state: 'VALID', stillGood: false });
    expect(await refused(material)).toBe('LICENSE_NOT_IN_FORCE');

    const { examines, decides } = ROUTES.DIRECT;
    const finding = { case: subject.id, finding: 'APPROVED' };
    expect(await refusalOf(hub, examines, 'examineCase', 'ExamineCaseInput', finding)).toBeNull();
    const grant = { case: subject.id, decision: 'GRANTED', authoriseSeal: true };
    expect(await refusalOf(hub, decides, 'decideCase', 'DecideCaseInput', grant)).toBe('MATERIAL_NO_LONGER_GOOD');
    expect(await refusalOf(hub, decides, 'restoreLicense', 'OwnActInput', own)).toBeNull();
    await until('it is good again', async () => (await stands()).stillGood === true);
    expect(await refusalOf(hub, decides, 'decideCase', 'DecideCaseInput', grant)).toBeNull();
  });

  test('a file that could not be scanned stays unreadable until a scan succeeds', async () => {
    scanner = away;
    const bytes = pdf('scanned later');
    const { status, body } = await send(hub, APPLICANT, bytes);
    expect([status, body.state]).toEqual([201, 'PENDING_SCAN']);
    const held = await get(hub, APPLICANT, body.url);
    expect([held.statusCode, held.json().code]).toEqual([422, 'FILE_NOT_SCANNED']);
    expect((await get(hub, 'applicant-citizen', body.url)).statusCode).toBe(404);
    expect(await refused([{ code: '图纸', upload: body.id }])).toBe('FILE_NOT_SCANNED');

    scanner = clean;
    await until('it is scanned', async () =>
      (await waiting(APPLICANT)).some(
        (one: { id: string; state: string }) => one.id === body.id && one.state === 'READY',
      ),
    );
    expect((await get(hub, APPLICANT, body.url)).rawPayload.equals(bytes)).toBe(true);
    expect(await refused([{ code: '图纸', upload: body.id }])).toBeNull();
  });

  test('deletes a file that a later scan finds infected, and refuses to accept it again', async () => {
    scanner = away;
    const bytes = pdf('found later');
    const { body } = await send(hub, APPLICANT, bytes);
    scanner = infected;
    await until('it is found', async () =>
      (await waiting(APPLICANT)).some(
        (one: { id: string; state: string }) => one.id === body.id && one.state === 'INFECTED',
      ),
    );
    expect((await get(hub, APPLICANT, body.url)).json().code).toBe('FILE_INFECTED');
    expect(await refused([{ code: '图纸', upload: body.id }])).toBe('FILE_INFECTED');
    const [row] = await sql`select bytes from cases.material_file where digest = ${body.digest}`;
    expect(row?.bytes).toBeNull();
    expect((await send(hub, APPLICANT, bytes)).body.code).toBe('FILE_INFECTED');
    scanner = away;
    expect((await send(hub, APPLICANT, bytes)).body.code).toBe('FILE_INFECTED');
    // If the scanner later reports the file as clean, the file is accepted again.
    scanner = clean;
    expect((await send(hub, APPLICANT, bytes)).status).toBe(201);
    expect((await get(hub, APPLICANT, body.url)).rawPayload.equals(bytes)).toBe(true);
  });

  test('only the uploader can list and discard an upload', async () => {
    const upload = await uploaded(hub, 'applicant-citizen');
    const [listed] = await waiting('applicant-citizen');
    expect(listed).toMatchObject({ id: upload, name: '材料.pdf', state: 'READY' });
    expect(Date.parse(listed.expiresAt) - clock().getTime()).toBe(UPLOAD_LIFE_DAYS * DAY_MS);
    expect((await waiting(APPLICANT)).map((one: { id: string }) => one.id)).not.toContain(upload);
    const discard = (person: string, more: object = {}) =>
      refusalOf(hub, person, 'discardUpload', 'DiscardUploadInput', { upload, ...more });
    expect(await discard(APPLICANT)).toBe('UPLOAD_UNKNOWN');
    expect(await discard('applicant-citizen', { dryRun: true })).toBeNull();
    expect(await discard('applicant-citizen')).toBeNull();
    expect(await discard('applicant-citizen')).toBe('UPLOAD_UNKNOWN');
    const publicly = await hub.ask(null, '{ uploads(first: 1) { edges { cursor } } }');
    expect(publicly.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');

    const attached = await uploaded(hub, APPLICANT);
    expect(await refused([{ code: '图纸', upload: attached }])).toBeNull();
    const late = { upload: attached };
    expect(await refusalOf(hub, APPLICANT, 'discardUpload', 'DiscardUploadInput', late)).toBe('UPLOAD_UNKNOWN');
  });

  test('limits the waiting files of a person and the files of a case', async () => {
    const person = 'yudu-sfj.clerk';
    const upload = await uploaded(hub, person);
    const copy = (count: number) => sql`insert into cases.material_upload (id, digest, name, uploader_id, uploaded_at)
      select gen_random_uuid(), digest, name, uploader_id, uploaded_at from cases.material_upload, generate_series(1, ${count})
      where id = ${upload} returning id`;
    const copies = await copy(WAITING_MOST - 1);
    expect((await send(hub, person, pdf('one more'))).body.code).toBe('UPLOADS_TOO_MANY');
    await sql`delete from cases.material_upload where id = any(${copies.slice(1).map((row) => row.id)})`;
    expect((await send(hub, person, pdf('fits again'))).status).toBe(201);
    await sql`update cases.material_file set size_bytes = ${WAITING_BYTES_MOST / 2} from cases.material_upload
      where material_upload.digest = material_file.digest and material_upload.id = ${upload}`;
    expect((await send(hub, person, pdf('too heavy'))).body.code).toBe('UPLOADS_TOO_MANY');

    const mine = await Promise.all([uploaded(hub, CLERK), uploaded(hub, CLERK)]);
    await sql`update cases.material_file set size_bytes = 150 * 1048576 from cases.material_upload
      where material_upload.digest = material_file.digest and material_upload.id = any(${mine})`;
    const both = mine.map((id, i) => ({ code: `图纸${i}`, upload: id }));
    expect(await refused(both)).toBe('MATERIALS_TOO_LARGE');
    expect(await refused(both.slice(1))).toBeNull();
  });

  test('deletes an upload that is not attached in time; keeps attached files permanently', async () => {
    const shared = pdf('shared');
    const kept = await uploaded(hub, APPLICANT, shared);
    expect(await refused([{ code: '图纸', upload: kept }])).toBeNull();
    const twin = await uploaded(hub, APPLICANT, shared);
    const alone = await send(hub, APPLICANT, pdf('alone'));
    clock.advance(UPLOAD_LIFE_DAYS * DAY_MS);
    const young = await uploaded(hub, APPLICANT);
    clock.advance(1);
    await until('the old ones are gone', async () => {
      const rows = await sql`select 1 from cases.material_upload where id in (${twin}, ${alone.body.id})`;
      const files = await sql`select 1 from cases.material_file where digest = ${alone.body.digest}`;
      return rows.length + files.length === 0;
    });
    expect((await get(hub, APPLICANT, alone.body.url)).statusCode).toBe(404);
    expect((await get(hub, APPLICANT, `/cases/materials/${kept}`)).rawPayload.equals(shared)).toBe(true);
    expect((await waiting(APPLICANT)).map((one: { id: string }) => one.id)).toEqual([young]);

    // Even the hub's own database role cannot delete what belongs to a case.
    const role = postgres(hub.databaseUrls.cases, { max: 1 });
    try {
      await expect(role`delete from cases.material_upload where id = ${kept}`).rejects.toMatchObject({ code: '23503' });
      await expect(role`delete from cases.case_material`).rejects.toMatchObject({ code: '42501' });
      await expect(role`delete from cases.material_read`).rejects.toMatchObject({ code: '42501' });
    } finally {
      await role.end();
    }
  });

  test('responds with 500 if the bytes do not match their digest', async () => {
    const upload = await uploaded(hub, APPLICANT);
    await sql`update cases.material_file set bytes = bytes || '\\x00' from cases.material_upload
      where material_upload.digest = material_file.digest and material_upload.id = ${upload}`;
    expect((await get(hub, APPLICANT, `/cases/materials/${upload}`)).statusCode).toBe(500);
  });
});
