import type { Transaction } from '../../../db/client.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import { computeContentDigest } from '../../kernel/events/events.ts';
import { IN_FORCE, isSealed } from '../../kernel/license-acts.ts';
import { runItems } from '../../kernel/loop.ts';
import { periodOf } from '../../kernel/period/validity.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { HoldStatement, ReleaseStatement } from '../../kernel/sealing/attest.ts';
import { findPreparedActs, insertAct, type PreparedAct } from '../act/act-store.ts';
import { completeAct, type IssueDependencies, performAct } from '../act/issue-workflow.ts';
import { buildHoldStatement, buildReleaseStatement, REGISTER_ACTOR } from '../register/statement.ts';
import { lockHead, type StoredLicense } from '../store.ts';
import * as store from './hold-store.ts';
import { HOLD_NOTICE_DAYS, holdsLastDay, type Renewal } from './renewal.ts';

/**
 * States that a renewal holds off the last day of a license (视为准予延续), and that it does so no longer: who judges the
 * license by its days alone, as the city library does, learns it from the register. Safe to run at any time, repeatedly
 * and in several processes, as the sweep is.
 */

/** Maximum of statements of each kind that one run makes. The next run makes more. */
const BATCH = 50;
/** How many are made at the same time. */
const MAX_AT_ONCE = 2;
const DAY_MS = 86_400_000;

/** States every hold that is near its day, and every release that is due. Returns how many it stated. */
export async function stateHolds(
  deps: IssueDependencies & { onError?: ((error: unknown) => void) | undefined },
  signal?: AbortSignal,
): Promise<number> {
  const { db, now, onError } = deps;
  const horizon = dayOf(new Date(now().getTime() + HOLD_NOTICE_DAYS * DAY_MS));
  let count = 0;
  const state = async (due: store.DueHold, prepare: typeof prepareHold) => {
    if (await stateOne(deps, due, prepare)) count++;
  };
  const options = { limit: MAX_AT_ONCE, onError, signal };
  await runItems(await store.listUnstatedReleases(db, BATCH), (due) => state(due, prepareRelease), options);
  await runItems(await store.listUnstatedHolds(db, horizon, BATCH), (due) => state(due, prepareHold), options);
  return count;
}

/** Makes a statement. Returns false if it is not due any more, or another act on the license comes first. */
async function stateOne(deps: IssueDependencies, due: store.DueHold, prepare: typeof prepareHold): Promise<boolean> {
  try {
    await performAct(deps, (tx) => prepare(tx, deps, due));
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Another process may have prepared the same statement, and the caller goes on as if it stood.
    const [prepared] = await findPreparedActs(deps.db, [due.number]);
    if (prepared && !isSealed(prepared.act)) await completeAct(deps, { ...prepared, authorised: prepared.record });
    return false;
  }
}

interface Subject {
  stored: StoredLicense;
  renewal: Renewal;
  /** The end that the renewal holds off. */
  until: Day;
}

async function lockSubject(tx: Transaction, { caseId, number }: store.DueHold): Promise<Subject> {
  const stored = await lockHead(tx, number);
  const renewal = await store.findRenewal(tx, caseId);
  const until = renewal?.until ?? null;
  if (!stored || !renewal || until === null) throw new Refusal('LICENSE_ACT_NOT_ALLOWED');
  return { stored, renewal, until };
}

/** Step ① of a hold. Refuses LICENSE_ACT_NOT_ALLOWED unless it is due, LICENSE_BUSY while another act is prepared. */
async function prepareHold(tx: Transaction, deps: IssueDependencies, due: store.DueHold): Promise<PreparedAct> {
  const { stored, renewal, until } = await lockSubject(tx, due);
  const state = IN_FORCE.find((one) => one === stored.version.state);
  const isDue = !renewal.isHeld && holdsLastDay(renewal, periodOf(stored.version.record));
  if (!isDue || state === undefined) throw new Refusal('LICENSE_ACT_NOT_ALLOWED');
  const { caseNumber, acceptedOn } = renewal;
  const about = { ...aboutOf(stored, deps.now()), until, caseNumber };
  return insertStated(tx, stored, about.at, buildHoldStatement({ ...about, state }, acceptedOn));
}

/** Step ① of a release. Refuses as `prepareHold` does. */
async function prepareRelease(tx: Transaction, deps: IssueDependencies, due: store.DueHold): Promise<PreparedAct> {
  const { stored, renewal, until } = await lockSubject(tx, due);
  if (!renewal.isHeld || renewal.isRunning) throw new Refusal('LICENSE_ACT_NOT_ALLOWED');
  const { caseNumber, caseId } = renewal;
  const outcome = (await store.hasVersion(tx, caseId)) ? 'RENEWED' : 'NOT_RENEWED';
  const about = { ...aboutOf(stored, deps.now()), until, caseNumber, state: stored.version.state };
  return insertStated(tx, stored, about.at, buildReleaseStatement(about, outcome));
}

function aboutOf({ license, version: { identifier, version } }: StoredLicense, at: Date) {
  return { id: crypto.randomUUID(), identifier, version, organ: license.issuer.id, at };
}

async function insertStated(
  tx: Transaction,
  { license: { issuer }, version: { number, identifier, version, record: license } }: StoredLicense,
  at: Date,
  record: HoldStatement | ReleaseStatement,
): Promise<PreparedAct> {
  const { jti: id, act, state: stateAfter } = record;
  const prepared = await insertAct(tx, {
    ...{ id, act, number, identifier, version, caseId: null, stateAfter, record },
    ...{ contentDigest: computeContentDigest(record), authorisation: null, organ: issuer, matterId: license.KZ_SX },
    ...{ actorId: REGISTER_ACTOR.id, actor: REGISTER_ACTOR.name, preparedAt: at },
  });
  return { ...prepared, authorised: record };
}
