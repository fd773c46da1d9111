import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

/** A witness's memory: the newest tree it signed of each log. Without it, a log could remove entries unnoticed. */

const seen = z.object({
  size: z.number().int().nonnegative(),
  /** Base64. */
  root: z.string().length(44),
  /** The checkpoint with the log's signature and the witness's own. */
  note: z.string(),
});
const logs = z.record(z.string(), seen);
export type Seen = z.infer<typeof seen>;

export interface Memory {
  of(origin: string): Promise<Seen | null>;
  /**
   * Calls `decide` with the stored tree and stores the tree it returns as `keep`; null for no change. No other change
   * runs in between. The new tree is safe from a power failure before this returns.
   */
  change<Decided extends { keep: Seen | null }>(
    origin: string,
    decide: (seen: Seen | null) => Decided,
  ): Promise<Decided>;
}

/** Opens the memory in a file. Throws if the file exists but is unreadable: a witness without memory must not sign. */
export function openMemory(file: string): Memory {
  let held = read(file);
  const of = (origin: string) => (Object.hasOwn(held, origin) ? (held[origin] ?? null) : null);
  return {
    of: async (origin) => of(origin),
    // Synchronous from start to end, so that no other change runs in between.
    async change(origin, decide) {
      const decided = decide(of(origin));
      if (decided.keep === null) return decided;
      const changed = { ...held, [origin]: decided.keep };
      write(file, JSON.stringify(changed, null, 2));
      held = changed;
      return decided;
    },
  };
}

function read(file: string): z.infer<typeof logs> {
  try {
    return logs.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`${file} 无法读取`, { cause: error });
  }
}

/** Writes the whole file or nothing. The file survives a power failure. */
function write(file: string, text: string): void {
  const draft = `${file}.draft`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
