import { type Database, type Transaction, transact } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import { sha256, toCanonicalJson } from '../kernel/events.ts';
import { makesVersion } from '../kernel/license-acts.ts';
import { Refusal } from '../kernel/refusal.ts';
import { insertSignature } from '../kernel/sealed-pdf.ts';
import type { CodeRequest, ReadPicture, SealUseRequest, Sign, SignCode } from '../kernel/sign.ts';
import { readUnverifiedAuthoriser } from '../kernel/token.ts';
import { attachedOf, codePayloadOf } from './code.ts';
import { closeDuty, dutyOf, openDuty, subjectOfAct } from './duty/store.ts';
import * as ledger from './ledger-store.ts';
import { settleOrders } from './order/workflow.ts';
import type { PrepareDependencies } from './prepare-workflow.ts';
import type { AttachedRecord, LicenseRecord } from './record.ts';
import * as store from './store.ts';

/** Dependencies of an act on a license. None of them is read from the environment. */
export interface IssueDependencies extends PrepareDependencies {
  db: Database;
  sign: Sign;
  signCode: SignCode;
  /** Reads the organ's own picture of the seal. */
  picture: ReadPicture;
  /** Renders the document of a record, ready to be sealed. The same record and picture give the same bytes. */
  render: (record: AttachedRecord, picture: Uint8Array | null) => Uint8Array;
  /** Called after each step, by its name in ARCHITECTURE.md. A fault test stops the process there. */
  onStep?: (step: IssueStep) => void | Promise<void>;
}

export const ISSUE_STEPS = ['prepared', 'rendered', 'stored', 'signed', 'entering', 'done'] as const;
export type IssueStep = (typeof ISSUE_STEPS)[number];

/** An act after an attempt: done, or waiting for a signer. */
export interface ActOutcome {
  identifier: string;
  /** Why the act waits, or null if it is done. */
  waitingFor: string | null;
}

/** Prepares an act (①) and completes it (②③). */
export async function perform(
  deps: IssueDependencies,
  prepare: (tx: Transaction) => Promise<store.Prepared>,
): Promise<ActOutcome> {
  return complete(deps, await deps.db.transaction(prepare));
}

/** Prepares an act and rolls back. Returns the act as it would be, or throws its refusal. Seals nothing. */
export function rehearse(
  { db }: Pick<IssueDependencies, 'db'>,
  prepare: (tx: Transaction) => Promise<store.Prepared>,
): Promise<store.ActRow> {
  return transact(db, true, prepare);
}

/**
 * Completes a prepared act (② and ③) from the step that it reached: renders, stores, seals, enters.
 * Safe to run repeatedly and concurrently: rendering gives the same bytes, the seal is idempotent on the act's id, and
 * ③ happens under the act's row lock.
 */
async function complete(deps: IssueDependencies, intent: store.Prepared): Promise<ActOutcome> {
  if (intent.state === 'DONE') return { identifier: intent.identifier, waitingFor: null };
  await deps.onStep?.('prepared');

  // ② Render from the record alone, with its code, and store the rendered file before it is sealed.
  const use = useOf(intent);
  const rendered = intent.rendered ?? (await sealing(deps, intent, () => set(deps, intent, use)));
  if (rendered === null) return { identifier: intent.identifier, waitingFor: null };
  await deps.onStep?.('stored');

  const answer = await sealing(deps, intent, () =>
    deps.sign({ ...use, profile: makesDocument(intent) ? 'PADES' : 'CADES', document: rendered }),
  );
  if (answer.state === 'PENDING') {
    await noteWaiting(deps, intent, answer.reason);
    return { identifier: intent.identifier, waitingFor: answer.reason };
  }
  await deps.onStep?.('signed');

  // ③ Enter everything in one transaction.
  await deps.onStep?.('entering');
  const files = filesOf(intent, rendered, answer.signature);
  const { sealId, signedAt } = answer;
  const sealed = { ...files.digests, sealId, signedAt: new Date(signedAt) };
  await deps.db.transaction((tx) => enter(tx, intent, sealed, files.put, deps.now()));
  await deps.onStep?.('done');
  return { identifier: intent.identifier, waitingFor: null };
}

/** Whether an act makes a document that contains its signature, rather than a statement with a detached one. */
function makesDocument({ act }: store.ActRow): boolean {
  return makesVersion(act);
}

/**
 * Renders the file of an act and stores it. Another release may render the same record differently, so the file that
 * was stored first counts. Returns that file, or null if another process has done the act meanwhile.
 */
async function set(deps: IssueDependencies, intent: store.ActRow, use: SealUseRequest): Promise<Uint8Array | null> {
  const { id, record, organ, matterId } = intent;
  const personId = readUnverifiedAuthoriser(intent.authorisation).actor;
  const code = makesDocument(intent) ? await deps.signCode(codeRequestOf(use, record as LicenseRecord)) : null;
  const rendered = makesDocument(intent)
    ? deps.render(
        attachedOf(record as LicenseRecord, code),
        await deps.picture({ organ: organ.id, matterId, personId }),
      )
    : Buffer.from(toCanonicalJson(record));
  await deps.onStep?.('rendered');
  if (await ledger.keepRendered(deps.db, id, { rendered, code })) return rendered;
  return (await store.findAct(deps.db, id))?.rendered ?? null;
}

function codeRequestOf(use: SealUseRequest, record: LicenseRecord): CodeRequest {
  return { ...use, payload: codePayloadOf(record), record: { ...record } };
}

/** Builds the request for the seal from an act. */
function useOf(intent: store.Prepared): SealUseRequest {
  const { id, organ, matterId, caseId, act, identifier, blankNumber, authorisation, authorised } = intent;
  return {
    issuanceId: id,
    organ: organ.id,
    matterId,
    caseId,
    act,
    identifier,
    blankNumber,
    content: { ...authorised },
    authorisation,
  };
}

/** Builds the files that are kept forever: a PDF that contains its signature, or a statement and its detached one. */
function filesOf(intent: store.ActRow, rendered: Uint8Array, signature: Uint8Array) {
  const { id, number, identifier, act } = intent;
  const signatureDigest = sha256(signature);
  if (makesDocument(intent)) {
    const bytes = insertSignature(rendered, signature);
    const documentDigest = sha256(bytes);
    const file = { digest: documentDigest, mediaType: 'application/pdf', number, name: `${identifier}.pdf` };
    const changed = changedPart(rendered, bytes);
    return {
      digests: { documentDigest, signatureDigest },
      put: (tx: Transaction) => store.putSealed(tx, id, changed, file),
    };
  }
  const documentDigest = sha256(rendered);
  const name = `${identifier}.${act.toLowerCase()}.json`;
  const type = 'application/pkcs7-signature';
  const files = [
    { digest: documentDigest, bytes: rendered, mediaType: 'application/json', number, name },
    { digest: signatureDigest, bytes: signature, mediaType: type, number, name: `${name}.p7s` },
  ];
  return { digests: { documentDigest, signatureDigest }, put: (tx: Transaction) => store.putFiles(tx, files) };
}

/**
 * Returns the part of the sealed bytes that differs from the rendered bytes, and its offset. Both have the same length.
 * Compares halves, because Buffer.compare is native code.
 */
function changedPart(before: Uint8Array, after: Uint8Array): { part: Uint8Array; from: number } {
  let from = 0;
  for (let end = after.length; end - from > 1; ) {
    const middle = (from + end) >> 1;
    if (Buffer.compare(before.subarray(from, middle), after.subarray(from, middle)) === 0) from = middle;
    else end = middle;
  }
  let to = after.length;
  while (to > from && before[to - 1] === after[to - 1]) to--;
  return { part: after.subarray(from, to), from };
}

/**
 * Runs a use of the seal. ① has reserved everything, so a refusal leaves the act waiting, with the reason visible,
 * until the seal may be used again.
 */
async function sealing<Made>(deps: IssueDependencies, intent: store.ActRow, use: () => Promise<Made>): Promise<Made> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof Refusal) await noteWaiting(deps, intent, error.message);
    throw error;
  }
}

/** Records why a prepared act waits, and opens a duty for it. */
function noteWaiting({ db, now }: IssueDependencies, intent: store.ActRow, reason: string): Promise<void> {
  return db.transaction(async (tx) => {
    if (!(await ledger.noteWaiting(tx, intent.id, reason))) return;
    const subject = await subjectOfAct(tx, intent);
    await openDuty(tx, { id: dutyOf.seal(intent.id), kind: 'SEAL_WAITING', reason, at: now(), ...subject });
  });
}

async function enter(
  tx: Transaction,
  intent: store.ActRow,
  sealed: ledger.Sealed,
  putFiles: (tx: Transaction) => Promise<void>,
  at: Date,
): Promise<void> {
  const { caseId } = intent;
  const [task, standing, done] = await inOrder(tx, [
    caseId === null ? null : (tx) => store.lockTask(tx, caseId),
    intent.act === 'ISSUE' ? null : (tx) => store.lockHead(tx, intent.number),
    (tx) => ledger.lockAct(tx, intent),
  ]);
  if (done.state === 'DONE') return;
  await inOrder(tx, [
    // Only an act that waits for its seal has a duty to close.
    done.waitingFor === null ? null : (tx) => closeDuty(tx, dutyOf.seal(done.id), at),
    putFiles,
    (tx) => enterDone(tx, done, task, standing, sealed, at),
    (tx) => ledger.finishAct(tx, done, sealed, at),
  ]);
}

/** Enters what a done act changes of its license and its paper, and the events about it. */
async function enterDone(
  tx: Transaction,
  done: store.ActRow,
  task: store.TaskRow | null,
  standing: store.StoredLicense | null,
  sealed: ledger.Sealed,
  at: Date,
): Promise<void> {
  if (done.act === 'ISSUE') return ledger.enterVersion(tx, done, requireTask(task), null, sealed, at);
  if (!standing) throw new Error(`no license ${done.number}`);
  if (done.act === 'SPOIL') return ledger.enterSpoiled(tx, done, standing, at);
  await inOrder(tx, [
    (tx) =>
      makesVersion(done.act)
        ? ledger.enterVersion(tx, done, requireTask(task), standing, sealed, at)
        : ledger.enterState(tx, done, standing, sealed, at),
    (tx) => settleOrders(tx, done, done.stateAfter, at),
  ]);
}

function requireTask(task: store.TaskRow | null): store.TaskRow {
  if (!task) throw new Error('an act that makes a version has no task');
  return task;
}

/** Resumes acts that a crash, a fault or a slow signer left prepared. Returns how many it completed. */
export async function resumeActs(deps: IssueDependencies, onError: (error: unknown) => void): Promise<number> {
  const due = await ledger.leaseDueActs(deps.db);
  let done = 0;
  for (const id of due) {
    try {
      const intent = await store.findAct(deps.db, id);
      if (intent && (await complete(deps, intent)).waitingFor === null) done++;
    } catch (error) {
      if (!(error instanceof Refusal)) onError(error);
    }
  }
  return done;
}
