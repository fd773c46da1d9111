import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditTypes } from '../../scripts/audit/types/types.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, type Route, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { waitForLicense } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';

/** Several holders of one license with their shares (共有), from the application to the offline verifier. */

/** 不动产权证书, whose type takes several holders. */
const ROUTE: Route = {
  ...{ matter: 'yd2022-2-04', accepts: 'window-yudu', examines: 'yudu-zrzyj.reviewer' },
  ...{ forwards: 'yudu-zrzyj.reviewer', decides: 'ganzhou-zrzyj.approver', prints: 'window-yudu', blanks: 'KB0004' },
};
const FIRST = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const SECOND = { name: 'Alexandra Sokolova', codeKind: 'PASSPORT', code: 'USA-E12345678' };
const BUYER = { name: '示范（香港）有限公司', codeKind: 'FOREIGN_ORGANISATION', code: 'HKG/1234567' };
const lines = (ownership: string) => linesFor(ROUTE.matter, { 共有情况: ownership });
const shared = (first: string, second: string) => {
  return { kind: 'SHARES', share: first, coHolders: [{ ...SECOND, share: second }] };
};

let hub: TestHub;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let license: { identifier: string; number: string };
beforeAll(async () => {
  library = await createTestLibrary();
  hub = await createTestHub({ library: library.settings });
  await library.open(await hub.hub.seals.rootCertificate());
  const applicant = { applicant: FIRST, fields: lines('按份共有') };
  const granted = await grantCase(hub, ROUTE, { ...applicant, coOwnership: shared('1/3', '４／６') });
  license = await issueGrantedLicense(hub, ROUTE, granted, 1);
}, 400_000);
afterAll(async () => {
  await hub?.stop();
  await library?.stop();
});

/** Asks as somebody who has signed in as the holder of a code. */
async function askAs(holderCode: string, query: string, variables: object) {
  const person = { ...requireDemoPerson('applicant-citizen'), id: `holder-${holderCode}`, holderCode };
  const headers = { authorization: `Bearer ${await tokenFor(person, new Date())}` };
  return (await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query, variables } })).json();
}

const LICENSE = `query($id: ID!) { license(identifier: $id) {
  holder { name share } holders { name codeKind code share } coOwnership versions { version } collection { state } } }`;

async function refusalsOf(overrides: object, matter = ROUTE.matter, person = ROUTE.accepts): Promise<string[]> {
  const input = { matter, applicant: FIRST, fields: [], dryRun: true, ...overrides };
  const answer = await runMutation(
    hub,
    person,
    'receiveApplication',
    'ApplicationInput',
    input,
    'refusals { code path }',
  );
  return answer.refusals.map((one: { code: string; path: string[] }) => `${one.code} ${one.path.slice(1).join('.')}`);
}

/** Does the act of a granted case on blanks, and returns the new version. */
async function act(name: string, caseId: string, serial: number) {
  const input = { case: caseId, ...toBlanks(ROUTE, serial) };
  const done = await runMutation(hub, ROUTE.prints, name, 'CaseActInput', input, 'license { identifier version }');
  if (!done.license) throw new Error(JSON.stringify(done));
  await waitForLicense(hub, caseId);
  return done.license as { identifier: string; version: number };
}

describe('a license of two owners', () => {
  test('shows both, to each the own code, and is found by either', async () => {
    const { data } = await hub.ask(ROUTE.accepts, LICENSE, { id: license.identifier });
    expect(data.license).toMatchObject({
      holder: { name: FIRST.name, share: '1/3' },
      holders: [
        { ...FIRST, code: '1101**********002X', share: '1/3' },
        { ...SECOND, code: 'USA-*******78', share: '2/3' },
      ],
      coOwnership: 'SHARES',
    });
    for (const [i, owner] of [FIRST, SECOND].entries()) {
      const own = (await askAs(owner.code, LICENSE, { id: license.identifier })).data.license.holders;
      expect(own.map(({ code }: { code: string }) => code.includes('*'))).toEqual([i !== 0, i !== 1]);
      const search = { code: owner.code, purpose: 'VERIFICATION' };
      const found = await runMutation(
        ...([hub, ROUTE.accepts, 'findHolderLicenses', 'FindHolderLicensesInput'] as const),
        ...([search, 'licenses { identifier }'] as const),
      );
      expect(found.licenses).toEqual([{ identifier: license.identifier }]);
      const listed = await askAs(owner.code, '{ licenses(first: 5) { edges { node { identifier } } } }', {});
      expect(listed.data.licenses.edges).toEqual([{ node: { identifier: license.identifier } }]);
    }
    expect((await askAs(BUYER.code, LICENSE, { id: license.identifier })).data.license).toBeNull();
  });

  test('has both in its sealed record, which the offline verifier reads, and none of their names on the public page', async () => {
    const url = (
      await hub.ask('auditor', 'query($id: ID!) { license(identifier: $id) { document { url } } }', {
        id: license.identifier,
      })
    ).data.license.document.url;
    const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
    const file = (await hub.hub.app.inject({ url, headers })).rawPayload;
    const bundle = (await hub.hub.app.inject({ url: `/licenses/evidence/${license.identifier}` })).rawPayload;
    const roots = [Buffer.from(await hub.hub.seals.rootCertificate())];
    expect(verify({ file, signature: null, roots, bundle }, new Date())).toMatchObject({
      verdict: 'TOTAL_PASSED',
      record: {
        CZZTDM: FIRST.code,
        KZ_GY: {
          ...{ GYFS: '按份共有', FE: '1/3' },
          GYR: [{ CZZT: SECOND.name, CZZTDM: SECOND.code, CZZTDMLX: '414', FE: '2/3' }],
        },
      },
    });
    const page = await hub.hub.app.inject({ url: `/v/${license.identifier}` });
    expect(page.body).toContain('按份共有：李** 1/3、A***************** 2/3');
    for (const hidden of [FIRST.name, 'Sokolova', FIRST.code, 'E12345678']) expect(page.body).not.toContain(hidden);
    // Each of them learns that the file was read.
    for (const { code } of [FIRST, SECOND]) {
      const record = await askAs(code, '{ licenseReadings(first: 5) { edges { node { object purpose } } } }', {});
      expect(record.data.licenseReadings.edges).toContainEqual({ node: { object: 'DOCUMENT', purpose: 'AUDIT' } });
    }
    await waitUntil('the library has it', async () => (await library.copies()).length > 0);
  });

  test('is corrected in its shares by either owner, and nobody is added or taken out', async () => {
    const named = { applicant: SECOND, licenseNumber: license.number, situation: 'CHANGE' };
    const others = { kind: 'SHARES', share: '1/2', coHolders: [{ ...BUYER, share: '1/2' }] };
    expect(await refusalsOf({ ...named, coOwnership: others })).toEqual(['FIELD_MALFORMED coOwnership.coHolders']);
    const halves = { kind: 'SHARES', share: '50%', coHolders: [{ ...FIRST, share: '50 %' }] };
    const granted = await grantCase(hub, ROUTE, { ...named, fields: [], coOwnership: halves });
    const changes = `query($id: ID!) { case(id: $id) { certificateData { changes { label before after } } } }`;
    const { data } = await hub.ask(ROUTE.accepts, 'query($id: ID!) { case(id: $id) { id } }', { id: granted });
    expect(data.case).not.toBeNull();
    const shown = await hub.ask(ROUTE.accepts, changes, { id: data.case.id });
    expect(shown.data.case.certificateData.changes).toEqual([
      {
        label: '共有人',
        before: `按份共有：${FIRST.name} 1/3、${SECOND.name} 2/3`,
        after: `按份共有：${FIRST.name} 1/2、${SECOND.name} 1/2`,
      },
    ]);
    const changed = await act('changeLicense', granted, 2);
    const answer = await hub.ask('auditor', LICENSE, { id: changed.identifier });
    expect(answer.data.license.holders).toMatchObject([
      { name: FIRST.name, share: '1/2' },
      { name: SECOND.name, share: '1/2' },
    ]);
  });

  test('goes to one of them by a transfer, and the other sees it no more', async () => {
    const named = { applicant: SECOND, licenseNumber: license.number, situation: 'TRANSFER' };
    const asBefore = { kind: 'SHARES', share: '1/2', coHolders: [{ ...FIRST, share: '1/2' }] };
    expect(await refusalsOf({ ...named, coOwnership: asBefore })).toEqual(['FIELD_MALFORMED applicant.code']);
    const granted = await grantCase(hub, ROUTE, {
      ...named,
      fields: [{ label: '共有情况', text: '单独所有' }],
    });
    const sole = await act('transferLicense', granted, 3);
    const answer = (await askAs(SECOND.code, LICENSE, { id: sole.identifier })).data.license;
    expect(answer).toMatchObject({ holders: [{ ...SECOND, share: null }], coOwnership: null });
    // The versions that name this holder too.
    expect(answer.versions).toEqual([{ version: 1 }, { version: 2 }, { version: 3 }]);
    expect((await askAs(FIRST.code, LICENSE, { id: sole.identifier })).data.license).toBeNull();
    expect((await askAs(FIRST.code, LICENSE, { id: license.identifier })).data.license).toBeNull();
    await waitUntil('everything is collected', async () => {
      const { data } = await hub.ask('auditor', LICENSE, { id: sole.identifier });
      return data.license.collection.state === 'COLLECTED';
    });
  });

  test('agrees with its record in every table', async () => {
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
    const sql = postgres(hub.adminUrl, { max: 1 });
    const findings: unknown[] = [];
    for await (const finding of auditTypes({ sql, now: new Date() } as Parameters<typeof auditTypes>[0]))
      findings.push(finding);
    expect(findings).toEqual([]);
    await sql`update licenses.license set co_holder_codes = ${['USA-E87654321']} where number = ${license.number}`;
    for await (const finding of auditTypes({ sql, now: new Date() } as Parameters<typeof auditTypes>[0]))
      findings.push(finding);
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'COLUMN_DIFFERS', object: `number:${license.number}` }),
    );
    await sql.end();
  });
});

test('an application with owners that cannot be is refused, each fault in its place', async () => {
  expect(await refusalsOf({ coOwnership: shared('1/3', '1/3') })).toEqual(['SHARES_NOT_WHOLE coOwnership.share']);
  expect(await refusalsOf({ coOwnership: { kind: 'JOINT', coHolders: [FIRST] } })).toEqual([
    'HOLDER_TWICE coOwnership.coHolders.0.code',
  ]);
  expect(await refusalsOf({ coOwnership: { kind: 'JOINT', coHolders: [] } })).toEqual([
    'FIELD_MALFORMED coOwnership.coHolders',
  ]);
  const unknown = { ...SECOND, code: 'E12345678' };
  expect(await refusalsOf({ coOwnership: { kind: 'JOINT', coHolders: [unknown] } })).toEqual([
    'HOLDER_CODE_INVALID coOwnership.coHolders.0.code',
  ]);
  const joint = { kind: 'JOINT', coHolders: [SECOND] };
  expect(await refusalsOf({ coOwnership: joint, fields: lines('按份共有') })).toEqual([
    'FIELD_MALFORMED fields.0.text',
  ]);
  const felling = ROUTES.DIRECT;
  const other = { applicant: COMPANY, fields: linesFor(felling.matter), coOwnership: joint };
  expect(await refusalsOf(other, felling.matter, felling.accepts)).toEqual(['CO_HOLDERS_NOT_TAKEN coOwnership']);
});
