import { takeSample } from '../../support/sample.ts';

/** Makes and chooses abuses. A run's titles say it, so that it can be repeated. */
export const SEED = Number(process.env.SECURITY_SEED ?? 13);
/** How many abuses of each kind are tried. All if it is not set. */
const SAMPLE = Number(process.env.SECURITY_SAMPLE ?? Number.POSITIVE_INFINITY);

/** Returns the abuses of a kind, or as many of them as the sample has, chosen by the seed. */
export function sampleAbuses<Value>(abuses: readonly Value[]): Value[] {
  return takeSample(abuses, SAMPLE, SEED);
}
