import { describe, expect, test } from 'vitest';
import { listDemoPeople } from '../../scripts/demo/people.ts';
import { readMatters, readOrgans } from '../../seeds/load.ts';
import {
  acceptingWindow,
  type Case,
  endsInPaper,
  foldCase,
  hasEnded,
  type StepRecord,
  waitsFor,
} from '../../subgraphs/cases/case.ts';
import { type CaseActionName, requireCaseAction } from '../../subgraphs/cases/policy.ts';
import { requireAcceptingOrgan } from '../../subgraphs/cases/reception/policy.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { delegationOn, issuerOf, type MatterFact } from '../../subgraphs/kernel/period/delegation.ts';
import { requireAllowed } from '../../subgraphs/kernel/policy.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import type { LicenseHead } from '../../subgraphs/licenses/license.ts';
import { LICENSES_POLICY } from '../../subgraphs/licenses/policy.ts';
import { buildDelegationFact, buildMatter } from '../../subgraphs/matters/matter.ts';
import { COMPANY } from '../support/flow.ts';

/**
 * No case can get stuck. The tests walk every state that a case of any of the 108 matters can reach.
 * They use the rules that the mutations call. From each state some named person can take a step that leads to an end.
 */

const DAY = '2026-11-24';
const organs = readOrgans();
const people = listDemoPeople(organs.map((organ) => organ.id));

type StepDetails = Partial<Pick<StepRecord, 'finding' | 'data'>>;
/** Each action with the steps it may write. */
const WRITES: Record<CaseActionName, readonly (StepDetails & { step: StepRecord['step'] })[]> = {
  acceptApplication: [{ step: 'ACCEPTED' }],
  askSupplement: [{ step: 'SUPPLEMENT_ASKED', data: { supplement: { items: ['x'], until: DAY } } }],
  supplementCase: [{ step: 'SUPPLEMENTED' }],
  closeUnsupplemented: [{ step: 'SUPPLEMENT_MISSED' }],
  refuseAcceptance: [{ step: 'NOT_ACCEPTED' }],
  examineCase: [
    { step: 'EXAMINED', finding: 'APPROVED' },
    { step: 'EXAMINED', finding: 'REFUSED' },
  ],
  forwardCase: [{ step: 'FORWARDED' }],
  sendBackCase: [{ step: 'SENT_BACK' }],
  amendCase: [{ step: 'AMENDED', data: { amended: [] } }],
  pauseCase: [{ step: 'PAUSED', data: { pause: { kind: 'HEARING', papers: ['x'] } } }],
  resumeCase: [{ step: 'RESUMED' }],
  decideCase: [
    { step: 'DECIDED', finding: 'GRANTED' },
    { step: 'DECIDED', finding: 'REJECTED' },
  ],
  withdrawCase: [{ step: 'WITHDRAWN' }],
  deliverDecision: [{ step: 'DELIVERED' }],
};

function allows(rule: () => unknown): boolean {
  try {
    rule();
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** Returns the steps that this person can add to a case by acts of the licenses subgraph. */
function licenseActs(subject: Case, person: Person): StepRecord['step'][] {
  const counters = [issuerOf(subject).id, subject.acceptedBy ?? ''];
  const paper = {
    counters,
    window: acceptingWindow(subject),
    record: { KZ_SX: subject.matter.matterId },
  };
  const isPaperClerk = allows(() =>
    requireAllowed(LICENSES_POLICY.deliverCertificate, { head: paper as unknown as LicenseHead }, person),
  );
  if (hasEnded(subject)) return [];
  if (subject.step === 'CERTIFIED') return isPaperClerk ? ['DELIVERED', 'UNDELIVERED'] : [];
  if (subject.step !== 'DECIDED' || endsInPaper(subject)) return [];
  const mayVoid = person.roles.includes('APPROVER') && person.organ === issuerOf(subject).id;
  return [...(isPaperClerk ? (['CERTIFIED'] as const) : []), ...(mayVoid ? (['VOIDED'] as const) : [])];
}

const record = (person: Person, details: StepDetails & { step: StepRecord['step'] }): StepRecord => ({
  at: new Date(`${DAY}T01:00:00Z`),
  actor: person.name,
  actorId: person.id,
  organ: person.organ,
  note: null,
  finding: null,
  data: null,
  ...details,
});

/** Returns every case that results from one step of one person on `subject`. */
function successors(subject: Case): Case[] {
  const nextCases: Case[] = [];
  const organIds = new Set(subject.matter.organs.map((organ) => organ.id));
  for (const person of people.filter(({ organ }) => organ === null || organIds.has(organ) || organ === 'yudu-xzspj')) {
    for (const [name, writes] of Object.entries(WRITES) as [CaseActionName, (typeof WRITES)[CaseActionName]][]) {
      if (!allows(() => requireCaseAction(name, subject, person))) continue;
      for (const details of writes) {
        const acceptedBy =
          details.step === 'ACCEPTED'
            ? requireAcceptingOrgan(person, subject.matter, subject.delegation)
            : subject.acceptedBy;
        nextCases.push(foldCase({ ...subject, acceptedBy }, [...subject.steps, record(person, details)]));
      }
    }
    for (const step of licenseActs(subject, person)) {
      nextCases.push(foldCase(subject, [...subject.steps, record(person, { step })]));
    }
  }
  return nextCases;
}

/** Builds the key of a state. Cases with the same key allow the same steps. */
const keyOf = ({ step, paused, acceptedBy, steps, result }: Case) =>
  [
    step,
    paused !== null,
    acceptedBy,
    result,
    steps.some((earlierStep) => earlierStep.step === 'SUPPLEMENT_ASKED'),
  ].join(' ');

function walkStates(matter: MatterFact): { states: Map<string, Case>; nextKeys: Map<string, Set<string>> } {
  const [applicant] = people;
  if (!applicant) throw new Error('nobody');
  const file = { id: 'x', number: 'x', matter, delegation: delegationOn(matter, DAY), fields: [], licenseNumber: null };
  const start = foldCase(
    {
      ...file,
      applicant: { ...COMPANY, codeKind: 'USCC' },
      act: null,
      coOwnership: null,
      reissuedSheets: null,
      agent: null,
      contact: null,
      acceptedBy: null,
      guide: null,
    },
    [record(applicant, { step: 'RECEIVED' })],
  );
  const states = new Map([[keyOf(start), start]]);
  const nextKeys = new Map<string, Set<string>>();
  const queue = [start];
  for (let subject = queue.pop(); subject; subject = queue.pop()) {
    const next = successors(subject);
    nextKeys.set(keyOf(subject), new Set(next.map(keyOf)));
    for (const successor of next) {
      if (states.has(keyOf(successor))) continue;
      states.set(keyOf(successor), successor);
      queue.push(successor);
    }
  }
  return { states, nextKeys };
}

const facts = readMatters().map((row) => buildDelegationFact(buildMatter(row), organs));

describe.each(['DIRECT', 'SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD'])(
  'every reachable state of every matter of mode %s',
  (mode) => {
    // Matters with the same delegations and the same kind of outcome behave alike, so one of each group is walked.
    const similarMatters = Map.groupBy(
      facts.filter((item) => delegationOn(item, DAY).mode === mode),
      ({ delegations }) =>
        JSON.stringify(
          delegations.map(({ outcome, licenseAction, ...rest }) => ({
            ...rest,
            decision: outcome.kind === 'DECISION',
          })),
        ),
    );
    const walks = [...similarMatters.values()].flatMap(([first]) => (first ? [walkStates(first)] : []));

    test('leads to an end by steps of people who exist', () => {
      expect(walks.length).toBeGreaterThan(1);
      for (const { states, nextKeys } of walks) {
        const ends = new Set([...states].filter(([, item]) => hasEnded(item)).map(([key]) => key));
        const leadingKeys = new Set(ends);
        for (let hasGrown = true; hasGrown; ) {
          const sizeBefore = leadingKeys.size;
          for (const [key, next] of nextKeys) if ([...next].some((item) => leadingKeys.has(item))) leadingKeys.add(key);
          hasGrown = leadingKeys.size > sizeBefore;
        }
        expect([...states.keys()].filter((key) => !leadingKeys.has(key))).toEqual([]);
        for (const key of ends) expect(nextKeys.get(key)?.size).toBe(0);
      }
    });

    test('waits for somebody while it runs, and for nobody once it has ended', () => {
      for (const { states } of walks) {
        for (const subject of states.values()) {
          const { organs: organIds, window } = waitsFor(subject);
          expect(organIds.length > 0 || window !== null).toBe(!hasEnded(subject));
        }
      }
    });

    test('every result is reached', () => {
      const results = new Set(
        walks.flatMap(({ states }) => [...states.values()].filter(hasEnded).map((item) => item.result)),
      );
      const allResults = ['ISSUED', 'REJECTED', 'NOT_ACCEPTED', 'WITHDRAWN', 'VOIDED', 'SUPPLEMENT_MISSED', 'CLOSED'];
      expect([...results].sort()).toEqual(allResults.sort());
    });
  },
);
