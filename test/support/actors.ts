import { generateKeyPairSync } from 'node:crypto';
import { findDemoPerson, mintToken } from '../../scripts/people.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';

/** The key pair of this test process: its hubs believe what its private half signed. */
export const tokenKeys = generateKeyPairSync('ed25519');

/**
 * A demo person by id: `applicant-company`, `applicant-citizen`, `window-yudu`, `window-xingguo`, `auditor`, `library`,
 * `administrator`, or `<organ id>.<position>` with clerk, reviewer, approver, keeper, sealapprover or supervisor.
 */
export function actor(id: string): Person {
  const person = findDemoPerson(id);
  if (!person) throw new Error(`no demo person ${id}`);
  return person;
}

/** A token of that person, good for 12 hours from `now` unless `lifeSeconds` says otherwise. */
export function tokenFor(person: Person, now: Date, lifeSeconds?: number): Promise<string> {
  return mintToken(person, tokenKeys.privateKey, now, lifeSeconds);
}
