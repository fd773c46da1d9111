import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { consentFor } from '../support/consent.ts';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';
import { importDelegations } from '../support/proposal.ts';
import { fetchFile } from '../support/reading.ts';
import { waitUntil } from '../support/until.ts';

/** Attacks of one member of an office, or of an applicant who is curious about it. */

const [HOLDER, CLERK] = ['applicant-company', 'yudu-lyj.clerk'];

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: testClock('2026-03-02') });
});
afterAll(() => hub?.stop());

describe('a filter answers nothing that the answer would hide', () => {
  let license: { identifier: string; document: { url: string } };
  beforeAll(async () => {
    const caseId = await grantCase(hub, ROUTES.DIRECT);
    license = await issueGrantedLicense(hub, ROUTES.DIRECT, caseId, 1);
    const { refusal } = await runMutation(
      hub,
      CLERK,
      'discloseApplicant',
      'DiscloseApplicantInput',
      { case: caseId, purpose: 'VERIFICATION' },
      'applicant { code }',
    );
    expect(refusal).toBeNull();
    expect((await fetchFile(hub, CLERK, license.document.url)).statusCode).toBe(200);
  }, 60_000);

  const count = async (person: string, field: string, reader: string | null) => {
    const type = field === 'caseReadings' ? 'CaseReadingFilter' : 'LicenseReadingFilter';
    const { data } = await hub.ask(
      person,
      `query($filter: ${type}) { ${field}(filter: $filter, first: 50) { edges { cursor } } }`,
      { filter: reader === null ? null : { person: reader } },
    );
    return data[field].edges.length;
  };

  test.each(['caseReadings', 'licenseReadings'])('%s by person is for those who learn the person', async (field) => {
    expect(await count(HOLDER, field, null)).toBeGreaterThan(0);
    expect(await count(HOLDER, field, CLERK)).toBe(0);
    expect(await count('xingguo-lyj.supervisor', field, CLERK)).toBe(0);
    for (const overseer of ['auditor', 'yudu-lyj.supervisor'])
      expect([overseer, await count(overseer, field, CLERK)]).toEqual([overseer, 1]);
  });

  test('a file is recorded for every way to ask for it, and a purpose is one word', async () => {
    const rows = () => count('auditor', 'licenseReadings', CLERK);
    const authorization = `Bearer ${await hub.token(CLERK)}`;
    const { url } = license.document;
    const before = await rows();
    for (const purpose of ['VERIFICATION, VERIFICATION', 'verification', '__proto__', 'VERIFICATION\u00a0x', '%'])
      for (const method of ['GET', 'HEAD'] as const) {
        const headers = { authorization, 'x-purpose': purpose };
        expect([purpose, (await hub.hub.app.inject({ method, url, headers })).statusCode]).toEqual([purpose, 422]);
      }
    expect(await rows()).toBe(before);
    const headers = { authorization, 'x-purpose': 'VERIFICATION', range: 'bytes=0-3' };
    for (const method of ['GET', 'HEAD'] as const) await hub.hub.app.inject({ method, url, headers });
    expect(await rows()).toBe(before + 2);
  });
});

test('an import is decided for the organ that has the matter now, not for the one that had it', async () => {
  const guide = {
    ...{ matterId: 'yd2022-3-31', validFrom: '2026-06-01', conditions: ['有场所'], steps: [], fees: [], counters: [] },
    materials: [{ code: 'M01', name: '申请表', form: 'COPY', copies: 1, required: true }],
  };
  const input = { format: 'JSON', text: JSON.stringify(guide) };
  const fields = 'proposal { id organ { id: code } }';
  const { proposal } = await runMutation(hub, 'administrator', 'importGuide', 'ImportGuideInput', input, fields);
  expect(proposal.organ).toEqual({ id: 'ganzhou-xzspj' });
  const list = { csv: 'matter,valid_from,city_organ\nyd2022-3-31,2026-03-02,ganzhou-sfj' };
  expect((await importDelegations(hub, list, 'changes { line }')).import).not.toBeNull();
  const decision = { proposal: proposal.id, approve: true };
  const decide = (person: string) =>
    runMutation(hub, person, 'decideImport', 'DecideImportInput', decision, 'guide { version }');
  expect((await decide('ganzhou-xzspj.approver')).refusal.code).toBe('PROPOSAL_OUTDATED');
  expect((await decide('ganzhou-sfj.approver')).refusal.code).toBe('NOT_YOUR_RECORD');
  const again = await runMutation(hub, 'administrator', 'importGuide', 'ImportGuideInput', input, fields);
  expect(again.proposal.organ).toEqual({ id: 'ganzhou-sfj' });
});

test('the holder of a transferred license sees nothing of the holder before', async () => {
  const route = {
    ...{ ...ROUTES.WINDOW_FORWARD, matter: 'yd2022-3-01' },
    ...{ decides: 'ganzhou-zrzyj.approver', blanks: 'KB0004' },
  };
  const old = await issueGrantedLicense(hub, route, await grantCase(hub, route), 1);
  const reason = '持证人欠缴罚款';
  for (const act of ['suspend', 'restore'])
    expect((await actForOrgan(hub, 'ganzhou-zrzyj', act, { identifier: old.identifier, reason })).refusal).toBeNull();
  const applicant = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
  const transfer = { ...route, matter: 'yd2022-3-06' };
  const fields = [{ label: '勘查矿种', text: '钨' }];
  const application = { licenseNumber: old.number, applicant, fields };
  const rehearsal = { ...application, ...consentFor(transfer), matter: transfer.matter, dryRun: true };
  await waitUntil('cases know the license', async () => {
    const code = await findRefusalCode(hub, transfer.accepts, 'acceptCase', 'ApplicationInput', rehearsal);
    return code === null;
  });
  const caseId = await grantCase(hub, transfer, application);
  const input = { case: caseId, blankNumber: 'KB000400000002', duplicateBlanks: ['KB000400000102'] };
  const done = await runMutation(hub, route.prints, 'transferLicense', 'CaseActInput', input, 'license { identifier }');
  expect(done.refusal).toBeNull();
  const query = `query($old: ID!, $now: ID!) {
    old: license(identifier: $old) { holder { name } fields { text } }
    now: license(identifier: $now) { holder { name } versions { identifier } acts { act reason } } }`;
  const variables = { old: old.identifier, now: done.license.identifier };
  const { data } = await hub.ask('applicant-citizen', query, variables);
  expect(data.old).toBeNull();
  expect(data.now).toEqual({
    ...{ holder: { name: '李晓明' }, versions: [{ identifier: done.license.identifier }] },
    acts: [{ act: 'TRANSFER', reason: null }],
  });
  expect((await hub.ask(HOLDER, query, variables)).data).toEqual({ old: null, now: null });
  expect((await fetchFile(hub, 'applicant-citizen', old.document.url)).statusCode).toBe(404);
  const ofOffice = await hub.ask(route.decides, query, variables);
  expect(ofOffice.data.now.versions).toHaveLength(2);
  const acts = ofOffice.data.now.acts.map(({ act }: { act: string }) => act);
  expect(acts).toEqual(['ISSUE', 'SUSPEND', 'RESTORE', 'TRANSFER']);
  expect(ofOffice.data.now.acts[1].reason).toBe(reason);
});
