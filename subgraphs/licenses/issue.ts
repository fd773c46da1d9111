import { type Database, type Transaction, transact } from '../../db/client.ts';
import { namedAuthoriser } from '../kernel/actor.ts';
import { canonical, sha256 } from '../kernel/events.ts';
import { Refusal } from '../kernel/refusal.ts';
import { insertSignature } from '../kernel/sealed-pdf.ts';
import type { CodeRequest, ReadPicture, SealUseRequest, Sign, SignCode } from '../kernel/sign.ts';
import { attachedOf, codePayloadOf } from './code.ts';
import { closeDuty, dutyOf, openDuty, subjectOfAct } from './duty/store.ts';
import * as ledger from './ledger.ts';
import { makesVersion } from './license.ts';
import { settleOrders } from './order/workflow.ts';
import type { PrepareDependencies } from './prepare.ts';
import type { AttachedRecord, LicenseRecord } from './record.ts';
import * as store from './store.ts';

/** What an act on a license needs; nothing of it is read from the environment. */
export interface IssueDependencies extends PrepareDependencies {
  db: Database;
  sign: Sign;
  signCode: SignCode;
  /** The office's own picture of the seal. */
  picture: ReadPicture;
  /** Renders the document of a record, ready to be sealed; the same record and picture give the same bytes. */
  render: (record: AttachedRecord, picture: Uint8Array | null) => Uint8Array;
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

  // ② set from the record alone, with its code, and keep what was set before it is sealed
  const use = await useOf(deps, intent);
  const rendered = intent.rendered ?? (await sealing(deps, intent, () => set(deps, intent, use)));
  await deps.onStep?.('stored');

  const answer = await sealing(deps, intent, () =>
    deps.sign({ ...use, profile: makesDocument(intent) ? 'PADES' : 'CADES', document: rendered }),
  );
  if (answer.state === 'PENDING') {
    await noteWaiting(deps, intent, answer.reason);
    return { identifier: intent.identifier, waitingFor: answer.reason };
  }
  await deps.onStep?.('signed');

  // ③ everything at once, or nothing
  await deps.onStep?.('entering');
  await deps.db.transaction(async (tx) => {
    const { signature, sealId, signedAt } = answer;
    const files = filesOf(intent, rendered, signature);
    const documentDigest = await store.putFile(tx, files.document);
    const signatureDigest = files.signature ? await store.putFile(tx, files.signature) : sha256(signature);
    await enter(tx, intent, { documentDigest, signatureDigest, sealId, signedAt: new Date(signedAt) }, deps.now());
  });
  await deps.onStep?.('done');
  return { identifier: intent.identifier, waitingFor: null };
}

/** Whether an act makes a document with the signature inside, rather than a statement with one beside it. */
function makesDocument({ act }: store.ActRow): boolean {
  return act !== 'SPOIL' && makesVersion(act);
}

/** Sets the file of an act and keeps it. Another release may set the same record otherwise, so what was kept first counts. */
async function set(deps: IssueDependencies, intent: store.ActRow, use: SealUseRequest): Promise<Uint8Array> {
  const { id, record, organ, matterId } = intent;
  const personId = namedAuthoriser(intent.authorisation).actor;
  const code = makesDocument(intent) ? await deps.signCode(codeRequestOf(use, record as LicenseRecord)) : null;
  const rendered = makesDocument(intent)
    ? deps.render(
        attachedOf(record as LicenseRecord, code),
        await deps.picture({ organ: organ.id, matterId, personId }),
      )
    : Buffer.from(canonical(record));
  await deps.onStep?.('rendered');
  if (await deps.db.transaction((tx) => ledger.keepRendered(tx, id, { rendered, code }))) return rendered;
  return (await store.findAct(deps.db, id))?.rendered ?? rendered;
}

function codeRequestOf(use: SealUseRequest, record: LicenseRecord): CodeRequest {
  return { ...use, payload: codePayloadOf(record), record: { ...record } };
}

/** What the keeper of the seal must know of the act: with the content that was authorised, which for an act without a case is the statement itself. */
async function useOf({ db }: IssueDependencies, intent: store.ActRow): Promise<SealUseRequest> {
  const { id, organ, matterId, caseId, act, identifier, blankNumber, authorisation, record } = intent;
  const content = caseId === null ? record : await store.findContent(db, caseId);
  return {
    issuanceId: id,
    organ: organ.id,
    matterId,
    caseId,
    act,
    identifier,
    blankNumber,
    content: { ...content },
    authorisation,
  };
}

/** What is kept for ever: a PDF that carries its signature, or a statement and the signature beside it. */
function filesOf(intent: store.ActRow, rendered: Uint8Array, signature: Uint8Array) {
  const { number, identifier, act } = intent;
  if (makesDocument(intent)) {
    const bytes = insertSignature(rendered, signature);
    return { document: { bytes, mediaType: 'application/pdf', number, name: `${identifier}.pdf` }, signature: null };
  }
  const name = `${identifier}.${act.toLowerCase()}.json`;
  return {
    document: { bytes: rendered, mediaType: 'application/json', number, name },
    signature: { bytes: signature, mediaType: 'application/pkcs7-signature', number, name: `${name}.p7s` },
  };
}

/** A use of the seal. A refusal after ① reserves everything waits, visibly, until the seal may be used again. */
async function sealing<Made>(deps: IssueDependencies, intent: store.ActRow, use: () => Promise<Made>): Promise<Made> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof Refusal) await noteWaiting(deps, intent, error.message);
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
  const done = await ledger.lockAct(tx, intent.id);
  if (done.state === 'DONE') return;
  await closeDuty(tx, dutyOf.seal(done.id), at);
  if (done.act === 'SPOIL') {
    if (!standing) throw new Error(`no license ${done.number}`);
    await ledger.enterSpoiled(tx, done, standing, at);
    return ledger.finishAct(tx, done, sealed, at);
  }
  if (makesVersion(done.act)) {
    if (!task) throw new Error(`act ${done.id} has no task`);
    await ledger.enterVersion(tx, done, task, standing, sealed, at);
  } else {
    if (!standing) throw new Error(`no license ${done.number}`);
    await ledger.enterState(tx, done, standing, at);
  }
  await ledger.finishAct(tx, done, sealed, at);
  const after = await store.lockHead(tx, done.number);
  if (!after) throw new Error(`no license ${done.number}`);
  await ledger.tellChanged(tx, done, after, sealed, at);
  await settleOrders(tx, done, after.version.state, at);
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
