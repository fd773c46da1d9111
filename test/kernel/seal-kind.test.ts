import { describe, expect, test } from 'vitest';
import { readOrgans } from '../../seeds/load.ts';
import { SEAL_KINDS, type SealKind } from '../../subgraphs/kernel/events/seal-grant.ts';
import type { SealedAct } from '../../subgraphs/kernel/license-acts.ts';
import { levelOfDivision, type OrganLevel, pickSealsFor } from '../../subgraphs/kernel/sealing/seal-kind.ts';

/** Which seal goes onto what, and from when no other serves. */

const BEFORE = '2026-06-01T00:00:00.000Z';
const SWITCH = new Date('2026-06-01T00:00:00.001Z');
const AFTER = SWITCH.toISOString();

type Since = Partial<Record<SealKind, Date | null>>;
const sealsOf = (since: Since) =>
  SEAL_KINDS.flatMap((kind) => (kind in since ? [{ kind, requiredSince: since[kind] ?? null }] : []));
const pick = (since: Since, act: SealedAct, level: OrganLevel, authorisedAt = AFTER) =>
  pickSealsFor(sealsOf(since), { act, level, authorisedAt }).map(({ kind }) => kind);

const ALL: Since = { UNIT_SEAL: SWITCH, APPROVAL_SEAL: SWITCH, LICENSE_SEAL: SWITCH, ACCEPTANCE_SEAL: SWITCH };

describe('the kind of seal', () => {
  test.each<[SealedAct, OrganLevel, SealKind]>([
    ['DECISION', 'COUNTY', 'UNIT_SEAL'],
    ['DECISION', 'CITY', 'APPROVAL_SEAL'],
    ['ISSUE', 'COUNTY', 'LICENSE_SEAL'],
    ['ISSUE', 'CITY', 'APPROVAL_SEAL'],
    ['SUSPEND', 'COUNTY', 'LICENSE_SEAL'],
    ['CANCEL', 'CITY', 'APPROVAL_SEAL'],
  ])('on %s of a %s organ is one alone', (act, level, kind) => {
    expect(pick(ALL, act, level)).toEqual([kind]);
  });

  test('until it is in use the old kinds serve, and what was authorised before keeps them', () => {
    const made: Since = { ...ALL, UNIT_SEAL: null };
    expect(pick(made, 'DECISION', 'COUNTY')).toEqual(['UNIT_SEAL', 'APPROVAL_SEAL', 'LICENSE_SEAL']);
    expect(pick({ LICENSE_SEAL: SWITCH }, 'DECISION', 'COUNTY')).toEqual(['LICENSE_SEAL']);
    expect(pick(ALL, 'DECISION', 'COUNTY', BEFORE)).toEqual(['UNIT_SEAL', 'APPROVAL_SEAL', 'LICENSE_SEAL']);
  });

  test('of notices is never on an outcome', () => {
    for (const act of ['ISSUE', 'DECISION', 'SUSPEND'] as const)
      expect(pick({ ACCEPTANCE_SEAL: SWITCH }, act, 'COUNTY')).toEqual([]);
  });

  test('the level of an organ is that of its division', () => {
    for (const { divisionCode, level } of readOrgans()) expect(levelOfDivision(divisionCode)).toBe(level);
  });
});
