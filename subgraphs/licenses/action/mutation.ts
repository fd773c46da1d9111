import type { Act } from '../../kernel/license-acts.ts';

/** How the mutations of acts on a license are called. */

type MutationOf<Name extends Act> = `${Lowercase<Name>}License`;

/** The mutation of an act, and the name under which `actions` shows it: `issueLicense`. */
export function mutationOf<Name extends Act>(act: Name): MutationOf<Name> {
  return `${act.toLowerCase() as Lowercase<Name>}License`;
}

/** Builds one value for each act, under the name of its mutation. */
export function mapMutations<Name extends Act, Value>(
  acts: readonly Name[],
  build: (act: Name) => Value,
): Readonly<Record<MutationOf<Name>, Value>> {
  const values = Object.fromEntries(acts.map((act) => [mutationOf(act), build(act)]));
  return values as Record<MutationOf<Name>, Value>;
}
