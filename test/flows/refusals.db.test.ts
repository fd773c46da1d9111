import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { linesFor } from '../support/content.ts';
import {
  COMPANY,
  findRefusalCode,
  grantCase,
  issueGrantedLicense,
  LICENSE_FIELDS,
  ROUTES,
  runMutation,
  toBlankNumber,
  toBlanks,
} from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { findRefusalOfAct, prepareAct } from '../support/own-act.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';

/** Tests every refusal that the public API names, on real PostgreSQL. A refusal leaves no partial change. */
describe('refusals', () => {
  let hub: TestHub;
  let license: { identifier: string; number: string; paper: { blankNumber: string } };
  const route = ROUTES.DIRECT;
  beforeAll(async () => {
    hub = await createTestHub();
    license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 1);
  });
  afterAll(() => hub?.stop());

  const refusalOfAcceptance = (input: object, person: string = route.accepts) =>
    findRefusalCode(hub, person, 'acceptCase', 'ApplicationInput', {
      matter: route.matter,
      applicant: COMPANY,
      ...input,
    });

  test('at acceptance', async () => {
    expect(await refusalOfAcceptance({ matter: 'yd2022-9-99' })).toBe('MATTER_UNKNOWN');
    expect(await refusalOfAcceptance({}, 'window-xingguo')).toBe('ORGAN_WITHOUT_POWER');
    expect(await refusalOfAcceptance({}, 'yudu-lyj.reviewer')).toBe('ROLE_NOT_ALLOWED');
    expect(await refusalOfAcceptance({ matter: 'yd2022-2-44' }, 'window-yudu')).toBe('AGREEMENT_MISSING');
    expect(await refusalOfAcceptance({ applicant: { ...COMPANY, code: '91000000MA0000001A' } })).toBe(
      'HOLDER_CODE_INVALID',
    );
    expect(await refusalOfAcceptance({ applicant: { ...COMPANY, name: 'x'.repeat(101) } })).toBe('FIELD_TOO_LONG');
    expect(await refusalOfAcceptance({ applicant: { ...COMPANY, name: ' 甲' } })).toBe('FIELD_MALFORMED');
    // A text that no field may have is wrong input, refused before the mutation runs.
    await expect(refusalOfAcceptance({ applicant: { ...COMPANY, name: '甲\u0000' } })).rejects.toThrow(
      '"code":"BAD_USER_INPUT","argument":"input.applicant.name"',
    );
    expect(await refusalOfAcceptance({ matter: 'yd2022-3-27' }, 'window-yudu')).toBe('LICENSE_NOT_NAMED');
    expect(await refusalOfAcceptance({ matter: 'yd2022-3-27', licenseNumber: license.number }, 'window-yudu')).toBe(
      'LICENSE_UNKNOWN',
    );
  });

  test('before the decision: wrong step, wrong person, missing reason', async () => {
    const acceptance = await runMutation(
      hub,
      'window-yudu',
      'acceptCase',
      'ApplicationInput',
      { matter: 'yd2022-3-25', applicant: COMPANY, fields: linesFor('yd2022-3-25') },
      'case { id: uuid }',
    );
    const id = acceptance.case.id;
    const refusalOfDecision = (person: string, extraInput: object) =>
      findRefusalCode(hub, person, 'decideCase', 'DecideCaseInput', { case: id, ...extraInput });
    const grantInput = { decision: 'GRANTED', authoriseSeal: true };
    expect(await refusalOfDecision('ganzhou-xzspj.approver', grantInput)).toBe('CASE_STEP_NOT_ALLOWED');
    expect(
      await findRefusalCode(hub, 'window-xingguo', 'examineCase', 'ExamineCaseInput', {
        case: id,
        finding: 'APPROVED',
      }),
    ).toBe('CASE_UNKNOWN');
    expect(
      await findRefusalCode(hub, 'window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'REFUSED' }),
    ).toBe('REASON_MISSING');
    expect(
      await findRefusalCode(hub, 'window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }),
    ).toBeNull();
    expect(await refusalOfDecision('ganzhou-xzspj.approver', grantInput)).toBe('CASE_MUST_BE_FORWARDED');
    expect(await findRefusalCode(hub, 'window-yudu', 'forwardCase', 'CaseNoteInput', { case: id })).toBeNull();
    expect(await refusalOfDecision('yudu-xzspj.approver', grantInput)).toBe('ORGAN_WITHOUT_POWER');
    expect(await refusalOfDecision('ganzhou-xzspj.approver', { decision: 'GRANTED' })).toBe(
      'SEAL_AUTHORISATION_MISSING',
    );
    expect(await refusalOfDecision('ganzhou-xzspj.approver', { decision: 'REJECTED', authoriseSeal: true })).toBe(
      'REASON_MISSING',
    );
    const refusals = await Promise.all([
      refusalOfDecision('ganzhou-xzspj.approver', grantInput),
      refusalOfDecision('ganzhou-xzspj.approver', grantInput),
    ]);
    expect(refusals.sort()).toEqual(['CASE_STEP_NOT_ALLOWED', null].sort());
    expect(
      await findRefusalCode(hub, 'window-yudu', 'issueLicense', 'CaseActInput', {
        case: crypto.randomUUID(),
        blankNumber: 'x',
      }),
    ).toBe('CASE_NOT_GRANTED');
  });

  test('blanks, and a license that is requested twice', async () => {
    const id = await grantCase(hub, route);
    const refusalOfIssue = (blank: string, person: string = route.prints) =>
      findRefusalCode(hub, person, 'issueLicense', 'CaseActInput', { case: id, blankNumber: blank });
    expect(await refusalOfIssue('KB9')).toBe('BLANK_UNKNOWN');
    expect(await refusalOfIssue(toBlankNumber(route, 1))).toBe('BLANK_USED');
    expect(await refusalOfIssue(toBlankNumber(ROUTES.WINDOW_FORWARD, 5))).toBe('BLANK_OF_ANOTHER_ORGAN');
    expect(await refusalOfIssue(toBlankNumber(route, 2), 'window-xingguo')).toBe('ORGAN_WITHOUT_POWER');
    const [one, repeatedAnswer] = await Promise.all([
      issueGrantedLicense(hub, route, id, 2),
      issueGrantedLicense(hub, route, id, 3),
    ]);
    expect(repeatedAnswer).toEqual(one);
    expect(await issueGrantedLicense(hub, route, id, 4)).toEqual(one);
    const stock = await hub.ask(
      'yudu-lyj.clerk',
      '{ blanks(first: 5) { edges { node { number state identifier } } } }',
    );
    expect(
      stock.data.blanks.edges.filter((edge: { node: { state: string } }) => edge.node.state !== 'IN_STOCK'),
    ).toHaveLength(2);
    const spoilInput = {
      identifier: one.identifier,
      blankNumber: one.paper.blankNumber,
      replacement: toBlankNumber(route, 6),
      reason: 'MISPRINT',
    };
    const spoilAnswer = await runMutation(
      hub,
      route.prints,
      'spoilBlank',
      'SpoilBlankInput',
      spoilInput,
      `license { ${LICENSE_FIELDS} sheets { blankNumber state } }`,
    );
    expect(spoilAnswer.license).toMatchObject({
      state: 'VALID',
      paper: { blankNumber: toBlankNumber(route, 6) },
      sheets: [{ state: 'SPOILED' }, { state: 'PRINTED' }],
    });
    expect(await findRefusalCode(hub, route.prints, 'spoilBlank', 'SpoilBlankInput', spoilInput)).toBe('BLANK_SPOILED');
  });

  test('acts that the state does not allow', async () => {
    const { identifier } = license;
    const refusalOfAct = (action: string, organ = 'yudu-lyj', extraInput: object = {}) =>
      findRefusalOfAct(hub, organ, action, { identifier, reason: '检查发现问题', ...extraInput });
    expect(await refusalOfAct('restore')).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(await refusalOfAct('suspend', 'yudu-sfj')).toBe('ORGAN_WITHOUT_POWER');
    for (const person of ['yudu-lyj.clerk', 'yudu-lyj.approver'])
      expect((await prepareAct(hub, person, 'suspend', { identifier })).refusal.code).toBe('ROLE_NOT_ALLOWED');
    expect(
      await refusalOfAct('suspend', 'yudu-lyj', {
        identifier: `${identifier.slice(0, -1)}${identifier.endsWith('A') ? 'B' : 'A'}`,
      }),
    ).toBe('IDENTIFIER_INVALID');
    expect(await refusalOfAct('suspend', 'yudu-lyj', { reason: ' ' })).toBe('REASON_MISSING');
    expect(await refusalOfAct('suspend')).toBeNull();
    expect(await refusalOfAct('suspend')).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(await refusalOfAct('restore')).toBeNull();
    expect(await refusalOfAct('revoke')).toBeNull();
    expect(await refusalOfAct('restore')).toBe('LICENSE_ACT_NOT_ALLOWED');
    const cancellation = { identifier, reason: '吊销后注销' };
    expect(await findRefusalOfAct(hub, 'yudu-lyj', 'cancel', cancellation)).toBeNull();
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
    const sealInput = { seal: 'yudu-lyj-license-seal', reason: '印章核查' };
    const grantInput = { seal: sealInput.seal, matter: route.matter };
    const refusalOfIssue = () =>
      findRefusalCode(hub, route.prints, 'issueLicense', 'CaseActInput', {
        case: id,
        ...toBlanks(route, 10),
      });
    const waitForSeal = (state: string, matters: number) =>
      waitUntil('licenses know the seal', async () => {
        const { default: postgres } = await import('postgres');
        const sql = postgres(hub.adminUrl, { max: 1 });
        const [row] =
          await sql`select state, jsonb_array_length(grants) as matters from licenses.seal_fact where seal_id = ${sealInput.seal}`;
        await sql.end();
        return row?.state === state && row?.matters === matters;
      });
    expect(await findRefusalCode(hub, 'yudu-sfj.keeper', 'suspendSeal', 'SealActInput', sealInput)).toBe(
      'SEAL_NOT_OF_ORGAN',
    );
    expect(await findRefusalCode(hub, 'yudu-lyj.keeper', 'suspendSeal', 'SealActInput', sealInput)).toBeNull();
    await waitForSeal('SUSPENDED', 1);
    expect(await refusalOfIssue()).toBe('SEAL_SUSPENDED');
    const { seal } = sealInput;
    expect((await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealResumption', { seal })).refusal).toBeNull();
    const { data } = await hub.ask('yudu-lyj.keeper', `{ seal(id: "${sealInput.seal}") { grants { id: uuid } } }`);
    const withdrawal = { seal: sealInput.seal, grant: data.seal.grants[0].id };
    expect((await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealGrantWithdrawal', withdrawal)).refusal).toBeNull();
    await waitForSeal('IN_USE', 0);
    expect(await refusalOfIssue()).toBe('SEAL_NOT_GRANTED');
    expect((await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealGrant', grantInput)).refusal).toBeNull();
    await waitForSeal('IN_USE', 1);
    expect(await refusalOfIssue()).toBeNull();
  });

  test('tokens and queries', async () => {
    const errorCode = async (query: string, authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization };
      const response = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
      return response.json().errors?.[0]?.extensions?.code;
    };
    const list = '{ licenses(first: 1) { edges { cursor } } }';
    const expiredToken = await tokenFor(requireDemoPerson('auditor'), new Date(Date.now() - 3_600_000), 60);
    const [head, body] = (await hub.token('auditor')).split('.');
    expect(await errorCode(list)).toBe('UNAUTHENTICATED');
    expect(await errorCode(list, `Bearer ${expiredToken}`)).toBe('TOKEN_EXPIRED');
    expect(await errorCode(list, `Bearer ${head}.${body}.AAAA`)).toBe('TOKEN_INVALID');
    expect(
      await errorCode('{ licenseChanges(first: 1) { edges { cursor } } }', `Bearer ${await hub.token('window-yudu')}`),
    ).toBe('FORBIDDEN');
    expect(await errorCode('{ nothing }')).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await errorCode('{ matters(first: 101) { totalCount } }')).toBe('BAD_USER_INPUT');
    expect(await errorCode('{ matters(first: 1, after: "x") { totalCount } }')).toBe('BAD_USER_INPUT');
  });
});
