import { cpSync, renameSync, rmSync } from 'node:fs';
import { chanceOf } from './chance.ts';
import type { House } from './house.ts';
import { type Inside, openInside, type Tamper, type Tampered } from './inside.ts';
import { LICENSE_KINDS } from './license-kinds.ts';
import { LOG_KINDS } from './log-kinds.ts';
import { PAPER_KINDS } from './paper-kinds.ts';
import { SEAL_KINDS } from './seal-kinds.ts';
import { SECRET_KINDS } from './secret-kinds.ts';
import { USE_KINDS } from './use-kinds.ts';

/** Every kind of tampering, by name. */
const TAMPERINGS: Readonly<Record<string, Tamper>> = {
  ...LOG_KINDS,
  ...USE_KINDS,
  ...SECRET_KINDS,
  ...LICENSE_KINDS,
  ...PAPER_KINDS,
  ...SEAL_KINDS,
};

export const KINDS: readonly string[] = Object.keys(TAMPERINGS);

/** Kinds that neither the hub nor its log can reveal, each with the reason. */
export const HARD: Readonly<Record<string, string>> = {
  'blank-received-too-many': 'nobody outside knows how many blanks were received',
};

/** Tampers with a hub clone, inspects it, and undoes every change. */
export async function rehearse<Seen>(
  inside: Inside,
  kind: string,
  seed: number,
  look: () => Promise<Seen>,
): Promise<{ told: Tampered; seen: Seen }> {
  const { house, sql } = inside;
  const kept = `${house.logFolder}.kept`;
  cpSync(house.logFolder, kept, { recursive: true });
  await sql`begin`;
  try {
    const told = await tamperInside(inside, kind, seed);
    return { told, seen: await look() };
  } finally {
    await sql`rollback`;
    rmSync(house.logFolder, { recursive: true });
    renameSync(kept, house.logFolder);
  }
}

/** Tampers with a hub clone as an insider would. The same seed chooses the same victim. */
export async function tamper(house: House, kind: string, seed: number): Promise<Tampered> {
  const inside = await openInside(house);
  try {
    return await tamperInside(inside, kind, seed);
  } finally {
    await inside.sql.end();
  }
}

/** Tampers through an open insider. All changes in the database go through its single connection. */
export async function tamperInside(inside: Inside, kind: string, seed: number): Promise<Tampered> {
  const apply = TAMPERINGS[kind];
  if (!apply) throw new RangeError(`no kind of tampering ${kind}`);
  const { description, objects } = await apply(inside, chanceOf(seed));
  return { kind, description, objects: [...new Set(objects)] };
}
