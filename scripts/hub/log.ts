import { closeSync, fstatSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { LogLevel } from '../../subgraphs/kernel/environment/levels.ts';
import { startLog } from '../../subgraphs/kernel/environment/log.ts';

/**
 * The log of a hub that runs on one machine: `hub.log` and `requests.log` in its data folder. The terminal stays for
 * people. Lines about requests that failed without a fault have a file of their own: whoever sends bad requests decides
 * how many there are, and must not wash away the faults.
 */

/** A larger log is set aside as `….1`, at the start and while the hub runs. The one before it is deleted. */
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

/** Opens the log and sends the log of this process there. Prints one line for each fault. Throws if it cannot open. */
export function openHubLog(dataFolder: string, level: LogLevel, maxBytes: number = MAX_LOG_BYTES): HubLog {
  const file = join(dataFolder, 'hub.log');
  const appender = openAppender(file, maxBytes);
  const requestAppender = openAppender(join(dataFolder, 'requests.log'), maxBytes);
  let isOpen = true;
  const write = (line: string) => {
    if (isOpen) (isOfCallers(line) ? requestAppender : appender).append(line);
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
    if (isOpen) for (const one of [appender, requestAppender]) one.close();
    isOpen = false;
  };
  return { sortLines, close };
}

/** Whether a line is about a request that had no fault. Within a text of JSON these quotes are escaped. */
function isOfCallers(line: string): boolean {
  return line.includes('"event":"request"') && !line.includes('"incident":"');
}

/** Appends lines to a file and sets it aside when it is too large. Appending never throws. */
function openAppender(file: string, maxBytes: number): { append(line: string): void; close(): void } {
  const open = () => openSync(file, 'a', 0o600);
  let descriptor = open();
  let size = fstatSync(descriptor).size;
  let isFailing = false;
  const rotate = () => {
    if (size <= maxBytes) return;
    // If this fails, the old file goes on, and the next attempt is made after as many bytes again.
    size = 0;
    renameSync(file, `${file}.1`);
    const next = open();
    closeSync(descriptor);
    descriptor = next;
  };
  const append = (line: string) => {
    try {
      rotate();
    } catch (error) {
      console.error(`日志文件无法轮换 cannot rotate ${file}: ${codeOf(error)}`);
    }
    try {
      // A write that failed may have left the beginning of its line.
      const text = isFailing ? `\n${line}` : line;
      writeFileSync(descriptor, text);
      size += Buffer.byteLength(text);
      isFailing = false;
    } catch (error) {
      // A full disk must not stop work. It is announced once, until a line can be written again.
      if (!isFailing) console.error(`日志文件无法写入，改写到此处 cannot write ${file}: ${codeOf(error)}`);
      isFailing = true;
      process.stderr.write(line);
    }
  };
  return { append, close: () => closeSync(descriptor) };
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | null)?.code);
}
