import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** CPU milliseconds (user and system) of other processes, from Linux proc_pid_stat(5). */

const MS_PER_TICK = 10;
/** Field numbers, counted after the command's name. */
const PARENT_FIELD = 1;
const TIME_FIELDS = [11, 12];
const ENDED_CHILDREN_TIME_FIELDS = [13, 14];

/** Returns [] if the process has exited. */
function readStat(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

const listChildren = (pid: number) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((childPid) => readStat(childPid)[PARENT_FIELD] === String(pid));

const sumTimes = (pid: number, fields: readonly number[]) =>
  fields.reduce((sum, field) => sum + Number(readStat(pid)[field] ?? 0), 0) * MS_PER_TICK;

/** Returns the CPU milliseconds of this process' children that run `script`. */
export function cpuOfChildren(script: string): number {
  const runs = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(script);
  return listChildren(process.pid)
    .filter(runs)
    .reduce((sum, pid) => sum + sumTimes(pid, TIME_FIELDS), 0);
}

/** Returns the CPU milliseconds of the database server of this data folder, with all backends, also ended ones. */
export function cpuOfDatabase(postgresFolder: string): number {
  const postmaster = Number(readFileSync(join(postgresFolder, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const ownMs = sumTimes(postmaster, [...TIME_FIELDS, ...ENDED_CHILDREN_TIME_FIELDS]);
  return listChildren(postmaster).reduce((sum, pid) => sum + sumTimes(pid, TIME_FIELDS), ownMs);
}
