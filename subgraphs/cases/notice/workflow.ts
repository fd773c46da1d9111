import type { Database, Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { computeContentDigest, type OrganFact } from '../../kernel/events.ts';
import { type Loop, startLoop } from '../../kernel/loop.ts';
import { isSealedPdf } from '../../kernel/pdf.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { ReadPicture, Sign, SignAnswer } from '../../kernel/sign.ts';
import { readUnverifiedAuthoriser, writeAuthorisation } from '../../kernel/token.ts';
import {
  composeNotice,
  type NoticeCase,
  type NoticeFacts,
  type NoticeKind,
  type NoticeStep,
  organOf,
} from './notice.ts';
import { renderSealable, requirePrintableNotice } from './render.ts';
import * as store from './store.ts';

/** A notice as it was written in a step's transaction. */
export interface WrittenNotice {
  id: string;
  number: string;
  contentDigest: string;
}

/**
 * Writes a notice (受理通知书、一次性告知书、不予受理通知书).
 * Must be called in the transaction of the step that it documents.
 * `organ` is the organ in whose name the clerk acts.
 * The number is taken under a row lock; a rollback returns it. Refuses FIELD_MALFORMED if a text cannot be printed.
 */
export function writeNotice(
  tx: Transaction,
  input: {
    kind: Exclude<NoticeKind, 'DECISION'>;
    subject: NoticeCase;
    step: NoticeStep;
    organ: string;
    facts?: NoticeFacts;
  },
): Promise<WrittenNotice> {
  const { kind, subject, step, organ, facts } = input;
  return insertDraft(tx, kind, subject, step, organOf(subject, organ), facts);
}

async function insertDraft(
  tx: Transaction,
  kind: NoticeKind,
  subject: NoticeCase,
  step: NoticeStep,
  organ: OrganFact,
  facts: NoticeFacts = {},
): Promise<WrittenNotice> {
  const draft = composeNotice(kind, subject, step, { organ, number: '' }, facts);
  // Check this before taking the number, because its row lock makes everybody else of the division wait.
  requirePrintableNotice(draft);
  const number = await store.takeNoticeNumber(tx, kind, organ.divisionCode, draft.issuedOn.slice(0, 4));
  const content = { ...draft, number };
  const digest = computeContentDigest(content);
  const id = await store.insertNotice(tx, { caseId: subject.id, content, contentDigest: digest, issuedAt: step.at });
  return { id, number, contentDigest: digest };
}

/**
 * Step ① of a decision document, in the transaction of the decision.
 * Stores its text, and the decider's seal authorisation over exactly this text.
 * `organ` is the organ whose seal is on the outcome.
 * From then on, only infrastructure or a seal out of use can delay the document.
 * Refuses FIELD_MALFORMED if a text cannot be printed.
 */
export async function prepareDecision(
  tx: Transaction,
  input: { subject: NoticeCase; step: NoticeStep; organ: OrganFact; decider: Person; authorisationKey: Uint8Array },
): Promise<WrittenNotice> {
  const { subject, step, organ, decider, authorisationKey } = input;
  const storedNotice = await insertDraft(tx, 'DECISION', subject, step, organ);
  const { matterId } = subject.matter;
  const authorisation = await writeAuthorisation('cases', authorisationKey, {
    actor: decider.id,
    actorName: decider.name,
    organ: organ.id,
    matter: matterId,
    caseId: subject.id,
    act: 'DECISION',
    contentDigest: storedNotice.contentDigest,
    authorisedAt: step.at.toISOString(),
  });
  await store.insertSeal(tx, {
    noticeId: storedNotice.id,
    organ: organ.id,
    matterId,
    authorisation,
    preparedAt: step.at,
  });
  return storedNotice;
}

/** Dependencies of sealing a decision document. */
export interface SealingDependencies {
  db: Database;
  sign: Sign;
  picture: ReadPicture;
}

/** The reason to wait if the signer cannot be reached. */
const SIGNER_UNAVAILABLE = '印章系统暂时无法连接，恢复后自动用印。';

/**
 * Steps ② and ③ of a decision document, from any state. Safe to run twice and concurrently.
 * The file that was stored first is the one that is sealed, and sealing is idempotent on the notice's id.
 * Returns and records why the document waits; returns null if it is sealed.
 * Throws what the signer threw, other than a refusal.
 */
export async function completeDecision(deps: SealingDependencies, noticeId: string): Promise<string | null> {
  const { db } = deps;
  const stored = await store.findNotice(db, noticeId);
  if (!stored?.seal) throw new Error(`no decision ${noticeId}`);
  const { notice, seal } = stored;
  if (seal.state === 'DONE') return null;
  const recordReason = async (reason: string) => {
    await db.transaction((tx) => store.recordWaiting(tx, noticeId, reason));
    return reason;
  };
  let answer: SignAnswer;
  try {
    answer = await signDecision(deps, notice, seal);
  } catch (error) {
    if (error instanceof Refusal) return recordReason(error.message);
    await recordReason(SIGNER_UNAVAILABLE);
    throw error;
  }
  if (answer.state === 'PENDING') return recordReason(answer.reason);
  // ③ Sealed: it may be read and delivered now.
  const { signature, sealId, signedAt } = answer;
  await db.transaction((tx) => store.storeSeal(tx, noticeId, { signature, sealId, signedAt: new Date(signedAt) }));
  return null;
}

/** Step ②: renders the stored text with the seal's picture, stores the file, and then has it sealed. */
async function signDecision(
  { db, sign, picture }: SealingDependencies,
  notice: store.NoticeRow,
  { organ, matterId, authorisation, documentDigest }: store.SealRow,
): Promise<SignAnswer> {
  const render = async () => {
    const pdf = renderSealable(
      notice.content,
      await picture({ organ, matterId, personId: readUnverifiedAuthoriser(authorisation).actor }),
    );
    return db.transaction((tx) => store.storeFile(tx, notice.id, pdf));
  };
  const fileDigest = documentDigest ?? (await render());
  const file = await store.findFile(db, fileDigest);
  if (!file) throw new Error(`no file ${fileDigest}`);
  // A file rendered by an earlier release has no place for a signature inside, so its signature is detached.
  const profile = isSealedPdf(file) ? 'PADES' : 'CADES';
  return sign({
    issuanceId: notice.id,
    organ,
    matterId,
    caseId: notice.caseId,
    act: 'DECISION',
    identifier: notice.content.caseNumber,
    profile,
    document: file,
    content: { ...notice.content },
    authorisation,
  });
}

const POLL_MS = 500;

/**
 * Polls for decision documents and seals them one after another.
 * This includes documents left prepared by a crash or a stopped seal.
 */
export function startSealing(
  deps: SealingDependencies & { onError?: (error: unknown) => void; pollMs?: number },
): Loop {
  const sealDueDocuments = async () => {
    for (const id of await deps.db.transaction((tx) => store.leaseUnsealed(tx))) {
      await completeDecision(deps, id).catch((error) => deps.onError?.(error));
    }
    return false;
  };
  return startLoop(sealDueDocuments, { pollMs: deps.pollMs ?? POLL_MS, isDelayed: true, onError: deps.onError });
}
