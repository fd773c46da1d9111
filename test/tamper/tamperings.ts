import { cpSync, renameSync, rmSync } from 'node:fs';
import { BLANK_KINDS } from './blank-kinds.ts';
import type { HubClone } from './hub-clone.ts';
import { type Insider, openInsider, type Tamper, type TamperReport } from './insider.ts';
import { LICENSE_KINDS } from './license-kinds.ts';
import { LOG_KINDS } from './log-kinds.ts';
import { NOTICE_KINDS } from './notice-kinds.ts';
import { OFFICE_KINDS } from './office-kinds.ts';
import { PAPER_KINDS } from './paper-kinds.ts';
import { createRandom } from './random.ts';
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
  ...BLANK_KINDS,
  ...SEAL_KINDS,
  ...OFFICE_KINDS,
  ...NOTICE_KINDS,
};

export const KINDS: readonly string[] = Object.keys(TAMPERINGS);

/** Kinds that neither the hub nor its log can reveal, each with the reason. */
export const UNDETECTABLE_KINDS: Readonly<Record<string, string>> = {
  'blank-received-too-many': 'nobody outside knows how many blanks were received',
};

/** Tampers with a hub clone, inspects it, and undoes every change. */
export async function tryTampering<Observation>(
  insider: Insider,
  kind: string,
  seed: number,
  inspect: () => Promise<Observation>,
): Promise<{ report: TamperReport; observation: Observation }> {
  const { hubClone, sql } = insider;
  const backupFolder = `${hubClone.logFolder}.kept`;
  cpSync(hubClone.logFolder, backupFolder, { recursive: true });
  await sql`begin`;
  try {
    const report = await tamperInside(insider, kind, seed);
    return { report, observation: await inspect() };
  } finally {
    await sql`rollback`;
    rmSync(hubClone.logFolder, { recursive: true });
    renameSync(backupFolder, hubClone.logFolder);
  }
}

/** Tampers with a hub clone as an insider would. The same seed chooses the same victim. */
export async function tamper(hubClone: HubClone, kind: string, seed: number): Promise<TamperReport> {
  const insider = await openInsider(hubClone);
  try {
    return await tamperInside(insider, kind, seed);
  } finally {
    await insider.sql.end();
  }
}

/** Tampers through an open insider. All changes in the database go through its single connection. */
async function tamperInside(insider: Insider, kind: string, seed: number): Promise<TamperReport> {
  const tampering = TAMPERINGS[kind];
  if (!tampering) throw new RangeError(`no kind of tampering ${kind}`);
  const { description, objects } = await tampering(insider, createRandom(seed));
  return { kind, description, objects: [...new Set(objects)] };
}
