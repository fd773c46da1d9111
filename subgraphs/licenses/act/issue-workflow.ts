import { type Database, type Transaction, transact } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import { sha256, toCanonicalJson } from '../../kernel/events/events.ts';
import { awaitEarlierEvents } from '../../kernel/events/outbox-store.ts';
import { isSealed, makesVersion } from '../../kernel/license-acts.ts';
import { insertSignature } from '../../kernel/pdf/sealed-pdf.ts';
import { readUnverifiedAuthoriser } from '../../kernel/sealing/authorisation.ts';
import {
  completeAll,
  completeSealing,
  type OnSealingStep,
  type SealingOutcome,
} from '../../kernel/sealing/sealing-workflow.ts';
import type { Attest, CodeRequest, ReadPicture, SealUseRequest, Sign, SignCode } from '../../kernel/sealing/sign.ts';
import { buildAttachedRecord, buildCodePayload } from '../document/code.ts';
import { placeChanges } from '../library/feed-store.ts';
import { settleOrders } from '../order/workflow.ts';
import { closeDuty, dutyIds, openDuty, readActSubject } from '../paper/duty-store.ts';
import { enterSpoiled } from '../paper/sheet-store.ts';
import { appendStated } from '../register/store.ts';
import { stateAct } from '../register/workflow.ts';
import * as store from '../store.ts';
import { lockTask, type TaskRow } from '../task/store.ts';
import { enterHold } from '../validity/hold-store.ts';
import * as acts from './act-store.ts';
import { type ActRow, findAct, type PreparedAct } from './act-store.ts';
import { licenseStream, messages, type SealResult } from './event-store.ts';
import { storeFiles, storeSealedFile } from './file-store.ts';
import * as ledger from './ledger-store.ts';
import type { PrepareDependencies } from './prepare-workflow.ts';
import type { AttachedRecord, LicenseRecord } from './record.ts';

/** Dependencies of an act on a license. None of them is read from the environment. */
export interface IssueDependencies extends PrepareDependencies {
  db: Database;
  sign: Sign;
  signCode: SignCode;
  attest: Attest;
  /** Reads the office's own picture of the seal. Null if the seal is drawn. */
  picture: ReadPicture;
  /** Renders the document of a record, ready to be sealed. The same record and picture give the same bytes. */
  render: (record: AttachedRecord, picture: Uint8Array | null) => Uint8Array;
  onStep?: OnSealingStep;
}

/** An act after an attempt: done, or waiting for a signer. */
export interface ActOutcome {
  identifier: string;
  /** Why the act waits, or null if it is done. */
  waitingFor: string | null;
}

/** Prepares an act (①) and completes it (②③). Throws the refusal of ①, and that of the seal: the act then waits. */
export async function performAct(
  deps: IssueDependencies,
  prepare: (tx: Transaction) => Promise<PreparedAct>,
): Promise<ActOutcome> {
  const intent = await deps.db.transaction(prepare);
  const outcome = await completeAct(deps, intent);
  await awaitEarlierEvents(deps.db, messages, licenseStream(intent.number));
  if (outcome.state === 'DONE') return { identifier: intent.identifier, waitingFor: null };
  if (outcome.refusal) throw outcome.refusal;
  return { identifier: intent.identifier, waitingFor: outcome.reason };
}

/** Prepares an act and rolls back. Returns the act as it would be, or throws its refusal. Seals nothing. */
export function rehearseAct(
  { db }: Pick<IssueDependencies, 'db'>,
  prepare: (tx: Transaction) => Promise<PreparedAct>,
): Promise<ActRow> {
  return transact(db, true, prepare);
}

/** Completes a prepared act (② and ③). ③ happens under the act's row lock. */
export async function completeAct(deps: IssueDependencies, intent: PreparedAct): Promise<SealingOutcome> {
  if (intent.state === 'DONE') return { state: 'DONE' };
  if (!isSealed(intent.act)) {
    await stateAct(deps, intent, (result, putFiles) =>
      deps.db.transaction((tx) => enterAct(tx, intent, result, putFiles, deps.now())),
    );
    return { state: 'DONE' };
  }
  const sealUse = buildSealUse(intent);
  const profile = makesDocument(intent) ? 'PADES' : 'CADES';
  return completeSealing(
    deps.sign,
    {
      findFile: async () => intent.rendered,
      render: () => renderFile(deps, intent, sealUse),
      async storeFile(set) {
        if (await acts.keepRendered(deps.db, intent.id, set)) return set.rendered;
        return (await findAct(deps.db, intent.id))?.rendered ?? null;
      },
      buildRequest: (document) => ({ ...sealUse, profile, document }),
      async enter(file, { signature, sealId, signedAt }) {
        const files = buildSealedFiles(intent, file, signature);
        const sealResult = { ...files.digests, sealId, signedAt: new Date(signedAt) };
        await deps.db.transaction((tx) => enterAct(tx, intent, sealResult, files.store, deps.now()));
      },
      recordWaiting: (reason) => noteWaiting(deps, intent, reason),
      faultReason: null,
    },
    deps.onStep,
  );
}

/** Whether an act makes a document that contains its signature, rather than a statement with a detached one. */
function makesDocument({ act }: ActRow): boolean {
  return makesVersion(act);
}

/** Renders the file of an act from its record alone, and the code that it contains. */
async function renderFile(
  deps: IssueDependencies,
  intent: ActRow,
  sealUse: SealUseRequest,
): Promise<{ rendered: Uint8Array; code: string | null }> {
  const { record, organ, matterId } = intent;
  if (!makesDocument(intent)) return { rendered: Buffer.from(toCanonicalJson(record)), code: null };
  const { name: _, ...authoriser } = readUnverifiedAuthoriser(sealUse.authorisation);
  const code = await deps.signCode(buildCodeRequest(sealUse, record as LicenseRecord));
  const picture = await deps.picture({
    organ: organ.id,
    matterId,
    act: sealUse.act,
    level: organ.level,
    ...authoriser,
  });
  return { rendered: deps.render(buildAttachedRecord(record as LicenseRecord, code), picture), code };
}

function buildCodeRequest(sealUse: SealUseRequest, record: LicenseRecord): CodeRequest {
  return { ...sealUse, payload: buildCodePayload(record), record: { ...record } };
}

/** Builds the request for the seal from an act. */
function buildSealUse(intent: PreparedAct): SealUseRequest {
  const { id, organ, matterId, caseId, act, identifier, blankNumber, authorisation, authorised } = intent;
  const { duplicateBlanks } = intent;
  if (!isSealed(act) || authorisation === null) throw new Error(`no seal is put onto act ${id}`);
  return {
    issuanceId: id,
    organ: organ.id,
    matterId,
    caseId,
    act,
    level: organ.level,
    identifier,
    blankNumber,
    ...(duplicateBlanks.length > 0 ? { duplicateBlanks } : {}),
    content: { ...authorised },
    authorisation,
  };
}

/** Builds the files that are kept forever: a PDF that contains its signature, or a statement and its detached one. */
function buildSealedFiles(intent: ActRow, rendered: Uint8Array, signature: Uint8Array) {
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

/** Records why a prepared act waits, and opens a duty for it. */
function noteWaiting({ db, now }: IssueDependencies, intent: ActRow, reason: string): Promise<void> {
  return db.transaction(async (tx) => {
    if (!(await acts.noteWaiting(tx, intent.id, reason))) return;
    const subject = await readActSubject(tx, intent);
    await openDuty(tx, { id: dutyIds.seal(intent.id), kind: 'SEAL_WAITING', reason, at: now(), ...subject });
  });
}

async function enterAct(
  tx: Transaction,
  intent: ActRow,
  result: SealResult | ledger.StatementResult,
  putFiles: (tx: Transaction) => Promise<void>,
  at: Date,
): Promise<void> {
  const { caseId } = intent;
  const [task, storedLicense, act] = await inOrder(tx, [
    caseId === null ? null : (tx) => lockTask(tx, caseId),
    intent.act === 'ISSUE' ? null : (tx) => store.lockHead(tx, intent.number),
    (tx) => acts.lockAct(tx, intent),
  ]);
  if (act.state === 'DONE') return;
  await inOrder(tx, [
    // Only an act that waits for its seal has a duty to close.
    act.waitingFor === null ? null : (tx) => closeDuty(tx, dutyIds.seal(act.id), at),
    putFiles,
    (tx) => enterChanges(tx, act, task, storedLicense, result, at),
    (tx) => ledger.finishAct(tx, act, result, at),
  ]);
  if (isSealed(act.act)) await placeChanges(tx, licenseStream(act.number));
}

/** How an act that the register states is entered. A license from paper is entered elsewhere, in batches. */
const ENTER_STATED: Readonly<Partial<Record<ActRow['act'], typeof ledger.enterLapsed>>> = {
  ...{ SPOIL: enterSpoiled, LAPSE: ledger.enterLapsed },
  ...{ HOLD: enterHold, RELEASE: enterHold },
};

/** Enters what a done act changes of its license and its paper, and the events about it. */
async function enterChanges(
  tx: Transaction,
  act: ActRow,
  task: TaskRow | null,
  storedLicense: store.StoredLicense | null,
  result: SealResult | ledger.StatementResult,
  at: Date,
): Promise<void> {
  const enterStated = ENTER_STATED[act.act];
  if (enterStated) {
    await enterStated(tx, act, await findNamedVersion(tx, requireLicense(storedLicense, act), act), at);
    await appendStated(tx, act, result.documentDigest, at);
    return act.act === 'LAPSE' ? settleOrders(tx, act, act.stateAfter, at) : undefined;
  }
  if (result.signatureDigest === null) throw new Error(`act ${act.id} bears no seal`);
  const sealResult = result;
  if (act.act === 'ISSUE') return ledger.enterVersion(tx, act, requireTask(task), null, sealResult, at);
  const license = requireLicense(storedLicense, act);
  await inOrder(tx, [
    (tx) =>
      makesVersion(act.act)
        ? ledger.enterVersion(tx, act, requireTask(task), license, sealResult, at)
        : ledger.enterState(tx, act, license, sealResult, at),
    (tx) => settleOrders(tx, act, act.stateAfter, at),
  ]);
}

/** Returns the version that an act names. A sheet of the one before a waiting renewal may be spoiled. */
async function findNamedVersion(
  tx: Transaction,
  head: store.StoredLicense,
  { identifier }: ActRow,
): Promise<store.StoredLicense> {
  if (head.version.identifier === identifier) return head;
  const [named] = await store.findVersions(tx, 'identifier', [identifier], null);
  if (!named) throw new Error(`no version ${identifier}`);
  return named;
}

function requireLicense(storedLicense: store.StoredLicense | null, { number }: ActRow): store.StoredLicense {
  if (!storedLicense) throw new Error(`no license ${number}`);
  return storedLicense;
}

function requireTask(task: TaskRow | null): TaskRow {
  if (!task) throw new Error('an act that makes a version has no task');
  return task;
}

/** Resumes acts that a crash, a fault or a slow signer left prepared. Returns how many it completed. */
export async function resumeActs(deps: IssueDependencies, onError: (error: unknown) => void): Promise<number> {
  const complete = async (id: string): Promise<SealingOutcome> => {
    const intent = await findAct(deps.db, id);
    if (!intent) throw new Error(`no act ${id}`);
    return completeAct(deps, intent);
  };
  return completeAll(await acts.leaseDueActs(deps.db), complete, onError);
}
