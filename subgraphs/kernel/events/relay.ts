import { setTimeout as pause } from 'node:timers/promises';
import { clientOf, type Transaction } from '../../../db/client.ts';
import { ENVIRONMENT } from '../environment/variables.ts';
import { type Loop, startLoop } from '../loop.ts';
import { PeerError } from '../refusal.ts';
import {
  type ConsumerRows,
  hasDueDelivery,
  isForPeople,
  LEASE_SECONDS,
  type LeasedDelivery,
  leaseDueDeliveries,
  readNextEnvelope,
  readProgress,
  recordDelivery,
  recordFailure,
  releaseLease,
} from './delivery-store.ts';
import { type Delayed, DeliveryWaits } from './delivery-waits.ts';
import type { Envelope } from './events.ts';
import { Postponement, type Rejection, type RelayWatch, watches } from './outbox-store.ts';

/**
 * Delivers the events of one consumer, in order within a stream. A delivery that gets no answer delays no other stream:
 * it leaves the look that started it, goes on beside the next looks, and has a deadline.
 */

/** Maximum number of streams that one look leases. */
const MAX_BATCH_STREAMS = 16;
/** The same for a consumer of several peers, so that one of them cannot take all that may be under way. */
const MAX_BATCH_STREAMS_OF_PEERS = 4;
/** Maximum number of deliveries that wait for an answer at the same time. */
const MAX_RUNNING = 64;
/** Of these, the part that streams with a failed attempt may take. New events always find the rest. */
const MAX_RUNNING_RETRIES = 32;
/** Of these, the part that one peer may take before its other events wait. */
const MAX_RUNNING_OF_PEER = 8;
/** A look waits this long for what it has started. Then the next look begins. */
const PATIENCE_MS = 200;
/** A delivery without an answer fails after this time, before another copy of the relay may take its stream. */
const DELIVERY_TIMEOUT_MS = (LEASE_SECONDS - 5) * 1_000;
/** A delivery that does not heed its signal is left alone this long after it. */
const GRACE_MS = 1_000;
const POLL_MS = 100;
/**
 * A relay looks when it is woken, at every poll while somebody waits for an event, and otherwise once in so many polls.
 * That finds an event of another process.
 */
const IDLE_POLLS = 10;
/** Streams whose progress one statement reads. */
const MAX_PROGRESS_STREAMS = 1_000;
const EVENT_WAIT_MS = Number(ENVIRONMENT.EVENT_WAIT_MS.uses.start.default);
/** Maximum pause of a relay whose database is unreachable. */
const MAX_PAUSE_MS = 5_000;

/** The answer of a subgraph: who has not taken the events that came of this one. */
export interface Taking {
  delayed: Delayed;
}

/**
 * Delivers one event and returns the receipt to store, if there is one. Throws Rejection to wait, Postponement for an
 * event that is not due yet, any other error to be retried. `signal` ends it at its deadline, and when the relay is
 * stopped. A delivery that was stopped counts as no attempt.
 */
export type DeliverEvent = (event: Envelope, signal: AbortSignal) => Promise<string | Taking | null>;

/** Sends an event to another subgraph, which knows it then. Throws if it must be sent again. */
export type SendEvent = (event: Envelope, signal: AbortSignal) => Promise<Delayed>;

/** Returns the delivery to a subgraph, which gives no receipt. */
export function deliverBy(send: SendEvent): DeliverEvent {
  return async (event, signal) => ({ delayed: await send(event, signal) });
}

/** A running relay. It delivers one consumer's events at least once, in order per stream. */
export type Relay = Loop;

export interface RelayOptions extends ConsumerRows {
  deliver: DeliverEvent;
  /**
   * Whether the consumer takes events now. Asked before each look that finds one due, and must answer within a few
   * seconds. While it does not, all of them wait, and no attempt is counted.
   */
  isOpen?: (signal: AbortSignal) => Promise<boolean>;
  /** The field of the payload that names the peer, if the consumer stands for several. A silent one delays no other. */
  peerField?: string;
  /**
   * Called in the transaction that records the result, when an event is rejected, or delivered after a failure (null).
   * Not called for an event that is delivered at the first attempt.
   */
  onSettled?: (tx: Transaction, event: Envelope, rejection: Rejection | null) => Promise<void>;
  /**
   * Called for each failed attempt, with the stream that is held up. The relay continues. `incident` is the number that
   * people see in place of an error that is not meant for them.
   */
  onError?: (error: unknown, stream?: string, incident?: string) => void;
  pollMs?: number;
  deliveryTimeoutMs?: number;
  /** Longest time that an answer waits for the consumer, if that is a subgraph. Default: as the variable says. */
  eventWaitMs?: number | undefined;
  /** Runs the looks. A test runs them one by one. */
  runLoop?: typeof startLoop;
}

/** Starts a relay. Several copies may run: they lease streams row by row and take over expired leases. */
export function startRelay(options: RelayOptions): Relay {
  const { pollMs = POLL_MS, eventWaitMs = EVENT_WAIT_MS, tables, consumer, runLoop = startLoop } = options;
  const waits = new DeliveryWaits(consumer, eventWaitMs);
  let idlePolls = IDLE_POLLS;
  const wake = () => {
    idlePolls = IDLE_POLLS;
    loop.wake();
  };
  const deliveries = new RunningDeliveries(options, waits, wake);
  const look = async (signal: AbortSignal) => {
    if (idlePolls < IDLE_POLLS && waits.isEmpty) {
      idlePolls++;
      return false;
    }
    // An event that is committed during this look wakes the relay again.
    idlePolls = 1;
    try {
      const hasMore = !signal.aborted && (await deliveries.look(signal));
      await compareWaits(options, waits);
      if (hasMore) idlePolls = IDLE_POLLS;
      return hasMore;
    } catch (error) {
      // After a failure the next turn looks again.
      idlePolls = IDLE_POLLS;
      throw error;
    }
  };
  const loop = runLoop(look, { pollMs, maxPauseMs: MAX_PAUSE_MS, onError: options.onError });
  const watch: RelayWatch = { client: clientOf(options.db), table: tables.outboxDelivery, consumer, waits, wake };
  watches.add(watch);
  return {
    stop: async () => {
      watches.delete(watch);
      await loop.stop();
      await deliveries.end();
      waits.endAll();
    },
  };
}

/** Ends waits whose events another copy of the relay has delivered, or whose consumer takes none for now. */
async function compareWaits(rows: ConsumerRows, waits: DeliveryWaits): Promise<void> {
  const streams = waits.listOldStreams().slice(0, MAX_PROGRESS_STREAMS);
  if (streams.length > 0) waits.compare(streams, await readProgress(rows, streams));
}

interface RunningDelivery {
  isRetry: boolean;
  peer: string | null;
  /** Resolves when its result is recorded, to whether its stream has a next event. Never rejects. */
  settled: Promise<boolean>;
}

/** What a relay has under way. */
class RunningDeliveries {
  readonly #options: RelayOptions;
  readonly #waits: DeliveryWaits;
  /** Called when a delivery that no look waits for has a next event. */
  readonly #onMore: () => void;
  readonly #running = new Set<RunningDelivery>();

  constructor(options: RelayOptions, waits: DeliveryWaits, onMore: () => void) {
    this.#options = options;
    this.#waits = waits;
    this.#onMore = onMore;
  }

  /**
   * Leases due streams, starts to deliver one event of each, and waits for their results, for a while. Returns whether
   * more may be due at once.
   */
  async look(signal: AbortSignal): Promise<boolean> {
    const { peerField, isOpen } = this.#options;
    if (isOpen && !((await hasDueDelivery(this.#options)) && (await isOpen(signal)))) return false;
    const maxStreams = Math.min(
      peerField === undefined ? MAX_BATCH_STREAMS : MAX_BATCH_STREAMS_OF_PEERS,
      MAX_RUNNING - this.#running.size,
    );
    if (maxStreams <= 0) return false;
    const retryCount = [...this.#running].filter(({ isRetry }) => isRetry).length;
    const leasedDeliveries = await leaseDueDeliveries(this.#options, {
      maxStreams,
      withRetries: retryCount < MAX_RUNNING_RETRIES,
      busyPeers: peerField === undefined ? null : { field: peerField, names: this.#listBusyPeers() },
    });
    const started = leasedDeliveries.map((delivery) => this.#start(delivery, signal));
    const timer = new AbortController();
    const moreFlags = await Promise.race([
      Promise.all(started.map(({ settled }) => settled)),
      pause(PATIENCE_MS, null, { signal: timer.signal, ref: false }).catch(() => null),
    ]);
    timer.abort();
    if (moreFlags === null) for (const { settled } of started) void settled.then((more) => more && this.#onMore());
    return leasedDeliveries.length === maxStreams || (moreFlags?.includes(true) ?? false);
  }

  /** Resolves when nothing is under way. */
  async end(): Promise<void> {
    await Promise.all([...this.#running].map(({ settled }) => settled));
  }

  #listBusyPeers(): string[] {
    const peers = Map.groupBy(this.#running, ({ peer }) => peer);
    return [...peers].flatMap(([peer, { length }]) => (peer !== null && length >= MAX_RUNNING_OF_PEER ? [peer] : []));
  }

  #start(delivery: LeasedDelivery, signal: AbortSignal): RunningDelivery {
    const { peerField } = this.#options;
    const peer =
      peerField === undefined ? null : ((delivery.payload as Record<string, string> | null)?.[peerField] ?? null);
    const running: RunningDelivery = {
      isRetry: delivery.attempts > 0,
      peer,
      settled: handOverEvent(this.#options, this.#waits, delivery, signal).finally(() => this.#running.delete(running)),
    };
    this.#running.add(running);
    return running;
  }
}

/** Delivers one event and records the result. Returns whether its stream has a next event. Reports every error. */
async function handOverEvent(
  options: RelayOptions,
  waits: DeliveryWaits,
  delivery: LeasedDelivery,
  stopSignal: AbortSignal,
): Promise<boolean> {
  const { db, onSettled, onError } = options;
  let event: Envelope | null = null;
  try {
    const envelope = await readNextEnvelope(options, delivery);
    event = envelope;
    const answer = await deliverInTime(options, envelope, stopSignal);
    const isTaking = typeof answer === 'object' && answer !== null;
    const receipt = isTaking ? null : answer;
    if (isTaking) waits.settle(delivery.stream, envelope.revision, answer.delayed);
    if (!onSettled || delivery.attempts === 0)
      return (await recordDelivery(db, options, delivery, receipt))?.more ?? false;
    return await db.transaction(async (tx) => {
      const settlement = await recordDelivery(tx, options, delivery, receipt);
      if (settlement) await onSettled(tx, envelope, null);
      return settlement?.more ?? false;
    });
  } catch (error) {
    try {
      if (stopSignal.aborted) await releaseLease(options, delivery);
      else if (error instanceof Postponement) await releaseLease(options, delivery, error.pauseMs);
      else await fail(options, delivery, event, error);
    } catch (recordError) {
      onError?.(recordError, delivery.stream);
    }
    return false;
  }
}

/** Reports and records a failed attempt. */
async function fail(
  options: RelayOptions,
  delivery: LeasedDelivery,
  event: Envelope | null,
  error: unknown,
): Promise<void> {
  const { onSettled, onError } = options;
  const incident = isForPeople(error) ? undefined : crypto.randomUUID();
  onError?.(error, delivery.stream, incident);
  await recordFailure(options, delivery, { error, incident }, async (tx, rejection) => {
    if (event) await onSettled?.(tx, event, rejection);
  });
}

/**
 * Delivers an event. Throws PeerError at the deadline, and the reason of `stopSignal`, even if the delivery heeds
 * neither: it is then left to itself.
 */
async function deliverInTime(
  { deliver, deliveryTimeoutMs = DELIVERY_TIMEOUT_MS }: RelayOptions,
  event: Envelope,
  stopSignal: AbortSignal,
): Promise<string | Taking | null> {
  const controller = new AbortController();
  const { promise: abandoned, reject: abandon } = Promise.withResolvers<never>();
  let graceTimer: NodeJS.Timeout | undefined;
  const end = (reason: unknown) => {
    controller.abort(reason);
    graceTimer ??= setTimeout(() => abandon(reason), GRACE_MS);
  };
  const stop = () => end(stopSignal.reason);
  const timer = setTimeout(() => end(new PeerError('超时')), deliveryTimeoutMs);
  stopSignal.addEventListener('abort', stop, { once: true });
  try {
    if (stopSignal.aborted) stop();
    return await Promise.race([deliver(event, controller.signal), abandoned]);
  } finally {
    stopSignal.removeEventListener('abort', stop);
    clearTimeout(timer);
    clearTimeout(graceTimer);
  }
}
