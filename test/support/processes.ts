import { readdirSync, readFileSync } from 'node:fs';

/** A process that names a folder in its command line or in its environment. */
export interface FoundProcess {
  pid: number;
  command: string;
}

/** Returns the other processes that name a folder: of a hub its database, its library, its signer. */
export function listProcesses(folder: string): FoundProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return `${command} ${environment}`.includes(folder) ? [{ pid: Number(pid), command }] : [];
      } catch {
        return [];
      }
    });
}
