import { readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isInputObjectType } from 'graphql';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { act, blankNumber, grantCase, issue, ROUTES, refusalOf } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';

const route = ROUTES.DIRECT;
const APPROVER = 'yudu-lyj.approver';
const SEAL = 'yudu-lyj-license-seal';

test.each(['licenses', 'seals', 'cases'])('every mutation of %s can be rehearsed', (name) => {
  const text = readFileSync(new URL(`../../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8');
  const directives =
    'directive @key(fields: String!, resolvable: Boolean) repeatable on OBJECT\ndirective @shareable on OBJECT | FIELD_DEFINITION\ndirective @external on OBJECT | FIELD_DEFINITION\n';
  const schema = buildSchema(directives + text.replace(/extend schema[\s\S]*?\)\n/, ''));
  const without = Object.values(schema.getMutationType()?.getFields() ?? {}).filter(({ args: [input] }) => {
    const type = input && getNamedType(input.type);
    return !isInputObjectType(type) || String(type.getFields().dryRun?.type) !== 'Boolean!';
  });
  expect(without.map((field) => field.name)).toEqual([]);
});

/** A rehearsal applies the same rules as the act, returns the expected result and stores nothing. */
describe('rehearsals of licenses and seals', () => {
  let hub: TestHub;
  let sql: postgres.Sql;
  beforeAll(async () => {
    hub = await testHub();
    sql = postgres(hub.adminUrl, { max: 1 });
  });
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
  });

  /** Counts and states of all rows that an act could change. */
  const rows = async () => {
    const counts: string[] = [];
    for (const table of ['act', 'blank_entry', 'license_entry', 'paper_entry', 'document', 'outbox_event', 'duty']) {
      const [row] = await sql`select count(*)::int as n from ${sql(`licenses.${table}`)}`;
      counts.push(`${table} ${row?.n}`);
    }
    const [states] =
      await sql`select coalesce(string_agg(number || state, ',' order by number), '') as s from licenses.blank`;
    const [numbers] = await sql`select coalesce(sum(newest), 0)::int as n from licenses.license_number`;
    const [seals] =
      await sql`select string_agg(id || state, ',' order by id) as s, (select count(*)::int from seals.seal_event) as n from seals.seal`;
    return [...counts, states?.s, numbers?.n, seals?.s, seals?.n];
  };
  const REHEARSAL = 'license { state } rehearsal { act identifier number version state blankNumber paper }';
  async function rehearse(person: string, name: string, type: string, input: object, fields = REHEARSAL) {
    const before = await rows();
    const shown = await act(hub, person, name, type, { ...input, dryRun: true }, fields);
    expect(await rows()).toEqual(before);
    return shown;
  }

  test('shows number, identifier and blank of an issue without using them, and returns refusals', async () => {
    const id = await grantCase(hub, route);
    const ask = (blank: string) =>
      rehearse(route.prints, 'issueLicense', 'CaseActInput', { case: id, blankNumber: blank });
    expect((await ask('KB9')).refusal.code).toBe('BLANK_UNKNOWN');
    const shown = await ask(blankNumber(route, 1));
    const expected = { act: 'ISSUE', version: 1, state: 'VALID', blankNumber: blankNumber(route, 1), paper: 'PRINTED' };
    expect(shown).toMatchObject({ refusal: null, license: null, rehearsal: expected });
    const license = await issue(hub, route, id, 1);
    expect(license).toMatchObject({ identifier: shown.rehearsal.identifier, number: shown.rehearsal.number });
  });

  test('covers the acts of the organ, of the counter and on seals', async () => {
    const { identifier } = await issue(hub, route, await grantCase(hub, route), 2);
    const own = (name: string, reason = '检查') =>
      rehearse(APPROVER, `${name}License`, 'OwnActInput', { identifier, reason });
    expect(await own('suspend')).toMatchObject({
      license: { state: 'VALID' },
      rehearsal: { act: 'SUSPEND', state: 'SUSPENDED', blankNumber: null, paper: null },
    });
    for (const [name, state] of Object.entries({ revoke: 'REVOKED', rescind: 'RESCINDED', withdraw: 'WITHDRAWN' })) {
      expect((await own(name)).rehearsal.state).toBe(state);
    }
    expect((await own('restore')).refusal.code).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect((await own('suspend', ' ')).refusal.code).toBe('REASON_MISSING');
    const cancel = { identifier, reason: '依法注销' };
    expect((await rehearse(APPROVER, 'cancelLicense', 'CancelLicenseInput', cancel)).rehearsal.state).toBe('CANCELLED');
    const sheet = { identifier, blankNumber: blankNumber(route, 2) };
    const spoil = { ...sheet, replacement: blankNumber(route, 3), reason: '打印错位' };
    expect((await rehearse(route.prints, 'spoilBlank', 'SpoilBlankInput', spoil)).rehearsal).toMatchObject({
      act: 'SPOIL',
      blankNumber: spoil.replacement,
    });
    const deliver = await rehearse(route.prints, 'deliverCertificate', 'CertificateInput', sheet);
    expect(deliver.rehearsal).toMatchObject({ act: 'DELIVER', paper: 'DELIVERED', state: 'VALID' });
    expect((await rehearse(route.prints, 'recallCertificate', 'CertificateInput', sheet)).refusal.code).toBe(
      'PAPER_NOT_DELIVERED',
    );
    const redrive = await rehearse(route.prints, 'redriveCollection', 'RedriveCollectionInput', { identifier });
    expect(redrive.refusal).toBeNull();
    const range = { prefix: 'KB9999', from: 1, to: 5 };
    expect(await rehearse('yudu-lyj.keeper', 'receiveBlanks', 'ReceiveBlanksInput', range, 'received')).toMatchObject({
      received: 5,
    });

    const seal = { seal: SEAL, reason: '核查' };
    expect((await rehearse('yudu-lyj.keeper', 'suspendSeal', 'SealActInput', seal, 'seal { state }')).seal).toEqual({
      state: 'SUSPENDED',
    });
    expect(
      (await rehearse('yudu-sfj.keeper', 'suspendSeal', 'SealActInput', seal, 'seal { state }')).refusal.code,
    ).toBe('SEAL_NOT_OF_ORGAN');
    const more = { seal: SEAL, matter: 'yd2022-1-01', reason: '新增事项' };
    const application = 'application { state matters { id } }';
    const asked = await rehearse('yudu-lyj.keeper', 'applyForSealGrant', 'SealGrantInput', more, application);
    expect(asked.application).toEqual({ state: 'WAITING', matters: [{ id: 'yd2022-1-01' }] });
    const { data } = await hub.ask('auditor', '{ sealApplications(first: 1) { edges { cursor } } }');
    expect(data.sealApplications.edges).toEqual([]);
    expect(await refusalOf(hub, APPROVER, 'suspendLicense', 'OwnActInput', { identifier, reason: '检查' })).toBeNull();
  });

  test('License.actions names every mutation on a license and gives the same answer as the mutation', async () => {
    const { identifier } = await issue(hub, route, await grantCase(hub, route), 5);
    const query = 'query($id: ID!) { license(identifier: $id) { actions { name allowed clause refusal { code } } } }';
    const asked = async (person: string) => (await hub.ask(person, query, { id: identifier })).data.license.actions;
    const approver = await asked(APPROVER);
    expect(approver.map((one: { name: string }) => one.name).sort()).toEqual(
      [
        ...['suspend', 'restore', 'rescind', 'withdraw', 'revoke', 'cancel'].map((name) => `${name}License`),
        ...['change', 'renew', 'reissue', 'retain', 'transfer'].map((name) => `${name}License`),
        ...['declineOrder', 'deliverCertificate', 'recallCertificate', 'redriveCollection', 'spoilBlank'],
      ].sort(),
    );
    expect(approver.every((one: { clause: string | null }) => one.clause)).toBe(true);
    const allowed = (actions: { name: string; allowed: boolean }[]) =>
      actions.filter((one) => one.allowed).map((one) => one.name);
    expect(allowed(approver).sort()).toEqual(
      [
        'cancelLicense',
        'redriveCollection',
        'rescindLicense',
        'revokeLicense',
        'suspendLicense',
        'withdrawLicense',
      ].sort(),
    );
    expect(allowed(await asked(route.prints)).sort()).toEqual(
      ['deliverCertificate', 'redriveCollection', 'spoilBlank'].sort(),
    );
    expect(allowed(await asked('applicant-company'))).toEqual([]);
    expect(allowed(await asked('auditor'))).toEqual([]);
  });
});
