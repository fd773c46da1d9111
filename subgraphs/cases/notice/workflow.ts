import { randomBytes } from 'node:crypto';
import type { Database, Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import type { Delivery } from '../../kernel/delivery/delivery.ts';
import { computeContentDigest, type OrganFact } from '../../kernel/events/events.ts';
import type { LicenseAction } from '../../kernel/license-acts.ts';
import { type Loop, startLoop } from '../../kernel/loop.ts';
import { isSealedPdf } from '../../kernel/pdf/pdf.ts';
import { readUnverifiedAuthoriser, writeAuthorisation } from '../../kernel/sealing/authorisation.ts';
import type { Decider } from '../../kernel/sealing/person-signature.ts';
import { deriveSalt, makeSalt } from '../../kernel/sealing/random.ts';
import { levelOfDivision } from '../../kernel/sealing/seal-kind.ts';
import { completeAll, completeSealing, type SealingOutcome } from '../../kernel/sealing/sealing-workflow.ts';
import type { ServiceIdentity } from '../../kernel/sealing/service-token.ts';
import type { ReadPicture, Sign } from '../../kernel/sealing/sign.ts';
import type { PersonSigning } from '../../kernel/sealing/signing-workflow.ts';
import type { Case } from '../case.ts';
import { bearsAcceptanceSeal, findMatter } from '../fact/store.ts';
import { CODE_CHARS, progressUrl, writeCode } from '../progress/progress.ts';
import { consentOf } from '../reception/consent.ts';
import {
  composeNotice,
  documentMarkOf,
  legalBasisOn,
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
 * Writes a notice (受理通知书、一次性告知书、不予受理通知书、送达回证).
 * Must be called in the transaction of the step that it documents.
 * `organ` is the organ in whose name the clerk acts. Without a `clerk` nobody authorises a seal, so it bears none.
 * The number is taken under a row lock; a rollback returns it. Refuses FIELD_MALFORMED if a text cannot be printed.
 */
export async function writeNotice(
  tx: Transaction,
  input: {
    kind: Exclude<NoticeKind, 'DECISION'>;
    subject: NoticeCase;
    step: NoticeStep;
    organ: string;
    facts?: NoticeFacts;
    clerk: NoticeClerk | null;
    /** The public URL of the gateway. A receipt leads there. */
    publicUrl: string;
  },
): Promise<WrittenNotice> {
  const { kind, subject, step, organ, clerk, publicUrl } = input;
  const issuer = organOf(subject, organ);
  const isSealed = clerk !== null && (await bearsAcceptanceSeal(tx, issuer.id, step.at));
  const progress = RECEIPTS.has(kind) ? { progress: makeProgress(publicUrl) } : {};
  const written = await insertDraft(tx, kind, subject, step, issuer, {
    facts: { ...input.facts, ...progress, isSealed },
  });
  if (isSealed) await authoriseNotice(tx, written, { subject, step, organ: issuer, clerk });
  return written;
}

/** Who did the step that a notice documents, and authorises its seal with it; and who signs the authorisation. */
export interface NoticeClerk {
  person: Person;
  identity: ServiceIdentity;
}

/** Returns what `writeNotice` takes of the process and of whoever does the step. */
export const toNoticeSettings = (
  { identity, publicUrl }: { identity: ServiceIdentity; publicUrl: string },
  person: Person,
): { clerk: NoticeClerk; publicUrl: string } => ({ clerk: { person, identity }, publicUrl });

/** Stores the authorisation of a notice's seal by the person who did the step. The notice is sealed afterwards. */
async function authoriseNotice(
  tx: Transaction,
  { id: noticeId, contentDigest }: WrittenNotice,
  use: { subject: NoticeCase; step: NoticeStep; organ: OrganFact; clerk: NoticeClerk },
): Promise<void> {
  const { subject, step, organ, clerk } = use;
  const { id: actor, name: actorName, organ: ownOrgan, window } = clerk.person;
  const { matterId } = subject.matter;
  const place = { organ: ownOrgan ?? '', decides: organ.id, exception: null };
  const authorisation = await writeAuthorisation(clerk.identity, {
    ...{ actor, actorName, organ: organ.id, matter: matterId, caseId: subject.id, act: 'NOTICE', contentDigest },
    authorisedAt: step.at.toISOString(),
    decider: window === null ? place : { ...place, window },
  });
  await store.insertSeal(tx, { noticeId, organ: organ.id, matterId, authorisation, preparedAt: step.at });
}

/**
 * Writes the receipt of a delivery (送达回证) with the documents that were delivered: the decision document, and the
 * license if there is one. A transfer has a second one, of the former holder, who gets the decision alone.
 * Must be called in the transaction of the step DELIVERED. Refuses as `writeNotice` does.
 */
export async function writeDeliveryReceipt(
  tx: Transaction,
  input: {
    subject: NoticeCase & Pick<Case, 'acceptedBy' | 'steps'>;
    step: NoticeStep;
    delivery: Delivery;
    license: { name: string; number: string } | null;
    /** Null if a counter of licenses delivered: cases hear of it by an event. */
    clerk: NoticeClerk | null;
    publicUrl: string;
  },
): Promise<void> {
  const { subject, step, delivery, license, clerk, publicUrl } = input;
  const notices = (await store.findByCases(tx, [subject.id])).get(subject.id) ?? [];
  const decisions = notices.flatMap(({ notice: { kind, number, content } }) =>
    kind === 'DECISION' ? [{ name: content.title, number }] : [],
  );
  const { formerHolder, ...own } = delivery;
  const organ = subject.acceptedBy ?? subject.delegation.countyOrgan;
  const write = (facts: NoticeFacts) =>
    writeNotice(tx, { kind: 'DELIVERY', subject, step, organ, facts, clerk, publicUrl });
  await write({ delivered: { delivered: license ? [...decisions, license] : decisions, delivery: own } });
  const consent = consentOf(subject);
  if (!formerHolder || !consent) return;
  await write({ delivered: { delivered: decisions, delivery: formerHolder }, addressee: consent.holder });
}

/** The notices with which an applicant can follow the case. */
const RECEIPTS: ReadonlySet<NoticeKind> = new Set(['ACCEPTANCE', 'SUPPLEMENT']);

function makeProgress(publicUrl: string) {
  return { url: progressUrl(publicUrl), code: writeCode(randomBytes(CODE_CHARS)) };
}

async function insertDraft(
  tx: Transaction,
  kind: NoticeKind,
  subject: NoticeCase,
  step: NoticeStep,
  organ: OrganFact,
  { facts = {}, salt = makeSalt() }: { facts?: NoticeFacts | undefined; salt?: string },
): Promise<WrittenNotice> {
  // The case keeps the matter as it was accepted; organs and law are those of today.
  const matter = (await findMatter(tx, subject.matter.matterId, dayOf(step.at))) ?? subject.matter;
  const legalBasis = kind === 'DECISION' ? legalBasisOn(matter, dayOf(step.at)) : [];
  const draft = composeNotice(kind, subject, step, { organ, number: '' }, { ...facts, legalBasis });
  // Check this before taking the number, because its row lock makes everybody else of the organ wait.
  requirePrintableNotice(draft);
  const issuer = matter.organs.find(({ id }) => id === organ.id) ?? organ;
  const mark = documentMarkOf(kind, subject.matter.powerType, issuer);
  const number = await store.takeDocumentNumber(tx, mark, draft.issuedOn.slice(0, 4));
  const content = { ...draft, number, salt };
  const digest = computeContentDigest(content);
  const id = await store.insertNotice(tx, { caseId: subject.id, content, contentDigest: digest, issuedAt: step.at });
  return { id, number, contentDigest: digest };
}

/**
 * Step ① of a decision document, in the transaction of the decision.
 * Stores its text, and the decider's seal authorisation over exactly this text; where the case ends in a license, over
 * that as well: one authorisation, two documents, each sealed by itself.
 * `organ` is the organ whose seal is on the outcome.
 * From then on, only infrastructure or a seal out of use can delay the document.
 * Refuses FIELD_MALFORMED if a text cannot be printed.
 */
export async function prepareDecision(
  tx: Transaction,
  input: {
    subject: NoticeCase;
    step: NoticeStep;
    organ: OrganFact;
    facts?: Pick<NoticeFacts, 'exceptions' | 'granted' | 'changes'>;
    /** What a license puts under the same authorisation, or null if the document is the outcome. */
    grant: { act: LicenseAction; contentDigest: string } | null;
    decider: Person;
    /** In whose place the decider decides. */
    place: Decider;
    /** Signs the authorisation. */
    identity: ServiceIdentity;
    signing: Pick<PersonSigning, 'authorise' | 'salt'>;
  },
): Promise<WrittenNotice & { authorisation: string }> {
  const { subject, step, organ, facts, grant, decider, place, identity, signing } = input;
  const salt = grant ? deriveSalt(signing.salt, 'decision') : signing.salt;
  const storedNotice = await insertDraft(tx, 'DECISION', subject, step, organ, { facts, salt });
  const { matterId } = subject.matter;
  const { contentDigest } = storedNotice;
  const statement = signing.authorise({
    actor: decider.id,
    actorName: decider.name,
    organ: organ.id,
    matter: matterId,
    caseId: subject.id,
    ...(grant ? { ...grant, decisionDigest: contentDigest } : { act: 'DECISION', contentDigest }),
    authorisedAt: step.at.toISOString(),
    decider: place,
  });
  const authorisation = await writeAuthorisation(identity, statement);
  await store.insertSeal(tx, {
    noticeId: storedNotice.id,
    organ: organ.id,
    matterId,
    authorisation,
    preparedAt: step.at,
  });
  return { ...storedNotice, authorisation };
}

/** Dependencies of sealing a notice. */
export interface SealingDependencies {
  db: Database;
  sign: Sign;
  picture: ReadPicture;
}

/** The reason to wait if the signer cannot be reached. */
const SIGNER_UNAVAILABLE = '印章系统暂时无法连接，恢复后自动用印。';

/**
 * Steps ② and ③ of a notice that is sealed, from any state. Safe to run twice and concurrently.
 * Returns why the document waits, or null if it is sealed. Throws what the signer threw, other than a refusal.
 */
export async function completeDecision(deps: SealingDependencies, noticeId: string): Promise<string | null> {
  const outcome = await sealNotice(deps, noticeId);
  return outcome.state === 'DONE' ? null : outcome.reason;
}

async function sealNotice({ db, sign, picture }: SealingDependencies, noticeId: string): Promise<SealingOutcome> {
  const stored = await store.findNotice(db, noticeId);
  if (!stored?.seal) throw new Error(`no notice ${noticeId} is to be sealed`);
  const { notice, seal } = stored;
  if (seal.state === 'DONE') return { state: 'DONE' };
  const { organ, matterId, authorisation } = seal;
  const { content } = notice;
  const act = notice.kind === 'DECISION' ? ('DECISION' as const) : ('NOTICE' as const);
  const use = { organ, matterId, act, level: levelOfDivision(content.organ.divisionCode) };
  const readFile = async (digest: string) => {
    const file = await store.findFile(db, digest);
    if (!file) throw new Error(`no file ${digest}`);
    return file;
  };
  return completeSealing(sign, {
    findFile: async () => (seal.documentDigest === null ? null : readFile(seal.documentDigest)),
    async render() {
      const { name: _, ...authoriser } = readUnverifiedAuthoriser(authorisation);
      return renderSealable(content, await picture({ ...use, ...authoriser }));
    },
    storeFile: async (pdf) => readFile(await db.transaction((tx) => store.storeFile(tx, notice.id, pdf))),
    buildRequest: (document) => ({
      ...use,
      issuanceId: notice.id,
      caseId: notice.caseId,
      identifier: act === 'DECISION' ? content.caseNumber : content.number,
      // A file rendered by an earlier release has no place for a signature inside, so its signature is detached.
      profile: isSealedPdf(document) ? 'PADES' : 'CADES',
      document,
      content: { ...content },
      authorisation,
    }),
    // Sealed: it may be read and delivered now.
    async enter(_file, { signature, sealId, signedAt }) {
      await db.transaction((tx) => store.storeSeal(tx, noticeId, { signature, sealId, signedAt: new Date(signedAt) }));
    },
    recordWaiting: (reason) => db.transaction((tx) => store.recordWaiting(tx, noticeId, reason)),
    faultReason: SIGNER_UNAVAILABLE,
  });
}

const POLL_MS = 500;

/**
 * Polls for notices that wait for their seal, and seals them.
 * This includes documents left prepared by a crash or a stopped seal.
 */
export function startSealing(
  deps: SealingDependencies & { onError?: (error: unknown) => void; pollMs?: number },
): Loop {
  const sealDueDocuments = async () => {
    const ids = await deps.db.transaction((tx) => store.leaseUnsealed(tx));
    await completeAll(ids, (id) => sealNotice(deps, id), deps.onError ?? (() => {}));
    return false;
  };
  return startLoop(sealDueDocuments, { pollMs: deps.pollMs ?? POLL_MS, isDelayed: true, onError: deps.onError });
}
