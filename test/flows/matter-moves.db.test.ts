import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, findRefusalCode, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { importDelegations } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

const HEAD = 'matter,valid_from,mode,county_organ,city_industry,county_industry,outcome_name,running_cases';
/** 林木采伐 (DIRECT) and 第三类医疗器械经营许可（新办） (WINDOW_FORWARD). */
const FOREST = 'yd2022-1-07';
const DEVICES = 'yd2022-3-25';

/** Tests running cases whose matter moves more than once, or before the case is accepted. */
describe('running cases of a matter that moves', () => {
  let hub: TestHub;
  const clock = testClock('2026-03-02');
  beforeAll(async () => {
    hub = await createTestHub({ now: clock });
  });
  afterAll(() => hub?.stop());

  const importList = async (...lines: string[]) => {
    const input = { csv: [HEAD, ...lines].join('\n') };
    const fields = 'changes { line } problems { line code }';
    const importAnswer = await importDelegations(hub, input, fields);
    expect(importAnswer).toMatchObject({ refusal: null, problems: [] });
  };
  const openCase = async (person: string, matter: string, name: 'acceptCase' | 'receiveApplication') => {
    const answer = await runMutation(
      hub,
      person,
      name,
      'ApplicationInput',
      { matter, applicant: COMPANY, fields: linesFor(matter) },
      'case { id: uuid }',
    );
    expect(answer.refusal).toBeNull();
    return answer.case.id as string;
  };
  const readCase = async (id: string) => {
    const query =
      'query($id: ID!) { case(id: $id) { delegation { mode decides { organ { id: code } } } steps { step } } }';
    const { data } = await hub.ask('auditor', query, { id });
    const { delegation, steps } = data.case;
    const moves = steps.filter((entry: { step: string }) => entry.step === 'MOVED').length;
    return { mode: delegation.mode, decides: delegation.decides.organ.id, moves };
  };
  const refusalOfExamination = (person: string, id: string) =>
    findRefusalCode(hub, person, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });

  test('stay with the old organ after a list with STAY, and move after a list with FOLLOW', async () => {
    const id = await openCase('yudu-lyj.clerk', FOREST, 'acceptCase');
    await importList(`${FOREST},2026-03-10,,yudu-xzspj,,,,STAY`);
    clock.set('2026-03-11');
    // The old organ can still act on the case. The new organ cannot see it.
    expect(await readCase(id)).toEqual({ mode: 'DIRECT', decides: 'yudu-lyj', moves: 0 });
    expect(await refusalOfExamination('yudu-xzspj.reviewer', id)).toBe('CASE_UNKNOWN');
    await importList(`${FOREST},2026-03-20,,yudu-sfj,,,,FOLLOW`);
    clock.set('2026-03-20');
    await waitUntil('the case has moved', async () => (await readCase(id)).moves === 1);
    expect(await readCase(id)).toEqual({ mode: 'DIRECT', decides: 'yudu-sfj', moves: 1 });
    expect(await refusalOfExamination('yudu-lyj.reviewer', id)).not.toBeNull();
    expect(await refusalOfExamination('yudu-sfj.reviewer', id)).toBeNull();
  });

  test('a case that is received but not accepted takes the mode of the day', async () => {
    const id = await openCase('applicant-company', DEVICES, 'receiveApplication');
    expect(await readCase(id)).toMatchObject({ mode: 'WINDOW_FORWARD', decides: 'ganzhou-xzspj' });
    await importList(`${DEVICES},2026-04-01,DIRECT,,ganzhou-scjgj,yudu-sjj,,STAY`);
    clock.set('2026-04-01');
    await waitUntil('cases go by the new mode', async () => (await readCase(id)).mode === 'DIRECT');
    expect(await readCase(id)).toMatchObject({ decides: 'yudu-xzspj' });
    expect(await findRefusalCode(hub, 'yudu-xzspj.clerk', 'acceptApplication', 'CaseInput', { case: id })).toBeNull();
    expect(await refusalOfExamination('yudu-xzspj.reviewer', id)).toBeNull();
    const decision = { case: id, decision: 'GRANTED', authoriseSeal: true };
    expect(
      await findRefusalCode(hub, 'ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', decision),
    ).not.toBeNull();
    expect(await findRefusalCode(hub, 'yudu-xzspj.approver', 'decideCase', 'DecideCaseInput', decision)).toBeNull();
  });
});
