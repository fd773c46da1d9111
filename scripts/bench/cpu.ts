import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** CPU milliseconds (user and system) of other processes, from Linux proc_pid_stat(5). */

const MS_PER_TICK = 10;
/** Field numbers, counted after the command's name. */
const PARENT = 1;
const TIMES = [11, 12];
const TIMES_OF_ENDED_CHILDREN = [13, 14];

/** Returns [] if the process has exited. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

const childrenOf = (pid: number) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => statOf(one)[PARENT] === String(pid));

const timesOf = (pid: number, fields: readonly number[]) =>
  fields.reduce((sum, field) => sum + Number(statOf(pid)[field] ?? 0), 0) * MS_PER_TICK;

/** Returns the CPU milliseconds of this process' children that run `script`. */
export function cpuOfChildren(script: string): number {
  const runs = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(script);
  return childrenOf(process.pid)
    .filter(runs)
    .reduce((sum, pid) => sum + timesOf(pid, TIMES), 0);
}

/** Returns the CPU milliseconds of the database server of this data folder, with all backends, also ended ones. */
export function cpuOfDatabase(postgresFolder: string): number {
  const postmaster = Number(readFileSync(join(postgresFolder, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const own = timesOf(postmaster, [...TIMES, ...TIMES_OF_ENDED_CHILDREN]);
  return childrenOf(postmaster).reduce((sum, pid) => sum + timesOf(pid, TIMES), own);
}
