import { describe, expect, test } from 'vitest';
import { type HearingNeed, LICENSE_ACTS, OWN_ACTS, type OwnAct } from '../../subgraphs/kernel/license-acts.ts';
import { type Grounds, type HearingOutcome, requireGrounds } from '../../subgraphs/licenses/proposal/grounds.ts';

/** What an act on the organ's own authority rests on (决定文号、听证、陈述申辩), for every act of the table. */

const TODAY = '2026-03-10';
const NUMBER = '于林罚决〔2026〕12号';
const HEARINGS: Readonly<Record<HearingOutcome, Grounds['hearing']>> = {
  HELD: { notifiedOn: '2026-03-02', outcome: 'HELD', heldOn: '2026-03-09' },
  STATED: { notifiedOn: '2026-03-09', outcome: 'STATED', heldOn: '2026-03-10' },
  WAIVED: { notifiedOn: '2026-03-09', outcome: 'WAIVED', heldOn: null },
  NOT_REQUESTED: { notifiedOn: '2026-03-04', outcome: 'NOT_REQUESTED', heldOn: null },
};
/** The outcomes that are enough, by what the law asks for (行政处罚法 art. 63, 行政许可法 art. 7). */
const ENOUGH: Readonly<Record<HearingNeed, readonly HearingOutcome[]>> = {
  HEARING: ['HELD', 'WAIVED', 'NOT_REQUESTED'],
  STATEMENT: ['HELD', 'STATED', 'WAIVED', 'NOT_REQUESTED'],
  NONE: ['HELD', 'STATED', 'WAIVED', 'NOT_REQUESTED'],
};
/** Written out by hand: what the law asks for. */
const LAW: Readonly<Record<OwnAct, { number: boolean; hearing: HearingNeed }>> = {
  SUSPEND: { number: true, hearing: 'STATEMENT' },
  RESTORE: { number: false, hearing: 'NONE' },
  RESCIND: { number: true, hearing: 'STATEMENT' },
  WITHDRAW: { number: true, hearing: 'STATEMENT' },
  REVOKE: { number: true, hearing: 'HEARING' },
  CANCEL: { number: false, hearing: 'NONE' },
};

function refusalOf(act: OwnAct, grounds: Partial<Grounds>): string | null {
  try {
    requireGrounds(act, { decisionNumber: NUMBER, hearing: HEARINGS.HELD, ...grounds }, TODAY);
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('every act', () => {
  test.each(OWN_ACTS)('%s needs what the law asks for', (act) => {
    const { number, hearing } = LAW[act];
    expect(LICENSE_ACTS[act]).toMatchObject({ needsDecision: number, hearing });
    expect(refusalOf(act, { decisionNumber: null })).toBe(number ? 'DECISION_NUMBER_MISSING' : null);
    expect(refusalOf(act, { hearing: null })).toBe(hearing === 'NONE' ? null : 'HEARING_MISSING');
    for (const outcome of Object.keys(HEARINGS) as HearingOutcome[]) {
      const expected = ENOUGH[hearing].includes(outcome) ? null : 'HEARING_NOT_LAWFUL';
      expect([outcome, refusalOf(act, { hearing: HEARINGS[outcome] })]).toEqual([outcome, expected]);
    }
  });

  test.each(OWN_ACTS)('%s checks also what it does not need', (act) => {
    expect(refusalOf(act, { decisionNumber: '12号' })).toBe('FIELD_MALFORMED');
    const late = { notifiedOn: '2026-03-11', outcome: 'WAIVED' as const, heldOn: null };
    expect(refusalOf(act, { hearing: late })).toBe('HEARING_NOT_LAWFUL');
  });
});

test.each([
  ['于市监罚决〔2026〕第3号', null],
  ['赣市审撤字〔2026〕120号', null],
  ['', 'FIELD_MALFORMED'],
  [' 于林罚决〔2026〕12号', 'FIELD_MALFORMED'],
  ['于林罚决〔2026〕12号\n', 'FIELD_MALFORMED'],
  ['于林罚决(2026)12号', 'FIELD_MALFORMED'],
  ['〔2026〕12号', 'FIELD_MALFORMED'],
  ['于林罚决〔2026〕号', 'FIELD_MALFORMED'],
  ['兹证明该证照持有人已付清全部款项〔2026〕1号等等', 'FIELD_MALFORMED'],
  [`${'于'.repeat(60)}〔2026〕1号`, 'FIELD_TOO_LONG'],
])('the decision number %j', (decisionNumber, code) => {
  expect(refusalOf('SUSPEND', { decisionNumber })).toBe(code);
});

test.each([
  ['a hearing without its day', { notifiedOn: '2026-03-02', outcome: 'HELD', heldOn: null }],
  ['a day without a hearing', { notifiedOn: '2026-03-02', outcome: 'WAIVED', heldOn: '2026-03-03' }],
  ['a hearing before the notice', { notifiedOn: '2026-03-02', outcome: 'HELD', heldOn: '2026-03-01' }],
  ['a hearing tomorrow', { notifiedOn: '2026-03-02', outcome: 'HELD', heldOn: '2026-03-11' }],
  ['a notice tomorrow', { notifiedOn: '2026-03-11', outcome: 'WAIVED', heldOn: null }],
  ['a request that may still come', { notifiedOn: '2026-03-05', outcome: 'NOT_REQUESTED', heldOn: null }],
] as const)('%s is not lawful before a revocation', (_, hearing) => {
  expect(refusalOf('REVOKE', { hearing })).toBe('HEARING_NOT_LAWFUL');
});
