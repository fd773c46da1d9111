import { generateKeyPairSync } from 'node:crypto';
import { findDemoPerson, mintToken } from '../../scripts/demo/people.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';

/** The key pair of this test process. Its hubs accept tokens signed with the private key. */
export const tokenKeys = generateKeyPairSync('ed25519');

/**
 * Returns a demo person by id: `applicant-company`, `applicant-citizen`, `window-yudu`, `window-xingguo`, `auditor`,
 * `library`, `administrator`, or `<organ id>.<position>`.
 * Positions: clerk, reviewer, approver, keeper, sealapprover, supervisor.
 */
export function requireDemoPerson(id: string): Person {
  const person = findDemoPerson(id);
  if (!person) throw new Error(`no demo person ${id}`);
  return person;
}

/** Signs a token of that person. It is valid for 12 hours from `now`, or for `lifeSeconds`. */
export function tokenFor(person: Person, now: Date, lifeSeconds?: number): Promise<string> {
  return mintToken(person, tokenKeys.privateKey, now, lifeSeconds);
}
