import { and, asc, eq, gt, inArray, isNull, ne, or, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { markedKey, type NumberScope } from '../../kernel/license-type/license-key.ts';
import type { KeysetRequest } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { listDeciderRoles } from '../../kernel/proposal/announcement.ts';
import { announceProposal } from '../../kernel/proposal/announcement-store.ts';
import type { ProposalState } from '../../kernel/proposal/proposal.ts';
import { createProposalStore, type StoredProposal } from '../../kernel/proposal/store.ts';
import { findTaken, toSerialRow } from '../number/store.ts';
import * as tables from '../tables.ts';
import { REGISTRATION_POLICY } from './policy.ts';
import { REGISTRATION_KIND, type RegistrationContent, type RegistrationLine } from './registration.ts';

const { license, licenseSerial, matterFact, numberSeries, proposal, proposalOutcome, reservedNumber } = tables;
const { registrationFile, registrationLine, registrationProgress } = tables;
const messages: MessageTables = tables;

/** Rows of one statement: it has at most 65,535 parameters. */
const CHUNK = 1_000;

export type StoredRegistration = StoredProposal<typeof REGISTRATION_KIND>;

export const registrationStore = createProposalStore<typeof REGISTRATION_KIND>(
  { proposal, proposalOutcome },
  {
    kinds: [REGISTRATION_KIND],
    announce: (tx, stored) =>
      announceProposal(tx, messages, stored, {
        kind: 'REGISTRATION_PROPOSED',
        roles: listDeciderRoles(REGISTRATION_POLICY.decideRegistration, stored),
        subject: `${contentOf(stored).licenseName} ${contentOf(stored).lines} 件`,
      }),
  },
);

/** Returns what a proposal says of its ledger. The workflow wrote the text. */
export function contentOf({ content }: Pick<StoredProposal, 'content'>): RegistrationContent {
  return JSON.parse(content) as RegistrationContent;
}

/** The order of `registrations`. */
export const REGISTRATION_ORDER = registrationStore.orderOf('registrations');

/** Returns a page of ledgers of a scope, newest first. */
export function listRegistrations(
  db: Reader,
  scope: ReadScope,
  state: ProposalState | null,
  page: KeysetRequest,
): Promise<Page<StoredRegistration>> {
  return registrationStore.list(db, isInScope(proposal.organ, scope), { kind: null, state }, page);
}

export async function putMatterFact(tx: Transaction, fact: MatterFact): Promise<void> {
  const row = { matterId: fact.matterId, fact };
  await tx.insert(matterFact).values(row).onConflictDoUpdate({ target: matterFact.matterId, set: row });
}

export async function findMatterFact(db: Reader, matterId: string): Promise<MatterFact | null> {
  const [row] = await db.select().from(matterFact).where(eq(matterFact.matterId, matterId));
  return row?.fact ?? null;
}

/** Whether a ledger with this digest waits for its approval, or was approved. */
export async function isKnownFile(db: Reader, digest: string): Promise<boolean> {
  const counts = or(isNull(proposalOutcome.outcome), eq(proposalOutcome.outcome, 'APPROVED'));
  const rows = await db
    .select({ id: registrationFile.proposalId })
    .from(registrationFile)
    .leftJoin(proposalOutcome, eq(proposalOutcome.proposalId, registrationFile.proposalId))
    .where(and(eq(registrationFile.digest, digest), counts))
    .limit(1);
  return rows.length > 0;
}

export async function insertFile(tx: Transaction, row: typeof registrationFile.$inferInsert): Promise<void> {
  await tx.insert(registrationFile).values(row);
}

/** Returns the bytes of the ledger of each proposal, by its id. */
export async function findFiles(db: Reader, ids: readonly string[]): Promise<Map<string, Uint8Array>> {
  const rows = await db
    .select()
    .from(registrationFile)
    .where(inArray(registrationFile.proposalId, [...ids]));
  return new Map(rows.map(({ proposalId, bytes }) => [proposalId, bytes]));
}

/** Returns how far the ledger of each proposal is entered, by its id. One that is not approved has none. */
export async function findProgress(
  db: Reader,
  ids: readonly string[],
): Promise<Map<string, typeof registrationProgress.$inferSelect>> {
  const rows = await db
    .select()
    .from(registrationProgress)
    .where(inArray(registrationProgress.proposalId, [...ids]));
  return new Map(rows.map((row) => [row.proposalId, row]));
}

/** Which printed numbers are taken, folded. */
export interface TakenNumbers {
  /** Those that a license of the issuer and type has. */
  inScope: Set<string>;
  /** Those that are the key of a license, of any issuer and type. */
  asKey: Set<string>;
}

export async function findTakenNumbers(
  db: Reader,
  scope: NumberScope,
  numbers: readonly string[],
): Promise<TakenNumbers> {
  const taken: TakenNumbers = { inScope: new Set(), asKey: new Set() };
  for (const chunk of chunksOf(numbers.map(foldText))) {
    const printedByMarked = new Map(chunk.map((printed) => [foldText(markedKey(printed, scope)), printed]));
    const keys = await db
      .select()
      .from(reservedNumber)
      .where(inArray(reservedNumber.number, [...chunk, ...printedByMarked.keys()]));
    for (const { number } of keys) {
      const printed = printedByMarked.get(number);
      if (printed === undefined) taken.asKey.add(number);
      else taken.inScope.add(printed);
    }
    for (const printed of await findPrinted(db, scope, chunk)) taken.inScope.add(printed);
  }
  return taken;
}

async function findPrinted(db: Reader, scope: NumberScope, folded: readonly string[]): Promise<string[]> {
  const { typeCode, uscc, printed } = licenseSerial;
  const rows = await db
    .select({ printed })
    .from(licenseSerial)
    .where(and(eq(typeCode, scope.typeCode), eq(uscc, scope.uscc), inArray(printed, [...folded])));
  return rows.map((row) => row.printed);
}

/** Returns the name under which licenses know a holder, by code: that of the newest license of each. */
export async function findHolderNames(db: Reader, codes: readonly string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const chunk of chunksOf([...new Set(codes)])) {
    const rows = await db
      .selectDistinctOn([license.holderCode], { code: license.holderCode, name: license.holderName })
      .from(license)
      .where(inArray(license.holderCode, chunk))
      .orderBy(asc(license.holderCode), sql`${license.serial} desc`);
    for (const { code, name } of rows) names.set(code, name);
  }
  return names;
}

function chunksOf<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / CHUNK) }, (_, i) => items.slice(i * CHUNK, (i + 1) * CHUNK));
}

/** Returns which of these serials are taken within a scope. */
export async function findTakenSerials(
  tx: Transaction,
  scope: NumberScope,
  serials: readonly string[],
): Promise<Set<string>> {
  const taken = new Set<string>();
  for (const chunk of chunksOf(serials)) {
    const found = await findTaken(
      tx,
      scope,
      chunk.map((serial) => ({ number: '', serial })),
    );
    for (const serial of found.serials) taken.add(serial);
  }
  return taken;
}

/** Takes the next `count` running numbers of a series, which has no years. Returns the first. */
export async function takeBlock(tx: Transaction, series: string, count: number): Promise<number> {
  const [row] = await tx
    .insert(numberSeries)
    .values({ series, year: 0, newest: count })
    .onConflictDoUpdate({
      target: [numberSeries.series, numberSeries.year],
      set: { newest: sql`${numberSeries.newest} + ${count}` },
    })
    .returning({ newest: numberSeries.newest });
  if (!row) throw new Error(`series ${series}: no number taken`);
  return row.newest - count + 1;
}

/** Stores the licenses of an approved ledger with their numbers and serials, and that none of them is entered yet. */
export async function insertLines(
  tx: Transaction,
  scope: NumberScope,
  lines: readonly (RegistrationLine & { serial: string })[],
  approval: Pick<typeof registrationProgress.$inferInsert, 'approvedAt' | 'organs'>,
): Promise<void> {
  for (const chunk of chunksOf(lines)) {
    await tx.insert(reservedNumber).values(chunk.map(({ number }) => ({ number: foldText(number) })));
    await tx.insert(licenseSerial).values(chunk.map(({ number, serial }) => toSerialRow({ ...scope, number, serial })));
    await tx.insert(registrationLine).values(chunk.map(({ serial: _, ...line }) => line));
  }
  const proposalId = lines[0]?.proposalId;
  if (proposalId === undefined) throw new Error('a ledger without lines');
  await tx.insert(registrationProgress).values({ proposalId, ...approval, total: lines.length, entered: 0 });
}

/** Returns an approved ledger that is not entered in full, the oldest, with its next lines. Null: there is none. */
export async function findNextBatch(
  db: Reader,
  size: number,
): Promise<{ progress: typeof registrationProgress.$inferSelect; lines: RegistrationLine[] } | null> {
  const [progress] = await db
    .select()
    .from(registrationProgress)
    .where(ne(registrationProgress.entered, registrationProgress.total))
    .orderBy(asc(registrationProgress.approvedAt), asc(registrationProgress.proposalId))
    .limit(1);
  if (!progress) return null;
  const { proposalId, entered } = progress;
  const lines = await db
    .select()
    .from(registrationLine)
    .where(and(eq(registrationLine.proposalId, proposalId), gt(registrationLine.place, entered)))
    .orderBy(asc(registrationLine.place))
    .limit(size);
  return { progress, lines };
}

/** Moves the progress of a ledger on. Returns false, and changes nothing, if another process entered these lines. */
export async function moveProgress(
  tx: Transaction,
  { proposalId, entered, total }: typeof registrationProgress.$inferSelect,
  count: number,
  at: Date,
): Promise<boolean> {
  const now = entered + count;
  const rows = await tx
    .update(registrationProgress)
    .set({ entered: now, doneAt: now === total ? at : null })
    .where(and(eq(registrationProgress.proposalId, proposalId), eq(registrationProgress.entered, entered)))
    .returning({ proposalId: registrationProgress.proposalId });
  return rows.length > 0;
}
