import { type Loop, startLoop } from './loop.ts';
import { publish, publishNew } from './publish.ts';
import { BATCH, type LogDependencies, sequence } from './workflow.ts';

const POLL_MS = 200;
const PAUSE_MOST_MS = 5_000;

export interface SequencerOptions extends LogDependencies {
  /** Where the log's static files stand; null where another copy of the hub publishes them. */
  folder: string | null;
  /** Keys of the witnesses, as text. */
  witnesses: readonly string[];
  pollMs?: number;
  onError?: (error: unknown) => void;
  /** Told once a checkpoint is committed and before it is published. */
  onCommitted?: () => void;
}

/** Starts what gives leaves their places and publishes the log. Any number of copies may run on one database. */
export function startSequencer(options: SequencerOptions): Loop {
  const { db, folder, witnesses, onCommitted, onError, pollMs = POLL_MS } = options;
  const target = folder === null ? null : { db, folder, witnesses };
  const once = async () => {
    // First what a crash left behind, and whether folder and database are of one log: nothing is signed before that is known.
    if (target && (await publish(target))) return true;
    const placed = await sequence(options);
    if (placed === 0) return false;
    onCommitted?.();
    return (target !== null && (await publishNew(target))) || placed === BATCH;
  };
  return startLoop(once, { pollMs, pauseMostMs: PAUSE_MOST_MS, onError });
}
