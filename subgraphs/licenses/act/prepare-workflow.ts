import type { Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { computeContentDigest } from '../../kernel/events/events.ts';
import { requireLicenseIdentifier, writeLicenseIdentifier } from '../../kernel/identifier.ts';
import { makesVersion } from '../../kernel/license-acts.ts';
import { requireAtHolder } from '../../kernel/license-type/reissued-sheet.ts';
import { requirePrintable, UnprintableText } from '../../kernel/pdf/document.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { readUnverifiedAuthoriser, writeAuthorisation } from '../../kernel/sealing/authorisation.ts';
import type { ReadPersonSigning } from '../../kernel/sealing/person-signature.ts';
import { makeSalt } from '../../kernel/sealing/random.ts';
import type { ServiceIdentity } from '../../kernel/sealing/service-token.ts';
import type { PersonSigning } from '../../kernel/sealing/signing-workflow.ts';
import { buildRecord, type LicenseHead, planCaseStatement, type Sealing } from '../license.ts';
import { findNumberOf } from '../number/store.ts';
import { type NumberedLicense, reserveNumber, reserveSerial } from '../number/workflow.ts';
import { lockOpenOrders } from '../order/store.ts';
import { succeedStock } from '../organ/store.ts';
import { lockBlanks, moveBlanks } from '../paper/blank-store.ts';
import { listBlanksOf, requireBlanks, type SheetBlanks } from '../paper/paper.ts';
import { listSheets } from '../paper/store.ts';
import { policyOfAct } from '../policy.ts';
import { requireSeal, type SealUse } from '../seal/seal.ts';
import { listSealFacts } from '../seal/store.ts';
import { type Authoriser, toDecider } from '../seal/workflow.ts';
import * as store from '../store.ts';
import { lockTask, toTask } from '../task/store.ts';
import type { CertificateTask } from '../task/task.ts';
import { countDuplicates } from '../type/store.ts';
import { stateOfNewVersion } from '../validity/renewal.ts';
import { findEarlierVersion, listCurrentVersions } from '../validity/takeover-store.ts';
import {
  type ActRow,
  findActByCase,
  findNewestLostVersion,
  findPreparedActs,
  insertAct,
  type PreparedAct,
  reserveStatusIndex,
} from './act-store.ts';
import type { LicenseRecord } from './record.ts';

/**
 * Step ① of every act: runs all checks that can refuse, and stores the content to be sealed.
 * Must be called inside a transaction.
 */

export interface PrepareDependencies {
  now: Clock;
  /** Signs the authorisations of seals. */
  identity: ServiceIdentity;
  /** What persons sign with, and which organs need it. */
  personSigning: ReadPersonSigning;
  publicUrl: string;
}

/** Dependencies of an act whose actor authorises the seal. */
export type SigningDependencies = PrepareDependencies & { signing: PersonSigning };

/** A clerk's request for the act that a granted case ends in, on blanks if it makes a version. */
export interface CaseActRequest {
  caseId: string;
  act: CertificateTask['content']['action'];
  sheets: SheetBlanks | null;
}

/**
 * Step ① for an act that a granted case ends in: checks and reserves number, version, blanks and seal, and stores the
 * canonical record. Returns the act. A repeated request for the case returns the same act.
 */
export async function prepareCaseAct(
  tx: Transaction,
  deps: PrepareDependencies,
  actor: Actor,
  request: CaseActRequest,
): Promise<PreparedAct> {
  const [row, earlierAct] = await inOrder(tx, [
    (tx) => lockTask(tx, request.caseId),
    (tx) => findActByCase(tx, request.caseId),
  ]);
  if (!row) throw new Refusal('CASE_NOT_GRANTED', 'case');
  const task = toTask(row);
  const authorised = task.content;
  const clerk = requireAllowed(policyOfAct(request.act), { head: null, task }, actor);
  if (earlierAct) return { ...earlierAct, authorised };

  const at = deps.now();
  const { name: authorisedBy, ...authoriser } = readUnverifiedAuthoriser(task.authorisation);
  const { action, matterId, licenseType } = authorised;
  const { id: organ, level } = task.issuer;
  const use = { organ, level, matterId, act: action, ...authoriser };
  const { sheets = null } = request;
  const needsVersion = makesVersion(action);
  const [{ head, sealName }, reservation, blanks, counts] = await inOrder(tx, [
    (tx) => lockTaskSubject(tx, task, clerk, { authorised: use, at }),
    needsVersion ? (tx) => reserveForVersion(tx, task, at) : null,
    sheets && ((tx) => lockBlanks(tx, listBlanksOf(sheets))),
    needsVersion ? (tx) => countDuplicates(tx, [authorised], dayOf(at)) : null,
  ]);
  const sealing = { authorisedBy, authorisedAt: at, sealName, salt: makeSalt() };
  const base = {
    id: crypto.randomUUID(),
    act: action,
    caseId: task.caseId,
    contentDigest: task.contentDigest,
    authorisation: task.authorisation,
    organ: task.issuer,
    matterId,
    actorId: clerk.id,
    actor: clerk.name,
    preparedAt: at,
  };
  if (computeContentDigest(task.content) !== task.contentDigest) throw new Refusal('SEAL_AUTHORISATION_INVALID');
  if (!needsVersion) {
    if (!head) throw new Refusal('LICENSE_UNKNOWN', 'case');
    const statement = planCaseStatement({ ...head, issuer: task.issuer }, action, sealing, task.caseNumber);
    const preparedAct = await insertAct(tx, { ...base, ...pickIdentity(head), ...statement });
    return { ...preparedAct, authorised };
  }
  if (!reservation || !sheets || !blanks) throw new Error(`case ${task.caseId}: nothing reserved for a new version`);
  const plan = planVersion(deps, task, head, sealing, reservation);
  const duplicates = counts?.[0] ?? null;
  if (duplicates === null) throw new Refusal('LICENSE_TYPE_PENDING');
  const stock = await succeedStock(tx, { organ: task.issuer.id, matterId, blanks }, dayOf(at));
  requireBlanks(sheets, stock.blanks, { organ: stock.organ, licenseType, duplicates });
  const { identifier } = plan;
  requireRenderable(plan.record);
  const [preparedAct] = await inOrder(tx, [
    (tx) => insertAct(tx, { ...base, ...plan, stateAfter: stateOfNewVersion(head), ...sheets }),
    (tx) => moveBlanks(tx, listBlanksOf(sheets), 'ASSIGNED', { identifier, actId: base.id, actor: clerk.name, at }),
  ]);
  return { ...preparedAct, authorised };
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

/**
 * Locks and returns the license that a task's act is on, or null if the task issues a new one, and the name of the seal
 * that the act needs. Refuses what the row of the act refuses.
 */
async function lockTaskSubject(
  tx: Transaction,
  task: CertificateTask,
  clerk: Person,
  use: Omit<SealUse, 'seals'>,
): Promise<{ head: LicenseHead | null; sealName: string }> {
  const { action } = task.content;
  const licenseNumber = action === 'ISSUE' ? null : task.content.licenseNumber;
  const [stored, openOrders, preparedActs, seals] = await inOrder(tx, [
    licenseNumber === null ? null : (tx) => store.lockHead(tx, licenseNumber),
    licenseNumber === null ? null : (tx) => lockOpenOrders(tx, licenseNumber),
    licenseNumber === null ? null : (tx) => findPreparedActs(tx, [licenseNumber]),
    (tx) => listSealFacts(tx, [task.issuer.id]),
  ]);
  if (!stored && action !== 'ISSUE') throw new Refusal('LICENSE_UNKNOWN', 'case');
  const head = stored && store.toHead(stored, dayOf(use.at));
  const sealUse = { ...use, seals };
  const prepared = preparedActs?.[0] ?? null;
  const orders = { open: openOrders ?? [], answered: null, suspenderId: null };
  requireAllowed(policyOfAct(action), { head, task, prepared, orders, sealUse }, clerk);
  if (stored) await requireNamedAtHolder(tx, task, stored, use.at);
  return { head, sealName: requireSeal(sealUse).name };
}

/**
 * Refuses PAPER_NOT_DELIVERED for a sheet that a reissue names and that the holder of no current version has. The
 * sheets of a license from paper are not known here.
 */
async function requireNamedAtHolder(
  tx: Transaction,
  { content: { reissuedSheets } }: CertificateTask,
  head: store.StoredLicense,
  at: Date,
): Promise<void> {
  if (reissuedSheets === undefined) return;
  const identifiers = (await listCurrentVersions(tx, head, at)).map(({ version }) => version.identifier);
  const sheets = await listSheets(tx, identifiers, dayOf(at));
  if (sheets.length === 0) return;
  const delivered = sheets.filter(({ state }) => state === 'DELIVERED');
  requireAtHolder(reissuedSheets, delivered, 'case');
}

/** Reserved for a new version: what it is called, and an index in the status list. */
interface Reservation extends NumberedLicense {
  statusIndex: number;
  /** The newest version of the license that a restore has lost, or 0. */
  lostVersion: number;
}

async function reserveForVersion(tx: Transaction, task: CertificateTask, at: Date): Promise<Reservation> {
  const { action, licenseNumber } = task.content;
  if (action !== 'ISSUE' && licenseNumber === null) throw new Refusal('LICENSE_UNKNOWN', 'case');
  const [numbered, statusIndex, lostVersion] = await inOrder(tx, [
    (tx) => (licenseNumber === null ? reserveNumber(tx, task, dayOf(at)) : reserveSerial(tx, task, licenseNumber)),
    reserveStatusIndex,
    licenseNumber === null ? null : (tx) => findNewestLostVersion(tx, licenseNumber),
  ]);
  return { ...numbered, statusIndex, lostVersion: lostVersion ?? 0 };
}

const MAX_VERSIONS = 999;

function planVersion(
  { publicUrl }: PrepareDependencies,
  task: CertificateTask,
  head: LicenseHead | null,
  sealing: Sealing,
  { number, serial, statusIndex, lostVersion }: Reservation,
) {
  const issuedOn = dayOf(sealing.authorisedAt);
  const version = Math.max(head?.version ?? 0, lostVersion) + 1;
  if (version > MAX_VERSIONS) throw new Refusal('LICENSE_ACT_NOT_ALLOWED', null, `证照最多 ${MAX_VERSIONS} 版`);
  const identifier = writeLicenseIdentifier({
    type: task.content.licenseType,
    issuer: task.issuer.uscc,
    serial,
    version,
  });
  const replaces = head?.identifier ?? null;
  const record = buildRecord({
    task,
    sealing,
    number,
    version,
    identifier,
    issuedOn,
    replaces,
    publicUrl,
    statusIndex,
  });
  return { number, version, identifier, record };
}

function pickIdentity({ number, version, identifier }: LicenseHead) {
  return { number, version, identifier };
}

type OwnActRow = Pick<ActRow, 'act' | 'record' | 'stateAfter'> &
  Partial<Pick<ActRow, 'orderId' | 'proposalId'>> & { reason: string; at: Date };

/** Writes the intent of an act whose actor authorises the seal by the request itself. */
export async function insertAuthorised(
  tx: Transaction,
  deps: SigningDependencies,
  person: Authoriser,
  head: LicenseHead,
  intent: OwnActRow,
): Promise<PreparedAct> {
  const { at, ...row } = intent;
  const digest = computeContentDigest(intent.record);
  const statement = deps.signing.authorise({
    actor: person.id,
    actorName: person.name,
    organ: head.issuer.id,
    matter: head.record.KZ_SX,
    caseId: null,
    act: intent.act,
    contentDigest: digest,
    authorisedAt: at.toISOString(),
    decider: toDecider(head, person),
  });
  const authorisation = await writeAuthorisation(deps.identity, statement);
  const preparedAct = await insertAct(tx, {
    id: crypto.randomUUID(),
    ...pickIdentity(head),
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
  return { ...preparedAct, authorised: preparedAct.record };
}

/**
 * Locks the license of an identifier and returns its newest version, on which acts are done. While that one waits for
 * its first day, the version in force until then names the license as well.
 * Refuses IDENTIFIER_INVALID, LICENSE_UNKNOWN, and LICENSE_NOT_CURRENT if the version is not a current one on the day.
 */
export async function lockCurrentLicense(tx: Transaction, identifier: string, day: Day): Promise<store.StoredLicense> {
  return (await lockLicense(tx, identifier, day)).head;
}

/** Locks a license as `lockCurrentLicense` does. Returns the version of the identifier: its paper is handled alone. */
export async function lockCurrentVersion(tx: Transaction, identifier: string, day: Day): Promise<store.StoredLicense> {
  return (await lockLicense(tx, identifier, day)).named;
}

async function lockLicense(
  tx: Transaction,
  identifier: string,
  day: Day,
): Promise<Record<'head' | 'named', store.StoredLicense>> {
  const stored = await lockLicenseOf(tx, identifier);
  const named = stored.version.identifier === identifier ? stored : await findEarlierVersion(tx, stored, day);
  if (named?.version.identifier !== identifier) throw new Refusal('LICENSE_NOT_CURRENT', 'identifier');
  return { head: stored, named };
}

/**
 * Locks the license that one of its versions names, and returns its current version.
 * Refuses IDENTIFIER_INVALID, LICENSE_UNKNOWN.
 */
export async function lockLicenseOf(tx: Transaction, identifier: string): Promise<store.StoredLicense> {
  requireLicenseIdentifier(identifier, 'identifier');
  const number = await findNumberOf(tx, identifier);
  const stored = number === null ? null : await store.lockHead(tx, number);
  if (!stored) throw new Refusal('LICENSE_UNKNOWN', 'identifier');
  return stored;
}
