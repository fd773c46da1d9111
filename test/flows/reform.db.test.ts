import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';
import { approveImport } from '../support/proposal.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';

/** An office lives through a reform (机构改革): the forestry organ is merged into that of natural resources. */

const [FORMER, SUCCESSOR, DAY] = ['yudu-lyj', 'yudu-zrzyj', '2026-07-01'];
const NEW_NAME = '于都县自然资源和林业局';
const LIST = `organ,valid_from,action,name,successor
${SUCCESSOR},${DAY},RENAME,${NEW_NAME},
${FORMER},${DAY},END,,${SUCCESSOR}`;
const { matter: MATTER } = ROUTES.DIRECT;
const _byPeopleOf = (organ: string) => ({
  ...ROUTES.DIRECT,
  ...{
    accepts: `${organ}.clerk`,
    examines: `${organ}.reviewer`,
    decides: `${organ}.approver`,
    prints: `${organ}.clerk`,
  },
});

describe('a reform', () => {
  let hub: TestHub;
  const clock = testClock('2026-03-02');
  let license: { identifier: string; number: string };
  let grantedBefore: string;
  let runningCase: string;
  beforeAll(async () => {
    hub = await createTestHub({ now: clock });
    license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    grantedBefore = await grantCase(hub, ROUTES.DIRECT);
    const input = { matter: MATTER, applicant: COMPANY, fields: linesFor(MATTER) };
    const accepted = await runMutation(
      hub,
      'yudu-lyj.clerk',
      'acceptCase',
      'ApplicationInput',
      input,
      'case { id: uuid }',
    );
    runningCase = accepted.case.id;
  });
  afterAll(() => hub?.stop());

  const importReform = (csv: string, dryRun = false) =>
    runMutation(
      hub,
      'administrator',
      'importOrgans',
      'ImportOrgansInput',
      { csv, basis: '于编〔2026〕1号', dryRun },
      'proposal { id organ { code } } differences unchanged problems { line column code }',
    );
  const refusalOf = async (person: string, name: string, type: string, input: object) =>
    (await runMutation(hub, person, name, type, input, '__typename')).refusal;
  const examination = () => ({ case: runningCase, finding: 'APPROVED' });
  const readOrgan = async (id: string, on: string) => {
    const query = `query($on: Date) { organs(first: 50) { edges { node { code name(on: $on) names { name from }
      successors { successor { code } from matters } predecessors { former { code } } } } } }`;
    const { data } = await hub.ask(null, query, { on });
    return data.organs.edges
      .map(({ node }: { node: { code: string } }) => node)
      .find(({ code }: { code: string }) => code === id);
  };

  test('is refused whole, rehearsed, and approved by a second administrator', async () => {
    const wrong = await importReform(`${LIST.replace(DAY, '2026-03-01')}\nyudu-no,${DAY},END,,${FORMER}`);
    expect(wrong).toMatchObject({
      ...{ proposal: null, refusal: { code: 'IMPORT_NOT_DONE' } },
      problems: [
        { line: 2, column: 'valid_from', code: 'DAY_PASSED' },
        { line: 4, column: 'organ', code: 'ORGAN_UNKNOWN' },
      ],
    });
    const rehearsed = await importReform(LIST, true);
    expect(rehearsed).toMatchObject({ proposal: null, refusal: null });
    expect(rehearsed.differences[0]).toContain(`更名为 ${NEW_NAME}`);
    expect(rehearsed.differences).toContain(`${MATTER} 的单位随之变更，在办件随转`);
    const { proposal } = await importReform(LIST);
    expect((await approveImport(hub, proposal)).refusal).toBeNull();
    expect(await importReform(LIST)).toMatchObject({ proposal: null, differences: [], unchanged: 2, problems: [] });
    const csv = `matter,valid_from,county_organ\n${MATTER},2026-04-01,${FORMER}`;
    const list = await runMutation(
      hub,
      'administrator',
      'importDelegations',
      'ImportDelegationsInput',
      { csv },
      'problems { code }',
    );
    expect(list.problems).toEqual([{ code: 'ORGAN_OVER' }]);
  });

  test('changes nothing before its day', async () => {
    expect(await readOrgan(SUCCESSOR, '2026-06-30')).toMatchObject({ name: '于都县自然资源局' });
    expect((await refusalOf('yudu-zrzyj.reviewer', 'examineCase', 'ExamineCaseInput', examination()))?.code).toBe(
      'CASE_UNKNOWN',
    );
    const rehearsal = { ...examination(), dryRun: true };
    expect(await refusalOf('yudu-lyj.reviewer', 'examineCase', 'ExamineCaseInput', rehearsal)).toBeNull();
  });

  test('from its day on the former organ can do nothing, and is told who does', async () => {
    clock.set(`${DAY}T00:00:01+08:00`);
    await waitUntil('the running case has moved', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { steps { step } } }', {
        id: runningCase,
      });
      return data.case.steps.some(({ step }: { step: string }) => step === 'MOVED');
    });
    expect(await refusalOf('yudu-lyj.reviewer', 'examineCase', 'ExamineCaseInput', examination())).toMatchObject({
      code: 'ORGAN_ENDED',
      message: expect.stringContaining(NEW_NAME),
    });
    const { data } = await hub.ask('yudu-lyj.approver', '{ cases(first: 5) { edges { node { number } } } }');
    expect(data.cases.edges).toEqual([]);
    expect(await readOrgan(FORMER, DAY)).toMatchObject({
      name: '于都县林业局',
      successors: [{ successor: { code: SUCCESSOR }, from: DAY, matters: null }],
    });
    expect(await readOrgan(SUCCESSOR, DAY)).toMatchObject({
      name: NEW_NAME,
      names: [
        { name: '于都县自然资源局', from: null },
        { name: NEW_NAME, from: DAY },
      ],
      predecessors: [{ former: { code: FORMER } }],
    });
  });

  test('the successor goes on with the case, by its own seal and on the former stock of blanks', async () => {
    const { data } = await hub.ask('auditor', '{ seals(first: 100) { edges { node { code organ { code } } } } }');
    const seals: { node: { code: string; organ: { code: string } } }[] = data.seals.edges;
    const ownSeals = seals.filter(({ node }) => node.organ.code === SUCCESSOR);
    // The seal of the license, and that of the decision.
    expect(ownSeals.length).toBeGreaterThan(1);
    for (const { node } of ownSeals) {
      const grant = { seal: node.code, matter: MATTER };
      expect((await applyAndApprove(hub.ask, SUCCESSOR, 'applyForSealGrant', grant)).refusal).toBeNull();
    }
    expect(await refusalOf('yudu-zrzyj.reviewer', 'examineCase', 'ExamineCaseInput', examination())).toBeNull();
    const decision = { case: runningCase, decision: 'GRANTED', authoriseSeal: true };
    await waitUntil('the decision can be sealed', async () => {
      const refusal = await refusalOf('yudu-zrzyj.approver', 'decideCase', 'DecideCaseInput', {
        ...decision,
        dryRun: true,
      });
      return refusal === null;
    });
    expect(await refusalOf('yudu-zrzyj.approver', 'decideCase', 'DecideCaseInput', decision)).toBeNull();
    const issued = await issueFor(runningCase, 2);
    expect(issued.license.issuer).toEqual({ code: SUCCESSOR, name: NEW_NAME });
  });

  const issueFor = (id: string, serial: number) =>
    waitUntil('the certificate is issued', async () => {
      const input = { case: id, ...toBlanks(ROUTES.DIRECT, serial) };
      const fields = 'license { identifier version issuer { code name } }';
      const answer = await runMutation(hub, 'yudu-zrzyj.clerk', 'issueLicense', 'CaseActInput', input, fields);
      if (answer.refusal && answer.refusal.code !== 'CASE_NOT_GRANTED') throw new Error(JSON.stringify(answer.refusal));
      return answer.license ? answer : null;
    });

  test('what the former organ granted is printed as it was decided, by the successor', async () => {
    const issued = await issueFor(grantedBefore, 3);
    expect(issued.license.issuer).toEqual({ code: FORMER, name: '于都县林业局' });
  });

  test('the successor acts on old licenses, which keep their issuer', async () => {
    const input = { identifier: license.identifier };
    const done = await actForOrgan(hub, SUCCESSOR, 'suspend', input, 'license { state issuer { code } }');
    expect(done).toMatchObject({ refusal: null, license: { state: 'SUSPENDED', issuer: { code: FORMER } } });
  });
});
