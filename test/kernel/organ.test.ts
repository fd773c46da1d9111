import { expect, test } from 'vitest';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { actsFor, organsOf, readsOneOf } from '../../subgraphs/kernel/organ/place.ts';
import {
  competentOrgan,
  hasEnded,
  listInheritances,
  listSuccessors,
  nameOn,
  organOn,
  type Succession,
} from '../../subgraphs/kernel/organ/reform.ts';

/** Who is competent for what on a day, after renamings, mergers and splits of organs. */

const share = (
  organ: string,
  successor: string,
  from: string,
  matters: readonly string[] | null = null,
): Succession => ({ organ, successor, from, matters });

test('an organ has the name of the day', () => {
  const organ = {
    id: 'a',
    name: '林业局',
    names: [
      { name: '自然资源局', from: '2027-01-01' },
      { name: '林草局', from: '2026-07-01' },
    ],
  };
  expect(['2026-06-30', '2026-07-01', '2026-12-31', '2027-01-01'].map((day) => nameOn(organ, day))).toEqual([
    '林业局',
    '林草局',
    '林草局',
    '自然资源局',
  ]);
  expect(organOn(organ, '2026-07-01')).toEqual({ id: 'a', name: '林草局' });
  expect(nameOn({ name: '林业局' }, '2030-01-01')).toBe('林业局');
});

test('a successor is competent from its first day on, and the last of a chain', () => {
  const shares = [share('a', 'b', '2026-07-01'), share('b', 'c', '2027-01-01')];
  expect(competentOrgan(shares, 'a', 'm1', '2026-06-30')).toBe('a');
  expect(competentOrgan(shares, 'a', 'm1', '2026-07-01')).toBe('b');
  expect(competentOrgan(shares, 'a', null, '2027-01-01')).toBe('c');
  expect(competentOrgan(shares, 'c', null, '2027-01-01')).toBe('c');
  expect([hasEnded(shares, 'a', '2026-06-30'), hasEnded(shares, 'a', '2026-07-01')]).toEqual([false, true]);
  expect(listInheritances(shares, 'c', '2026-12-31')).toEqual([]);
  expect(listInheritances(shares, 'c', '2027-01-01').map(({ organ }) => organ)).toEqual(['a', 'b']);
  expect(listInheritances(shares, 'b', '2027-01-01')).toEqual([]);
});

test('two organs become one on the same day', () => {
  const shares = [share('a', 'c', '2026-07-01'), share('b', 'c', '2026-07-01')];
  expect(listInheritances(shares, 'c', '2026-07-01')).toEqual([
    { organ: 'a', matters: null, except: [] },
    { organ: 'b', matters: null, except: [] },
  ]);
});

test('a split divides by matter; what belongs to no matter is of the rest', () => {
  const shares = [
    share('a', 'c', '2026-07-01', ['m1', 'm2']),
    share('a', 'b', '2026-07-01'),
    share('c', 'd', '2027-01-01'),
  ];
  const day = '2026-07-01';
  expect(['m1', 'm2', 'm3', null].map((matter) => competentOrgan(shares, 'a', matter, day))).toEqual([
    'c',
    'c',
    'b',
    'b',
  ]);
  expect(competentOrgan(shares, 'a', 'm1', '2027-01-01')).toBe('d');
  expect(listInheritances(shares, 'b', day)).toEqual([{ organ: 'a', matters: null, except: ['m1', 'm2'] }]);
  expect(listInheritances(shares, 'c', day)).toEqual([{ organ: 'a', matters: ['m1', 'm2'], except: [] }]);
  expect(listSuccessors(shares, 'a', day)).toEqual(['b', 'c']);
});

test('a circle is an error, not an endless search', () => {
  const shares = [share('a', 'b', '2026-07-01'), share('b', 'a', '2026-07-01')];
  expect(() => competentOrgan(shares, 'a', null, '2026-07-01')).toThrow('circle');
});

test('a person acts for the own organ and for its shares of former ones', () => {
  const placed: Pick<Person, 'organ' | 'inherits'> = {
    organ: 'b',
    inherits: [
      { organ: 'a', matters: null, except: ['m1'] },
      { organ: 'x', matters: ['m7'], except: [] },
    ],
  };
  const acts = (organ: string | null, matter: string | null) => actsFor(placed, organ, matter);
  expect([acts('b', null), acts('b', 'm1'), acts(null, null), acts('z', null)]).toEqual([true, true, false, false]);
  expect([acts('a', 'm1'), acts('a', 'm2'), acts('a', null)]).toEqual([false, true, true]);
  expect([acts('x', 'm7'), acts('x', 'm1'), acts('x', null)]).toEqual([true, false, false]);
  expect(organsOf(placed)).toEqual(['b', 'a', 'x']);
  expect([readsOneOf(placed, ['x']), readsOneOf(placed, [null, 'z'])]).toEqual([true, false]);
  expect(actsFor({ organ: null, inherits: placed.inherits }, 'a', null)).toBe(false);
});
