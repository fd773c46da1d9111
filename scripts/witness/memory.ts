import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

/** What a witness remembers of each log: the newest tree that it signed. Forgetting it would let a log take back what it said. */

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
   * Lets `decide` see what is remembered and say what is to be remembered instead, null for no change. Nobody else comes between,
   * and what is new outlives a power cut before this answers.
   */
  change<Decided extends { keep: Seen | null }>(
    origin: string,
    decide: (seen: Seen | null) => Decided,
  ): Promise<Decided>;
}

/** Opens the memory in a file. Throws where the file is there and cannot be read: a witness without memory must not sign. */
export function openMemory(file: string): Memory {
  let held = read(file);
  const of = (origin: string) => (Object.hasOwn(held, origin) ? (held[origin] ?? null) : null);
  return {
    of: async (origin) => of(origin),
    // From first to last without a pause.
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

/** Whole or not at all, and still there when the power goes off. */
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
