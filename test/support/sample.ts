import { inject } from 'vitest';
import { createRandom } from '../tamper/random.ts';

/** Returns that many of the values, or all if there are no more. The same seed chooses the same. */
export function takeSample<Value>(values: readonly Value[], size: number, seed: number): Value[] {
  const rest = [...values];
  if (rest.length <= size) return rest;
  const random = createRandom(seed);
  return Array.from({ length: size }, () => rest.splice(random.below(rest.length), 1)).flat();
}

/**
 * Returns some of the cases of a long walk, chosen by the seed of the run and the name of the walk, so that some runs
 * try each. TEST_SAMPLE=all returns all; TEST_SEED sets the seed, which every run prints.
 */
export function sampleCases<Case>(walk: string, cases: readonly Case[], size: number): Case[] {
  if (process.env.TEST_SAMPLE === 'all') return [...cases];
  const seed = [...walk].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, inject('sampleSeed'));
  return takeSample(cases, size, seed);
}
