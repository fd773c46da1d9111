import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

/** A witness's memory: the newest tree it signed of each log. Without it, a log could remove entries unnoticed. */

const treeSchema = z.object({
  size: z.number().int().nonnegative(),
  /** Base64. */
  root: z.string().length(44),
  /** The checkpoint with the log's signature and the witness's own. */
  note: z.string(),
});
const memorySchema = z.record(z.string(), treeSchema);
export type WitnessedTree = z.infer<typeof treeSchema>;

export interface Memory {
  of(origin: string): Promise<WitnessedTree | null>;
  /**
   * Calls `decide` with the stored tree and stores the tree it returns as `keep`; null for no change. No other change
   * runs in between. The new tree is safe from a power failure before this returns.
   */
  change<Decided extends { keep: WitnessedTree | null }>(
    origin: string,
    decide: (seen: WitnessedTree | null) => Decided,
  ): Promise<Decided>;
}

/** Opens the memory in a file. Throws if the file exists but is unreadable: a witness without memory must not sign. */
export function openMemory(file: string): Memory {
  let treesByLog = readMemory(file);
  const findTree = (origin: string) => (Object.hasOwn(treesByLog, origin) ? (treesByLog[origin] ?? null) : null);
  return {
    of: async (origin) => findTree(origin),
    // Synchronous from start to end, so that no other change runs in between.
    async change(origin, decide) {
      const decision = decide(findTree(origin));
      if (decision.keep === null) return decision;
      const newTrees = { ...treesByLog, [origin]: decision.keep };
      writeAtomically(file, JSON.stringify(newTrees, null, 2));
      treesByLog = newTrees;
      return decision;
    },
  };
}

function readMemory(file: string): z.infer<typeof memorySchema> {
  try {
    return memorySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`${file} 无法读取`, { cause: error });
  }
}

/** Writes the whole file or nothing. The file survives a power failure. */
function writeAtomically(file: string, text: string): void {
  const draftPath = `${file}.draft`;
  const handle = openSync(draftPath, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draftPath, file);
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
