import type { Transaction } from '../../../db/client.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import { computeContentDigest } from '../../kernel/events/events.ts';
import { isActAllowed } from '../../kernel/license-acts.ts';
import { runItems } from '../../kernel/loop.ts';
import { hasEnded } from '../../kernel/period/validity.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { insertAct, type PreparedAct } from '../act/act-store.ts';
import { type IssueDependencies, performAct } from '../act/issue-workflow.ts';
import { closeDuty, dutyIds, openDuty, openRecall, readLicenseSubject } from '../paper/duty-store.ts';
import { buildLapseStatement, REGISTER_ACTOR } from '../register/statement.ts';
import { lockHead } from '../store.ts';
import { findOpenTasks } from '../task/store.ts';
import { stateHolds } from './hold-workflow.ts';
import { type ClockFault, findClockFault, type SweepWatch } from './sweep.ts';
import * as store from './sweep-store.ts';

/**
 * Enters the end of licenses whose last day has passed (失效登记): the act LAPSE, in lock-step, which the register's key
 * states. Safe to run at any time, repeatedly and in several processes: an act is prepared once, under the lock on its
 * license, and the resumer completes what a crash has left.
 */

/** Maximum of licenses read at once. */
const BATCH = 50;
/** Maximum of sheets whose return one run asks for. The next run asks for more. */
const MAX_RECALLS = 500;
/** How many ends are entered at the same time. */
const MAX_AT_ONCE = 2;

/** The clock is not trusted, so nothing is swept. */
class SweepHeld extends Error {
  override readonly name = 'SweepHeld';
}

/**
 * Ends every license that is due. Returns how many it ended. Throws SweepHeld if the clock seems to have jumped: then a
 * person confirms it (`npm run lapses`).
 */
export async function sweepEnded(
  deps: IssueDependencies & { onError?: ((error: unknown) => void) | undefined },
  { signal, watch }: { signal?: AbortSignal; watch?: SweepWatch } = {},
): Promise<number> {
  const { db, now, onError } = deps;
  const at = now();
  const today = dayOf(at);
  const due = await store.countEnded(db, today, 1);
  const recorded = await store.findRecordedTimes(db);
  const fault = findClockFault({ ...recorded, now: at, ranMs: watch?.ranSince(recorded.sweptAt), due });
  if (fault !== null) {
    const [first] = await store.listEnded(db, today, null, 1);
    if (first) await db.transaction((tx) => openHeldDuty(tx, first.number, fault, at));
    const { newestAt, sweptAt } = recorded;
    const times = [at, newestAt, sweptAt].map((time) => time?.toISOString() ?? '—').join(', ');
    throw new SweepHeld(`${fault}: now, newest record, last sweep ${times}`);
  }
  await store.putSweepClock(db, at);
  watch?.swept(at);
  await db.transaction((tx) => closeDuty(tx, dutyIds.sweep(), at));
  await recallReplaced(deps, today, at);
  // What a renewal no longer holds off is due only when the register has said so.
  await stateHolds(deps, signal);
  let ended = 0;
  const end = async ({ number }: store.EndedLicense) => {
    if (await endLicense(deps, number, today)) ended++;
  };
  for (let after: store.EndedLicense | null = null, isLast = false; !isLast && !signal?.aborted; ) {
    const batch: store.EndedLicense[] = await store.listEnded(db, today, after, BATCH);
    await runItems(batch, end, { limit: MAX_AT_ONCE, onError, signal });
    after = batch.at(-1) ?? null;
    isLast = batch.length < BATCH;
  }
  return ended;
}

/** Asks for the return of delivered sheets whose version a renewal has taken the place of. */
async function recallReplaced({ db }: Pick<IssueDependencies, 'db'>, today: Day, at: Date): Promise<void> {
  for (const { number, identifier, blankNumber } of await store.listReplacedSheets(db, today, MAX_RECALLS)) {
    await db.transaction(async (tx) => {
      const subject = { ...(await readLicenseSubject(tx, number)), identifier };
      await openRecall(tx, blankNumber, subject, at);
    });
  }
}

/** Shows the organ of the first license that is due, and the office, that nothing is swept. */
async function openHeldDuty(tx: Transaction, number: string, fault: ClockFault, at: Date): Promise<void> {
  const reason = fault === 'CLOCK_BEHIND' ? '时钟早于已有记录' : '时钟远晚于上次登记';
  const subject = await readLicenseSubject(tx, number);
  await openDuty(tx, { id: dutyIds.sweep(), kind: 'SWEEP_HELD', reason, at, ...subject });
}

/** Enters the end of a license. Returns false if it is not due any more, or something on it waits to be settled. */
async function endLicense(deps: IssueDependencies, number: string, today: Day): Promise<boolean> {
  try {
    await performAct(deps, (tx) => prepareLapse(tx, deps, number, today));
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** Step ① of the end. Refuses LICENSE_ACT_NOT_ALLOWED unless it is due, LICENSE_BUSY while something is open. */
async function prepareLapse(
  tx: Transaction,
  { now }: IssueDependencies,
  number: string,
  today: Day,
): Promise<PreparedAct> {
  const stored = await lockHead(tx, number);
  const until = stored?.version.validUntil ?? null;
  const isDue = stored && isActAllowed('LAPSE', stored.version.state) && hasEnded(stored.version, today);
  if (!isDue || until === null) throw new Refusal('LICENSE_ACT_NOT_ALLOWED');
  if ((await findOpenTasks(tx, [number])).length > 0) throw new Refusal('LICENSE_BUSY');
  const { identifier, version, record: license } = stored.version;
  const { issuer } = stored.license;
  const [id, at] = [crypto.randomUUID(), now()];
  const record = buildLapseStatement({ id, identifier, version, organ: issuer.id, until, at });
  const prepared = await insertAct(tx, {
    ...{ id, act: 'LAPSE', number, identifier, version, caseId: null, stateAfter: record.state, record },
    ...{ contentDigest: computeContentDigest(record), authorisation: null, organ: issuer, matterId: license.KZ_SX },
    ...{ actorId: REGISTER_ACTOR.id, actor: REGISTER_ACTOR.name, preparedAt: at },
  });
  return { ...prepared, authorised: record };
}
