import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { COMPANY, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { findAcceptor, matterFacts } from '../support/matters.ts';
import { fetchFile } from '../support/reading.ts';
import { waitForNotices } from '../support/sealed-notices.ts';

/**
 * A case of each matter is received, supplemented, accepted and refused through the public API. The sample has the
 * matter whose name has several lines, and every 12th. FULL=1 takes all 108.
 */

const DAY = '2026-03-02';
const sample = matterFacts.filter(({ name }, i) => process.env.FULL === '1' || name.includes('\n') || i % 12 === 0);
/** What a matter may need that this test does not bring: the license to change, and an agreement. */
const MISSING = ['LICENSE_NOT_NAMED', 'AGREEMENT_MISSING'];

describe('a case of every matter', () => {
  let hub: TestHub;
  const done = new Map<string, string[]>();
  beforeAll(async () => {
    hub = await createTestHub({ now: testClock(DAY) });
  });
  afterAll(() => hub?.stop());

  test.each(sample.map((matter) => [matter.matterId, matter] as const))('%s', async (matterId, matter) => {
    const clerk = findAcceptor(matter, DAY).id;
    const run = (person: string, name: string, type: string, input: object) =>
      runMutation(hub, person, name, type, input, 'case { id: uuid step notices { url } }');
    const receive = () =>
      run('applicant-company', 'receiveApplication', 'ApplicationInput', { matter: matterId, applicant: COMPANY });
    const first = await receive();
    if (first.refusal) {
      expect(MISSING).toContain(first.refusal.code);
      return;
    }
    const steps: [name: string, type: string, input: object][] = [
      ['askSupplement', 'AskSupplementInput', { items: ['申请表'] }],
      ['supplementCase', 'SupplementInput', { note: '已补\n申请表' }],
      ['acceptApplication', 'CaseInput', {}],
    ];
    for (const [name, type, input] of steps) {
      const { refusal, case: subject } = await run(clerk, name, type, { case: first.case.id, ...input });
      if (refusal) expect([name, MISSING]).toEqual([name, expect.arrayContaining([refusal.code])]);
      else done.set(matterId, [...(done.get(matterId) ?? []), subject.step]);
    }
    const second = await receive();
    const refused = await run(clerk, 'refuseAcceptance', 'CaseReasonInput', {
      case: second.case.id,
      reason: '不属于本机关职权范围：\n请向县级机关申请',
    });
    expect(refused).toMatchObject({ refusal: null, case: { step: 'NOT_ACCEPTED' } });
    const [notice] = await waitForNotices(hub, refused.case.id, clerk);
    const file = await fetchFile(hub, clerk, notice?.url ?? '');
    expect(file.statusCode).toBe(200);
  });

  test('the matter whose name has several lines goes all the way', () => {
    expect(done.get('yd2022-3-40')).toEqual(['SUPPLEMENT_ASKED', 'RECEIVED', 'ACCEPTED']);
  });
});
