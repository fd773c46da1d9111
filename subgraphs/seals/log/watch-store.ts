import { desc, eq } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { isSame, type TreeHead } from '../../kernel/tlog/tree.ts';
import { logCheckpoint } from './tables.ts';

/** Remembers the newest checkpoint that this process has seen. The database must have it for ever. */
export interface LogWatch {
  /** Remembers a checkpoint if it is larger than the one that is remembered. */
  see(checkpoint: TreeHead): void;
  /**
   * Returns false if the database does not have the remembered checkpoint: it was set back to an older state. Else
   * remembers its newest checkpoint.
   */
  look(db: Reader): Promise<boolean>;
}

export function createLogWatch(): LogWatch {
  let seen: TreeHead | null = null;
  const see = ({ size, root }: TreeHead) => {
    if (seen === null || size > seen.size) seen = { size, root };
  };
  const columns = { size: logCheckpoint.size, root: logCheckpoint.root };
  return {
    see,
    async look(db) {
      const remembered = seen;
      if (remembered) {
        const [row] = await db.select(columns).from(logCheckpoint).where(eq(logCheckpoint.size, remembered.size));
        if (!row || !isSame(row.root, remembered.root)) return false;
      }
      const [newest] = await db.select(columns).from(logCheckpoint).orderBy(desc(logCheckpoint.size)).limit(1);
      if (newest) see(newest);
      return true;
    },
  };
}
