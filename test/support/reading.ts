import { PURPOSES, type Purpose } from '../../subgraphs/kernel/privacy/purpose.ts';
import { requireDemoPerson } from './actors.ts';
import type { TestHub } from './hub.ts';

/** Returns a purpose that fits a demo person at every step of a case, or null for who states none. */
function purposeOf(person: string): Purpose | null {
  const { roles } = requireDemoPerson(person);
  const names = Object.keys(PURPOSES) as Purpose[];
  const fits = (name: Purpose) => roles.some((role) => (PURPOSES[name].roles as readonly string[]).includes(role));
  const fitting = names.filter((name) => fits(name) && !('isImplied' in PURPOSES[name]));
  return fitting.find((name) => !('phase' in PURPOSES[name])) ?? fitting[0] ?? null;
}

/** Opens a file at the hub as `person`, or without a token. By default for a purpose that fits the person. */
export async function fetchFile(
  hub: TestHub,
  person: string | null,
  url: string,
  purpose: string | null = person === null ? null : purposeOf(person),
  remark: string | null = null,
) {
  const headers = {
    ...(person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` }),
    ...(purpose === null ? {} : { 'x-purpose': purpose }),
    ...(remark === null ? {} : { 'x-purpose-remark': encodeURIComponent(remark) }),
  };
  return hub.hub.app.inject({ url, headers });
}
