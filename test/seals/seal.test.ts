import { describe, expect, test } from 'vitest';
import type { Actor } from '../../subgraphs/kernel/actor.ts';
import { requireAllowed } from '../../subgraphs/kernel/policy.ts';
import type { RefusalCode } from '../../subgraphs/kernel/refusal.ts';
import type { AuthorisedUse } from '../../subgraphs/kernel/sealing/sign.ts';
import { requireFits } from '../../subgraphs/seals/application/application.ts';
import { SEALS_POLICY } from '../../subgraphs/seals/policy.ts';
import {
  type Grant,
  requireCompromise,
  requireFilingNumber,
  requireSuspended,
  requireUsable,
  type Seal,
} from '../../subgraphs/seals/seal.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { deciderOf } from './requests.ts';

const startTime = new Date('2026-06-01T00:00:00Z');
const endTime = new Date('2029-06-01T00:00:00Z');
const midValidity = new Date('2027-01-01T00:00:00Z');

const buildGrant = (matter: string, changes: Partial<Grant> = {}): Grant => ({
  ...{ id: matter, matter, person: null, from: null, to: null },
  ...changes,
});

function buildSeal(changes: Partial<Seal> = {}): Seal {
  return {
    id: 'yudu-lyj-license-seal',
    name: '于都县林业局证照专用章',
    kind: 'LICENSE_SEAL',
    organ: 'yudu-lyj',
    state: 'IN_USE',
    validFrom: startTime,
    validUntil: endTime,
    filingNumber: '备案 1',
    grants: [buildGrant('m1')],
    requiredSince: null,
    ...changes,
  };
}

const USE: AuthorisedUse = {
  ...{ organ: 'yudu-lyj', matterId: 'm1', personId: 'yudu-lyj.approver', decider: deciderOf('yudu-lyj') },
  ...{ act: 'ISSUE', level: 'COUNTY', authorisedAt: '2027-01-01T00:00:00Z' },
};

const expectRefusal = (code: RefusalCode, run: () => unknown) => expect(run).toThrow(expect.objectContaining({ code }));

/** No line of text: blanks at an end, a line break, a direction mark, an invisible and a private character. */
const WRONG_LINES = [' 备案', '备案 ', '备\n案', '备\u202e案', '备\u200b案', '备\ue000案', '备\u0000案', '备\ud800'];

describe('a grant that is applied for', () => {
  const facts = { since: null, own: [], trusted: [], picture: null };
  const grant = { kind: 'GRANT', matter: 'm2', person: 'yudu-lyj.approver', from: null, to: null } as const;
  test('fits the seal', () => {
    expect(() => requireFits(grant, buildSeal(), facts, startTime)).not.toThrow();
  });
  test.each(WRONG_LINES)('names no matter and no person by %j', (wrong) => {
    for (const field of ['matter', 'person']) {
      const run = () => requireFits({ ...grant, [field]: wrong }, buildSeal(), facts, startTime);
      expect(run).toThrow(expect.objectContaining({ code: 'FIELD_MALFORMED', field }));
    }
  });
});

describe('the usable seal', () => {
  test('is the one that is granted, in use and valid', () => {
    const usableSeal = buildSeal({ id: 'right' });
    const unusableSeals = [
      buildSeal({ id: 'other matter', grants: [buildGrant('m2')] }),
      buildSeal({ id: 'stopped', state: 'SUSPENDED' }),
      buildSeal({ id: 'over', validUntil: midValidity }),
    ];
    const later = new Date(midValidity.getTime() + 1);
    expect(requireUsable([...unusableSeals, usableSeal], USE, later).id).toBe('right');
  });
  test('is usable from the first to the last moment of its validity, and not outside', () => {
    expect(requireUsable([buildSeal()], USE, startTime)).toBeDefined();
    expect(requireUsable([buildSeal()], USE, endTime)).toBeDefined();
    const timesOutside = [startTime.getTime() - 1, endTime.getTime() + 1].map((ms) => new Date(ms));
    for (const at of timesOutside) expectRefusal('SEAL_EXPIRED', () => requireUsable([buildSeal()], USE, at));
  });
  test.each<[string, Seal[], RefusalCode]>([
    ['no seal at all', [], 'SEAL_UNKNOWN'],
    ["another organ's", [buildSeal({ organ: 'yudu-slj' })], 'SEAL_NOT_OF_ORGAN'],
    ['no grant', [buildSeal({ grants: [] })], 'SEAL_NOT_GRANTED'],
    ['an ended seal', [buildSeal({ state: 'ENDED' })], 'SEAL_NOT_GRANTED'],
    ['a seal not yet on file', [buildSeal({ state: 'MADE' })], 'SEAL_NOT_IN_USE'],
    ['a seal not yet put into use', [buildSeal({ state: 'ON_FILE' })], 'SEAL_NOT_IN_USE'],
    [
      'a suspended seal next to one never used',
      [buildSeal({ state: 'ON_FILE' }), buildSeal({ state: 'SUSPENDED' })],
      'SEAL_SUSPENDED',
    ],
    [
      'a grant to somebody else',
      [buildSeal({ grants: [buildGrant('m1', { person: 'yudu-lyj.other' })] })],
      'SEAL_NOT_GRANTED',
    ],
    ['a future grant', [buildSeal({ grants: [buildGrant('m1', { from: '2027-01-02' })] })], 'SEAL_NOT_GRANTED'],
    ['an expired grant', [buildSeal({ grants: [buildGrant('m1', { to: '2026-12-31' })] })], 'SEAL_NOT_GRANTED'],
    ['a suspended seal', [buildSeal({ state: 'SUSPENDED' })], 'SEAL_SUSPENDED'],
    [
      'a suspended seal next to one without grant',
      [buildSeal({ grants: [] }), buildSeal({ state: 'SUSPENDED' })],
      'SEAL_SUSPENDED',
    ],
    [
      'an expired seal next to a suspended one',
      [buildSeal({ state: 'SUSPENDED' }), buildSeal({ validUntil: startTime })],
      'SEAL_EXPIRED',
    ],
  ])('%s is refused with the reason of the seal that passed the most checks', (_, seals, code) => {
    expectRefusal(code, () => requireUsable(seals, USE, midValidity));
  });
});

test('a grant is for its person, from its first to its last day in Shanghai time', () => {
  const grants = [buildGrant('m1', { person: USE.personId, from: '2027-01-01', to: '2027-01-02' })];
  const first = new Date('2026-12-31T16:00:00Z');
  const last = new Date('2027-01-02T15:59:59.999Z');
  for (const at of [first, last]) expect(requireUsable([buildSeal({ grants })], USE, at)).toBeDefined();
  for (const ms of [first.getTime() - 1, last.getTime() + 1]) {
    expectRefusal('SEAL_NOT_GRANTED', () => requireUsable([buildSeal({ grants })], USE, new Date(ms)));
  }
});

describe('who may act on a seal', () => {
  const allow =
    (name: 'suspendSeal' | 'fileSeal' | 'putSealIntoUse') =>
    (subject: Seal, actor: Actor, at = midValidity) =>
      requireAllowed(SEALS_POLICY[name], { seal: subject, at }, actor);
  const suspendSeal = allow('suspendSeal');
  const fileSeal = allow('fileSeal');
  const putIntoUse = allow('putSealIntoUse');
  const keeper = requireDemoPerson('yudu-lyj.keeper');
  const approver = requireDemoPerson('yudu-lyj.sealapprover');

  test('its keeper suspends it', () => {
    expect(suspendSeal(buildSeal(), keeper)).toBe(keeper);
  });
  test('its keeper puts it on file once, and then into use', () => {
    expect(fileSeal(buildSeal({ state: 'MADE' }), keeper)).toBe(keeper);
    for (const state of ['ON_FILE', 'IN_USE', 'SUSPENDED'] as const) {
      expectRefusal('SEAL_ON_FILE', () => fileSeal(buildSeal({ state }), keeper));
    }
    expectRefusal('FIELD_MALFORMED', () => requireFilingNumber(' '));
    expectRefusal('FIELD_TOO_LONG', () => requireFilingNumber('长'.repeat(65)));
    for (const wrong of WRONG_LINES) expectRefusal('FIELD_MALFORMED', () => requireFilingNumber(wrong));
    expect(putIntoUse(buildSeal({ state: 'ON_FILE' }), keeper)).toBe(keeper);
    expect(putIntoUse(buildSeal(), keeper)).toBe(keeper);
    expectRefusal('SEAL_NOT_ON_FILE', () => putIntoUse(buildSeal({ state: 'MADE' }), keeper));
    expectRefusal('SEAL_SUSPENDED', () => putIntoUse(buildSeal({ state: 'SUSPENDED' }), keeper));
    for (const act of [fileSeal, putIntoUse])
      expectRefusal('SEAL_EXPIRED', () => act(buildSeal({ state: 'ENDED' }), keeper));
    const afterEnd = new Date(endTime.getTime() + 1);
    expectRefusal('SEAL_EXPIRED', () => fileSeal(buildSeal({ state: 'MADE' }), keeper, afterEnd));
    expectRefusal('SEAL_EXPIRED', () => putIntoUse(buildSeal({ state: 'ON_FILE' }), keeper, afterEnd));
  });
  test('a seal that was never in use can be neither suspended nor resumed', () => {
    for (const state of ['MADE', 'ON_FILE'] as const) {
      expectRefusal('SEAL_NOT_IN_USE', () => suspendSeal(buildSeal({ state }), keeper));
      expectRefusal('SEAL_NOT_IN_USE', () => requireSuspended(buildSeal({ state }), midValidity));
    }
  });
  test('a time of compromise is required for a key compromise, within the life of the key, and only for it', () => {
    const compromise = (compromisedAt: Date | null) => ({ reason: 'KEY_COMPROMISE' as const, compromisedAt });
    for (const at of [startTime, midValidity])
      expect(() => requireCompromise(compromise(at), startTime, midValidity)).not.toThrow();
    const timesOutside = [startTime.getTime() - 1, midValidity.getTime() + 1].map((ms) => new Date(ms));
    for (const at of [null, ...timesOutside]) {
      expectRefusal('FIELD_MALFORMED', () => requireCompromise(compromise(at), startTime, midValidity));
    }
    expectRefusal('FIELD_MALFORMED', () =>
      requireCompromise({ reason: 'SUPERSEDED', compromisedAt: midValidity }, startTime, midValidity),
    );
  });
  test('a suspended seal cannot be suspended again', () => {
    expectRefusal('SEAL_SUSPENDED', () => suspendSeal(buildSeal({ state: 'SUSPENDED' }), keeper));
  });
  test('an expired or ended seal cannot be resumed', () => {
    expect(() => requireSuspended(buildSeal({ state: 'SUSPENDED' }), endTime)).not.toThrow();
    expectRefusal('SEAL_EXPIRED', () => requireSuspended(buildSeal({ state: 'ENDED' }), midValidity));
    const afterEnd = new Date(endTime.getTime() + 1);
    expectRefusal('SEAL_EXPIRED', () => requireSuspended(buildSeal({ state: 'SUSPENDED' }), afterEnd));
    expectRefusal('ACTION_DONE', () => requireSuspended(buildSeal({ state: 'IN_USE' }), midValidity));
  });
  test('no other role may act in place of its keeper', () => {
    const otherStaff = ['approver', 'clerk', 'reviewer', 'supervisor'].map((position) =>
      requireDemoPerson(`yudu-lyj.${position}`),
    );
    for (const actor of [
      ...otherStaff,
      approver,
      requireDemoPerson('administrator'),
      requireDemoPerson('auditor'),
      { kind: 'public' } as const,
    ]) {
      for (const act of [suspendSeal, putIntoUse]) expectRefusal('ROLE_NOT_ALLOWED', () => act(buildSeal(), actor));
    }
  });
  test("another organ's keeper is refused", () => {
    expectRefusal('SEAL_NOT_OF_ORGAN', () => suspendSeal(buildSeal(), requireDemoPerson('yudu-slj.keeper')));
    expectRefusal('SEAL_NOT_OF_ORGAN', () =>
      fileSeal(buildSeal({ state: 'MADE' }), requireDemoPerson('yudu-slj.keeper')),
    );
  });
});
