import { readFileSync } from 'node:fs';
import { type FieldDefinitionNode, Kind, parse, print } from 'graphql';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import type { Fixture, Reading } from './fixtures.ts';

/** An independent reading of the policy tables: grants in order, places as `fixtures.ts` writes them out. */

export type Expectation = 'ALLOWED' | 'ROLE' | 'PLACE';

const isIn = (value: string | null, list: readonly string[] = []) => value !== null && list.includes(value);

function belongsTo(
  { everybody = false, anyOrgan = false, organs, windows, holderCodes, personIds }: Reading,
  person: Person,
): boolean {
  const { organ, window, holderCode, id } = person;
  return (
    everybody ||
    (anyOrgan && organ !== null) ||
    isIn(organ, organs) ||
    isIn(window, windows) ||
    isIn(holderCode, holderCodes) ||
    isIn(id, personIds)
  );
}

/** What the row of a fixture says to a person. */
export function expectationOf({ rule, subject, places }: Fixture, person: Person): Expectation {
  let answer: Expectation = 'ROLE';
  for (const { roles, place, when, isFinal } of rule.grants) {
    if (when && !when(subject as never)) continue;
    const reading = places[place.name];
    if (!reading) throw new Error(`nobody says who belongs to ${place.name}`);
    const hasRole = person.roles.some((role) => roles.includes(role));
    if (hasRole && belongsTo(reading, person)) return 'ALLOWED';
    answer = hasRole ? 'PLACE' : 'ROLE';
    if (hasRole && isFinal) break;
  }
  return answer;
}

/** The mutations of a subgraph's schema with the type of their input. */
export function listMutations(subgraph: string): { name: string; inputType: string }[] {
  const schema = parse(readFileSync(new URL(`../../subgraphs/${subgraph}/schema.graphql`, import.meta.url), 'utf8'));
  const fields = schema.definitions.flatMap((definition): readonly FieldDefinitionNode[] => {
    const isObject = definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION;
    return isObject && definition.name.value === 'Mutation' ? (definition.fields ?? []) : [];
  });
  return fields.map(({ name, arguments: args = [] }) => ({
    name: name.value,
    inputType: args[0] ? print(args[0].type) : '',
  }));
}
