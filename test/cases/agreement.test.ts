import { expect, test } from 'vitest';
import { requireOwnMatters } from '../../subgraphs/cases/agreement/agreement.ts';
import { type Case, foldCase } from '../../subgraphs/cases/case.ts';
import { requireAcceptable } from '../../subgraphs/cases/reception/acceptance.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { delegationOn } from '../../subgraphs/kernel/period/delegation.ts';
import { catchRefusal } from '../../subgraphs/kernel/policy.ts';
import { matterFacts } from '../support/matters.ts';

/** Undertaking agreements: which organs may make one for a matter, and who accepts without one. */

const DAY = '2026-11-24';
const MATTER = 'yd2022-2-44';
const fact = matterFacts.find(({ matterId }) => matterId === MATTER) as (typeof matterFacts)[number];
const AGREEMENT = {
  ...{ number: '承接协议〔2026〕1号', cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj', matters: [MATTER] },
  ...{ validFrom: '2026-01-01', validTo: '2026-12-31', scanDigest: '0'.repeat(64) },
};

const clerkOf = (organ: string, window: string | null = null): Person => ({
  ...{ kind: 'person', id: 'clerk', name: 'clerk', roles: ['WINDOW_CLERK'], organ, window, holderCode: null },
});

function received(): Case {
  const applicant = { name: '示范', codeKind: 'USCC', code: '91000000MA0000001R' } as const;
  const file = { id: 'x', number: 'x', matter: fact, delegation: delegationOn(fact, DAY), applicant, fields: [] };
  const step = { step: 'RECEIVED', at: new Date(`${DAY}T01:00:00Z`), actor: 'x', actorId: 'x', organ: null } as const;
  return foldCase(
    {
      ...file,
      licenseNumber: null,
      act: null,
      coOwnership: null,
      reissuedSheets: null,
      agent: null,
      contact: null,
      acceptedBy: null,
      guide: null,
    },
    [{ ...step, note: null, finding: null, data: null }],
  );
}

function acceptWith(clerk: Person, agreements: readonly (typeof AGREEMENT)[]): string | null {
  const facts = { matter: fact, agreements, license: null, guides: null, materialCodes: [] };
  const accept = () => requireAcceptable(received(), clerk, { ...facts, listOffered: () => ['ISSUE'] }, DAY);
  return catchRefusal(accept)?.code ?? null;
}

test('the city organ accepts by its own right; the county organ needs an agreement', () => {
  const window = clerkOf('yudu-xzspj', '360731');
  expect(acceptWith(clerkOf('ganzhou-jyj'), [])).toBeNull();
  expect(acceptWith(window, [])).toBe('AGREEMENT_MISSING');
  expect(acceptWith(window, [AGREEMENT])).toBeNull();
  expect(acceptWith(clerkOf('ganzhou-sfj'), [AGREEMENT])).toBe('ORGAN_WITHOUT_POWER');
});

test('an agreement is of the organs between which the matter is delegated on one of its days', () => {
  const refuse = (change: Partial<typeof AGREEMENT>, matter = fact) =>
    catchRefusal(() => requireOwnMatters({ ...AGREEMENT, ...change }, [matter]))?.code ?? null;
  expect(refuse({})).toBeNull();
  expect(refuse({ countyOrgan: 'yudu-lyj' })).toBe('AGREEMENT_OF_OTHER_ORGANS');
  expect(refuse({ cityOrgan: 'ganzhou-sfj' })).toBe('AGREEMENT_OF_OTHER_ORGANS');
  const [period] = fact.delegations;
  const movedIn = (validFrom: string | null, validTo: string | null) =>
    refuse({}, { ...fact, delegations: period ? [{ ...period, validFrom, validTo }] : [] });
  expect(movedIn('2026-12-31', null)).toBeNull();
  expect(movedIn('2027-01-01', null)).toBe('AGREEMENT_OF_OTHER_ORGANS');
  expect(movedIn(null, '2026-01-01')).toBeNull();
  expect(movedIn(null, '2025-12-31')).toBe('AGREEMENT_OF_OTHER_ORGANS');
});
