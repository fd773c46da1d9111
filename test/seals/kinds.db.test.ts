import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { composeNotice } from '../../subgraphs/cases/notice/notice.ts';
import { renderSealable } from '../../subgraphs/cases/notice/render.ts';
import type { NeededSeals } from '../../subgraphs/seals/application/provide-workflow.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { buildNoticeCase, CITY_ORGAN } from '../support/notice.ts';
import { decideApplication } from '../support/seal-applications.ts';
import { COUNTY, COUNTY_MATTER, newRequest } from './requests.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

/** An upgrade brings a kind of seal: persons decide on it, and until it is in use the old kind serves. */

let fixture: SealsFixture;
beforeAll(async () => {
  fixture = await openSealsFixture();
});
afterAll(() => fixture.close());

const UNIT = `${COUNTY}-unit-seal`;
const NEEDED: NeededSeals = {
  organ: COUNTY,
  organName: '于都县林业局',
  kinds: [
    { kind: 'LICENSE_SEAL', matters: [COUNTY_MATTER] },
    { kind: 'UNIT_SEAL', matters: [COUNTY_MATTER] },
  ],
};
const ask = (person: string, query: string, variables: Record<string, unknown>) =>
  fixture.ask(requireDemoPerson(person), query, variables);
const listApplications = () =>
  fixture.sql`select a.id, a.kind, a.seal_id, a.applied_by, o.outcome from seals.seal_application a
    left join seals.seal_application_outcome o on o.application_id = a.id where a.seal_id = ${UNIT}`;
const decide = async (approve: boolean) => {
  const [application] = await listApplications();
  const input = { application: application?.id, approve, reason: approve ? null : '不需要' };
  return decideApplication(ask, `${COUNTY}.sealapprover`, input);
};

/** Seals a decision of the county organ, authorised now. Returns the id of the seal. */
async function sealDecision(): Promise<string> {
  const at = fixture.clock();
  const issuer = { organ: CITY_ORGAN, number: '于林决〔2026〕1号' };
  const step = { at, note: '依规定办理', finding: 'GRANTED' };
  const composed = composeNotice('DECISION', buildNoticeCase('OTHER', '办理决定书'), step, issuer);
  const content = { ...composed, organ: { id: COUNTY, name: '于都县林业局', divisionCode: '360731' } };
  const request = {
    ...newRequest(),
    ...{ act: 'DECISION' as const, identifier: content.caseNumber, content: { ...content } },
    document: renderSealable(content, null),
  };
  const answer = await fixture.seals.sign({ ...request, authorisation: await fixture.authorise(request) });
  return answer.state === 'SIGNED' ? answer.sealId : answer.state;
}

describe('a kind of seal that an earlier release did not have', () => {
  test('is applied for once, by nobody who could decide it', async () => {
    expect(await fixture.seals.provideSeals(NEEDED)).toBe(1);
    expect(await fixture.seals.provideSeals(NEEDED)).toBe(1);
    const waiting = { kind: 'MAKE', seal_id: UNIT, applied_by: '系统（升级）', outcome: null };
    expect(await listApplications()).toMatchObject([waiting]);
    expect(await sealDecision()).toBe(`${COUNTY}-license-seal`);
  });

  test('is made by the approval, and required once it is in use', async () => {
    expect(await decide(true)).toMatchObject({
      refusal: null,
      seal: { state: 'MADE', matters: [{ id: COUNTY_MATTER }] },
    });
    expect(await sealDecision()).toBe(`${COUNTY}-license-seal`);
    const act = (name: string, type: string, input: object) =>
      ask(`${COUNTY}.keeper`, `mutation($input: ${type}!) { ${name}(input: $input) { refusal { code } } }`, {
        input: { seal: UNIT, ...input },
      });
    await act('fileSeal', 'SealFilingInput', { filingNumber: '备案一号' });
    expect(await sealDecision()).toBe(`${COUNTY}-license-seal`);
    await act('putSealIntoUse', 'SealUseInput', {});
    expect(await sealDecision()).toBe(UNIT);
    await act('suspendSeal', 'SealActInput', { reason: '示范' });
    await expect(sealDecision()).rejects.toMatchObject({ code: 'SEAL_SUSPENDED' });
  });

  test('is not applied for again once persons have answered', async () => {
    expect(await fixture.seals.provideSeals(NEEDED)).toBe(2);
    expect(await listApplications()).toMatchObject([{ outcome: 'APPROVED' }]);
  });

  test('is made at once for an organ that has no seal', async () => {
    const organ = 'yudu-slj';
    expect(await fixture.seals.provideSeals({ ...NEEDED, organ, organName: '于都县水利局' })).toBe(2);
    const rows =
      await fixture.sql`select kind, state, required_since from seals.seal where organ = ${organ} order by 1`;
    expect(rows).toMatchObject([
      { kind: 'LICENSE_SEAL', state: 'IN_USE', required_since: fixture.clock() },
      { kind: 'UNIT_SEAL', state: 'IN_USE', required_since: fixture.clock() },
    ]);
  });
});
