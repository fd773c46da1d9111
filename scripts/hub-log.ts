import { closeSync, existsSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { LogLevel } from '../subgraphs/kernel/environment/levels.ts';
import { startLog } from '../subgraphs/kernel/environment/log.ts';

/** The log of a hub that runs on one machine: `hub.log` in its data folder. The terminal stays for people. */

/** A larger log is set aside as `hub.log.1` at the next start. The one before it is deleted. */
const MAX_LOG_BYTES = 50_000_000;

export interface HubLog {
  /**
   * Sorts what a child process writes: lines of its log go into the file, lines for people to this process's standard
   * error stream.
   */
  sortLines(stream: Readable): void;
  /** Stops logging to the file. */
  close(): void;
}

/** Opens the log and sends the log of this process there. Prints one line for each fault. */
export function openHubLog(dataFolder: string, level: LogLevel): HubLog {
  const file = join(dataFolder, 'hub.log');
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  const descriptor = openSync(file, 'a', 0o600);
  let isOpen = true;
  const write = (line: string) => {
    if (isOpen) writeSync(descriptor, line);
    else process.stderr.write(line);
    const incident = line.includes('"event":"fault"') ? /"incident":"([\w-]+)"/.exec(line)?.[1] : undefined;
    if (incident !== undefined) console.error(`系统内部故障 fault ${incident}，详见 see ${file}`);
  };
  startLog({ service: 'hub', level, write });
  const sortLines = (stream: Readable) => {
    createInterface({ input: stream }).on('line', (line) => {
      if (line.startsWith('{"level":')) write(`${line}\n`);
      else console.error(line);
    });
  };
  const close = () => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return { sortLines, close };
}
