import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Holding } from './kinds.ts';
import { variablesOf } from './parse.ts';
import type { ProcessName } from './variables.ts';

/** Whether other accounts of this machine may read or replace what a path holds. */

/** Permissions of whoever is neither the owner nor in the owner's group. */
const OTHERS = 0o007;
const WRITE = 0o002;

/** A path that is open to other accounts, and the command that closes it. */
export interface Exposure {
  path: string;
  remedy: string;
}

const FILE_MASKS = { SECRET: OTHERS, TRUSTED: WRITE } as const;

/**
 * Returns what is open to other accounts, or null: the path itself, or the folder of a file, where whoever may write
 * can replace it. What does not exist is open to nobody.
 */
export function findExposure(path: string, holds: Holding): Exposure | null {
  if (holds === 'PUBLIC') return null;
  const isOpen = (place: string, mask: number) => (readMode(place) & mask) !== 0;
  const folder = holds === 'SECRETS_FOLDER' ? path : dirname(path);
  if (holds !== 'SECRETS_FOLDER' && isOpen(path, FILE_MASKS[holds])) return { path, remedy: `chmod o= ${path}` };
  return isOpen(folder, WRITE) ? { path: folder, remedy: `chmod o-w ${folder}` } : null;
}

function readMode(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
}

/** Returns a line for each path of a process that other accounts of the machine reach (`Kind.holds`). */
export function listExposures(name: ProcessName, texts: Readonly<Record<string, string | undefined>>): string[] {
  return variablesOf(name).flatMap(([variable, { kind }, use]) => {
    const path = texts[variable]?.trim() || use.default;
    const exposure = path && kind.holds ? findExposure(path, kind.holds) : null;
    return exposure
      ? [`${variable}: ${exposure.path} is open to other accounts of this machine: ${exposure.remedy}`]
      : [];
  });
}
