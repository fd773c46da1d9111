import { type Loop, startLoop } from '../../kernel/loop.ts';
import { publish, publishNew } from './publish-workflow.ts';
import { assignPlaces, type LogDependencies, MAX_BATCH_LEAVES } from './workflow.ts';

const POLL_MS = 200;
const MAX_PAUSE_MS = 5_000;

export interface SequencerOptions extends LogDependencies {
  /** Folder of the log's static files; null if another copy of the hub publishes them. */
  folder: string | null;
  /** Keys of the witnesses, as text. */
  witnesses: readonly string[];
  pollMs?: number;
  onError?: (error: unknown) => void;
  /** Called after a checkpoint is committed and before it is published. */
  onCommitted?: () => void;
}

/**
 * Starts the loop that assigns places to leaves and publishes the log. Any number of copies may run on one database.
 */
export function startSequencer(options: SequencerOptions): Loop {
  const { db, folder, witnesses, onCommitted, onError, pollMs = POLL_MS } = options;
  const target = folder === null ? null : { db, folder, witnesses };
  const runOnce = async () => {
    // First publish what a crash left unpublished, and check that folder and database hold the same log. Nothing may be
    // signed before that check.
    if (target && (await publish(target))) return true;
    const leafCount = await assignPlaces(options);
    if (leafCount === 0) return false;
    onCommitted?.();
    return (target !== null && (await publishNew(target))) || leafCount === MAX_BATCH_LEAVES;
  };
  return startLoop(runOnce, { pollMs, maxPauseMs: MAX_PAUSE_MS, onError });
}
