import { describe, expect, test } from 'vitest';
import { readLicenseTypes, readMatters } from '../../seeds/load.ts';
import { requireSituation } from '../../subgraphs/cases/reception/application.ts';
import type { DelegationFact } from '../../subgraphs/kernel/events/events.ts';
import type { LicenseAction } from '../../subgraphs/kernel/license-acts.ts';
import { listCarriedActs, listSituations, type OutcomeSince } from '../../subgraphs/kernel/license-type/situation.ts';
import type { LicenseTypeVersion } from '../../subgraphs/kernel/license-type/type.ts';
import { delegationOn, type MatterFact } from '../../subgraphs/kernel/period/delegation.ts';
import { nameOf } from '../../subgraphs/matters/matter.ts';
import { matterFacts } from '../support/matters.ts';

const DAY = '2026-03-02';
const types = new Map(
  readLicenseTypes().map((type) => [type.code, { ...type, version: 1, validTo: null } as LicenseTypeVersion]),
);
const outcomes = matterFacts.map(({ delegations }) => delegations);

/** The situations of a matter of the plan, as its type says them. */
function offeredBy(
  matter: MatterFact,
  type?: Partial<LicenseTypeVersion>,
  guided: LicenseAction[] | null = null,
): LicenseAction[] {
  const { licenseAction: ownAct, outcome } = delegationOn(matter, DAY);
  const code = outcome.licenseType ?? '';
  const known = types.get(code);
  if (!known) return [];
  const carried = listCarriedActs(outcomes, code, DAY);
  return listSituations({ ownAct, type: { ...known, ...type }, carried, guided });
}

function find(id: string): MatterFact {
  const matter = matterFacts.find(({ matterId }) => matterId === `yd2022-${id}`);
  if (!matter) throw new Error(id);
  return matter;
}

describe('the situations of the matters of the plan', () => {
  test.each([
    ['1-07', ['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'CORRECT', 'CANCEL']],
    ['3-02', ['RENEW']],
    ['3-03', ['RETAIN']],
    ['3-05', ['CHANGE']],
    ['3-06', ['TRANSFER']],
    ['3-29', ['REISSUE']],
    ['3-04', ['CANCEL']],
    // Sub-items exist for the other acts of 矿产资源勘查许可证.
    ['3-01', ['ISSUE', 'REISSUE', 'CORRECT']],
    // Only 变更 of 燃气经营许可证 has a sub-item, in another annex.
    ['3-38', ['ISSUE', 'RENEW', 'REISSUE', 'CORRECT', 'CANCEL']],
    ['1-02', []],
  ])('%s offers %j', (id, offered) => {
    expect(offeredBy(find(id as string))).toEqual(offered);
  });

  test('a row whose name says one act is for that act alone', () => {
    const WORDS = { 延续: 'RENEW', 换证: 'RENEW', 保留: 'RETAIN', 变更: 'CHANGE', 转让: 'TRANSFER', 注销: 'CANCEL' };
    const REISSUES = { 补发: 'REISSUE', 补办: 'REISSUE', 补证: 'REISSUE' };
    const named = readMatters().flatMap((row) => {
      const hit = Object.entries({ ...WORDS, ...REISSUES }).find(([word]) => row.subItem?.includes(word));
      return hit && row.outcome.kind !== 'DECISION' ? [{ row, act: hit[1] }] : [];
    });
    expect(named.length).toBeGreaterThan(15);
    for (const { row, act } of named) {
      expect([nameOf(row), row.licenseAction]).toEqual([nameOf(row), act]);
      expect([row.id, offeredBy(find(row.id.slice(7)))]).toEqual([row.id, [act]]);
    }
  });

  test('every act of every type has a matter', () => {
    for (const [code, { acts, term }] of types) {
      const ofType = matterFacts.filter((matter) => delegationOn(matter, DAY).outcome.licenseType === code);
      const offered = new Set(ofType.flatMap((matter) => offeredBy(matter)));
      expect([code, acts.filter((act) => !offered.has(act))]).toEqual([code, []]);
      expect(offered).toContain('CORRECT');
      if (term.kind === 'NONE') expect(offered).not.toContain('RENEW');
    }
  });
});

describe('the rule', () => {
  test('a license without a term is not renewed, whatever its type names', () => {
    const acts: LicenseAction[] = ['ISSUE', 'CHANGE', 'RENEW'];
    expect(offeredBy(find('2-30'), { acts })).not.toContain('RENEW');
    expect(offeredBy(find('2-30'), { acts, term: { kind: 'FIXED', months: 12 } })).toContain('RENEW');
    expect(offeredBy(find('3-02'), { term: { kind: 'NONE', months: null } })).toEqual([]);
  });

  test('an act that the type does not know is not offered, also by the sub-item for it; but every error is corrected', () => {
    expect(offeredBy(find('3-05'), { acts: ['ISSUE'] })).toEqual([]);
    expect(offeredBy(find('1-07'), { acts: ['CHANGE'] })).toEqual(['CHANGE', 'CORRECT']);
  });

  test('a service guide leaves out what it does not name, and adds nothing', () => {
    expect(offeredBy(find('1-07'), {}, ['ISSUE', 'REISSUE', 'TRANSFER'])).toEqual(['ISSUE', 'REISSUE', 'CORRECT']);
    expect(offeredBy(find('3-05'), {}, ['ISSUE'])).toEqual([]);
  });

  test('without a type only the own act is possible', () => {
    expect(listSituations({ ownAct: null, type: null, carried: new Set(), guided: null })).toEqual(['ISSUE']);
    expect(listSituations({ ownAct: 'CANCEL', type: null, carried: new Set(), guided: null })).toEqual(['CANCEL']);
  });

  test('a sub-item carries its act from its first day, and of its own type', () => {
    const period = (licenseAction: LicenseAction, validFrom: string | null): OutcomeSince[] => [
      { licenseAction, validFrom, outcome: { licenseType: 'A' } },
    ];
    const matters = [
      period('CHANGE', '2026-03-03'),
      period('CANCEL', DAY),
      period('REISSUE', null),
      period('ISSUE', null),
    ];
    expect([...listCarriedActs(matters, 'A', DAY)].sort()).toEqual(['CANCEL', 'REISSUE']);
    expect(listCarriedActs(matters, 'B', DAY).size).toBe(0);
  });
});

describe('an application', () => {
  const delegation = delegationOn(find('1-07'), DAY);
  const require = (act: LicenseAction | null, of: DelegationFact, offered: LicenseAction[]) => {
    try {
      return requireSituation({ act, delegation: of }, offered);
    } catch (error) {
      const { code, field, message } = error as { code: string; field: string; message: string };
      return [code, field, message];
    }
  };

  test('is for what it names, or for what the matter is for', () => {
    expect(require('CHANGE', delegation, ['ISSUE', 'CHANGE'])).toBe('CHANGE');
    expect(require(null, delegation, ['ISSUE', 'CHANGE'])).toBe('ISSUE');
    expect(require(null, delegationOn(find('3-02'), DAY), ['RENEW'])).toBe('RENEW');
  });

  test('is told what the matter offers instead', () => {
    expect(require('TRANSFER', delegation, ['ISSUE', 'CHANGE'])).toEqual([
      'SITUATION_NOT_OFFERED',
      'situation',
      '此事项不办理该情形：可办理新办、变更。',
    ]);
    expect(require(null, delegation, [])).toEqual(['SITUATION_NOT_OFFERED', 'situation', '此事项不办理该情形。']);
  });

  test('for a decision document has none', () => {
    const decision = delegationOn(find('1-02'), DAY);
    expect(require(null, decision, [])).toBeNull();
    expect(require('ISSUE', decision, [])).toMatchObject(['SITUATION_NOT_OFFERED', 'situation', expect.anything()]);
  });
});
