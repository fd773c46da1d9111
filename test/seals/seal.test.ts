import { describe, expect, test } from 'vitest';
import type { RefusalCode } from '../../subgraphs/kernel/refusal.ts';
import { end, requireGranter, requireUsable, resume, type Seal, suspend } from '../../subgraphs/seals/seal.ts';
import { actor } from '../support/actors.ts';

const from = new Date('2026-06-01T00:00:00Z');
const until = new Date('2029-06-01T00:00:00Z');
const during = new Date('2027-01-01T00:00:00Z');

function seal(changed: Partial<Seal> = {}): Seal {
  return {
    id: 'yudu-lyj-license-seal',
    name: '于都县林业局证照专用章',
    kind: 'LICENSE_SEAL',
    organ: 'yudu-lyj',
    state: 'IN_USE',
    validFrom: from,
    validUntil: until,
    matters: ['m1'],
    ...changed,
  };
}

const refuses = (code: RefusalCode, run: () => unknown) => expect(run).toThrow(expect.objectContaining({ code }));

describe('which seal may be used', () => {
  test('the one granted, in use and in force', () => {
    const right = seal({ id: 'right' });
    const others = [
      seal({ id: 'other matter', matters: ['m2'] }),
      seal({ id: 'stopped', state: 'SUSPENDED' }),
      seal({ id: 'over', validUntil: during }),
    ];
    const later = new Date(during.getTime() + 1);
    expect(requireUsable([...others, right], 'yudu-lyj', 'm1', later).id).toBe('right');
  });
  test('on the first and the last moment of its certificate, and not a moment beyond', () => {
    expect(requireUsable([seal()], 'yudu-lyj', 'm1', from)).toBeDefined();
    expect(requireUsable([seal()], 'yudu-lyj', 'm1', until)).toBeDefined();
    const outside = [from.getTime() - 1, until.getTime() + 1].map((ms) => new Date(ms));
    for (const at of outside) refuses('SEAL_EXPIRED', () => requireUsable([seal()], 'yudu-lyj', 'm1', at));
  });
  test.each<[string, Seal[], RefusalCode]>([
    ['no seal at all', [], 'SEAL_UNKNOWN'],
    ["another organ's", [seal({ organ: 'yudu-slj' })], 'SEAL_NOT_OF_ORGAN'],
    ['no grant', [seal({ matters: [] })], 'SEAL_NOT_GRANTED'],
    ['an ended seal', [seal({ state: 'ENDED' })], 'SEAL_NOT_GRANTED'],
    ['a stopped seal', [seal({ state: 'SUSPENDED' })], 'SEAL_SUSPENDED'],
    [
      'a stopped seal beside one without grant',
      [seal({ matters: [] }), seal({ state: 'SUSPENDED' })],
      'SEAL_SUSPENDED',
    ],
    [
      'an expired seal beside a stopped one',
      [seal({ state: 'SUSPENDED' }), seal({ validUntil: from })],
      'SEAL_EXPIRED',
    ],
  ])('%s is refused for the reason of the seal that came furthest', (_, seals, code) => {
    refuses(code, () => requireUsable(seals, 'yudu-lyj', 'm1', during));
  });
});

describe('who may act on a seal', () => {
  const keeper = actor('yudu-lyj.keeper');
  const approver = actor('yudu-lyj.sealapprover');

  test('its keeper stops and resumes it', () => {
    expect(suspend(seal(), keeper)).toMatchObject({ by: keeper, state: 'SUSPENDED' });
    expect(resume(seal({ state: 'SUSPENDED' }), keeper, during)).toMatchObject({ state: 'IN_USE' });
  });
  test('its seal approver grants', () => expect(requireGranter(seal(), approver)).toBe(approver));
  test('its seal approver ends it, for a compromise at a time when there was a key', () => {
    const compromise = (compromisedAt: Date | null) => ({ reason: 'KEY_COMPROMISE' as const, compromisedAt });
    for (const at of [from, during]) expect(end(seal(), approver, compromise(at), during)).toBe(approver);
    const outside = [from.getTime() - 1, during.getTime() + 1].map((ms) => new Date(ms));
    for (const at of [null, ...outside]) {
      refuses('FIELD_MALFORMED', () => end(seal(), approver, compromise(at), during));
    }
    refuses('FIELD_MALFORMED', () => end(seal(), approver, { reason: 'SUPERSEDED', compromisedAt: during }, during));
    refuses('ROLE_NOT_ALLOWED', () => end(seal(), keeper, compromise(during), during));
  });
  test('what is stopped is not stopped again', () => {
    refuses('SEAL_SUSPENDED', () => suspend(seal({ state: 'SUSPENDED' }), keeper));
  });
  test('what is over or ended is not resumed', () => {
    refuses('SEAL_EXPIRED', () => resume(seal({ state: 'ENDED' }), keeper, during));
    refuses('SEAL_EXPIRED', () => resume(seal({ state: 'SUSPENDED' }), keeper, new Date(until.getTime() + 1)));
  });
  test('the two roles do not stand in for each other, and no other role for either', () => {
    const strangers = ['approver', 'clerk', 'reviewer', 'supervisor'].map((position) => actor(`yudu-lyj.${position}`));
    for (const who of [...strangers, approver, actor('administrator'), actor('auditor'), { kind: 'public' } as const]) {
      refuses('ROLE_NOT_ALLOWED', () => suspend(seal(), who));
    }
    for (const who of [...strangers, keeper, actor('administrator')]) {
      refuses('ROLE_NOT_ALLOWED', () => requireGranter(seal(), who));
    }
  });
  test("another organ's keeper and approver are refused", () => {
    refuses('SEAL_NOT_OF_ORGAN', () => suspend(seal(), actor('yudu-slj.keeper')));
    refuses('SEAL_NOT_OF_ORGAN', () => resume(seal(), actor('ganzhou-lyj.keeper'), during));
    refuses('SEAL_NOT_OF_ORGAN', () => requireGranter(seal(), actor('yudu-slj.sealapprover')));
  });
});
