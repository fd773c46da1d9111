import type { Transaction } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import { type Actor, requireRole } from '../kernel/actor.ts';
import { type Clock, dayOf } from '../kernel/day.ts';
import { requirePrintable, UnprintableText } from '../kernel/document.ts';
import { computeContentDigest } from '../kernel/events.ts';
import { requireLicenseIdentifier, writeLicenseIdentifier } from '../kernel/identifier.ts';
import { makesVersion, type OwnAct } from '../kernel/license-acts.ts';
import { Refusal } from '../kernel/refusal.ts';
import { readUnverifiedAuthoriser, writeAuthorisation } from '../kernel/token.ts';
import * as ledger from './ledger-store.ts';
import {
  type CertificateTask,
  type LicenseHead,
  recordOf,
  requireFits,
  requireOwnAct,
  requirePaperClerk,
  requireReason,
  requireTaskAct,
  type Sealing,
  stateAfter,
  statementOf,
} from './license.ts';
import { requireNoOpenOrder, requireOrder, requireOwnSuspension } from './order/order.ts';
import { lockOpenOrders, lockOrder, suspendedFor } from './order/store.ts';
import { requireInStock, requireSpoilable } from './paper.ts';
import type { LicenseRecord } from './record.ts';
import * as store from './store.ts';

/**
 * Step ① of every act: runs all checks that can refuse, and stores the content to be sealed.
 * Must be called inside a transaction.
 */

export interface PrepareDependencies {
  now: Clock;
  authorisationKey: Uint8Array;
  publicUrl: string;
}

/**
 * Step ① for an act that a granted case ends in: checks and reserves number, version, blank and seal, and stores the
 * canonical record. Returns the act. A repeated request for the case returns the same act.
 */
export async function prepareCaseAct(
  tx: Transaction,
  deps: PrepareDependencies,
  actor: Actor,
  asked: { caseId: string; blankNumber: string | null; act: CertificateTask['content']['action'] },
): Promise<store.Prepared> {
  const [row, before] = await inOrder(tx, [
    (tx) => store.lockTask(tx, asked.caseId),
    (tx) => store.findActByCase(tx, asked.caseId),
  ]);
  if (!row) throw new Refusal('CASE_NOT_GRANTED', 'case');
  const task = store.toTask(row);
  const authorised = task.content;
  const clerk = requirePaperClerk(actor, task);
  requireTaskAct(task, asked.act);
  if (before) return { ...before, authorised };

  const at = deps.now();
  const blankNumber = asked.blankNumber ?? '';
  const by = readUnverifiedAuthoriser(task.authorisation);
  const use = { matterId: task.content.matterId, personId: by.actor };
  const makes = makesVersion(task.content.action);
  const [standing, sealName, reserved, blank] = await inOrder(tx, [
    (tx) => lockStanding(tx, task),
    (tx) => store.requireSealName(tx, task.issuer.id, use, at),
    makes ? (tx) => reserve(tx, task, at) : null,
    makes ? (tx) => store.lockBlank(tx, blankNumber) : null,
  ]);
  const sealing = { authorisedBy: by.actorName, authorisedAt: at, sealName };
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
  if (computeContentDigest(task.content) !== task.contentDigest) throw new Refusal('SEAL_AUTHORISATION_INVALID');
  if (!reserved) {
    if (!standing) throw new Refusal('LICENSE_UNKNOWN', 'case');
    const after = stateAfter(standing.state, 'CANCEL');
    const said = { reason: '依申请注销', caseNumber: task.caseNumber, sheets: null };
    const record = statementOf(standing, 'CANCEL', after, sealing, said);
    const made = await ledger.insertAct(tx, { ...base, ...identityOf(standing), stateAfter: after, record });
    return { ...made, authorised };
  }
  const planned = planVersion(deps, task, standing, sealing, reserved);
  requireInStock(blank, task.issuer.id, 'blankNumber');
  const { identifier } = planned;
  requireRenderable(planned.record);
  const [made] = await inOrder(tx, [
    (tx) => ledger.insertAct(tx, { ...base, ...planned, stateAfter: 'VALID', blankNumber }),
    (tx) => ledger.moveBlank(tx, blankNumber, 'ASSIGNED', { identifier, actId: base.id, actor: clerk.name, at }),
  ]);
  return { ...made, authorised };
}

/**
 * Refuses FIELD_MALFORMED if the document cannot be rendered: no font has one of its characters.
 * Must be called before the blank is assigned and the act is written.
 */
function requireRenderable(record: LicenseRecord): void {
  try {
    requirePrintable(record);
  } catch (error) {
    if (!(error instanceof UnprintableText)) throw error;
    throw new Refusal('FIELD_MALFORMED', 'case', '含有字库没有的字，无法制证');
  }
}

/** Locks and returns the license that a task's act is on, or null if the task issues a new one. */
async function lockStanding(tx: Transaction, task: CertificateTask): Promise<LicenseHead | null> {
  const { action, licenseNumber } = task.content;
  if (action === 'ISSUE') return null;
  if (licenseNumber === null) throw new Refusal('LICENSE_UNKNOWN', 'case');
  const [stored, open] = await inOrder(tx, [
    (tx) => store.lockHead(tx, licenseNumber),
    (tx) => lockOpenOrders(tx, licenseNumber),
  ]);
  if (!stored) throw new Refusal('LICENSE_UNKNOWN', 'case');
  const head = store.headOf(stored);
  requireFits(task, head);
  requireNoOpenOrder(action, open);
  return head;
}

/** Reserved for a new version: a number if it issues a license, and an index in the status list. */
interface Reserved {
  newNumber: string | null;
  statusIndex: number;
}

async function reserve(tx: Transaction, task: CertificateTask, at: Date): Promise<Reserved> {
  const year = Number(dayOf(at).slice(0, 4));
  const [newNumber, statusIndex] = await inOrder(tx, [
    task.content.action === 'ISSUE' ? (tx) => store.reserveNumber(tx, task, year) : null,
    store.reserveStatusIndex,
  ]);
  return { newNumber, statusIndex };
}

const MOST_VERSIONS = 999;

function planVersion(
  { publicUrl }: PrepareDependencies,
  task: CertificateTask,
  standing: LicenseHead | null,
  sealing: Sealing,
  { newNumber, statusIndex }: Reserved,
) {
  const issuedOn = dayOf(sealing.authorisedAt);
  const number = standing?.number ?? newNumber;
  if (number === null) throw new Refusal('LICENSE_UNKNOWN', 'case');
  const version = (standing?.version ?? 0) + 1;
  if (version > MOST_VERSIONS) throw new Refusal('LICENSE_ACT_NOT_ALLOWED');
  const identifier = writeLicenseIdentifier({
    type: task.content.licenseType,
    issuer: task.issuer.uscc,
    serial: number,
    version,
  });
  const replaces = standing?.identifier ?? null;
  const record = recordOf({ task, sealing, number, version, identifier, issuedOn, replaces, publicUrl, statusIndex });
  return { number, version, identifier, record };
}

function identityOf({ number, version, identifier }: LicenseHead) {
  return { number, version, identifier };
}

/**
 * Step ① for an act on the issuing organ's own authority (suspension, restoration, an ending). The approver's request
 * also authorises the seal. Returns the act.
 */
export async function prepareOwnAct(
  tx: Transaction,
  deps: PrepareDependencies,
  actor: Actor,
  asked: { identifier: string; act: OwnAct; reason: string | null; order: string | null },
): Promise<store.Prepared> {
  const head = store.headOf(await lockCurrent(tx, asked.identifier));
  const approver = requireOwnAct(actor, head, asked.act);
  const open = await lockOpenOrders(tx, head.number);
  const named = asked.order === null ? null : await lockOrder(tx, asked.order);
  const order = asked.order === null ? null : requireOrder(named, head.number, asked.act);
  requireNoOpenOrder(asked.act, open, order);
  if (order !== null) {
    const suspender = (await suspendedFor(tx, [head.number])).get(head.number) ?? null;
    requireOwnSuspension(order, suspender);
  }
  // An act that carries out an order states the supervisor's reason.
  const reason = order?.reason ?? asked.reason ?? '';
  requireReason(reason);
  const at = deps.now();
  const sealName = await store.requireSealName(
    tx,
    head.issuer.id,
    { matterId: head.record.KZ_SX, personId: approver.id },
    at,
  );
  const after = stateAfter(head.state, asked.act);
  const sealing = { authorisedBy: approver.name, authorisedAt: at, sealName };
  const orderId = order?.id ?? null;
  const said = { reason, caseNumber: null, sheets: null, orderId };
  const record = statementOf(head, asked.act, after, sealing, said);
  return insertAuthorised(tx, deps, actor, head, {
    act: asked.act,
    record,
    stateAfter: after,
    reason,
    orderId,
    at,
  });
}

/**
 * Step ① for a sheet spoiled before delivery. The same version goes onto another blank, and a sealed statement names
 * both blanks. Returns the act.
 */
export async function prepareSpoil(
  tx: Transaction,
  deps: PrepareDependencies,
  actor: Actor,
  asked: { identifier: string; blankNumber: string; replacement: string; reason: string },
): Promise<store.Prepared> {
  const head = store.headOf(await lockCurrent(tx, asked.identifier));
  const clerk = requirePaperClerk(actor, head);
  requireReason(asked.reason);
  const known = await store.lockBlank(tx, asked.blankNumber);
  if (known?.state === 'SPOILED') throw new Refusal('BLANK_SPOILED', 'blankNumber');
  requireSpoilable(await store.lockSheet(tx, asked.blankNumber, head.identifier));
  requireInStock(await store.lockBlank(tx, asked.replacement), head.issuer.id, 'replacement');
  const at = deps.now();
  const sealName = await store.requireSealName(
    tx,
    head.issuer.id,
    { matterId: head.record.KZ_SX, personId: clerk.id },
    at,
  );
  const sealing = { authorisedBy: clerk.name, authorisedAt: at, sealName };
  const sheets = { spoiled: asked.blankNumber, replacement: asked.replacement };
  const said = { reason: asked.reason, caseNumber: null, sheets };
  const record = statementOf(head, 'SPOIL', head.state, sealing, said);
  const made = await insertAuthorised(tx, deps, actor, head, {
    act: 'SPOIL',
    record,
    stateAfter: head.state,
    reason: asked.reason,
    at,
    blankNumber: asked.replacement,
    spoiledBlank: asked.blankNumber,
  });
  const { identifier } = head;
  await ledger.moveBlank(tx, asked.replacement, 'ASSIGNED', { identifier, actId: made.id, actor: clerk.name, at });
  return made;
}

type OwnActRow = Pick<store.ActRow, 'act' | 'record' | 'stateAfter'> &
  Partial<Pick<store.ActRow, 'blankNumber' | 'spoiledBlank' | 'orderId'>> & { reason: string; at: Date };

/** Writes the intent of an act whose actor authorises it by the request itself. */
async function insertAuthorised(
  tx: Transaction,
  deps: PrepareDependencies,
  actor: Actor,
  head: LicenseHead,
  intent: OwnActRow,
): Promise<store.Prepared> {
  const person = requireRole(actor, 'APPROVER', 'WINDOW_CLERK', 'SEAL_KEEPER');
  const { at, ...row } = intent;
  const digest = computeContentDigest(intent.record);
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
  const made = await ledger.insertAct(tx, {
    id: crypto.randomUUID(),
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
  return { ...made, authorised: made.record };
}

/**
 * Locks and returns the license of an identifier.
 * Refuses IDENTIFIER_INVALID, LICENSE_UNKNOWN, and LICENSE_NOT_CURRENT if the version is not the current one.
 */
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
