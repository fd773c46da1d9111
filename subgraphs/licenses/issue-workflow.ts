import { type Database, type Transaction, transact } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import { sha256, toCanonicalJson } from '../kernel/events.ts';
import { makesVersion } from '../kernel/license-acts.ts';
import { Refusal } from '../kernel/refusal.ts';
import { insertSignature } from '../kernel/sealed-pdf.ts';
import type { CodeRequest, ReadPicture, SealUseRequest, Sign, SignCode } from '../kernel/sign.ts';
import { readUnverifiedAuthoriser } from '../kernel/token.ts';
import * as acts from './act-store.ts';
import { buildAttachedRecord, buildCodePayload } from './code.ts';
import { closeDuty, dutyIds, openDuty, readActSubject } from './duty/store.ts';
import { storeFiles, storeSealedFile } from './file-store.ts';
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
  /** Reads the office's own picture of the seal. Null if the seal is drawn. */
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
export async function performAct(
  deps: IssueDependencies,
  prepare: (tx: Transaction) => Promise<store.PreparedAct>,
): Promise<ActOutcome> {
  return completeAct(deps, await deps.db.transaction(prepare));
}

/** Prepares an act and rolls back. Returns the act as it would be, or throws its refusal. Seals nothing. */
export function rehearseAct(
  { db }: Pick<IssueDependencies, 'db'>,
  prepare: (tx: Transaction) => Promise<store.PreparedAct>,
): Promise<store.ActRow> {
  return transact(db, true, prepare);
}

/**
 * Completes a prepared act (② and ③) from the step that it reached: renders, stores, seals, enters.
 * Safe to run repeatedly and concurrently: rendering gives the same bytes, the seal is idempotent on the act's id, and
 * ③ happens under the act's row lock.
 */
async function completeAct(deps: IssueDependencies, intent: store.PreparedAct): Promise<ActOutcome> {
  if (intent.state === 'DONE') return { identifier: intent.identifier, waitingFor: null };
  await deps.onStep?.('prepared');

  // ② Render from the record alone, with its code, and store the rendered file before it is sealed.
  const sealUse = buildSealUse(intent);
  const renderedFile = intent.rendered ?? (await runSealUse(deps, intent, () => renderFile(deps, intent, sealUse)));
  if (renderedFile === null) return { identifier: intent.identifier, waitingFor: null };
  await deps.onStep?.('stored');

  const answer = await runSealUse(deps, intent, () =>
    deps.sign({ ...sealUse, profile: makesDocument(intent) ? 'PADES' : 'CADES', document: renderedFile }),
  );
  if (answer.state === 'PENDING') {
    await noteWaiting(deps, intent, answer.reason);
    return { identifier: intent.identifier, waitingFor: answer.reason };
  }
  await deps.onStep?.('signed');

  // ③ Enter everything in one transaction.
  await deps.onStep?.('entering');
  const files = buildSealedFiles(intent, renderedFile, answer.signature);
  const { sealId, signedAt } = answer;
  const sealResult = { ...files.digests, sealId, signedAt: new Date(signedAt) };
  await deps.db.transaction((tx) => enterAct(tx, intent, sealResult, files.store, deps.now()));
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
async function renderFile(
  deps: IssueDependencies,
  intent: store.ActRow,
  sealUse: SealUseRequest,
): Promise<Uint8Array | null> {
  const { id, record, organ, matterId } = intent;
  const personId = readUnverifiedAuthoriser(intent.authorisation).actor;
  const code = makesDocument(intent) ? await deps.signCode(buildCodeRequest(sealUse, record as LicenseRecord)) : null;
  const rendered = makesDocument(intent)
    ? deps.render(
        buildAttachedRecord(record as LicenseRecord, code),
        await deps.picture({ organ: organ.id, matterId, personId }),
      )
    : Buffer.from(toCanonicalJson(record));
  await deps.onStep?.('rendered');
  if (await acts.keepRendered(deps.db, id, { rendered, code })) return rendered;
  return (await store.findAct(deps.db, id))?.rendered ?? null;
}

function buildCodeRequest(sealUse: SealUseRequest, record: LicenseRecord): CodeRequest {
  return { ...sealUse, payload: buildCodePayload(record), record: { ...record } };
}

/** Builds the request for the seal from an act. */
function buildSealUse(intent: store.PreparedAct): SealUseRequest {
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
function buildSealedFiles(intent: store.ActRow, rendered: Uint8Array, signature: Uint8Array) {
  const { id, number, identifier, act } = intent;
  const signatureDigest = sha256(signature);
  if (makesDocument(intent)) {
    const bytes = insertSignature(rendered, signature);
    const documentDigest = sha256(bytes);
    const file = { digest: documentDigest, mediaType: 'application/pdf', number, name: `${identifier}.pdf` };
    const changedBytes = findChangedPart(rendered, bytes);
    return {
      digests: { documentDigest, signatureDigest },
      store: (tx: Transaction) => storeSealedFile(tx, id, changedBytes, file),
    };
  }
  const documentDigest = sha256(rendered);
  const name = `${identifier}.${act.toLowerCase()}.json`;
  const type = 'application/pkcs7-signature';
  const files = [
    { digest: documentDigest, bytes: rendered, mediaType: 'application/json', number, name },
    { digest: signatureDigest, bytes: signature, mediaType: type, number, name: `${name}.p7s` },
  ];
  return { digests: { documentDigest, signatureDigest }, store: (tx: Transaction) => storeFiles(tx, files) };
}

/**
 * Returns the part of the sealed bytes that differs from the rendered bytes, and its offset. Both have the same length.
 * Compares halves, because Buffer.compare is native code.
 */
function findChangedPart(renderedBytes: Uint8Array, sealedBytes: Uint8Array): { part: Uint8Array; from: number } {
  let from = 0;
  for (let end = sealedBytes.length; end - from > 1; ) {
    const middle = (from + end) >> 1;
    if (Buffer.compare(renderedBytes.subarray(from, middle), sealedBytes.subarray(from, middle)) === 0) from = middle;
    else end = middle;
  }
  let to = sealedBytes.length;
  while (to > from && renderedBytes[to - 1] === sealedBytes[to - 1]) to--;
  return { part: sealedBytes.subarray(from, to), from };
}

/**
 * Runs a use of the seal. ① has reserved everything, so a refusal leaves the act waiting, with the reason visible,
 * until the seal may be used again.
 */
async function runSealUse<Result>(
  deps: IssueDependencies,
  intent: store.ActRow,
  runUse: () => Promise<Result>,
): Promise<Result> {
  try {
    return await runUse();
  } catch (error) {
    if (error instanceof Refusal) await noteWaiting(deps, intent, error.message);
    throw error;
  }
}

/** Records why a prepared act waits, and opens a duty for it. */
function noteWaiting({ db, now }: IssueDependencies, intent: store.ActRow, reason: string): Promise<void> {
  return db.transaction(async (tx) => {
    if (!(await acts.noteWaiting(tx, intent.id, reason))) return;
    const subject = await readActSubject(tx, intent);
    await openDuty(tx, { id: dutyIds.seal(intent.id), kind: 'SEAL_WAITING', reason, at: now(), ...subject });
  });
}

async function enterAct(
  tx: Transaction,
  intent: store.ActRow,
  sealResult: ledger.SealResult,
  putFiles: (tx: Transaction) => Promise<void>,
  at: Date,
): Promise<void> {
  const { caseId } = intent;
  const [task, storedLicense, act] = await inOrder(tx, [
    caseId === null ? null : (tx) => store.lockTask(tx, caseId),
    intent.act === 'ISSUE' ? null : (tx) => store.lockHead(tx, intent.number),
    (tx) => acts.lockAct(tx, intent),
  ]);
  if (act.state === 'DONE') return;
  await inOrder(tx, [
    // Only an act that waits for its seal has a duty to close.
    act.waitingFor === null ? null : (tx) => closeDuty(tx, dutyIds.seal(act.id), at),
    putFiles,
    (tx) => enterChanges(tx, act, task, storedLicense, sealResult, at),
    (tx) => ledger.finishAct(tx, act, sealResult, at),
  ]);
}

/** Enters what a done act changes of its license and its paper, and the events about it. */
async function enterChanges(
  tx: Transaction,
  act: store.ActRow,
  task: store.TaskRow | null,
  storedLicense: store.StoredLicense | null,
  sealResult: ledger.SealResult,
  at: Date,
): Promise<void> {
  if (act.act === 'ISSUE') return ledger.enterVersion(tx, act, requireTask(task), null, sealResult, at);
  if (!storedLicense) throw new Error(`no license ${act.number}`);
  if (act.act === 'SPOIL') return ledger.enterSpoiled(tx, act, storedLicense, at);
  await inOrder(tx, [
    (tx) =>
      makesVersion(act.act)
        ? ledger.enterVersion(tx, act, requireTask(task), storedLicense, sealResult, at)
        : ledger.enterState(tx, act, storedLicense, sealResult, at),
    (tx) => settleOrders(tx, act, act.stateAfter, at),
  ]);
}

function requireTask(task: store.TaskRow | null): store.TaskRow {
  if (!task) throw new Error('an act that makes a version has no task');
  return task;
}

/** Resumes acts that a crash, a fault or a slow signer left prepared. Returns how many it completed. */
export async function resumeActs(deps: IssueDependencies, onError: (error: unknown) => void): Promise<number> {
  const dueIds = await acts.leaseDueActs(deps.db);
  let completedCount = 0;
  for (const id of dueIds) {
    try {
      const intent = await store.findAct(deps.db, id);
      if (intent && (await completeAct(deps, intent)).waitingFor === null) completedCount++;
    } catch (error) {
      if (!(error instanceof Refusal)) onError(error);
    }
  }
  return completedCount;
}
