import { getNamedType, isInputObjectType } from 'graphql';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grantCase, issueGrantedLicense, ROUTES, runMutation, toBlankNumber } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { decideAct, GROUNDS, prepareAct } from '../support/own-act.ts';
import { buildSubgraphSchema } from '../support/subgraph-schema.ts';

const route = ROUTES.DIRECT;
const APPROVER = 'yudu-lyj.approver';
const REVIEWER = 'yudu-lyj.reviewer';
const SEAL = 'yudu-lyj-license-seal';

test.each(['licenses', 'seals', 'cases'])('every mutation of %s can be rehearsed', (name) => {
  const schema = buildSubgraphSchema(name);
  const fieldsWithoutDryRun = Object.values(schema.getMutationType()?.getFields() ?? {}).filter(({ args: [input] }) => {
    const type = input && getNamedType(input.type);
    return !isInputObjectType(type) || String(type.getFields().dryRun?.type) !== 'Boolean!';
  });
  expect(fieldsWithoutDryRun.map((field) => field.name)).toEqual([]);
});

/** A rehearsal applies the same rules as the act, returns the expected result and stores nothing. */
describe('rehearsals of licenses and seals', () => {
  let hub: TestHub;
  let sql: postgres.Sql;
  beforeAll(async () => {
    hub = await createTestHub();
    sql = postgres(hub.adminUrl, { max: 1 });
  });
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
  });

  /** Counts and states of all rows that an act could change. */
  const countRows = async () => {
    const counts: string[] = [];
    for (const table of [
      ...['act', 'blank_entry', 'license_entry', 'paper_entry', 'document', 'outbox_event', 'duty'],
      ...['proposal', 'proposal_license', 'proposal_outcome'],
    ]) {
      const [row] = await sql`select count(*)::int as n from ${sql(`licenses.${table}`)}`;
      counts.push(`${table} ${row?.n}`);
    }
    const [states] =
      await sql`select coalesce(string_agg(number || state, ',' order by number), '') as s from licenses.blank`;
    const [numbers] = await sql`select coalesce(sum(newest), 0)::int as n from licenses.number_series`;
    const [seals] =
      await sql`select string_agg(id || state, ',' order by id) as s, (select count(*)::int from seals.seal_event) as n from seals.seal`;
    return [...counts, states?.s, numbers?.n, seals?.s, seals?.n];
  };
  const REHEARSAL = 'license { state } rehearsal { act identifier number version state blankNumber paper }';
  async function rehearse(person: string, name: string, type: string, input: object, fields = REHEARSAL) {
    const rowsBefore = await countRows();
    const result = await runMutation(hub, person, name, type, { ...input, dryRun: true }, fields);
    expect(await countRows()).toEqual(rowsBefore);
    return result;
  }

  test('shows number, identifier and blank of an issue without using them, and returns refusals', async () => {
    const id = await grantCase(hub, route);
    const rehearseIssue = (blank: string) =>
      rehearse(route.prints, 'issueLicense', 'CaseActInput', { case: id, blankNumber: blank });
    expect((await rehearseIssue('KB9')).refusal.code).toBe('BLANK_UNKNOWN');
    const result = await rehearseIssue(toBlankNumber(route, 1));
    const expected = {
      act: 'ISSUE',
      version: 1,
      state: 'VALID',
      blankNumber: toBlankNumber(route, 1),
      paper: 'PRINTED',
    };
    expect(result).toMatchObject({ refusal: null, license: null, rehearsal: expected });
    const license = await issueGrantedLicense(hub, route, id, 1);
    expect(license).toMatchObject({ identifier: result.rehearsal.identifier, number: result.rehearsal.number });
  });

  test('covers the acts of the organ, of the counter and on seals', async () => {
    const { identifier } = await issueGrantedLicense(hub, route, await grantCase(hub, route), 2);
    const rehearseOwnAct = (name: string, reason = '检查') =>
      rehearse(REVIEWER, `${name}License`, 'OwnActInput', { ...GROUNDS, identifier, reason });
    expect(await rehearseOwnAct('suspend')).toMatchObject({
      license: { state: 'VALID' },
      rehearsal: { act: 'SUSPEND', state: 'SUSPENDED', blankNumber: null, paper: null },
    });
    for (const [name, state] of Object.entries({ revoke: 'REVOKED', rescind: 'RESCINDED', withdraw: 'WITHDRAWN' })) {
      expect((await rehearseOwnAct(name)).rehearsal.state).toBe(state);
    }
    expect((await rehearseOwnAct('restore')).refusal.code).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect((await rehearseOwnAct('suspend', ' ')).refusal.code).toBe('REASON_MISSING');
    const cancelInput = { identifier, reason: '依法注销' };
    expect((await rehearse(REVIEWER, 'cancelLicense', 'CancelLicenseInput', cancelInput)).rehearsal.state).toBe(
      'CANCELLED',
    );
    const sheet = { identifier, blankNumber: toBlankNumber(route, 2) };
    const spoilInput = { ...sheet, replacement: toBlankNumber(route, 3), reason: 'MISPRINT' };
    expect((await rehearse(route.prints, 'spoilBlank', 'SpoilBlankInput', spoilInput)).rehearsal).toMatchObject({
      act: 'SPOIL',
      blankNumber: spoilInput.replacement,
    });
    const deliverResult = await rehearse(route.prints, 'deliverCertificate', 'CertificateInput', sheet);
    expect(deliverResult.rehearsal).toMatchObject({ act: 'DELIVER', paper: 'DELIVERED', state: 'VALID' });
    expect((await rehearse(route.prints, 'recallCertificate', 'RecallCertificateInput', sheet)).refusal.code).toBe(
      'PAPER_NOT_DELIVERED',
    );
    const redriveResult = await rehearse(route.prints, 'redriveCollection', 'RedriveCollectionInput', { identifier });
    expect(redriveResult.refusal).toBeNull();
    const range = { prefix: 'KB9999', from: 1, to: 5 };
    const received = 'received waitsForSecondPerson';
    expect(await rehearse('yudu-lyj.keeper', 'receiveBlanks', 'ReceiveBlanksInput', range, received)).toMatchObject({
      ...{ received: null, waitsForSecondPerson: true, refusal: null },
    });

    const seal = { seal: SEAL, reason: '核查' };
    expect((await rehearse('yudu-lyj.keeper', 'suspendSeal', 'SealActInput', seal, 'seal { state }')).seal).toEqual({
      state: 'SUSPENDED',
    });
    expect(
      (await rehearse('yudu-sfj.keeper', 'suspendSeal', 'SealActInput', seal, 'seal { state }')).refusal.code,
    ).toBe('SEAL_NOT_OF_ORGAN');
    const grantInput = { seal: SEAL, matter: 'yd2022-1-01', reason: '新增事项' };
    const application = 'application { state matters { id: code } }';
    const rehearsed = await rehearse('yudu-lyj.keeper', 'applyForSealGrant', 'SealGrantInput', grantInput, application);
    expect(rehearsed.application).toEqual({ state: 'WAITING', matters: [{ id: 'yd2022-1-01' }] });
    const { data } = await hub.ask('auditor', '{ sealApplications(first: 1) { edges { cursor } } }');
    expect(data.sealApplications.edges).toEqual([]);
    const { proposal } = await prepareAct(hub, REVIEWER, 'suspend', { identifier });
    const decision = { proposal: proposal.id, approve: true };
    expect(await rehearse(APPROVER, 'decideLicenseProposal', 'DecideLicenseProposalInput', decision)).toMatchObject({
      license: { state: 'VALID' },
      rehearsal: { act: 'SUSPEND', state: 'SUSPENDED' },
    });
    const rejection = { ...decision, approve: false, reason: '证据不足' };
    expect(
      (await rehearse(APPROVER, 'decideLicenseProposal', 'DecideLicenseProposalInput', rejection)).refusal,
    ).toBeNull();
    const withdrawal = { proposal: proposal.id };
    expect(
      (await rehearse(REVIEWER, 'withdrawLicenseProposal', 'WithdrawProposalInput', withdrawal)).refusal,
    ).toBeNull();
    expect((await decideAct(hub, APPROVER, proposal.id, 'license { state }')).license).toEqual({ state: 'SUSPENDED' });
  });

  test('License.actions names every mutation on a license and gives the same answer as the mutation', async () => {
    const { identifier } = await issueGrantedLicense(hub, route, await grantCase(hub, route), 5);
    const query = 'query($id: ID!) { license(identifier: $id) { actions { name allowed clause refusal { code } } } }';
    const listActions = async (person: string) =>
      (await hub.ask(person, query, { id: identifier })).data.license.actions;
    const reviewerActions = await listActions(REVIEWER);
    expect(reviewerActions.map((action: { name: string }) => action.name).sort()).toEqual(
      [
        ...['suspend', 'restore', 'rescind', 'withdraw', 'revoke', 'cancel'].map((name) => `${name}License`),
        ...['change', 'renew', 'reissue', 'retain', 'transfer', 'correct'].map((name) => `${name}License`),
        ...['declineOrder', 'deliverCertificate', 'recallCertificate', 'redriveCollection', 'spoilBlank'],
      ].sort(),
    );
    expect(reviewerActions.every((action: { clause: string | null }) => action.clause)).toBe(true);
    const allowedNames = (actions: { name: string; allowed: boolean }[]) =>
      actions.filter((action) => action.allowed).map((action) => action.name);
    expect(allowedNames(await listActions(APPROVER))).toEqual([]);
    expect(allowedNames(reviewerActions).sort()).toEqual(
      ['cancelLicense', 'rescindLicense', 'revokeLicense', 'suspendLicense', 'withdrawLicense'].sort(),
    );
    // The hub sends a pending collection by itself, so nobody is offered to send it again.
    expect(allowedNames(await listActions(route.prints)).sort()).toEqual(['deliverCertificate', 'spoilBlank'].sort());
    expect(allowedNames(await listActions('applicant-company'))).toEqual([]);
    expect(allowedNames(await listActions('auditor'))).toEqual([]);
  });
});
