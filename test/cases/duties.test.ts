import { expect, test } from 'vitest';
import { type Case, foldCase, type StepRecord } from '../../subgraphs/cases/case.ts';
import { decide } from '../../subgraphs/cases/decision/decide.ts';
import { requireCaseAction } from '../../subgraphs/cases/policy.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { delegationOn } from '../../subgraphs/kernel/period/delegation.ts';
import { matterFacts } from '../support/matters.ts';

/** Segregation of duties: examiner and decider of a case are different persons, whatever roles one token holds. */

const DAY = '2026-11-24';
const AT = new Date(`${DAY}T01:00:00Z`);
const APPLICANT = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' } as const;

/** Where examiner and decider may be one person: both of one organ, or of the city organ where it accepted the case. */
const PLACES = [
  { matter: 'yd2022-1-07', organ: 'yudu-lyj', steps: ['RECEIVED', 'ACCEPTED'] },
  { matter: 'yd2022-2-30', organ: 'ganzhou-xzspj', steps: ['RECEIVED', 'ACCEPTED'] },
] as const;

const personOf = (id: string, organ: string): Person => ({
  kind: 'person',
  id,
  name: id,
  roles: ['WINDOW_CLERK', 'REVIEWER', 'APPROVER'],
  organ,
  window: null,
  holderCode: null,
});

const stepBy = (actorId: string, step: StepRecord['step'], finding: StepRecord['finding'] = null): StepRecord => ({
  step,
  at: AT,
  actor: actorId,
  actorId,
  organ: null,
  note: null,
  finding,
  data: null,
});

function caseOf({ matter, organ, steps }: (typeof PLACES)[number], later: readonly StepRecord[]): Case {
  const fact = matterFacts.find(({ matterId }) => matterId === matter);
  if (!fact) throw new Error(`no matter ${matter}`);
  const file = { id: 'x', number: 'x', matter: fact, delegation: delegationOn(fact, DAY), fields: [] };
  const earlier = steps.map((step) => stepBy('clerk', step));
  return foldCase(
    {
      ...file,
      licenseNumber: null,
      act: null,
      coOwnership: null,
      reissuedSheets: null,
      agent: null,
      contact: null,
      applicant: APPLICANT,
      acceptedBy: organ,
      guide: null,
    },
    [...earlier, ...later],
  );
}

const findCode = (run: () => unknown) => {
  try {
    run();
    return null;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test.each(PLACES)('who examined does not decide: $matter', (place) => {
  const examined = [stepBy('one', 'EXAMINED', 'APPROVED')];
  const subject = caseOf(place, examined);
  const codeFor = (id: string, of = subject) =>
    findCode(() => requireCaseAction('decideCase', of, personOf(id, place.organ)));
  expect(codeFor('one')).toBe('EXAMINER_DECIDES');
  expect(codeFor('another')).toBeNull();
  const examinedTwice = [...examined, stepBy('another', 'SENT_BACK'), stepBy('second', 'EXAMINED', 'APPROVED')];
  expect(['one', 'second', 'another'].map((id) => codeFor(id, caseOf(place, examinedTwice)))).toEqual([
    'EXAMINER_DECIDES',
    'EXAMINER_DECIDES',
    null,
  ]);
});

test.each(PLACES)('a grant against a refused examination needs a reason: $matter', (place) => {
  const input = {
    decision: 'GRANTED',
    authoriseSeal: true,
    withheld: null,
    validFrom: null,
    validUntil: null,
  } as const;
  const codeFor = (finding: 'APPROVED' | 'REFUSED', reason: string | null) => {
    const subject = caseOf(place, [stepBy('one', 'EXAMINED', finding)]);
    return findCode(() => decide(subject, { ...input, reason }, { license: null, type: null }, DAY));
  };
  expect(codeFor('APPROVED', null)).toBeNull();
  expect(codeFor('REFUSED', null)).toBe('REASON_MISSING');
  expect(codeFor('REFUSED', '现场复核后符合条件')).toBeNull();
});
