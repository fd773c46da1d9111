import { describe, expect, test } from 'vitest';
import { environmentRules } from './environment-rules.ts';
import { homeRules } from './home-rules.ts';
import { buildHouse, findAllViolations, type House, readHouse, SUBGRAPHS, subgraphOf } from './house.ts';
import { layerRules } from './layer-rules.ts';
import { KERNEL } from './layers.ts';
import { purityRules } from './purity.ts';
import { sizeRules } from './size-rules.ts';
import { testRules } from './test-rules.ts';

/** House style as a test: who may import whom, what is pure, who touches keys and the environment, how long code is. */

const RULES = [...layerRules, ...purityRules, ...environmentRules, ...sizeRules, ...testRules, ...homeRules];
const house = readHouse();

describe('the house keeps its rules', () => {
  test('there is a house', () => {
    expect(house.size).toBeGreaterThan(400);
  });
  test.each(RULES)('$name', (rule) => {
    expect(findAllViolations(rule, house)).toEqual([]);
  });
  test.each(Object.keys(KERNEL))('kernel/%s has two importing subgraphs or more', (name) => {
    expect(findUsers(`subgraphs/kernel/${name}.ts`, house).size).toBeGreaterThanOrEqual(2);
  });
});

/** Returns the subgraphs that import a file, or a file of the kernel that does. */
function findUsers(path: string, inHouse: House, seen = new Set<string>()): Set<string> {
  seen.add(path);
  const users = [...inHouse.values()].filter(({ imports }) => imports.some(({ target }) => target === path));
  const found = users.flatMap((user) => {
    const own = subgraphOf(user.path) ?? '';
    if (own === 'kernel') return seen.has(user.path) ? [] : [...findUsers(user.path, inHouse, seen)];
    return SUBGRAPHS.includes(own) ? [own] : [];
  });
  return new Set(found);
}

/** A rule that misses a planted violation would miss it anywhere. */
describe.each(RULES)('caught: $name', (rule) => {
  test.each(Object.entries(rule.planted))('%s', (_kind, texts) => {
    expect(findAllViolations(rule, buildHouse(texts))).not.toEqual([]);
  });
});
