import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildOfd, buildOffice, buildTiff } from '../support/containers.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { approveImport } from '../support/proposal.ts';
import { fetchFile } from '../support/reading.ts';
import { issue, signPdf, toPem } from '../support/signed-pdf.ts';
import { waitUntil } from '../support/until.ts';
import { createUpload, uploadFile } from '../support/upload.ts';

const APPLICANT = 'applicant-company';
const MATTER = 'yd2022-3-37';
const GUIDE = {
  matterId: MATTER,
  validFrom: '2026-03-02',
  conditions: [],
  steps: [],
  materials: [
    { code: 'M01', name: '平面图', form: 'ELECTRONIC', copies: 1, required: false, formats: ['OFD', 'TIFF'] },
    { code: 'M02', name: '人员名册', form: 'ELECTRONIC', copies: 1, required: false },
  ],
  fees: [],
  counters: [],
};

const root = issue('Root', null, { isCa: true });
const signer = issue('Market Office', root);

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: () => new Date('2026-03-02T01:00:00Z'), signatureAnchors: [toPem(root)] });
  const query =
    'mutation($input: ImportGuideInput!) { importGuide(input: $input) { proposal { id organ { code } } refusal { code message } problems { message } } }';
  const { data } = await hub.ask('administrator', query, { input: { format: 'JSON', text: JSON.stringify(GUIDE) } });
  expect(data.importGuide).toMatchObject({ refusal: null, problems: [] });
  await approveImport(hub, data.importGuide.proposal, 'guide { version }');
});
afterAll(() => hub?.stop());

const fileApplication = (matter: string, materials: object[]) =>
  runMutation(
    hub,
    APPLICANT,
    'receiveApplication',
    'ApplicationInput',
    { matter, applicant: COMPANY, fields: linesFor(matter), materials },
    'case { materials { code file { mediaType url } } }',
  );

test('a guide tells which formats a material takes, and a file of another format is refused', async () => {
  const query = `{ matter(id: "${MATTER}") { guide { materials { code formats } } } }`;
  const { data } = await hub.ask(null, query);
  expect(data.matter.guide.materials).toEqual([
    { code: 'M01', formats: ['OFD', 'TIFF'] },
    { code: 'M02', formats: ['PDF', 'JPEG', 'PNG'] },
  ]);
  const upload = async (bytes: Uint8Array, name: string) => {
    const { status, body } = await uploadFile(hub, APPLICANT, bytes, { name, type: 'application/octet-stream' });
    expect([status, body.state]).toEqual([201, 'READY']);
    return body.id as string;
  };
  const ofd = await upload(buildOfd(), '平面图.ofd');
  const docx = await upload(buildOffice('DOCX'), '名册.docx');
  const refusal = async (materials: object[], matter = MATTER) => (await fileApplication(matter, materials)).refusal;
  await waitUntil('cases know the guide', async () => {
    const answer = await refusal([{ code: 'M09', upload: docx }]);
    return answer?.code === 'MATERIAL_UNKNOWN';
  });
  expect(await refusal([{ code: 'M01', upload: docx }])).toMatchObject({
    code: 'MATERIAL_FORMAT',
    message: expect.stringContaining('平面图接受 OFD、TIFF'),
  });
  expect(await refusal([{ code: 'M02', upload: ofd }])).toMatchObject({ code: 'MATERIAL_FORMAT' });
  expect(await refusal([{ code: 'M01', upload: await createUpload(hub, APPLICANT) }])).toMatchObject({
    code: 'MATERIAL_FORMAT',
  });
  // Without a guide only what every office can open is taken.
  expect(await refusal([{ code: '图纸', upload: ofd }], ROUTES.DIRECT.matter)).toMatchObject({
    code: 'MATERIAL_FORMAT',
  });

  const filed = await fileApplication(MATTER, [{ code: 'M01', upload: ofd }]);
  expect(filed.case.materials).toMatchObject([{ code: 'M01', file: { mediaType: 'application/ofd' } }]);
  const answer = await fetchFile(hub, APPLICANT, filed.case.materials[0].file.url);
  expect(answer.rawPayload.equals(buildOfd())).toBe(true);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/ofd',
    'x-content-type-options': 'nosniff',
    'content-disposition': expect.stringMatching(/^attachment;/),
  });
});

test('the declared type and the name of a document must fit its content', async () => {
  const send = async (bytes: Uint8Array, name: string, type: string) =>
    (await uploadFile(hub, APPLICANT, bytes, { name, type })).body;
  expect(await send(buildOffice('XLSX'), '表.xlsx', 'application/zip')).toMatchObject({ name: '表.xlsx' });
  expect(await send(buildTiff(), '图', 'image/tiff')).toMatchObject({ name: '图.tif', mediaType: 'image/tiff' });
  expect(await send(buildOffice('XLSX'), '表.docx', 'application/zip')).toMatchObject({ code: 'FILE_TYPE_MISMATCH' });
  expect(await send(buildOfd(), '图.ofd', 'application/pdf')).toMatchObject({ code: 'FILE_TYPE_MISMATCH' });
});

test('the signature of another authority is judged when the file is uploaded, and shown with the material', async () => {
  const matter = ROUTES.DIRECT.matter;
  const signed = signPdf(signer, [signer, root]);
  const changed = Buffer.from(signed.toString('latin1').replace('(license)', '(licence)'), 'latin1');
  const uploads = await Promise.all([signed, changed].map((bytes) => createUpload(hub, ROUTES.DIRECT.accepts, bytes)));
  const input = {
    ...{ matter, applicant: COMPANY, fields: linesFor(matter) },
    materials: uploads.map((upload, i) => ({ code: `营业执照${i}`, upload })),
  };
  const fields = 'case { id: uuid }';
  const accepted = await runMutation(hub, ROUTES.DIRECT.accepts, 'acceptCase', 'ApplicationInput', input, fields);
  const query = `query($id: ID!) { case(id: $id) { materials { file {
    signature { verdict signer issuer reason judgedAt } } } } }`;
  for (const person of [ROUTES.DIRECT.accepts, ROUTES.DIRECT.decides]) {
    const { data } = await hub.ask(person, query, { id: accepted.case.id });
    expect(data.case.materials).toMatchObject([
      { file: { signature: { verdict: 'TRUSTED', signer: 'Market Office', issuer: 'Root', reason: null } } },
      {
        file: { signature: { verdict: 'BROKEN', reason: '文件内容与签名不符', judgedAt: '2026-03-02T01:00:00.000Z' } },
      },
    ]);
  }
});
