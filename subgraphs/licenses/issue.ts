import type { Database, Transaction } from '../../db/client.ts';
import { type Actor, requireRole, writeAuthorisation } from '../kernel/actor.ts';
import { type Clock, dayOf } from '../kernel/day.ts';
import { UnprintableText } from '../kernel/document.ts';
import { canonical, contentDigest } from '../kernel/events.ts';
import { requireLicenseIdentifier, writeLicenseIdentifier } from '../kernel/identifier.ts';
import { Refusal } from '../kernel/refusal.ts';
import type { Sign } from '../kernel/sign.ts';

import * as ledger from './ledger.ts';
import {
  type CertificateTask,
  type LicenseHead,
  makesVersion,
  type OwnAct,
  recordOf,
  requireFits,
  requireOwnAct,
  requirePaperClerk,
  type Sealing,
  stateAfter,
  statementOf,
} from './license.ts';
import { requireInStock, requireSpoilable } from './paper.ts';
import type { LicenseRecord } from './record.ts';
import * as store from './store.ts';

/** What an act on a license needs; nothing of it is read from the environment. */
export interface IssueDependencies {
  db: Database;
  now: Clock;
  sign: Sign;
  /** Renders the document of a record; the same record gives the same bytes. */
  render: (record: LicenseRecord) => Uint8Array;
  authorisationKey: Uint8Array;
  publicUrl: string;
  /** Told of each step as it is passed, in the words of ARCHITECTURE.md; a fault test stops the process there. */
  onStep?: (step: IssueStep) => void | Promise<void>;
}

export const ISSUE_STEPS = ['prepared', 'rendered', 'stored', 'signed', 'entering', 'done'] as const;
export type IssueStep = (typeof ISSUE_STEPS)[number];

/** Longest reason, in characters. */
const REASON_LENGTH = 500;

/** An act as it stands after an attempt: done, or waiting for a signer. */
export interface ActOutcome {
  identifier: string;
  /** Null where the act is done; else why it waits. */
  waitingFor: string | null;
}

/**
 * ① for an act that a granted case ends in: everything that can refuse is checked and reserved (number, version, blank,
 * seal), and the canonical record is stored. Gives the act's id; the same id where the case was asked for before.
 */
export function prepareCaseAct(
  deps: IssueDependencies,
  actor: Actor,
  asked: { caseId: string; blankNumber: string | null; act: CertificateTask['content']['action'] },
): Promise<string> {
  return deps.db.transaction(async (tx) => {
    const row = /^[0-9a-f-]{36}$/.test(asked.caseId) ? await store.lockTask(tx, asked.caseId) : null;
    if (!row) throw new Refusal('CASE_NOT_GRANTED', 'case');
    const task = store.toTask(row);
    const clerk = requirePaperClerk(actor, task);
    if (task.content.action !== asked.act) throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'case');
    const before = await store.findActByCase(tx, asked.caseId);
    if (before) return before.id;

    const at = deps.now();
    const standing = await lockStanding(tx, task);
    const sealName = await store.requireSealName(tx, task.issuer.id, task.content.matterId, at);
    const sealing = { authorisedBy: await authoriserOf(task), authorisedAt: at, sealName };
    const base = {
      id: crypto.randomUUID(),
      act: task.content.action,
      caseId: task.caseId,
      contentDigest: task.contentDigest,
      authorisation: task.authorisation,
      organ: task.issuer,
      matterId: task.content.matterId,
      actorId: clerk.id,
      actor: clerk.name,
      preparedAt: at,
    };
    if (contentDigest(task.content) !== task.contentDigest) throw new Refusal('SEAL_AUTHORISATION_INVALID');
    if (!makesVersion(task.content.action)) {
      if (!standing) throw new Refusal('LICENSE_UNKNOWN', 'case');
      const after = stateAfter(standing.state, 'CANCEL');
      const said = { reason: '依申请注销', caseNumber: task.caseNumber, sheets: null };
      const record = statementOf(standing, 'CANCEL', after, sealing, said);
      await ledger.insertAct(tx, { ...base, ...identityOf(standing), stateAfter: after, record });
      return base.id;
    }
    const planned = await planVersion(tx, deps, task, standing, sealing);
    const blankNumber = asked.blankNumber ?? '';
    requireInStock(await store.lockBlank(tx, blankNumber), task.issuer.id, 'blankNumber');
    const { identifier } = planned;
    requireRenderable(deps, planned.record);
    await ledger.insertAct(tx, { ...base, ...planned, stateAfter: 'VALID', blankNumber });
    await ledger.moveBlank(tx, blankNumber, 'ASSIGNED', { identifier, actId: base.id, actor: clerk.name, at });
    return base.id;
  });
}

/** Refuses FIELD_MALFORMED where the document cannot be set, before anything is reserved: a rare character that no font has. */
function requireRenderable({ render }: IssueDependencies, record: LicenseRecord): void {
  try {
    render(record);
  } catch (error) {
    if (!(error instanceof UnprintableText)) throw error;
    throw new Refusal('FIELD_MALFORMED', 'case', '含有字库没有的字，无法制证');
  }
}

/** The standing license that a task's act is on, locked; null where the task issues a new one. */
async function lockStanding(tx: Transaction, task: CertificateTask): Promise<LicenseHead | null> {
  const { action, licenseNumber } = task.content;
  if (action === 'ISSUE') return null;
  const stored = licenseNumber === null ? null : await store.lockHead(tx, licenseNumber);
  if (!stored) throw new Refusal('LICENSE_UNKNOWN', 'case');
  const head = store.headOf(stored);
  requireFits(task, head);
  return head;
}

/** The name of the person who authorised the seal. Only the seals subgraph can tell whether the statement is genuine; it checks before it signs. */
async function authoriserOf(task: CertificateTask): Promise<string> {
  const [, body = ''] = task.authorisation.split('.');
  try {
    const { actorName } = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as { actorName?: unknown };
    if (typeof actorName === 'string') return actorName;
  } catch {}
  throw new Refusal('SEAL_AUTHORISATION_INVALID');
}

const MOST_VERSIONS = 999;

async function planVersion(
  tx: Transaction,
  deps: IssueDependencies,
  task: CertificateTask,
  standing: LicenseHead | null,
  sealing: Sealing,
) {
  const issuedOn = dayOf(sealing.authorisedAt);
  const number = standing?.number ?? (await store.reserveNumber(tx, task, Number(issuedOn.slice(0, 4))));
  const version = (standing?.version ?? 0) + 1;
  if (version > MOST_VERSIONS) throw new Refusal('LICENSE_ACT_NOT_ALLOWED');
  const identifier = writeLicenseIdentifier({
    type: task.content.licenseType,
    issuer: task.issuer.uscc,
    serial: number,
    version,
  });
  const replaces = standing?.identifier ?? null;
  const { publicUrl } = deps;
  const record = recordOf({ task, sealing, number, version, identifier, issuedOn, replaces, publicUrl });
  return { number, version, identifier, record };
}

function identityOf({ number, version, identifier }: LicenseHead) {
  return { number, version, identifier };
}

/**
 * ① for an act on the issuing organ's own authority (suspension, restoration, an ending): the approver who asks
 * authorises the seal by asking. Gives the act's id.
 */
export function prepareOwnAct(
  deps: IssueDependencies,
  actor: Actor,
  asked: { identifier: string; act: OwnAct; reason: string },
): Promise<string> {
  return deps.db.transaction(async (tx) => {
    const head = store.headOf(await lockCurrent(tx, asked.identifier));
    const approver = requireOwnAct(actor, head, asked.act);
    requireReason(asked.reason);
    const at = deps.now();
    const sealName = await store.requireSealName(tx, head.issuer.id, head.record.KZ_SX, at);
    const after = stateAfter(head.state, asked.act);
    const sealing = { authorisedBy: approver.name, authorisedAt: at, sealName };
    const said = { reason: asked.reason, caseNumber: null, sheets: null };
    const record = statementOf(head, asked.act, after, sealing, said);
    return insertAuthorised(tx, deps, actor, head, {
      act: asked.act,
      record,
      stateAfter: after,
      reason: asked.reason,
      at,
    });
  });
}

/** ① for a sheet spoiled before delivery: the same version goes onto another blank, and a sealed entry links the two. */
export function prepareSpoil(
  deps: IssueDependencies,
  actor: Actor,
  asked: { identifier: string; blankNumber: string; replacement: string; reason: string },
): Promise<string> {
  return deps.db.transaction(async (tx) => {
    const head = store.headOf(await lockCurrent(tx, asked.identifier));
    const clerk = requirePaperClerk(actor, head);
    requireReason(asked.reason);
    const known = await store.lockBlank(tx, asked.blankNumber);
    if (known?.state === 'SPOILED') throw new Refusal('BLANK_SPOILED', 'blankNumber');
    requireSpoilable(await store.lockSheet(tx, asked.blankNumber, head.identifier));
    requireInStock(await store.lockBlank(tx, asked.replacement), head.issuer.id, 'replacement');
    const at = deps.now();
    const sealName = await store.requireSealName(tx, head.issuer.id, head.record.KZ_SX, at);
    const sealing = { authorisedBy: clerk.name, authorisedAt: at, sealName };
    const sheets = { spoiled: asked.blankNumber, replacement: asked.replacement };
    const said = { reason: asked.reason, caseNumber: null, sheets };
    const record = statementOf(head, 'SPOIL', head.state, sealing, said);
    const id = await insertAuthorised(tx, deps, actor, head, {
      act: 'SPOIL',
      record,
      stateAfter: head.state,
      reason: asked.reason,
      at,
      blankNumber: asked.replacement,
      spoiledBlank: asked.blankNumber,
    });
    const { identifier } = head;
    await ledger.moveBlank(tx, asked.replacement, 'ASSIGNED', { identifier, actId: id, actor: clerk.name, at });
    return id;
  });
}

type OwnActRow = Pick<store.ActRow, 'act' | 'record' | 'stateAfter'> &
  Partial<Pick<store.ActRow, 'blankNumber' | 'spoiledBlank'>> & { reason: string; at: Date };

/** Writes the intent of an act that its actor authorises by asking for it. */
async function insertAuthorised(
  tx: Transaction,
  deps: IssueDependencies,
  actor: Actor,
  head: LicenseHead,
  intent: OwnActRow,
): Promise<string> {
  const person = requireRole(actor, 'APPROVER', 'WINDOW_CLERK', 'SEAL_KEEPER');
  const { at, ...row } = intent;
  const digest = contentDigest(intent.record);
  const authorisation = await writeAuthorisation('licenses', deps.authorisationKey, {
    actor: person.id,
    actorName: person.name,
    organ: head.issuer.id,
    matter: head.record.KZ_SX,
    caseId: null,
    act: intent.act,
    contentDigest: digest,
    authorisedAt: at.toISOString(),
  });
  const id = crypto.randomUUID();
  await ledger.insertAct(tx, {
    id,
    ...identityOf(head),
    ...row,
    caseId: null,
    contentDigest: digest,
    authorisation,
    organ: head.issuer,
    matterId: head.record.KZ_SX,
    actorId: person.id,
    actor: person.name,
    preparedAt: at,
  });
  return id;
}

function requireReason(reason: string): void {
  if (reason.trim() === '') throw new Refusal('REASON_MISSING', 'reason');
  if ([...reason].length > REASON_LENGTH) throw new Refusal('FIELD_TOO_LONG', 'reason', `最多 ${REASON_LENGTH} 字`);
  if (/\p{Cc}/u.test(reason) || !reason.isWellFormed()) throw new Refusal('FIELD_MALFORMED', 'reason');
}

/** The license that an identifier names, locked. Refuses IDENTIFIER_INVALID, LICENSE_UNKNOWN, LICENSE_NOT_CURRENT. */
export async function lockCurrent(tx: Transaction, identifier: string): Promise<store.StoredLicense> {
  const { serial } = requireLicenseIdentifier(identifier, 'identifier');
  const stored = await store.lockHead(tx, serial);
  if (!stored) throw new Refusal('LICENSE_UNKNOWN', 'identifier');
  if (stored.version.identifier !== identifier) {
    const [known] = await store.findVersions(tx, 'identifier', [identifier], null);
    throw new Refusal(known ? 'LICENSE_NOT_CURRENT' : 'LICENSE_UNKNOWN', 'identifier');
  }
  return stored;
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
    await deps.db.transaction((tx) => ledger.noteWaiting(tx, intent.id, answer.reason));
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
  const request = { issuanceId: id, organ: organ.id, matterId, caseId, act, identifier, documentDigest };
  try {
    return await deps.sign({ ...request, contentDigest: content, authorisation });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await deps.db.transaction((tx) => ledger.noteWaiting(tx, id, error.message));
    throw error;
  }
}

async function enter(tx: Transaction, intent: store.ActRow, sealed: ledger.Sealed, at: Date): Promise<void> {
  const task = intent.caseId === null ? null : await store.lockTask(tx, intent.caseId);
  const standing = await store.lockHead(tx, intent.number);
  const locked = await ledger.lockAct(tx, intent.id);
  if (locked.state === 'DONE') return;
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
