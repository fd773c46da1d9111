import type { PersonRegister } from '../../subgraphs/cases/person/register.ts';

/** Returns the register that `find` finds at each question: it runs in this process or in another one. */
export function deferRegister(find: () => PersonRegister): PersonRegister {
  return {
    resolvePerson: (identity, at) => find().resolvePerson(identity, at),
    resolvePlace: (organ, at) => find().resolvePlace(organ, at),
    recordLogout: (logout, at) => find().recordLogout(logout, at),
  };
}
