import { expect, test } from 'vitest';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import {
  type CoOwnership,
  describeOwnership,
  isHeldBy,
  listOwnershipFaults,
  MAX_CO_HOLDERS,
  parseShare,
  readHeld,
  toRecordedOwnership,
} from '../../subgraphs/kernel/identity/co-ownership.ts';
import { IDENTITY_KINDS } from '../../subgraphs/kernel/identity/identity.ts';

const HOLDER = { name: '张三', codeKind: 'CITIZEN_NUMBER' as const, code: '11010519491231002X' };
const OTHER = { name: '李四', codeKind: 'PASSPORT' as const, code: 'USA-E12345678' };
const numbered = (i: number) => ({ ...OTHER, code: `USA-E1234${1000 + i}` });

function faultsOf(coOwnership: CoOwnership): string[] {
  return listOwnershipFaults({ holder: HOLDER, coOwnership }).map(({ code, member }) => `${code} ${member}`);
}

test('a share is kept as a fraction in lowest terms', () => {
  const shares = {
    '1/2': '1/2',
    '2/4': '1/2',
    '50%': '1/2',
    ' 50 % ': '1/2',
    '５０％': '1/2',
    '１／３': '1/3',
    '½': '1/2',
    '33.33%': '3333/10000',
    '0.5%': '1/200',
    '999999/1000000': null,
    '0/3': null,
    '3/3': null,
    '4/3': null,
    '100%': null,
    '1/0': null,
    '33.33333%': null,
    二分之一: null,
    '-1/2': null,
    '': null,
  };
  for (const [text, kept] of Object.entries(shares)) expect([text, parseShare(text)]).toEqual([text, kept]);
});

test('shares make one whole exactly', () => {
  const third = { kind: 'SHARES' as const, share: '1/3', coHolders: [{ ...OTHER, share: '1/3' }] };
  expect(faultsOf(third)).toEqual(['SHARES_NOT_WHOLE share']);
  expect(faultsOf({ ...third, coHolders: [{ ...OTHER, share: '2/3' }] })).toEqual([]);
  const percents = ['33.33%', '33.33%', '33.34%'].map((text) => parseShare(text) ?? '');
  const [share = '', ...others] = percents;
  const coHolders = others.map((one, i) => ({ ...numbered(i), share: one }));
  expect(faultsOf({ kind: 'SHARES', share, coHolders })).toEqual([]);
  const twenty = Array.from({ length: MAX_CO_HOLDERS }, (_, i) => ({ ...numbered(i), share: '1/21' }));
  expect(faultsOf({ kind: 'SHARES', share: '1/21', coHolders: twenty })).toEqual([]);
  expect(
    faultsOf({ kind: 'SHARES', share: '1/22', coHolders: [...twenty, { ...numbered(20), share: '1/22' }] }),
  ).toEqual(['FIELD_TOO_LONG coHolders']);
});

test('every holder has a share, or none has', () => {
  expect(faultsOf({ kind: 'SHARES', share: null, coHolders: [{ ...OTHER, share: '1/2' }] })).toEqual([
    'FIELD_MALFORMED share',
  ]);
  expect(faultsOf({ kind: 'JOINT', share: null, coHolders: [{ ...OTHER, share: '1/2' }] })).toEqual([
    'FIELD_MALFORMED coHolders[0].share',
  ]);
  expect(faultsOf({ kind: 'JOINT', share: null, coHolders: [{ ...OTHER, share: null }] })).toEqual([]);
  expect(faultsOf({ kind: 'SHARES', share: '一半', coHolders: [{ ...OTHER, share: '1/2' }] })).toEqual([
    'FIELD_MALFORMED share',
  ]);
});

test('nobody holds a license twice', () => {
  const joint = (...people: (typeof HOLDER | typeof OTHER)[]) =>
    faultsOf({ kind: 'JOINT', share: null, coHolders: people.map((one) => ({ ...one, share: null })) });
  expect(joint(HOLDER)).toEqual(['HOLDER_TWICE coHolders[0].code']);
  expect(joint(OTHER, OTHER)).toEqual(['HOLDER_TWICE coHolders[1].code']);
  // Two people may have one name.
  expect(joint(OTHER, { ...OTHER, code: 'DEU-E12345678' })).toEqual([]);
  expect(joint()).toEqual(['FIELD_MALFORMED coHolders']);
});

test('names are bounded together, because one line shows all of them', () => {
  const long = Array.from({ length: MAX_CO_HOLDERS }, (_, i) => ({
    ...numbered(i),
    name: '长'.repeat(60),
    share: null,
  }));
  expect(faultsOf({ kind: 'JOINT', share: null, coHolders: long })).toEqual(['FIELD_TOO_LONG coHolders']);
});

test('a record says who holds the license, and is read back', () => {
  const coOwnership: CoOwnership = { kind: 'SHARES', share: '1/3', coHolders: [{ ...OTHER, share: '2/3' }] };
  const record = { CZZT: HOLDER.name, CZZTDM: HOLDER.code, CZZTDMLX: IDENTITY_KINDS[HOLDER.codeKind].record };
  expect(readHeld(record)).toEqual({ holder: HOLDER });
  const shared = { ...record, KZ_GY: toRecordedOwnership(coOwnership) };
  expect(toCanonicalJson(shared.KZ_GY)).toBe(
    '{"FE":"1/3","GYFS":"按份共有","GYR":[{"CZZT":"李四","CZZTDM":"USA-E12345678","CZZTDMLX":"414","FE":"2/3"}]}',
  );
  expect(readHeld(shared)).toEqual({ holder: HOLDER, coOwnership });
  expect(describeOwnership({ holder: HOLDER, coOwnership })).toBe('按份共有：张三 1/3、李四 2/3');
  expect([HOLDER.code, OTHER.code, 'X'].map((code) => isHeldBy(readHeld(shared), code))).toEqual([true, true, false]);
});
