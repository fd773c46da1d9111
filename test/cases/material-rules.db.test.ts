import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Scan, ScanVerdict } from '../../subgraphs/cases/material/upload/scan-client.ts';
import {
  MAX_WAITING_BYTES,
  MAX_WAITING_UPLOADS,
  UPLOAD_LIFE_DAYS,
} from '../../subgraphs/cases/material/upload/workflow.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { buildPdf } from '../support/files.ts';
import { COMPANY, findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { findRefusalOfAct } from '../support/own-act.ts';
import { fetchFile } from '../support/reading.ts';
import { waitUntil } from '../support/until.ts';
import { createUpload, uploadFile } from '../support/upload.ts';

const APPLICANT = 'applicant-company';
const CLERK = ROUTES.DIRECT.accepts;
const DAY_MS = 86_400_000;
/** 第二类医疗器械经营备案 with its sample guide: M01 original, M02 and M03 copies, M04 electronic, all required. */
const GUIDED_MATTER = 'yd2022-3-21';
/** 药品经营许可证（零售）: M01 an original in two copies. */
const TWO_COPIES_MATTER = 'yd2022-3-31';
const FIELDS = `case { id: uuid step materials { code name kind form copies superseded file { id: uuid }
  license { identifier } checked { version state stillGood } } }`;

describe('rules for materials: guides, licenses, scans and expiry', () => {
  let hub: TestHub;
  let sql: postgres.Sql;
  let clock: TestClock;
  let scanner: () => Promise<ScanVerdict>;
  const reportClean = async (): Promise<ScanVerdict> => ({ verdict: 'CLEAN' });
  const reportUnavailable = async (): Promise<ScanVerdict> => ({ verdict: 'UNAVAILABLE', reason: 'away' });
  const reportInfected = async (): Promise<ScanVerdict> => ({ verdict: 'INFECTED', reason: 'Test.Virus' });
  const scan: Scan = () => scanner();

  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    scanner = reportClean;
    hub = await createTestHub({ now: clock, scan });
    sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  });
  beforeEach(() => {
    scanner = reportClean;
  });
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
  });

  const applicationInput = (
    materials: object[],
    extraInput: { matter?: string; applicant?: object; dryRun?: boolean } = {},
  ) => ({
    matter: ROUTES.DIRECT.matter,
    applicant: COMPANY,
    fields: linesFor(extraInput.matter ?? ROUTES.DIRECT.matter),
    materials,
    ...extraInput,
  });
  const acceptCase = (
    materials: object[],
    extraInput: { matter?: string; applicant?: object; dryRun?: boolean } = {},
    clerk: string = CLERK,
  ) => runMutation(hub, clerk, 'acceptCase', 'ApplicationInput', applicationInput(materials, extraInput), FIELDS);
  const refusalOfAcceptance = (
    materials: object[],
    extraInput: { matter?: string; applicant?: object; dryRun?: boolean } = {},
    clerk: string = CLERK,
  ) => findRefusalCode(hub, clerk, 'acceptCase', 'ApplicationInput', applicationInput(materials, extraInput));
  const listUploads = async (person: string) => {
    const query = '{ uploads(first: 100) { edges { node { id: uuid name state expiresAt } } } }';
    const { data } = await hub.ask(person, query);
    return data.uploads.edges.map((edge: { node: { id: string } }) => edge.node);
  };

  test('an applicant may file with some materials; acceptance needs all that the guide requires', async () => {
    const upload = () => createUpload(hub, APPLICANT);
    const filedMaterials = [
      { code: 'M02', upload: await upload() },
      { code: 'M04', upload: await upload() },
    ];
    const filing = { matter: GUIDED_MATTER, applicant: COMPANY, fields: linesFor(GUIDED_MATTER) };
    const refusalOfFiling = async (materials: object[]) =>
      findRefusalCode(hub, APPLICANT, 'receiveApplication', 'ApplicationInput', { ...filing, materials });
    const item = { upload: await upload() };
    expect(await refusalOfFiling([{ code: '营业执照', ...item }])).toBe('MATERIAL_UNKNOWN');
    expect(await refusalOfFiling([{ code: 'M01', ...item }])).toBe('MATERIAL_FORM');
    expect(await refusalOfFiling([{ code: 'M01', paper: true }])).toBe('MATERIAL_FORM');
    expect(await refusalOfFiling([{ code: 'M02', license: 'x' }])).toBe('IDENTIFIER_INVALID');

    const { case: filedCase } = await runMutation(
      hub,
      APPLICANT,
      'receiveApplication',
      'ApplicationInput',
      { ...filing, materials: filedMaterials },
      FIELDS,
    );
    expect(filedCase).toMatchObject({
      step: 'RECEIVED',
      materials: [
        { code: 'M02', form: 'COPY' },
        { code: 'M04', form: 'ELECTRONIC' },
      ],
    });
    const acceptAnswer = await runMutation(
      hub,
      'window-yudu',
      'acceptApplication',
      'CaseInput',
      { case: filedCase.id },
      FIELDS,
    );
    expect(acceptAnswer.refusal).toMatchObject({ code: 'MATERIALS_MISSING' });
    expect(acceptAnswer.refusal.message).toBe(
      '缺少必需的申请材料：第二类医疗器械经营备案表、经营场所、库房的产权证明或者租赁协议。',
    );

    const supplementRequest = { case: filedCase.id, items: ['备案表', '租赁协议'] };
    expect(
      await findRefusalCode(hub, 'window-yudu', 'askSupplement', 'AskSupplementInput', supplementRequest),
    ).toBeNull();
    const secondUpload = await upload();
    const supplement = {
      case: filedCase.id,
      materials: [
        { code: 'M01', paper: true },
        { code: 'M02', upload: secondUpload },
        { code: 'M03', paper: true },
      ],
    };
    expect(await findRefusalCode(hub, APPLICANT, 'supplementCase', 'SupplementInput', supplement)).toBe(
      'MATERIAL_FORM',
    );
    await runMutation(hub, 'window-yudu', 'supplementCase', 'SupplementInput', supplement, FIELDS);
    const { case: acceptedCase } = await runMutation(
      hub,
      'window-yudu',
      'acceptApplication',
      'CaseInput',
      { case: filedCase.id },
      FIELDS,
    );
    expect(acceptedCase.step).toBe('ACCEPTED');
    const codes = acceptedCase.materials.map((m: { code: string; superseded: boolean }) => [m.code, m.superseded]);
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
    expect(await refusalOfAcceptance(materials, { matter: TWO_COPIES_MATTER }, 'window-yudu')).toBe('MATERIAL_COPIES');
    const twoCopies = [{ code: 'M01', paper: true, copies: 2 }];
    expect(await refusalOfAcceptance(twoCopies, { matter: TWO_COPIES_MATTER }, 'window-yudu')).toBe(
      'MATERIALS_MISSING',
    );
  });

  test('a dry run does not use an upload', async () => {
    const upload = await createUpload(hub, APPLICANT);
    const preview = await acceptCase([{ code: '图纸', upload }], { dryRun: true });
    expect(preview.refusal).toBeNull();
    expect(await refusalOfAcceptance([{ code: '图纸', upload }])).toBeNull();
  });

  test('an electronic license counts as a material while it is in force', async () => {
    const grantedCaseId = await grantCase(hub, ROUTES.DIRECT);
    const license = await issueGrantedLicense(hub, ROUTES.DIRECT, grantedCaseId, 1);
    const { identifier } = license;
    await waitUntil('cases know the license', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { step } }', { id: grantedCaseId });
      return data.case.step === 'CERTIFIED';
    });
    const material = [{ code: '林木采伐许可证', license: identifier }];
    const { case: subject, refusal } = await acceptCase(material);
    expect(refusal).toBeNull();
    const checked = { version: 1, state: 'VALID', stillGood: true };
    expect(subject.materials).toMatchObject([{ kind: 'LICENSE', license: { identifier }, checked }]);

    const citizen = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
    expect(await refusalOfAcceptance(material, { applicant: citizen })).toBe('NOT_YOUR_RECORD');
    const [, type = '', issuer = ''] = /^1\.2\.156\.3005\.2\.(\w+)\.(\w+)/.exec(identifier) ?? [];
    const unknownIdentifier = writeLicenseIdentifier({ type, issuer, serial: '99999', version: 1 });
    expect(await refusalOfAcceptance([{ code: '林木采伐许可证', license: unknownIdentifier }])).toBe('LICENSE_UNKNOWN');
    const nextIdentifier = writeLicenseIdentifier({ type, issuer, serial: license.number, version: 2 });
    expect(await refusalOfAcceptance([{ code: '林木采伐许可证', license: nextIdentifier }])).toBe(
      'LICENSE_NOT_CURRENT',
    );
    expect(await refusalOfAcceptance([{ code: '林木采伐许可证', license: `${identifier}0` }])).toBe(
      'IDENTIFIER_INVALID',
    );

    const actInput = { identifier, reason: '监督检查发现问题' };
    expect(await findRefusalOfAct(hub, 'yudu-lyj', 'suspend', actInput)).toBeNull();
    const readCheck = async () => {
      const { data } = await hub.ask(APPLICANT, `query($id: ID!) { ${FIELDS.replace('case {', 'case(id: $id) {')} }`, {
        id: subject.id,
      });
      return data.case.materials[0].checked;
    };
    await waitUntil('the case shows that it is good no longer', async () => (await readCheck()).stillGood === false);
    expect(await readCheck()).toEqual({ version: 1, state: 'VALID', stillGood: false });
    expect(await refusalOfAcceptance(material)).toBe('LICENSE_NOT_IN_FORCE');

    const { examines, decides } = ROUTES.DIRECT;
    const finding = { case: subject.id, finding: 'APPROVED' };
    expect(await findRefusalCode(hub, examines, 'examineCase', 'ExamineCaseInput', finding)).toBeNull();
    const decisionInput = { case: subject.id, decision: 'GRANTED', authoriseSeal: true };
    expect(await findRefusalCode(hub, decides, 'decideCase', 'DecideCaseInput', decisionInput)).toBe(
      'MATERIAL_NO_LONGER_GOOD',
    );
    expect(await findRefusalOfAct(hub, 'yudu-lyj', 'restore', actInput)).toBeNull();
    await waitUntil('it is good again', async () => (await readCheck()).stillGood === true);
    expect(await findRefusalCode(hub, decides, 'decideCase', 'DecideCaseInput', decisionInput)).toBeNull();
  });

  test('a file that could not be scanned stays unreadable until a scan succeeds', async () => {
    scanner = reportUnavailable;
    const bytes = buildPdf('scanned later');
    const { status, body } = await uploadFile(hub, APPLICANT, bytes);
    expect([status, body.state]).toEqual([201, 'PENDING_SCAN']);
    const unscannedFile = await fetchFile(hub, APPLICANT, body.url);
    expect([unscannedFile.statusCode, unscannedFile.json().code]).toEqual([422, 'FILE_NOT_SCANNED']);
    expect((await fetchFile(hub, 'applicant-citizen', body.url)).statusCode).toBe(404);
    expect(await refusalOfAcceptance([{ code: '图纸', upload: body.id }])).toBe('FILE_NOT_SCANNED');

    scanner = reportClean;
    await waitUntil('it is scanned', async () =>
      (await listUploads(APPLICANT)).some(
        (item: { id: string; state: string }) => item.id === body.id && item.state === 'READY',
      ),
    );
    expect((await fetchFile(hub, APPLICANT, body.url)).rawPayload.equals(bytes)).toBe(true);
    expect(await refusalOfAcceptance([{ code: '图纸', upload: body.id }])).toBeNull();
  });

  test('deletes a file that a later scan finds infected, and refuses to accept it again', async () => {
    scanner = reportUnavailable;
    const bytes = buildPdf('found later');
    const { body } = await uploadFile(hub, APPLICANT, bytes);
    scanner = reportInfected;
    await waitUntil('it is found', async () =>
      (await listUploads(APPLICANT)).some(
        (item: { id: string; state: string }) => item.id === body.id && item.state === 'INFECTED',
      ),
    );
    expect((await fetchFile(hub, APPLICANT, body.url)).json().code).toBe('FILE_INFECTED');
    expect(await refusalOfAcceptance([{ code: '图纸', upload: body.id }])).toBe('FILE_INFECTED');
    const [row] = await sql`select bytes from cases.material_file where digest = ${body.digest}`;
    expect(row?.bytes).toBeNull();
    expect((await uploadFile(hub, APPLICANT, bytes)).body.code).toBe('FILE_INFECTED');
    scanner = reportUnavailable;
    expect((await uploadFile(hub, APPLICANT, bytes)).body.code).toBe('FILE_INFECTED');
    // If the scanner later reports the file as clean, the file is accepted again.
    scanner = reportClean;
    expect((await uploadFile(hub, APPLICANT, bytes)).status).toBe(201);
    expect((await fetchFile(hub, APPLICANT, body.url)).rawPayload.equals(bytes)).toBe(true);
  });

  test('only the uploader can list and discard an upload', async () => {
    const upload = await createUpload(hub, 'applicant-citizen');
    const [listedUpload] = await listUploads('applicant-citizen');
    expect(listedUpload).toMatchObject({ id: upload, name: '材料.pdf', state: 'READY' });
    expect(Date.parse(listedUpload.expiresAt) - clock().getTime()).toBe(UPLOAD_LIFE_DAYS * DAY_MS);
    expect((await listUploads(APPLICANT)).map((item: { id: string }) => item.id)).not.toContain(upload);
    const refusalOfDiscard = (
      person: string,
      extraInput: { matter?: string; applicant?: object; dryRun?: boolean } = {},
    ) => findRefusalCode(hub, person, 'discardUpload', 'DiscardUploadInput', { upload, ...extraInput });
    expect(await refusalOfDiscard(APPLICANT)).toBe('UPLOAD_UNKNOWN');
    expect(await refusalOfDiscard('applicant-citizen', { dryRun: true })).toBeNull();
    expect(await refusalOfDiscard('applicant-citizen')).toBeNull();
    expect(await refusalOfDiscard('applicant-citizen')).toBe('UPLOAD_UNKNOWN');
    const publicAnswer = await hub.ask(null, '{ uploads(first: 1) { edges { cursor } } }');
    expect(publicAnswer.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');

    const attachedUpload = await createUpload(hub, APPLICANT);
    expect(await refusalOfAcceptance([{ code: '图纸', upload: attachedUpload }])).toBeNull();
    const discardInput = { upload: attachedUpload };
    expect(await findRefusalCode(hub, APPLICANT, 'discardUpload', 'DiscardUploadInput', discardInput)).toBe(
      'UPLOAD_UNKNOWN',
    );
  });

  test('limits the waiting files of a person and the files of a case', async () => {
    const person = 'yudu-sfj.clerk';
    const upload = await createUpload(hub, person);
    const insertCopies = (
      count: number,
    ) => sql`insert into cases.material_upload (id, digest, name, uploader_id, uploaded_at)
      select gen_random_uuid(), digest, name, uploader_id, uploaded_at from cases.material_upload, generate_series(1, ${count})
      where id = ${upload} returning id`;
    const insertedRows = await insertCopies(MAX_WAITING_UPLOADS - 1);
    expect((await uploadFile(hub, person, buildPdf('one more'))).body.code).toBe('UPLOADS_TOO_MANY');
    await sql`delete from cases.material_upload where id = any(${insertedRows.slice(1).map((row) => row.id)})`;
    expect((await uploadFile(hub, person, buildPdf('fits again'))).status).toBe(201);
    await sql`update cases.material_file set size_bytes = ${MAX_WAITING_BYTES / 2} from cases.material_upload
      where material_upload.digest = material_file.digest and material_upload.id = ${upload}`;
    expect((await uploadFile(hub, person, buildPdf('too heavy'))).body.code).toBe('UPLOADS_TOO_MANY');

    const uploadIds = await Promise.all([createUpload(hub, CLERK), createUpload(hub, CLERK)]);
    await sql`update cases.material_file set size_bytes = 150 * 1048576 from cases.material_upload
      where material_upload.digest = material_file.digest and material_upload.id = any(${uploadIds})`;
    const materials = uploadIds.map((id, i) => ({ code: `图纸${i}`, upload: id }));
    expect(await refusalOfAcceptance(materials)).toBe('MATERIALS_TOO_LARGE');
    expect(await refusalOfAcceptance(materials.slice(1))).toBeNull();
  });

  test('deletes an upload that is not attached in time; keeps attached files permanently', async () => {
    const sharedBytes = buildPdf('shared');
    const attachedUpload = await createUpload(hub, APPLICANT, sharedBytes);
    expect(await refusalOfAcceptance([{ code: '图纸', upload: attachedUpload }])).toBeNull();
    const duplicateUpload = await createUpload(hub, APPLICANT, sharedBytes);
    const unusedUpload = await uploadFile(hub, APPLICANT, buildPdf('alone'));
    clock.advance(UPLOAD_LIFE_DAYS * DAY_MS);
    const recentUpload = await createUpload(hub, APPLICANT);
    clock.advance(1);
    await waitUntil('the old ones are gone', async () => {
      const rows =
        await sql`select 1 from cases.material_upload where id in (${duplicateUpload}, ${unusedUpload.body.id})`;
      const files = await sql`select 1 from cases.material_file where digest = ${unusedUpload.body.digest}`;
      return rows.length + files.length === 0;
    });
    expect((await fetchFile(hub, APPLICANT, unusedUpload.body.url)).statusCode).toBe(404);
    expect((await fetchFile(hub, APPLICANT, `/cases/materials/${attachedUpload}`)).rawPayload.equals(sharedBytes)).toBe(
      true,
    );
    expect((await listUploads(APPLICANT)).map((item: { id: string }) => item.id)).toEqual([recentUpload]);

    // Even the hub's own database role cannot delete what belongs to a case.
    const casesRole = postgres(hub.databaseUrls.cases, { max: 1 });
    try {
      await expect(casesRole`delete from cases.material_upload where id = ${attachedUpload}`).rejects.toMatchObject({
        code: '23503',
      });
      await expect(casesRole`delete from cases.case_material`).rejects.toMatchObject({ code: '42501' });
      await expect(casesRole`delete from cases.reading`).rejects.toMatchObject({ code: '42501' });
    } finally {
      await casesRole.end();
    }
  });

  test('responds with 500 if the bytes do not match their digest', async () => {
    const upload = await createUpload(hub, APPLICANT);
    await sql`update cases.material_file set bytes = bytes || '\\x00' from cases.material_upload
      where material_upload.digest = material_file.digest and material_upload.id = ${upload}`;
    expect((await fetchFile(hub, APPLICANT, `/cases/materials/${upload}`)).statusCode).toBe(500);
  });
});
