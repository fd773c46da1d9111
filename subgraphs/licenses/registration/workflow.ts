import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { sha256 } from '../../kernel/events/events.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import type { Parse } from '../../kernel/foreign/pool.ts';
import { LICENSE_SERIAL_PATTERN } from '../../kernel/identifier.ts';
import { licenseKey, type NumberScope } from '../../kernel/license-type/license-key.ts';
import { findTypeOn } from '../../kernel/license-type/type.ts';
import { findUnprintable } from '../../kernel/pdf/document.ts';
import { delegationOn, issuerOf, partiesOf } from '../../kernel/period/delegation.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import {
  type ProposalDecision,
  recordDecision,
  recordProposal,
  recordWithdrawal,
} from '../../kernel/proposal/workflow.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { makeSalt } from '../../kernel/sealing/random.ts';
import { lockNumbers } from '../number/store.ts';
import type { PARSERS } from '../parsers.ts';
import { findLicenseTypes } from '../type/store.ts';
import { COLUMNS, type Ledger, type LineProblem, toLineProblem } from './ledger.ts';
import { type LedgerScope, type PaperLicense, readLines } from './line.ts';
import { REGISTRATION_POLICY } from './policy.ts';
import { buildLine, buildRegisteredRecord, REGISTRATION_KIND, type RegistrationContent } from './registration.ts';
import * as store from './store.ts';

/** Ledgers of existing paper by two persons: a reviewer of the issuing organ proposes one, an approver approves it. */

export interface RegistrationDependencies {
  db: Database;
  now: Clock;
  publicUrl: string;
  /** Reads the ledgers in workers. */
  parse: Parse<typeof PARSERS>;
}

/** A ledger as it was sent. */
export interface LedgerRequest {
  matter: string;
  bytes: Uint8Array;
  dryRun: boolean;
}

/** A ledger that was checked. If it has problems, nothing is proposed. */
export interface RegistrationResult {
  /** Null for a dry run, and if there are problems. */
  registration: store.StoredRegistration | null;
  encoding: Ledger['encoding'] | null;
  /** Number of licenses. */
  lines: number;
  problems: LineProblem[];
  notes: LineProblem[];
}

/** Maximum of notes that a proposal keeps. */
const MAX_NOTES = 500;

interface MatterScope extends LedgerScope {
  licenseName: string;
  /** Division code of the county that handles its cases. */
  handledBy: string;
  /** Organs that may see the licenses. */
  parties: string[];
}

/**
 * Checks a ledger and proposes to enter it. Refuses MATTER_UNKNOWN, MATTER_NOT_DELEGATED, ORGAN_WITHOUT_POWER,
 * LEDGER_WITHOUT_LICENSE, LICENSE_TYPE_PENDING, LEDGER_KNOWN, PROPOSALS_TOO_MANY, and what reading refuses.
 */
export async function proposeRegistration(
  { db, now, parse }: RegistrationDependencies,
  actor: Actor,
  { matter: matterId, bytes, dryRun }: LedgerRequest,
): Promise<RegistrationResult> {
  const scope = await readScope(db, matterId, dayOf(now()));
  const proposer = requireAllowed(
    REGISTRATION_POLICY.proposeRegistration,
    { issuer: scope.issuer.id, matter: matterId },
    actor,
  );
  const ledger = await parse('readLedger', { bytes, labels: scope.type.lines.map(({ label }) => label) });
  const digest = sha256(bytes);
  return transact(db, dryRun, async (tx) => {
    const at = now();
    if (await store.isKnownFile(tx, digest)) throw new Refusal('LEDGER_KNOWN', 'file');
    const { licenses, problems, notes } = await judgeLedger(tx, ledger, scope);
    const { encoding } = ledger;
    const result = { encoding, lines: licenses.length, problems, notes };
    if (dryRun || problems.length > 0) return { registration: null, ...result };
    const content: RegistrationContent = {
      ...{ matterId, licenseName: scope.licenseName, licenseType: scope.type.code, digest, encoding },
      ...{ lines: licenses.length, notes: notes.slice(0, MAX_NOTES) },
    };
    const draft = { kind: REGISTRATION_KIND, organ: scope.issuer.id, content } as const;
    const registration = await recordProposal(tx, store.registrationStore, proposer, draft, at);
    await store.insertFile(tx, { proposalId: registration.id, digest, bytes });
    return { registration, ...result };
  });
}

async function readScope(db: Database | Transaction, matterId: string, today: string): Promise<MatterScope> {
  const matter = await store.findMatterFact(db, matterId);
  if (!matter) throw new Refusal('MATTER_UNKNOWN', 'matter');
  const delegation = delegationOn(matter, today);
  const issuer = issuerOf({ matter, delegation });
  const { licenseType, name: licenseName } = delegation.outcome;
  if (licenseType === null) throw new Refusal('LEDGER_WITHOUT_LICENSE', 'matter');
  const published = (await findLicenseTypes(db, [licenseType])).get(licenseType);
  const type = published && findTypeOn(published, today);
  if (!type) throw new Refusal('LICENSE_TYPE_PENDING', 'matter');
  const county = matter.organs.find(({ id }) => id === delegation.countyOrgan);
  const handledBy = county?.divisionCode ?? issuer.divisionCode;
  const parties = [...new Set([...partiesOf(delegation), issuer.id])];
  return { issuer, type, today, licenseName, handledBy, parties };
}

const numberScopeOf = ({ type, issuer }: LedgerScope): NumberScope => ({ typeCode: type.code, uscc: issuer.uscc });

interface JudgedLedger {
  licenses: PaperLicense[];
  taken: store.TakenNumbers;
  problems: LineProblem[];
  notes: LineProblem[];
}

/** Checks the lines of a ledger by themselves, and against the licenses that there are. */
async function judgeLedger(tx: Transaction, ledger: Ledger, scope: LedgerScope): Promise<JudgedLedger> {
  const { licenses, problems } = readLines(ledger.rows, scope);
  const numbers = licenses.map(({ number }) => number);
  const taken = await store.findTakenNumbers(tx, numberScopeOf(scope), numbers);
  const isVisible = createVisibility();
  for (const license of licenses) {
    if (taken.inScope.has(foldText(license.number)))
      problems.push(toLineProblem(license.line, new Refusal('LICENSE_NUMBER_TAKEN', COLUMNS.number)));
    problems.push(...listUnprintable(license, isVisible));
  }
  const byLine = (one: LineProblem, other: LineProblem) => one.line - other.line;
  const all = [...ledger.problems, ...problems].sort(byLine);
  return { licenses, taken, problems: all, notes: await listNotes(tx, licenses) };
}

/** Returns a function that says why no license could show a text, or null. The fonts are asked once for each text. */
function createVisibility(): (text: string) => string | null {
  const known = new Map<string, string | null>();
  return (text) => {
    const answer = known.get(text);
    if (answer !== undefined) return answer;
    const found = findUnprintable(text);
    known.set(text, found);
    return found;
  };
}

function listUnprintable(
  { line, number, holder, coOwnership, fields }: PaperLicense,
  findProblem: (text: string) => string | null,
): LineProblem[] {
  const others = (coOwnership?.coHolders ?? []).map(({ name }) => ({ label: COLUMNS.coHolders, text: name }));
  const texts = [
    { label: COLUMNS.number, text: number },
    { label: COLUMNS.holder, text: holder.name },
    ...others,
    ...fields,
  ];
  return texts.flatMap(({ label, text }) => {
    const reason = findProblem(text);
    return reason === null ? [] : [toLineProblem(line, new Refusal('FIELD_MALFORMED', label, reason))];
  });
}

/** Notes each holder who has another name in the hub, or in an earlier line. */
async function listNotes(tx: Transaction, licenses: readonly PaperLicense[]): Promise<LineProblem[]> {
  const codes = licenses.map(({ holder }) => holder.code);
  const names = await store.findHolderNames(tx, codes);
  return licenses.flatMap(({ line, holder: { code, name } }) => {
    const known = names.get(code);
    if (known === undefined) names.set(code, name);
    if (known === undefined || known === name) return [];
    return [toLineProblem(line, new Refusal('HOLDER_NAMED_OTHERWISE', COLUMNS.holder, `已登记为“${known}”`))];
  });
}

/**
 * Approves a ledger, which is then entered line by line, or rejects it with a reason. Everything is checked again.
 * Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, SECOND_PERSON_NEEDED, REASON_MISSING, and PROPOSAL_OUTDATED if a line
 * could not be entered any more, or another organ issues the licenses now.
 */
export async function decideRegistration(
  deps: RegistrationDependencies,
  actor: Actor,
  { dryRun, ...decision }: ProposalDecision & { dryRun: boolean },
): Promise<store.StoredRegistration> {
  const { db, now } = deps;
  const rule = REGISTRATION_POLICY.decideRegistration;
  const snapshot = await store.registrationStore.find(db, decision.proposal);
  if (!snapshot) throw new Refusal('PROPOSAL_UNKNOWN', 'registration');
  requireAllowed(rule, snapshot, actor);
  const approved = decision.approve ? await readApproved(deps, snapshot) : null;
  return transact(db, dryRun, async (tx) => {
    const at = now();
    // Locked first, as every issue locks them, so that no two transactions wait for each other.
    if (approved) await lockNumbers(tx);
    const registration = await recordDecision(tx, store.registrationStore, { rule, actor, at }, decision);
    if (approved) await reserveLines(tx, deps, registration, approved, at);
    return registration;
  });
}

interface ApprovedLedger {
  scope: MatterScope;
  ledger: Ledger;
}

async function readApproved(
  { db, now, parse }: RegistrationDependencies,
  registration: store.StoredRegistration,
): Promise<ApprovedLedger> {
  const { matterId, digest } = store.contentOf(registration);
  const bytes = (await store.findFiles(db, [registration.id])).get(registration.id);
  if (!bytes || sha256(bytes) !== digest) throw new Error(`the file of ${registration.id} is not the proposed one`);
  const scope = await readScope(db, matterId, dayOf(now()));
  if (scope.issuer.id !== registration.organ) throw new Refusal('PROPOSAL_OUTDATED', 'registration');
  const labels = scope.type.lines.map(({ label }) => label);
  return { scope, ledger: await parse('readLedger', { bytes, labels }) };
}

/** Reserves the numbers of an approved ledger, and fixes what is entered of each license. */
async function reserveLines(
  tx: Transaction,
  { publicUrl }: RegistrationDependencies,
  registration: store.StoredRegistration,
  { scope, ledger }: ApprovedLedger,
  at: Date,
): Promise<void> {
  const { id: proposalId, proposedById, proposedBy, ended } = registration;
  const content = store.contentOf(registration);
  const { licenses, problems, taken } = await judgeLedger(tx, ledger, scope);
  const isSame = problems.length === 0 && licenses.length === content.lines && content.licenseType === scope.type.code;
  if (!isSame) throw new Refusal('PROPOSAL_OUTDATED', 'registration');
  if (!ended) throw new Error(`registration ${proposalId} is not decided`);
  const numberScope = numberScopeOf(scope);
  const serials = await reserveSerials(tx, numberScope, licenses);
  const plan = {
    ...{ proposalId, proposedById, proposedBy, approvedById: ended.actorId, approvedBy: ended.actor, approvedAt: at },
    ...{ day: scope.today, matterId: content.matterId, licenseName: scope.licenseName, publicUrl },
    ...{ licenseType: scope.type.code, typeVersion: scope.type.version, issuer: scope.issuer },
    ...{ handledBy: scope.handledBy, digest: content.digest },
  };
  const lines = licenses.map((license, i) => {
    const serial = serials[i] ?? '';
    const record = buildRegisteredRecord(plan, license, { serial, salt: makeSalt() });
    const key = licenseKey(license.number, numberScope, !taken.asKey.has(foldText(license.number)));
    return { ...buildLine(proposalId, i + 1, key, record), serial };
  });
  const organs = { issuer: scope.issuer, parties: scope.parties };
  await store.insertLines(tx, numberScope, lines, { approvedAt: at, organs });
}

/** How the identifiers of licenses are called whose number no identifier can carry: a running serial of the issuer. */
const RUNNING_PREFIX = 'DJ';
const RUNNING_DIGITS = 8;

/**
 * Returns what the identifier of each license carries: its number, if it is digits and capital letters and no other
 * license of the issuer and type has that serial, else a running one.
 */
async function reserveSerials(
  tx: Transaction,
  scope: NumberScope,
  licenses: readonly PaperLicense[],
): Promise<string[]> {
  const isCarried = ({ number }: PaperLicense) => LICENSE_SERIAL_PATTERN.test(number);
  const taken = await store.findTakenSerials(
    tx,
    scope,
    licenses.filter(isCarried).map(({ number }) => number),
  );
  const own = licenses.map((license) =>
    isCarried(license) && !taken.has(license.number) && !isRunning(license.number) ? license.number : null,
  );
  const running = await takeRunningSerials(tx, scope, own.filter((serial) => serial === null).length);
  return own.map((serial) => serial ?? running.shift() ?? '');
}

/** Takes so many running serials that no license of the issuer and type has. */
async function takeRunningSerials(tx: Transaction, scope: NumberScope, count: number): Promise<string[]> {
  const serials: string[] = [];
  while (serials.length < count) {
    const missing = count - serials.length;
    const first = await store.takeBlock(tx, `${RUNNING_PREFIX} ${scope.typeCode} ${scope.uscc}`, missing);
    const candidates = Array.from(
      { length: missing },
      (_, i) => `${RUNNING_PREFIX}${String(first + i).padStart(RUNNING_DIGITS, '0')}`,
    );
    const taken = await store.findTakenSerials(tx, scope, candidates);
    serials.push(...candidates.filter((serial) => !taken.has(serial)));
  }
  return serials;
}

/** Whether a printed number looks like a running serial, which it must not take away. */
function isRunning(number: string): boolean {
  return number.startsWith(RUNNING_PREFIX) && /^\d+$/.test(number.slice(RUNNING_PREFIX.length));
}

/** Withdraws a waiting ledger. Only its author may. Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, NOT_YOUR_RECORD. */
export function withdrawRegistration(
  { db, now }: RegistrationDependencies,
  actor: Actor,
  { registration: id, dryRun }: { registration: string; dryRun: boolean },
): Promise<store.StoredRegistration> {
  return transact(db, dryRun, (tx) => {
    const author = { rule: REGISTRATION_POLICY.withdrawRegistration, actor, at: now() };
    return recordWithdrawal(tx, store.registrationStore, author, id);
  });
}
