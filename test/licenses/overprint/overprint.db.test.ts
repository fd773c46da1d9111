import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAttachment } from '../../../subgraphs/kernel/pdf/attachment.ts';
import { readSealedPdf } from '../../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { renderOverprint } from '../../../subgraphs/licenses/document/render.ts';
import { readRecord } from '../../../subgraphs/licenses/verify/content/attached.ts';
import { grantCase, issueGrantedLicense, ROUTES, runMutation } from '../../support/flow.ts';
import { createTestHub, type TestHub } from '../../support/hub.ts';

/** The printing aid for a pre-printed blank (套打): who gets it, when, and that it is recorded. */

const ROUTE = ROUTES.DIRECT;
let hub: TestHub;
let sql: postgres.Sql;
let license: { identifier: string; document: { url: string; digest: string }; paper: { blankNumber: string } };
beforeAll(async () => {
  hub = await createTestHub();
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  license = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE), 1);
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

async function fetchAs(person: string | null, url: string, headers: Record<string, string> = {}) {
  const authorization = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` };
  return hub.hub.app.inject({ url, headers: { ...authorization, ...headers } });
}
const CERTIFICATION = { 'x-purpose': 'CERTIFICATION' };
const print = (
  person: string | null,
  headers: Record<string, string> = CERTIFICATION,
  identifier = license.identifier,
) => fetchAs(person, `/licenses/overprint/${identifier}`, headers);
const countReadings = async () => (await sql`select 1 from licenses.reading where object = 'DOCUMENT'`).length;
const codeOf = (answer: { statusCode: number; json: () => { code: string } }) => [
  answer.statusCode,
  answer.json().code,
];

test('who prints gets it for 制证发证, recorded, and it is no license', async () => {
  const before = await countReadings();
  const rehearsal = await print(ROUTE.prints, { ...CERTIFICATION, 'x-dry-run': 'true' });
  expect([rehearsal.statusCode, await countReadings()]).toEqual([204, before]);
  const answer = await print(ROUTE.prints);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({ 'content-type': 'application/pdf', 'cache-control': 'no-store' });
  expect(answer.headers['content-disposition']).toContain('overprint.pdf');
  expect(await countReadings()).toBe(before + 1);

  const sealed = await fetchAs(ROUTE.prints, license.document.url, CERTIFICATION);
  const record = readRecord(readSealedPdf(sealed.rawPayload).base);
  expect(Buffer.from(renderOverprint(record)).equals(answer.rawPayload)).toBe(true);
  expect(readAttachment(answer.rawPayload, 'metadata.json')).toBeNull();
  const query = 'query($input: VerifyLicenseInput!) { verifyLicense(input: $input) { verdict } }';
  const input = { document: answer.rawPayload.toString('base64') };
  const { data } = await hub.ask(ROUTE.prints, query, { input });
  expect(data.verifyLicense.verdict).not.toBe('TOTAL_PASSED');
});

test('nobody else gets it, and for no other purpose', async () => {
  const before = await countReadings();
  expect((await print(null)).statusCode).toBe(401);
  expect((await print('xingguo-lyj.clerk')).statusCode).toBe(404);
  expect((await print(ROUTE.prints, CERTIFICATION, 'no-identifier')).statusCode).toBe(404);
  expect(codeOf(await print('applicant-company'))).toEqual([422, 'ROLE_NOT_ALLOWED']);
  expect(codeOf(await print('yudu-lyj.approver'))).toEqual([422, 'ROLE_NOT_ALLOWED']);
  expect(codeOf(await print(ROUTE.prints, {}))).toEqual([422, 'PURPOSE_MISSING']);
  expect(codeOf(await print(ROUTE.prints, { 'x-purpose': 'VERIFICATION' }))).toEqual([422, 'PURPOSE_UNFIT']);
  expect(await countReadings()).toBe(before);
});

test('a link stands for the header, and a delivered sheet is printed no more', async () => {
  const authorization = `Bearer ${await hub.token(ROUTE.prints)}`;
  const payload = { url: `/licenses/overprint/${license.identifier}`, purpose: 'CERTIFICATION' };
  const link = await hub.hub.app.inject({ method: 'POST', url: '/file-links', headers: { authorization }, payload });
  expect((await hub.hub.app.inject({ url: link.json().url })).statusCode).toBe(200);

  const { identifier, paper } = license;
  const input = { identifier, blankNumber: paper.blankNumber };
  const delivered = await runMutation(hub, ROUTE.prints, 'deliverCertificate', 'CertificateInput', input, '__typename');
  expect(delivered.refusal).toBeNull();
  expect(codeOf(await print(ROUTE.prints))).toEqual([422, 'PAPER_NOT_PRINTED']);
});
