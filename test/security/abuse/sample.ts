import { createRandom } from '../../tamper/random.ts';
import { times } from './abuse.ts';

/** Makes and chooses abuses. A run's titles say it, so that it can be repeated. */
export const SEED = Number(process.env.SECURITY_SEED ?? 13);
/** How many abuses of each kind are tried. All if it is not set. */
const SAMPLE = Number(process.env.SECURITY_SAMPLE ?? Number.POSITIVE_INFINITY);

/** Returns the abuses of a kind, or as many of them as the sample has, chosen by the seed. */
export function takeSample<Value>(abuses: readonly Value[]): Value[] {
  const rest = [...abuses];
  if (rest.length <= SAMPLE) return rest;
  const random = createRandom(SEED);
  return times(SAMPLE, () => rest.splice(random.below(rest.length), 1)).flat();
}
