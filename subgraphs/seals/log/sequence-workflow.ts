import type { Halt } from '../../kernel/halt.ts';
import { type Loop, startLoop } from '../../kernel/loop.ts';
import { publish, publishNew, SetBack } from './publication/publish-workflow.ts';
import type { LogWatch } from './watch-store.ts';
import { assignPlaces, type LogDependencies, MAX_BATCH_LEAVES } from './workflow.ts';

const POLL_MS = 200;
const MAX_PAUSE_MS = 5_000;

export interface SequencerOptions extends LogDependencies {
  /** Folder of the log's static files; null if another copy of the hub publishes them. */
  folder: string | null;
  /** Keys of the witnesses, as text. */
  witnesses: readonly string[];
  watch: LogWatch;
  halt: Halt;
  pollMs?: number;
  onError?: (error: unknown) => void;
  /** Called after a checkpoint is committed and before it is published. */
  onCommitted?: () => void;
}

/**
 * Starts the loop that assigns places to leaves and publishes the log. Any number of copies may run on one database.
 */
export function startSequencer(options: SequencerOptions): Loop {
  const { db, folder, witnesses, watch, halt, onCommitted, onError, pollMs = POLL_MS } = options;
  const target = folder === null ? null : { db, folder, witnesses };
  const requireSeen = async () => {
    if (!(await watch.look(db))) throw new SetBack('the database lacks a checkpoint that this process has seen');
  };
  const runOnce = async () => {
    halt.requireActing();
    await requireSeen();
    // First publish what a crash left unpublished, and check that folder and database hold the same log. Nothing may be
    // signed before that check.
    if (target && (await publish(target))) return true;
    const leafCount = await assignPlaces(options);
    if (leafCount === 0) return false;
    onCommitted?.();
    await requireSeen();
    return (target !== null && (await publishNew(target))) || leafCount === MAX_BATCH_LEAVES;
  };
  const runGuarded = async () => {
    try {
      return await runOnce();
    } catch (error) {
      if (error instanceof SetBack) halt.raise('DATABASE_SET_BACK');
      throw error;
    }
  };
  return startLoop(runGuarded, { pollMs, maxPauseMs: MAX_PAUSE_MS, onError });
}
