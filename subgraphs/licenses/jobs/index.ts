import { deliverBy, type Relay, type SendEvent, startRelay } from '../../kernel/events/relay.ts';
import { startLoop } from '../../kernel/loop.ts';
import type { RecordReceipt } from '../../kernel/sealing/sign.ts';
import { messages } from '../act/event-store.ts';
import { type IssueDependencies, resumeActs } from '../act/issue-workflow.ts';
import { type EvidenceDependencies, renewProofs } from '../evidence/workflow.ts';
import { startLibraryRelays } from '../library/delivery-workflow.ts';
import { placeChanges } from '../library/feed-store.ts';
import type { LibraryClient } from '../library/library-client.ts';
import { type EntryDependencies, enterNextBatch } from '../registration/entry/workflow.ts';
import { watchSupplies } from '../supply/workflow.ts';
import { stateHolds } from '../validity/hold-workflow.ts';
import { SweepWatch } from '../validity/sweep.ts';
import { sweepEnded } from '../validity/sweep-workflow.ts';

/** What licenses do by themselves while a hub runs. */

const RESUME_POLL_MS = 1_000;
/** Proofs last for years, so a check every ten minutes renews them long before they expire. */
const RENEW_POLL_MS = 600_000;
/** An end is entered within the hour after the last day, or after the start that follows an outage. */
const SWEEP_POLL_MS = 600_000;

/** An organ that runs out of numbers or blanks is warned within five minutes. */
const SUPPLY_POLL_MS = 300_000;

/** What the jobs need beside what acts and evidence need. */
interface JobDependencies extends IssueDependencies, EvidenceDependencies, Omit<EntryDependencies, 'now'> {
  library: LibraryClient | null;
  record: RecordReceipt;
  send: { cases: SendEvent };
  pollMs?: number;
  eventWaitMs?: number | undefined;
}

/**
 * Starts the relays to cases and library, the resumer of acts that were left prepared, the renewal of proofs, the
 * entering of ends, and the watch over numbers and blanks.
 * Returns a function that stops them.
 */
export function startJobs(deps: JobDependencies): () => Promise<void> {
  const { db, send, library, onError = () => {}, pollMs, eventWaitMs } = deps;
  const relays: Relay[] = [
    startRelay({
      ...{ db, tables: messages, consumer: 'cases', deliver: deliverBy(send.cases), onError, pollMs, eventWaitMs },
    }),
  ];
  if (library) relays.push(...startLibraryRelays({ ...deps, library }, { onError, pollMs }));
  const resume = async () => {
    await resumeActs(deps, onError);
    return false;
  };
  const renew = async () => {
    await renewProofs(deps);
    return false;
  };
  const watch = new SweepWatch(() => performance.now());
  const sweep = async (signal: AbortSignal) => {
    await sweepEnded(deps, { signal, watch });
    return false;
  };
  const hold = async (signal: AbortSignal) => {
    await stateHolds(deps, signal);
    return false;
  };
  const watchStock = async () => {
    await watchSupplies(deps);
    return false;
  };
  // Events that an earlier release wrote after this one had prepared the database.
  const place = async () => {
    await db.transaction((tx) => placeChanges(tx, null));
    return false;
  };
  const jobs = [
    ...relays,
    startLoop(resume, { pollMs: RESUME_POLL_MS, isDelayed: true, onError }),
    startLoop(hold, { pollMs: RESUME_POLL_MS, isDelayed: true, onError }),
    startLoop(() => enterNextBatch(deps), { pollMs: RESUME_POLL_MS, onError }),
    startLoop(sweep, { pollMs: SWEEP_POLL_MS, isDelayed: true, onError }),
    startLoop(watchStock, { pollMs: SUPPLY_POLL_MS, isDelayed: true, onError }),
    startLoop(place, { pollMs: RENEW_POLL_MS, onError }),
    startLoop(renew, { pollMs: RENEW_POLL_MS, isDelayed: true, onError }),
  ];
  return async () => {
    await Promise.all(jobs.map((job) => job.stop()));
  };
}
