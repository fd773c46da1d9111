import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actor, tokenFor } from '../support/actors.ts';
import { together } from '../support/dual.ts';
import { act, blankNumber, COMPANY, grantCase, issue, LICENSE, ROUTES, refusalOf } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

/** Tests every refusal that the public API names, on real PostgreSQL. A refusal leaves no partial change. */
describe('refusals', () => {
  let hub: TestHub;
  let license: { identifier: string; number: string; paper: { blankNumber: string } };
  const route = ROUTES.DIRECT;
  beforeAll(async () => {
    hub = await testHub();
    license = await issue(hub, route, await grantCase(hub, route), 1);
  });
  afterAll(() => hub?.stop());

  const accept = (input: object, person: string = route.accepts) =>
    refusalOf(hub, person, 'acceptCase', 'ApplicationInput', { matter: route.matter, applicant: COMPANY, ...input });

  test('at acceptance', async () => {
    expect(await accept({ matter: 'yd2022-9-99' })).toBe('MATTER_UNKNOWN');
    expect(await accept({}, 'window-xingguo')).toBe('ORGAN_WITHOUT_POWER');
    expect(await accept({}, 'yudu-lyj.reviewer')).toBe('ROLE_NOT_ALLOWED');
    expect(await accept({ matter: 'yd2022-2-44' }, 'window-yudu')).toBe('AGREEMENT_MISSING');
    expect(await accept({ applicant: { ...COMPANY, code: '91000000MA0000001A' } })).toBe('HOLDER_CODE_INVALID');
    expect(await accept({ applicant: { ...COMPANY, name: 'x'.repeat(101) } })).toBe('FIELD_TOO_LONG');
    expect(await accept({ applicant: { ...COMPANY, name: '甲\u0000' } })).toBe('FIELD_MALFORMED');
    expect(await accept({ matter: 'yd2022-3-27' }, 'window-yudu')).toBe('LICENSE_NOT_NAMED');
    expect(await accept({ matter: 'yd2022-3-27', licenseNumber: license.number }, 'window-yudu')).toBe(
      'LICENSE_UNKNOWN',
    );
  });

  test('before the decision: wrong step, wrong person, missing reason', async () => {
    const opened = await act(
      hub,
      'window-yudu',
      'acceptCase',
      'ApplicationInput',
      { matter: 'yd2022-3-25', applicant: COMPANY },
      'case { id }',
    );
    const id = opened.case.id;
    const decide = (person: string, more: object) =>
      refusalOf(hub, person, 'decideCase', 'DecideCaseInput', { case: id, ...more });
    const grant = { decision: 'GRANTED', authoriseSeal: true };
    expect(await decide('ganzhou-xzspj.approver', grant)).toBe('CASE_STEP_NOT_ALLOWED');
    expect(
      await refusalOf(hub, 'window-xingguo', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }),
    ).toBe('CASE_UNKNOWN');
    expect(
      await refusalOf(hub, 'window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'REFUSED' }),
    ).toBe('REASON_MISSING');
    expect(
      await refusalOf(hub, 'window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }),
    ).toBeNull();
    expect(await decide('ganzhou-xzspj.approver', grant)).toBe('CASE_MUST_BE_FORWARDED');
    expect(await refusalOf(hub, 'window-yudu', 'forwardCase', 'CaseNoteInput', { case: id })).toBeNull();
    expect(await decide('yudu-xzspj.approver', grant)).toBe('ORGAN_WITHOUT_POWER');
    expect(await decide('ganzhou-xzspj.approver', { decision: 'GRANTED' })).toBe('SEAL_AUTHORISATION_MISSING');
    expect(await decide('ganzhou-xzspj.approver', { decision: 'REJECTED', authoriseSeal: true })).toBe(
      'REASON_MISSING',
    );
    const both = await Promise.all([decide('ganzhou-xzspj.approver', grant), decide('ganzhou-xzspj.approver', grant)]);
    expect(both.sort()).toEqual(['CASE_STEP_NOT_ALLOWED', null].sort());
    expect(
      await refusalOf(hub, 'window-yudu', 'issueLicense', 'CaseActInput', {
        case: crypto.randomUUID(),
        blankNumber: 'x',
      }),
    ).toBe('CASE_NOT_GRANTED');
  });

  test('blanks, and a license that is requested twice', async () => {
    const id = await grantCase(hub, route);
    const ask = (blank: string, person: string = route.prints) =>
      refusalOf(hub, person, 'issueLicense', 'CaseActInput', { case: id, blankNumber: blank });
    expect(await ask('KB9')).toBe('BLANK_UNKNOWN');
    expect(await ask(blankNumber(route, 1))).toBe('BLANK_USED');
    expect(await ask(blankNumber(ROUTES.WINDOW_FORWARD, 5))).toBe('BLANK_OF_ANOTHER_ORGAN');
    expect(await ask(blankNumber(route, 2), 'window-xingguo')).toBe('ORGAN_WITHOUT_POWER');
    const [one, two] = await Promise.all([issue(hub, route, id, 2), issue(hub, route, id, 3)]);
    expect(two).toEqual(one);
    expect(await issue(hub, route, id, 4)).toEqual(one);
    const stock = await hub.ask(
      'yudu-lyj.clerk',
      '{ blanks(first: 5) { edges { node { number state identifier } } } }',
    );
    expect(
      stock.data.blanks.edges.filter((edge: { node: { state: string } }) => edge.node.state !== 'IN_STOCK'),
    ).toHaveLength(2);
    const spoil = {
      identifier: one.identifier,
      blankNumber: one.paper.blankNumber,
      replacement: blankNumber(route, 6),
      reason: '打印错位',
    };
    const spoiled = await act(
      hub,
      route.prints,
      'spoilBlank',
      'SpoilBlankInput',
      spoil,
      `license { ${LICENSE} sheets { blankNumber state } }`,
    );
    expect(spoiled.license).toMatchObject({
      state: 'VALID',
      paper: { blankNumber: blankNumber(route, 6) },
      sheets: [{ state: 'SPOILED' }, { state: 'PRINTED' }],
    });
    expect(await refusalOf(hub, route.prints, 'spoilBlank', 'SpoilBlankInput', spoil)).toBe('BLANK_SPOILED');
  });

  test('acts that the state does not allow', async () => {
    const { identifier } = license;
    const own = (name: string, person = 'yudu-lyj.approver', given: object = {}) =>
      refusalOf(hub, person, name, 'OwnActInput', { identifier, reason: '检查发现问题', ...given });
    expect(await own('restoreLicense')).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(await own('suspendLicense', 'yudu-sfj.approver')).toBe('ORGAN_WITHOUT_POWER');
    expect(await own('suspendLicense', 'yudu-lyj.clerk')).toBe('ROLE_NOT_ALLOWED');
    expect(
      await own('suspendLicense', 'yudu-lyj.approver', {
        identifier: `${identifier.slice(0, -1)}${identifier.endsWith('A') ? 'B' : 'A'}`,
      }),
    ).toBe('IDENTIFIER_INVALID');
    expect(await own('suspendLicense', 'yudu-lyj.approver', { reason: ' ' })).toBe('REASON_MISSING');
    expect(await own('suspendLicense')).toBeNull();
    expect(await own('suspendLicense')).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(await own('restoreLicense')).toBeNull();
    expect(await own('revokeLicense')).toBeNull();
    expect(await own('restoreLicense')).toBe('LICENSE_ACT_NOT_ALLOWED');
    const cancel = { identifier, reason: '吊销后注销' };
    expect(await refusalOf(hub, 'yudu-lyj.approver', 'cancelLicense', 'CancelLicenseInput', cancel)).toBeNull();
    const acts = await hub.ask(
      'auditor',
      'query($id: ID!) { license(identifier: $id) { state acts { act state document { mediaType } } paper { validity } } }',
      { id: identifier },
    );
    expect(acts.data.license).toMatchObject({ state: 'CANCELLED', paper: { validity: 'CANCELLED' } });
    expect(acts.data.license.acts.map((one: { act: string }) => one.act)).toEqual([
      'ISSUE',
      'SUSPEND',
      'RESTORE',
      'REVOKE',
      'CANCEL',
    ]);
  });

  test('a suspended seal, and a seal without a grant', async () => {
    const id = await grantCase(hub, route);
    const seal = { seal: 'yudu-lyj-license-seal', reason: '印章核查' };
    const grant = { seal: seal.seal, matter: route.matter };
    const ask = () =>
      refusalOf(hub, route.prints, 'issueLicense', 'CaseActInput', { case: id, blankNumber: blankNumber(route, 10) });
    const known = (state: string, matters: number) =>
      until('licenses know the seal', async () => {
        const { default: postgres } = await import('postgres');
        const sql = postgres(hub.adminUrl, { max: 1 });
        const [row] =
          await sql`select state, jsonb_array_length(grants) as matters from licenses.seal_fact where seal_id = ${seal.seal}`;
        await sql.end();
        return row?.state === state && row?.matters === matters;
      });
    expect(await refusalOf(hub, 'yudu-sfj.keeper', 'suspendSeal', 'SealActInput', seal)).toBe('SEAL_NOT_OF_ORGAN');
    expect(await refusalOf(hub, 'yudu-lyj.keeper', 'suspendSeal', 'SealActInput', seal)).toBeNull();
    await known('SUSPENDED', 1);
    expect(await ask()).toBe('SEAL_SUSPENDED');
    expect(await refusalOf(hub, 'yudu-lyj.keeper', 'resumeSeal', 'SealActInput', seal)).toBeNull();
    const { data } = await hub.ask('yudu-lyj.keeper', `{ seal(id: "${seal.seal}") { grants { id } } }`);
    const taken = { seal: seal.seal, grant: data.seal.grants[0].id };
    expect((await together(hub.ask, 'yudu-lyj', 'applyForSealGrantWithdrawal', taken)).refusal).toBeNull();
    await known('IN_USE', 0);
    expect(await ask()).toBe('SEAL_NOT_GRANTED');
    expect((await together(hub.ask, 'yudu-lyj', 'applyForSealGrant', grant)).refusal).toBeNull();
    await known('IN_USE', 1);
    expect(await ask()).toBeNull();
  });

  test('tokens and queries', async () => {
    const code = async (query: string, authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization };
      const response = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
      return response.json().errors?.[0]?.extensions?.code;
    };
    const list = '{ licenses(first: 1) { edges { cursor } } }';
    const expired = await tokenFor(actor('auditor'), new Date(Date.now() - 3_600_000), 60);
    const [head, body] = (await hub.token('auditor')).split('.');
    expect(await code(list)).toBe('UNAUTHENTICATED');
    expect(await code(list, `Bearer ${expired}`)).toBe('TOKEN_EXPIRED');
    expect(await code(list, `Bearer ${head}.${body}.AAAA`)).toBe('TOKEN_INVALID');
    expect(
      await code('{ licenseChanges(first: 1) { edges { cursor } } }', `Bearer ${await hub.token('window-yudu')}`),
    ).toBe('FORBIDDEN');
    expect(await code('{ nothing }')).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await code('{ matters(first: 101) { totalCount } }')).toBe('BAD_USER_INPUT');
    expect(await code('{ matters(first: 1, after: "x") { totalCount } }')).toBe('BAD_USER_INPUT');
  });
});
