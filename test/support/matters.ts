import { listDemoPeople } from '../../scripts/demo/people.ts';
import { readMatters, readOrgans } from '../../seeds/load.ts';
import { requireAcceptingOrgan } from '../../subgraphs/cases/reception/policy.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { delegationOn, type MatterFact } from '../../subgraphs/kernel/period/delegation.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { buildDelegationFact, buildMatter } from '../../subgraphs/matters/matter.ts';

/** The 108 matters of the plan as cases know them, and who accepts their applications. */

const organs = readOrgans();
const people = listDemoPeople(organs.map((organ) => organ.id));

export const matterFacts: readonly MatterFact[] = readMatters().map((row) =>
  buildDelegationFact(buildMatter(row), organs),
);

/** Returns a demo person who may accept applications for the matter on that day. Throws if there is none. */
export function findAcceptor(matter: MatterFact, day: string): Person {
  const acceptor = people.find((person) => mayAccept(person, matter, day));
  if (!acceptor) throw new Error(`nobody accepts ${matter.matterId}`);
  return acceptor;
}

function mayAccept(person: Person, matter: MatterFact, day: string): boolean {
  if (!person.roles.some((role) => role === 'WINDOW_CLERK')) return false;
  try {
    requireAcceptingOrgan(person, matter, delegationOn(matter, day));
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}
