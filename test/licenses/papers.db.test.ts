import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../scripts/audit/finding.ts';
import { auditPaper } from '../../scripts/audit/paper.ts';
import { readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { readRecord } from '../../subgraphs/licenses/verify/content/attached.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { changesFor, linesFor } from '../support/content.ts';
import {
  COMPANY,
  grantCase,
  issueGrantedLicense,
  ROUTES,
  runMutation,
  toBlankNumber,
  toBlanks,
} from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

/** Originals and duplicates (正本、副本): 第三类医疗器械经营许可证 has one of each. */

const ROUTE = ROUTES.WINDOW_FORWARD;
const CHANGING = { ...ROUTE, matter: 'yd2022-3-28' };
const MEDICAL_DEVICE = '11000000000090018B033';
const PAPERS = 'papers { blankNumber kind place state validity recallDue }';

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub();
});
afterAll(() => hub?.stop());

const act = (name: string, input: object) =>
  runMutation(
    hub,
    ROUTE.prints,
    name,
    'CaseActInput',
    input,
    `license { number identifier ${PAPERS} } refusals { code path }`,
  );
const handle = (name: string, identifier: string, blankNumber: string, more: object = {}) => {
  const types: Record<string, string> = { spoilBlank: 'SpoilBlankInput', recallCertificate: 'RecallCertificateInput' };
  const type = types[name] ?? 'CertificateInput';
  const input = { identifier, blankNumber, ...more };
  return runMutation(hub, ROUTE.prints, name, type, input, `license { ${PAPERS} }`);
};
const papersOf = async (identifier: string) => {
  const query = `query($id: ID!) { license(identifier: $id) { paper { blankNumber } ${PAPERS} actions(names: ["recallCertificate"]) { allowed } } }`;
  const { data, errors } = await hub.ask(ROUTE.prints, query, { id: identifier });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.license;
};
let nextSerial = 80;
const blank = (serial: number) => toBlankNumber(ROUTE, serial);

async function auditOf(): Promise<Finding[]> {
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  try {
    const findings: Finding[] = [];
    for await (const finding of auditPaper({ sql } as never)) findings.push(finding);
    return findings;
  } finally {
    await sql.end();
  }
}

describe('one act makes every sheet of a version', () => {
  test('only on a blank for each, none twice, all named at once', async () => {
    const id = await grantCase(hub, ROUTE);
    const query =
      'query($id: ID!) { case(id: $id) { certificateTask { duplicates blanks { number } actions { name inputs { name required } } } } }';
    const { data } = await hub.ask('ganzhou-xzspj.clerk', query, { id });
    const { duplicates, blanks, actions } = data.case.certificateTask;
    expect([duplicates, blanks.length]).toEqual([1, 21]);
    expect(actions[0]).toEqual({
      name: 'issueLicense',
      inputs: [
        { name: 'blankNumber', required: true },
        { name: 'duplicateBlanks', required: false },
      ],
    });
    const refusalsOf = async (duplicateBlanks: string[]) =>
      (await act('issueLicense', { case: id, blankNumber: blank(1), duplicateBlanks })).refusals;
    const path = ['input', 'duplicateBlanks'];
    expect(await refusalsOf([])).toEqual([{ code: 'BLANK_COUNT_WRONG', path }]);
    expect(await refusalsOf([blank(1)])).toEqual([{ code: 'BLANK_TWICE', path: [...path, '0'] }]);
    expect(await refusalsOf([toBlankNumber(ROUTES.DIRECT, 1), 'KB9'])).toEqual([
      { code: 'BLANK_COUNT_WRONG', path },
      { code: 'BLANK_OF_ANOTHER_ORGAN', path: [...path, '0'] },
      { code: 'BLANK_UNKNOWN', path: [...path, '1'] },
    ]);
    // A type without duplicates takes none.
    const direct = { case: await grantCase(hub, ROUTES.DIRECT), blankNumber: toBlankNumber(ROUTES.DIRECT, 1) };
    const superfluous = { ...direct, duplicateBlanks: [toBlankNumber(ROUTES.DIRECT, 2)] };
    const refused = await runMutation(
      ...([hub, ROUTES.DIRECT.prints, 'issueLicense', 'CaseActInput', superfluous, 'refusals { code }'] as const),
    );
    expect(refused.refusals).toEqual([{ code: 'BLANK_COUNT_WRONG' }]);
    await issueGrantedLicense(hub, ROUTE, id, 1);
  });

  test('and two acts on one blank at the same time: one gets it', async () => {
    const ids = [await grantCase(hub, ROUTE), await grantCase(hub, ROUTE)];
    const shared = blank(130);
    const answers = await Promise.all(
      ids.map((id, i) => act('issueLicense', { case: id, blankNumber: blank(30 + i), duplicateBlanks: [shared] })),
    );
    const codes = answers.map(({ refusal }) => refusal?.code ?? null);
    expect(codes.toSorted()).toEqual(['BLANK_USED', null]);
    const loser = codes.indexOf('BLANK_USED');
    const second = { case: ids[loser], blankNumber: blank(30 + loser), duplicateBlanks: [blank(131)] };
    expect((await act('issueLicense', second)).refusal).toBeNull();
  });
});

test('a license has as many duplicates as the type version that its grant names', async () => {
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  try {
    const id = await grantCase(hub, ROUTE);
    const [earlier] = await sql`select fact from licenses.license_type where code = ${MEDICAL_DEVICE}`;
    // Another version is in force from today on, by which a license has three duplicates.
    const [first] = earlier?.fact.versions ?? [];
    const next = { ...first, version: 2, duplicates: 3, validFrom: '2025-06-01' };
    const fact = { code: MEDICAL_DEVICE, versions: [{ ...first, validTo: '2025-05-31' }, next] };
    await sql`update licenses.license_type set fact = ${sql.json(fact)} where code = ${MEDICAL_DEVICE}`;
    const other = await grantCase(hub, ROUTES.SUBSTANTIVE_REVIEW);
    await sql`update licenses.blank set license_type = ${MEDICAL_DEVICE} where number = ${blank(5)}`;
    const countOf = async () => {
      const query =
        '{ certificateTasks(first: 100) { edges { node { case { id: uuid } duplicates blanks { number } } } } }';
      const { data } = await hub.ask('ganzhou-xzspj.clerk', query);
      const rows = data.certificateTasks.edges.map(({ node }: never) => node);
      return [id, other].map((one) => {
        const { duplicates, blanks } = rows.find((row: { case: { id: string } }) => row.case.id === one);
        return [duplicates, blanks.some(({ number }: { number: string }) => number === blank(5))];
      });
    };
    expect(await countOf()).toEqual([
      [1, true],
      [0, false],
    ]);
    await sql`update licenses.blank set license_type = null where number = ${blank(5)}`;
    // A grant of a release up to 0.4 names no version.
    await sql`update licenses.certificate_task set content = content - 'typeVersion' where case_id = ${id}`;
    expect((await countOf())[0]).toEqual([3, true]);
    await sql`update licenses.certificate_task set content = content || '{"typeVersion": 1}' where case_id = ${id}`;
    await issueGrantedLicense(hub, ROUTE, id, 6);
    await sql`update licenses.license_type set fact = ${sql.json(earlier?.fact)} where code = ${MEDICAL_DEVICE}`;
  } finally {
    await sql.end();
  }
});

test('a line that the type does not print is sealed, and the sheet leaves it out', async () => {
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  try {
    const hide = (isPrinted: boolean) => sql`update cases.license_type_fact
      set fact = jsonb_set(fact, '{versions,0,lines,7,printed}', ${sql.json(isPrinted)}) where code = ${MEDICAL_DEVICE}`;
    await hide(false);
    const note = { label: '备注', text: '仓库共用' };
    const id = await grantCase(hub, ROUTE, { fields: linesFor(ROUTE.matter, { [note.label]: note.text }) });
    const { identifier } = await issueGrantedLicense(hub, ROUTE, id, 8);
    await hide(true);
    const query = `query($id: ID!) { license(identifier: $id) { fields { label text } } licenseStatus(identifier: $id) { unprinted } }`;
    const { data } = await hub.ask('auditor', query, { id: identifier });
    expect(data.license.fields).toContainEqual(note);
    expect(data.licenseStatus.unprinted).toBe(1);
    expect((await hub.hub.app.inject({ url: `/v/${identifier}` })).payload).toContain('项数：1');
    const [row] = await sql`select v.record, v.code, d.bytes from licenses.license_version v
      join licenses.document d on d.digest = v.document_digest where v.identifier = ${identifier}`;
    expect(row?.record.KZ_BYX).toEqual([note.label]);
    // The file alone is enough to render the sheet again.
    const { unsigned } = readSealedPdf(row?.bytes);
    expect(Buffer.from(unsigned).equals(Buffer.from(renderLicense(readRecord(unsigned))))).toBe(true);
  } finally {
    await sql.end();
  }
});

test('a duplicate is spoiled alone, all are delivered together, and each comes back by itself', async () => {
  const { identifier, number } = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE), 10);
  const replacement = { replacement: blank(120), reason: 'MISPRINT' };
  expect((await handle('spoilBlank', identifier, blank(110), replacement)).refusal).toBeNull();
  const original = { blankNumber: blank(10), kind: 'ORIGINAL', place: 1, validity: 'VALID', recallDue: false };
  const duplicate = { ...original, blankNumber: blank(120), kind: 'DUPLICATE' };
  expect(await papersOf(identifier)).toMatchObject({
    paper: { blankNumber: blank(10) },
    papers: [
      { ...original, state: 'PRINTED' },
      { ...duplicate, state: 'PRINTED' },
    ],
  });
  const delivered = (await handle('deliverCertificate', identifier, blank(10))).license.papers;
  expect(delivered.map(({ state }: { state: string }) => state)).toEqual(['DELIVERED', 'DELIVERED']);
  expect((await handle('deliverCertificate', identifier, blank(120))).refusal.code).toBe('PAPER_NOT_PRINTED');
  expect(
    (await handle('spoilBlank', identifier, blank(120), { ...replacement, replacement: blank(121) })).refusal.code,
  ).toBe('PAPER_NOT_PRINTED');

  const change = await grantCase(hub, CHANGING, { licenseNumber: number });
  const changed = await act('changeLicense', { case: change, ...toBlanks(CHANGING, 11) });
  expect(changed.license.papers).toHaveLength(2);
  const due = { validity: 'SUPERSEDED', recallDue: true, state: 'DELIVERED' };
  expect((await papersOf(identifier)).papers).toMatchObject([due, due]);
  expect((await handle('recallCertificate', identifier, blank(10))).refusal).toBeNull();
  expect(await papersOf(identifier)).toMatchObject({
    papers: [{ state: 'RECALLED', recallDue: false }, due],
    actions: [{ allowed: true }],
  });
  expect((await handle('recallCertificate', identifier, blank(120))).refusal).toBeNull();
  expect((await papersOf(identifier)).actions).toEqual([{ allowed: false }]);
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  expect(await auditOf()).toEqual([]);
});

test('a reissue voids the sheets at the holder publicly, and one that turns up comes back', async () => {
  const { identifier, number } = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE), 50);
  expect((await handle('deliverCertificate', identifier, blank(50))).refusal).toBeNull();
  const reissuing = { ...ROUTE, matter: 'yd2022-3-29' };
  const reissue = await grantCase(hub, reissuing, { licenseNumber: number });
  expect((await act('reissueLicense', { case: reissue, ...toBlanks(reissuing, 51) })).refusal).toBeNull();
  const lost = { state: 'LOST', validity: 'SUPERSEDED', recallDue: false };
  expect(await papersOf(identifier)).toMatchObject({ papers: [lost, lost], actions: [{ allowed: true }] });
  const duties = '{ attention(first: 100) { edges { node { kind license { identifier } } } } }';
  const { data } = await hub.ask('ganzhou-xzspj.clerk', duties);
  const recalls = data.attention.edges.filter((edge: { node: { kind: string } }) => edge.node.kind === 'RECALL_OPEN');
  expect(JSON.stringify(recalls)).not.toContain(identifier);

  const publicQuery = `query($id: ID!) {
    licenseStatus(identifier: $id) { lostPapers { blankNumber kind isReturned } }
    lostPapers(first: 1) { edges { node { blankNumber licenseNumber licenseName issuerName lostOn } } pageInfo { endCursor } } }`;
  const listed = await hub.ask(null, publicQuery, { id: identifier });
  expect(listed.errors).toBeUndefined();
  expect(listed.data.licenseStatus.lostPapers).toEqual([
    { blankNumber: blank(50), kind: 'ORIGINAL', isReturned: false },
    { blankNumber: blank(150), kind: 'DUPLICATE', isReturned: false },
  ]);
  expect(listed.data.lostPapers.edges).toMatchObject([{ node: { blankNumber: blank(150), licenseNumber: number } }]);
  const after = listed.data.lostPapers.pageInfo.endCursor;
  const next = await hub.ask(null, `{ lostPapers(first: 1, after: "${after}") { edges { node { blankNumber } } } }`);
  expect(next.data.lostPapers.edges).toEqual([{ node: { blankNumber: blank(50) } }]);
  const page = await hub.hub.app.inject({ url: `/v/${identifier}` });
  expect(page.payload).toContain('遗失作废的纸质证照');
  expect(page.payload).toContain(blank(150));

  expect((await handle('recallCertificate', identifier, blank(50))).refusal).toBeNull();
  const returned = await hub.ask(null, publicQuery, { id: identifier });
  expect(returned.data.licenseStatus.lostPapers[0]).toMatchObject({ blankNumber: blank(50), isReturned: true });
  expect((await handle('recallCertificate', identifier, blank(50))).refusal.code).toBe('PAPER_NOT_DELIVERED');
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  expect(await auditOf()).toEqual([]);
});

test('a reissue declares only the sheets lost that it names; every other one is due for return', async () => {
  const { identifier, number } = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE), 60);
  const reissuing = { ...ROUTE, matter: 'yd2022-3-29' };
  const reissuedSheets = [{ kind: 'DUPLICATE', reason: 'LOST' }];
  const stockOf = async () => {
    const query =
      '{ blankStock(by: ORGAN, first: 100) { edges { node { lost recalled delivered printed isBalanced } } } }';
    const { edges } = (await hub.ask('ganzhou-xzspj.clerk', query)).data.blankStock;
    expect(edges).toHaveLength(1);
    return edges[0].node;
  };
  const before = await stockOf();
  const electronic = { delivery: { method: 'ELECTRONIC' } };
  expect((await handle('deliverCertificate', identifier, blank(60), electronic)).refusal).toMatchObject({
    ...{ code: 'FIELD_MALFORMED', field: 'delivery.method' },
  });
  expect((await handle('deliverCertificate', identifier, blank(60))).refusal).toBeNull();
  const reissue = await grantCase(hub, reissuing, { licenseNumber: number, reissuedSheets });
  const shown = 'query($id: ID!) { case(id: $id) { reissuedSheets { kind place reason } } }';
  const ofCase = await hub.ask('applicant-company', shown, { id: reissue });
  expect(ofCase.data.case.reissuedSheets).toEqual([{ kind: 'DUPLICATE', place: 1, reason: 'LOST' }]);
  const reissued = await act('reissueLicense', { case: reissue, ...toBlanks(reissuing, 61) });
  expect(reissued.license.papers).toHaveLength(2);
  expect((await papersOf(identifier)).papers).toMatchObject([
    { kind: 'ORIGINAL', state: 'DELIVERED', validity: 'SUPERSEDED', recallDue: true },
    { kind: 'DUPLICATE', state: 'LOST', validity: 'SUPERSEDED', recallDue: false },
  ]);

  const voided =
    'query($id: ID!) { licenseStatus(identifier: $id) { lostPapers { blankNumber } } lostPapers(first: 100) { edges { node { blankNumber } } } }';
  const { data } = await hub.ask(null, voided, { id: identifier });
  expect(data.licenseStatus.lostPapers).toEqual([{ blankNumber: blank(160) }]);
  const listed = data.lostPapers.edges.map((edge: { node: { blankNumber: string } }) => edge.node.blankNumber);
  expect(listed).toContain(blank(160));
  expect(listed).not.toContain(blank(60));
  const page = (await hub.hub.app.inject({ url: `/v/${identifier}` })).payload;
  expect(page).toContain(blank(160));
  expect(page).not.toContain(blank(60));

  const dutiesOf = async () => {
    const duties = '{ attention(first: 100) { edges { node { kind message } } } }';
    const { edges } = (await hub.ask('ganzhou-xzspj.clerk', duties)).data.attention;
    const open = edges.filter(({ node }: { node: { kind: string } }) => node.kind === 'RECALL_OPEN');
    return [blank(60), blank(160)].filter((number) => JSON.stringify(open).includes(number));
  };
  await waitUntil('cases know the duty', async () => (await dutiesOf()).length > 0);
  expect(await dutiesOf()).toEqual([blank(60)]);
  expect((await handle('recallCertificate', identifier, blank(60))).refusal).toBeNull();
  expect((await papersOf(identifier)).papers).toMatchObject([
    { state: 'RECALLED', recallDue: false },
    { state: 'LOST' },
  ]);
  await waitUntil('the duty is closed', async () => (await dutiesOf()).length === 0);
  const after = await stockOf();
  // The two sheets that were printed are lost and back; the two new ones are printed.
  const moved = ['lost', 'recalled', 'delivered', 'printed'].map((name) => after[name] - before[name]);
  expect([after.isBalanced, ...moved]).toEqual([true, 1, 1, 0, 0]);
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  expect(await auditOf()).toEqual([]);
});

test('a reissue of a damaged sheet declares nothing lost, and a sheet that nobody has is refused before it is made', async () => {
  const { identifier, number } = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE), 70);
  const reissuing = { ...ROUTE, matter: 'yd2022-3-29' };
  const grantFor = (...reissuedSheets: object[]) =>
    grantCase(hub, reissuing, { licenseNumber: number, reissuedSheets });
  const damaged = { kind: 'ORIGINAL', reason: 'DAMAGED' };
  const early = await grantFor(damaged);
  const print = (id: string) => act('reissueLicense', { case: id, ...toBlanks(reissuing, 71) });
  const refused = async (id: string) => (await print(id)).refusals;
  // It was printed, and nobody fetched it.
  expect(await refused(early)).toEqual([{ code: 'PAPER_NOT_DELIVERED', path: ['input', 'case'] }]);
  expect((await handle('deliverCertificate', identifier, blank(70))).refusal).toBeNull();
  expect((await print(early)).refusals).toEqual([]);
  const due = { state: 'DELIVERED', validity: 'SUPERSEDED', recallDue: true };
  expect((await papersOf(identifier)).papers).toMatchObject([due, due]);
  const { data } = await hub.ask(null, 'query($id: ID!) { licenseStatus(identifier: $id) { lostPapers { kind } } }', {
    id: identifier,
  });
  expect(data.licenseStatus.lostPapers).toEqual([]);
  expect(await auditOf()).toEqual([]);
});

test.each([
  ['by an act that is no reissue', 'yd2022-3-28', [{ kind: 'ORIGINAL', reason: 'LOST' }], 'reissuedSheets'],
  ['a second original', 'yd2022-3-29', [{ kind: 'ORIGINAL', place: 2, reason: 'LOST' }], 'reissuedSheets.0.place'],
  [
    'of which its type has fewer',
    'yd2022-3-29',
    [{ kind: 'DUPLICATE', place: 2, reason: 'LOST' }],
    'reissuedSheets.0.place',
  ],
  [
    'one twice',
    'yd2022-3-29',
    [
      { kind: 'DUPLICATE', reason: 'LOST' },
      { kind: 'DUPLICATE', reason: 'DAMAGED' },
    ],
    'reissuedSheets.1.place',
  ],
])('an application that names sheets %s is refused', async (_, matter, reissuedSheets, place) => {
  const { number } = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE), nextSerial++);
  const fields = matter === 'yd2022-3-28' ? changesFor(matter) : [];
  const application = { matter, applicant: COMPANY, licenseNumber: number, fields, reissuedSheets, dryRun: true };
  const { refusals } = await runMutation(
    ...([hub, ROUTE.accepts, 'acceptCase', 'ApplicationInput', application, 'refusals { code path }'] as const),
  );
  expect(refusals).toEqual([{ code: 'FIELD_MALFORMED', path: ['input', ...place.split('.')] }]);
});

test('the audit names a duplicate that is gone, moved, or takes another place', async () => {
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  try {
    const { identifier } = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE), 40);
    const codesAfter = async (change: () => Promise<unknown>, undo: () => Promise<unknown>) => {
      await change();
      const codes = new Set((await auditOf()).map(({ code }) => code));
      await undo();
      return [...codes];
    };
    const place = (to: number) => () => sql`update licenses.sheet set place = ${to} where blank_number = ${blank(140)}`;
    expect(await codesAfter(place(2), place(1))).toEqual(
      expect.arrayContaining(['LICENSE_WITHOUT_PAPER', 'PAPER_NOT_OF_ITS_ACT']),
    );
    const claim = (numbers: string[]) => () =>
      sql`update licenses.act set duplicate_blanks = ${numbers} where identifier = ${identifier}`;
    expect(await codesAfter(claim([]), claim([blank(140)]))).toEqual(
      expect.arrayContaining(['LICENSE_WITHOUT_PAPER', 'PAPER_WITHOUT_ACT', 'PAPER_NOT_AS_SEALED']),
    );
    // Nobody declares a sheet lost without a reissue.
    const [entry] = await sql`select * from licenses.blank_entry where state = 'LOST' limit 1`;
    const other = entry?.act_id;
    const blame = (act: unknown) => () =>
      sql`update licenses.blank_entry set act_id = ${act as string} where state = 'LOST' and number = ${entry?.number}`;
    const [issue] = await sql`select id from licenses.act where identifier = ${identifier}`;
    expect(await codesAfter(blame(issue?.id), blame(other))).toContain('BLANK_STEP_WRONG');
    // Nor another sheet than the grant names, nor fewer.
    const name = (kind: string) => () =>
      sql`update licenses.certificate_task set content = jsonb_set(content, '{reissuedSheets,0,kind}', ${sql.json(kind)})
        where content #>> '{reissuedSheets,0,reason}' = 'LOST' and done_at is not null`;
    expect(await codesAfter(name('ORIGINAL'), name('DUPLICATE'))).toEqual(['LOSS_NOT_AS_GRANTED']);
    expect(await auditOf()).toEqual([]);
  } finally {
    await sql.end();
  }
});
