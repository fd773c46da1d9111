import { describe, expect, test } from 'vitest';
import type { Actor } from '../../subgraphs/kernel/actor.ts';
import { requireAllowed } from '../../subgraphs/kernel/policy.ts';
import type { RefusalCode } from '../../subgraphs/kernel/refusal.ts';
import { SEALS_POLICY } from '../../subgraphs/seals/policy.ts';
import {
  type Grant,
  requireCompromise,
  requireFilingNumber,
  requireUsable,
  type Seal,
} from '../../subgraphs/seals/seal.ts';
import { requireDemoPerson } from '../support/actors.ts';

const from = new Date('2026-06-01T00:00:00Z');
const until = new Date('2029-06-01T00:00:00Z');
const during = new Date('2027-01-01T00:00:00Z');

const open = (matter: string, changed: Partial<Grant> = {}): Grant => ({
  ...{ id: matter, matter, person: null, from: null, to: null },
  ...changed,
});

function seal(changed: Partial<Seal> = {}): Seal {
  return {
    id: 'yudu-lyj-license-seal',
    name: '于都县林业局证照专用章',
    kind: 'LICENSE_SEAL',
    organ: 'yudu-lyj',
    state: 'IN_USE',
    validFrom: from,
    validUntil: until,
    filingNumber: '备案 1',
    grants: [open('m1')],
    ...changed,
  };
}

const WANTED = { organ: 'yudu-lyj', matterId: 'm1', personId: 'yudu-lyj.approver' };

const refuses = (code: RefusalCode, run: () => unknown) => expect(run).toThrow(expect.objectContaining({ code }));

describe('the usable seal', () => {
  test('is the one that is granted, in use and valid', () => {
    const right = seal({ id: 'right' });
    const others = [
      seal({ id: 'other matter', grants: [open('m2')] }),
      seal({ id: 'stopped', state: 'SUSPENDED' }),
      seal({ id: 'over', validUntil: during }),
    ];
    const later = new Date(during.getTime() + 1);
    expect(requireUsable([...others, right], WANTED, later).id).toBe('right');
  });
  test('is usable from the first to the last moment of its validity, and not outside', () => {
    expect(requireUsable([seal()], WANTED, from)).toBeDefined();
    expect(requireUsable([seal()], WANTED, until)).toBeDefined();
    const outside = [from.getTime() - 1, until.getTime() + 1].map((ms) => new Date(ms));
    for (const at of outside) refuses('SEAL_EXPIRED', () => requireUsable([seal()], WANTED, at));
  });
  test.each<[string, Seal[], RefusalCode]>([
    ['no seal at all', [], 'SEAL_UNKNOWN'],
    ["another organ's", [seal({ organ: 'yudu-slj' })], 'SEAL_NOT_OF_ORGAN'],
    ['no grant', [seal({ grants: [] })], 'SEAL_NOT_GRANTED'],
    ['an ended seal', [seal({ state: 'ENDED' })], 'SEAL_NOT_GRANTED'],
    ['a seal not yet on file', [seal({ state: 'MADE' })], 'SEAL_NOT_IN_USE'],
    ['a seal not yet put into use', [seal({ state: 'ON_FILE' })], 'SEAL_NOT_IN_USE'],
    [
      'a suspended seal next to one never used',
      [seal({ state: 'ON_FILE' }), seal({ state: 'SUSPENDED' })],
      'SEAL_SUSPENDED',
    ],
    ['a grant to somebody else', [seal({ grants: [open('m1', { person: 'yudu-lyj.other' })] })], 'SEAL_NOT_GRANTED'],
    ['a future grant', [seal({ grants: [open('m1', { from: '2027-01-02' })] })], 'SEAL_NOT_GRANTED'],
    ['an expired grant', [seal({ grants: [open('m1', { to: '2026-12-31' })] })], 'SEAL_NOT_GRANTED'],
    ['a suspended seal', [seal({ state: 'SUSPENDED' })], 'SEAL_SUSPENDED'],
    [
      'a suspended seal next to one without grant',
      [seal({ grants: [] }), seal({ state: 'SUSPENDED' })],
      'SEAL_SUSPENDED',
    ],
    [
      'an expired seal next to a suspended one',
      [seal({ state: 'SUSPENDED' }), seal({ validUntil: from })],
      'SEAL_EXPIRED',
    ],
  ])('%s is refused with the reason of the seal that passed the most checks', (_, seals, code) => {
    refuses(code, () => requireUsable(seals, WANTED, during));
  });
});

test('a grant is for its person, from its first to its last day in Shanghai time', () => {
  const grants = [open('m1', { person: WANTED.personId, from: '2027-01-01', to: '2027-01-02' })];
  const first = new Date('2026-12-31T16:00:00Z');
  const last = new Date('2027-01-02T15:59:59.999Z');
  for (const at of [first, last]) expect(requireUsable([seal({ grants })], WANTED, at)).toBeDefined();
  for (const ms of [first.getTime() - 1, last.getTime() + 1]) {
    refuses('SEAL_NOT_GRANTED', () => requireUsable([seal({ grants })], WANTED, new Date(ms)));
  }
});

describe('who may act on a seal', () => {
  const allow =
    (name: 'suspendSeal' | 'resumeSeal' | 'fileSeal' | 'putSealIntoUse') =>
    (subject: Seal, actor: Actor, at = during) =>
      requireAllowed(SEALS_POLICY[name], { seal: subject, at }, actor);
  const suspendSeal = allow('suspendSeal');
  const resumeSeal = allow('resumeSeal');
  const fileSeal = allow('fileSeal');
  const putIntoUse = allow('putSealIntoUse');
  const keeper = requireDemoPerson('yudu-lyj.keeper');
  const approver = requireDemoPerson('yudu-lyj.sealapprover');

  test('its keeper suspends and resumes it', () => {
    expect(suspendSeal(seal(), keeper)).toBe(keeper);
    expect(resumeSeal(seal({ state: 'SUSPENDED' }), keeper)).toBe(keeper);
  });
  test('its keeper puts it on file once, and then into use', () => {
    expect(fileSeal(seal({ state: 'MADE' }), keeper)).toBe(keeper);
    for (const state of ['ON_FILE', 'IN_USE', 'SUSPENDED'] as const) {
      refuses('SEAL_ON_FILE', () => fileSeal(seal({ state }), keeper));
    }
    refuses('FIELD_MALFORMED', () => requireFilingNumber(' '));
    refuses('FIELD_TOO_LONG', () => requireFilingNumber('长'.repeat(65)));
    expect(putIntoUse(seal({ state: 'ON_FILE' }), keeper)).toBe(keeper);
    expect(putIntoUse(seal(), keeper)).toBe(keeper);
    refuses('SEAL_NOT_ON_FILE', () => putIntoUse(seal({ state: 'MADE' }), keeper));
    refuses('SEAL_SUSPENDED', () => putIntoUse(seal({ state: 'SUSPENDED' }), keeper));
    for (const act of [fileSeal, putIntoUse]) refuses('SEAL_EXPIRED', () => act(seal({ state: 'ENDED' }), keeper));
  });
  test('a seal that was never in use can be neither suspended nor resumed', () => {
    for (const state of ['MADE', 'ON_FILE'] as const) {
      refuses('SEAL_NOT_IN_USE', () => suspendSeal(seal({ state }), keeper));
      refuses('SEAL_NOT_IN_USE', () => resumeSeal(seal({ state }), keeper));
    }
  });
  test('a time of compromise is required for a key compromise, within the life of the key, and only for it', () => {
    const compromise = (compromisedAt: Date | null) => ({ reason: 'KEY_COMPROMISE' as const, compromisedAt });
    for (const at of [from, during]) expect(() => requireCompromise(compromise(at), from, during)).not.toThrow();
    const outside = [from.getTime() - 1, during.getTime() + 1].map((ms) => new Date(ms));
    for (const at of [null, ...outside]) {
      refuses('FIELD_MALFORMED', () => requireCompromise(compromise(at), from, during));
    }
    refuses('FIELD_MALFORMED', () => requireCompromise({ reason: 'SUPERSEDED', compromisedAt: during }, from, during));
  });
  test('a suspended seal cannot be suspended again', () => {
    refuses('SEAL_SUSPENDED', () => suspendSeal(seal({ state: 'SUSPENDED' }), keeper));
  });
  test('an expired or ended seal cannot be resumed', () => {
    refuses('SEAL_EXPIRED', () => resumeSeal(seal({ state: 'ENDED' }), keeper));
    refuses('SEAL_EXPIRED', () => resumeSeal(seal({ state: 'SUSPENDED' }), keeper, new Date(until.getTime() + 1)));
  });
  test('no other role may act in place of its keeper', () => {
    const strangers = ['approver', 'clerk', 'reviewer', 'supervisor'].map((position) =>
      requireDemoPerson(`yudu-lyj.${position}`),
    );
    for (const who of [
      ...strangers,
      approver,
      requireDemoPerson('administrator'),
      requireDemoPerson('auditor'),
      { kind: 'public' } as const,
    ]) {
      for (const act of [suspendSeal, putIntoUse]) refuses('ROLE_NOT_ALLOWED', () => act(seal(), who));
    }
  });
  test("another organ's keeper is refused", () => {
    refuses('SEAL_NOT_OF_ORGAN', () => suspendSeal(seal(), requireDemoPerson('yudu-slj.keeper')));
    refuses('SEAL_NOT_OF_ORGAN', () => resumeSeal(seal(), requireDemoPerson('ganzhou-lyj.keeper')));
    refuses('SEAL_NOT_OF_ORGAN', () => fileSeal(seal({ state: 'MADE' }), requireDemoPerson('yudu-slj.keeper')));
  });
});
