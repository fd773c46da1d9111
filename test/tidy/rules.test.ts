import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { durationRules } from './duration-rules.ts';
import { environmentRules } from './environment-rules.ts';
import { expressionRules } from './expression-rules.ts';
import { homeRules } from './home-rules.ts';
import { layerRules } from './layer-rules.ts';
import { KERNEL } from './layers.ts';
import { outgoingRules } from './outgoing-rules.ts';
import { pathRules } from './path-rules.ts';
import { purityRules } from './purity-rules.ts';
import { sizeRules } from './size-rules.ts';
import {
  buildSources,
  findAllViolations,
  readSources,
  type Source,
  type Sources,
  SUBGRAPHS,
  subgraphOf,
} from './sources.ts';
import { testRules } from './test-rules.ts';
import { unpackRules } from './unpack-rules.ts';
import { wordRules } from './word-rules.ts';

/** The rules of the code: who imports whom, what is pure, who uses keys and the environment, how long and named how. */

const RULES = [
  ...layerRules,
  ...purityRules,
  ...environmentRules,
  ...homeRules,
  ...outgoingRules,
  ...sizeRules,
  ...testRules,
  ...durationRules,
  ...wordRules,
  ...pathRules,
  ...expressionRules,
  ...unpackRules,
];
const sources = readSources();

describe('the code keeps the rules', () => {
  test('there is code', () => {
    expect(sources.size).toBeGreaterThan(400);
  });
  test.each(RULES)('$name', (rule) => {
    expect(findAllViolations(rule, sources)).toEqual([]);
  });
  test.each(Object.keys(KERNEL))('kernel/%s has two importing subgraphs or more', (name) => {
    expect(findUsers(`subgraphs/kernel/${name}.ts`, sources).size).toBeGreaterThanOrEqual(2);
  });
});

/** Returns the subgraphs that import a file, or a file of the kernel that does. */
function findUsers(path: string, inSources: Sources, seen = new Set<string>()): Set<string> {
  seen.add(path);
  const users = [...inSources.values()].filter(
    (source) => source.imports.some(({ target }) => target === path) || findThreads(source).includes(path),
  );
  const found = users.flatMap((user) => {
    const own = subgraphOf(user.path) ?? '';
    if (own === 'kernel') return seen.has(user.path) ? [] : [...findUsers(user.path, inSources, seen)];
    return SUBGRAPHS.includes(own) ? [own] : [];
  });
  return new Set(found);
}

/** Returns the main files of the threads that a file starts. */
function findThreads({ path, text }: Source): string[] {
  const files = text.matchAll(/new Worker\(new URL\('([^']+)', import\.meta\.url\)/g);
  return [...files].map(([, file = '']) => join(dirname(path), file));
}

/** A rule that misses a planted violation would miss it anywhere. */
describe.each(RULES)('caught: $name', (rule) => {
  test.each(Object.entries(rule.planted))('%s', (_kind, texts) => {
    expect(findAllViolations(rule, buildSources(texts))).not.toEqual([]);
  });
});
