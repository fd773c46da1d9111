import { type Database, type Transaction, transact } from '../../db/client.ts';
import { canonical } from '../kernel/events.ts';
import { Refusal } from '../kernel/refusal.ts';
import type { Sign } from '../kernel/sign.ts';
import { closeDuty, dutyOf, openDuty, subjectOfAct } from './duty/store.ts';
import * as ledger from './ledger.ts';
import { makesVersion } from './license.ts';
import { settleOrders } from './order/workflow.ts';
import type { PrepareDependencies } from './prepare.ts';
import type { LicenseRecord } from './record.ts';
import * as store from './store.ts';

/** What an act on a license needs; nothing of it is read from the environment. */
export interface IssueDependencies extends PrepareDependencies {
  db: Database;
  sign: Sign;
  /** Told of each step as it is passed, in the words of ARCHITECTURE.md; a fault test stops the process there. */
  onStep?: (step: IssueStep) => void | Promise<void>;
}

export const ISSUE_STEPS = ['prepared', 'rendered', 'stored', 'signed', 'entering', 'done'] as const;
export type IssueStep = (typeof ISSUE_STEPS)[number];

/** An act as it stands after an attempt: done, or waiting for a signer. */
export interface ActOutcome {
  identifier: string;
  /** Null where the act is done; else why it waits. */
  waitingFor: string | null;
}

/** Prepares an act (①) and brings it to its end (②③). */
export async function perform(
  deps: IssueDependencies,
  prepare: (tx: Transaction) => Promise<string>,
): Promise<ActOutcome> {
  return complete(deps, await deps.db.transaction(prepare));
}

/** Prepares an act and rolls it back: what it would be, or the refusal that it would meet. Nothing is sealed. */
export function rehearse(
  { db }: Pick<IssueDependencies, 'db'>,
  prepare: (tx: Transaction) => Promise<string>,
): Promise<store.ActRow> {
  return transact(db, true, async (tx) => {
    const id = await prepare(tx);
    const intent = await store.findAct(tx, id);
    if (!intent) throw new Error(`no act ${id}`);
    return intent;
  });
}

/**
 * ② and ③ of a prepared act, from wherever it stands: renders, stores, seals, enters. Safe to run twice and at once:
 * rendering repeats to the byte, the seal is idempotent on the act's id, and ③ happens under the act's row lock.
 */
export async function complete(deps: IssueDependencies, actId: string): Promise<ActOutcome> {
  const intent = await store.findAct(deps.db, actId);
  if (!intent) throw new Error(`no act ${actId}`);
  if (intent.state === 'DONE') return { identifier: intent.identifier, waitingFor: null };
  await deps.onStep?.('prepared');

  // ② render from the record alone, and keep the file before it is sealed
  const file = fileOf(deps, intent);
  await deps.onStep?.('rendered');
  const documentDigest = await deps.db.transaction((tx) => store.putFile(tx, file));
  await deps.onStep?.('stored');

  const answer = await seal(deps, intent, documentDigest);
  if (answer.state === 'PENDING') {
    await noteWaiting(deps, intent, answer.reason);
    return { identifier: intent.identifier, waitingFor: answer.reason };
  }
  await deps.onStep?.('signed');

  // ③ everything at once, or nothing
  await deps.onStep?.('entering');
  await deps.db.transaction(async (tx) => {
    const name = `${file.name}.p7s`;
    const signature = {
      bytes: answer.signature,
      mediaType: 'application/pkcs7-signature',
      number: intent.number,
      name,
    };
    const signatureDigest = await store.putFile(tx, signature);
    const { sealId } = answer;
    await enter(
      tx,
      intent,
      { documentDigest, signatureDigest, sealId, signedAt: new Date(answer.signedAt) },
      deps.now(),
    );
  });
  await deps.onStep?.('done');
  return { identifier: intent.identifier, waitingFor: null };
}

function fileOf(deps: IssueDependencies, intent: store.ActRow): Omit<store.StoredFile, 'digest'> {
  const { number, identifier, act, record } = intent;
  if (makesVersion(act === 'SPOIL' ? 'SUSPEND' : act)) {
    const bytes = deps.render(record as LicenseRecord);
    return { bytes, mediaType: 'application/pdf', number, name: `${identifier}.pdf` };
  }
  const bytes = Buffer.from(canonical(record));
  return { bytes, mediaType: 'application/json', number, name: `${identifier}.${act.toLowerCase()}.json` };
}

/** The signature, or why it waits. A refusal after ① reserves everything waits too, visibly, until the seal may be used again. */
async function seal(deps: IssueDependencies, intent: store.ActRow, documentDigest: string) {
  const { id, organ, matterId, caseId, act, identifier, contentDigest: content, authorisation } = intent;
  const request = {
    issuanceId: id,
    organ: organ.id,
    matterId,
    caseId,
    act,
    identifier,
    profile: 'CADES' as const,
    documentDigest,
  };
  try {
    return await deps.sign({ ...request, contentDigest: content, authorisation });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await noteWaiting(deps, intent, error.message);
    throw error;
  }
}

/** Says why a prepared act waits, and that somebody has to see to it. */
function noteWaiting({ db, now }: IssueDependencies, intent: store.ActRow, reason: string): Promise<void> {
  return db.transaction(async (tx) => {
    if (!(await ledger.noteWaiting(tx, intent.id, reason))) return;
    const subject = await subjectOfAct(tx, intent);
    await openDuty(tx, { id: dutyOf.seal(intent.id), kind: 'SEAL_WAITING', reason, at: now(), ...subject });
  });
}

async function enter(tx: Transaction, intent: store.ActRow, sealed: ledger.Sealed, at: Date): Promise<void> {
  const task = intent.caseId === null ? null : await store.lockTask(tx, intent.caseId);
  const standing = await store.lockHead(tx, intent.number);
  const locked = await ledger.lockAct(tx, intent.id);
  if (locked.state === 'DONE') return;
  await closeDuty(tx, dutyOf.seal(intent.id), at);
  if (intent.act === 'SPOIL') {
    if (!standing) throw new Error(`no license ${intent.number}`);
    await ledger.enterSpoiled(tx, intent, standing, at);
    return ledger.finishAct(tx, intent, sealed, at);
  }
  if (makesVersion(intent.act)) {
    if (!task) throw new Error(`act ${intent.id} has no task`);
    await ledger.enterVersion(tx, intent, task, standing, sealed, at);
  } else {
    if (!standing) throw new Error(`no license ${intent.number}`);
    await ledger.enterState(tx, intent, standing, at);
  }
  await ledger.finishAct(tx, intent, sealed, at);
  const after = await store.lockHead(tx, intent.number);
  if (!after) throw new Error(`no license ${intent.number}`);
  await ledger.tellChanged(tx, intent, after, sealed, at);
  await settleOrders(tx, intent, after.version.state, at);
}

/** Takes up acts that a crash, a fault or a slow signer left prepared. Gives how many it brought to their end. */
export async function resumeActs(deps: IssueDependencies, onError: (error: unknown) => void): Promise<number> {
  const due = await deps.db.transaction((tx) => ledger.leaseDueActs(tx));
  let done = 0;
  for (const id of due) {
    try {
      if ((await complete(deps, id)).waitingFor === null) done++;
    } catch (error) {
      if (!(error instanceof Refusal)) onError(error);
    }
  }
  return done;
}
