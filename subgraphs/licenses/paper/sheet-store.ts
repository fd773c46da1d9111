import { and, asc, eq, inArray } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import { type Act, voidsLostSheets } from '../../kernel/license-acts.ts';
import { isDeclaredLost, type ReissuedSheet } from '../../kernel/license-type/reissued-sheet.ts';
import type { ActRow } from '../act/act-store.ts';
import type { StoredLicense } from '../store.ts';
import { sheet } from '../tables.ts';
import { moveBlanks } from './blank-store.ts';
import { openRecall } from './duty-store.ts';
import { listSheetPlaces, type SheetPlace } from './paper.ts';

/** What an act changes of the sheets of a version. Called inside the transaction that enters the act. */

type VersionOfAct = Pick<ActRow, 'id' | 'identifier' | 'number' | 'version' | 'actor'>;

/** Enters printed sheets of a version, and their blanks. */
async function enterPrinted(
  tx: Transaction,
  { id: actId, identifier, number, version, actor }: VersionOfAct,
  places: readonly SheetPlace[],
  facts: Pick<typeof sheet.$inferInsert, 'validity' | 'contentDigest'>,
  at: Date,
): Promise<void> {
  const blankNumbers = places.map(({ blankNumber }) => blankNumber);
  const rows = places.map((place) => ({ ...place, ...facts, identifier, number, version, printedAt: at }));
  await inOrder(tx, [
    (tx) => moveBlanks(tx, blankNumbers, 'PRINTED', { identifier, actId, actor, at }),
    (tx) => tx.insert(sheet).values(rows.map((row) => ({ ...row, state: 'PRINTED' as const }))),
  ]);
}

/** Enters the sheets of a new version: the original and its duplicates. */
export async function enterSheets(tx: Transaction, doneAct: ActRow, contentDigest: string, at: Date): Promise<void> {
  const { blankNumber, duplicateBlanks, stateAfter: validity } = doneAct;
  if (blankNumber === null) throw new Error(`act ${doneAct.id} has no blank`);
  const places = listSheetPlaces({ blankNumber, duplicateBlanks });
  await enterPrinted(tx, doneAct, places, { validity, contentDigest }, at);
}

/** Locks the sheets of a version that the holder has. */
async function lockDelivered(tx: Transaction, identifier: string): Promise<SheetPlace[]> {
  return tx
    .select({ blankNumber: sheet.blankNumber, kind: sheet.kind, place: sheet.place })
    .from(sheet)
    .where(and(eq(sheet.identifier, identifier), eq(sheet.state, 'DELIVERED')))
    .orderBy(asc(sheet.blankNumber))
    .for('update');
}

/**
 * Ends the sheets of a version that the holder has. An act that replaces lost sheets declares those lost and void
 * (遗失作废) that its case names (`named`; null: all of them). Each other one must be returned.
 */
export async function endSheets(
  tx: Transaction,
  stored: StoredLicense,
  doneAct: Pick<ActRow, 'id' | 'act' | 'actor'>,
  named: readonly ReissuedSheet[] | null,
  at: Date,
): Promise<void> {
  const delivered = await lockDelivered(tx, stored.version.identifier);
  const isLost = (one: SheetPlace) => voidsLostSheets(doneAct.act as Act) && isDeclaredLost(named, one);
  await inOrder(tx, [
    (tx) => declareLost(tx, stored, doneAct, listBlankNumbersOf(delivered.filter(isLost)), at),
    (tx) => demandRecall(tx, stored, listBlankNumbersOf(delivered.filter((one) => !isLost(one))), at),
  ]);
}

const listBlankNumbersOf = (places: readonly SheetPlace[]) => places.map(({ blankNumber }) => blankNumber);

async function declareLost(
  tx: Transaction,
  { version: { identifier } }: StoredLicense,
  { id: actId, actor }: Pick<ActRow, 'id' | 'actor'>,
  lost: readonly string[],
  at: Date,
): Promise<void> {
  if (lost.length === 0) return;
  await tx
    .update(sheet)
    .set({ state: 'LOST', lostAt: at })
    .where(inArray(sheet.blankNumber, [...lost]));
  await moveBlanks(tx, lost, 'LOST', { identifier, actId, actor, at });
}

/** Opens the duty to recall each of these sheets of a version out of force. */
async function demandRecall(
  tx: Transaction,
  { license: shared, version }: StoredLicense,
  blankNumbers: readonly string[],
  at: Date,
): Promise<void> {
  const { identifier, record } = version;
  const subject = { identifier, name: record.ZZMC, organs: [shared.issuer.id], divisionCode: shared.handledBy };
  for (const blankNumber of blankNumbers) await openRecall(tx, blankNumber, subject, at);
}

/**
 * Enters a spoiled sheet and the one that takes its place, as original or duplicate of the same version. Validity does
 * not change.
 */
export async function enterSpoiled(
  tx: Transaction,
  doneAct: ActRow,
  storedLicense: StoredLicense,
  at: Date,
): Promise<void> {
  const { id: actId, identifier, blankNumber, spoiledBlank, actor } = doneAct;
  if (blankNumber === null || spoiledBlank === null) throw new Error(`act ${actId} names no sheets`);
  const { state: validity, recordDigest: contentDigest } = storedLicense.version;
  const [spoiledSheet] = await tx
    .update(sheet)
    .set({ state: 'SPOILED' })
    .where(eq(sheet.blankNumber, spoiledBlank))
    .returning({ kind: sheet.kind, place: sheet.place });
  if (!spoiledSheet) throw new Error(`no sheet on blank ${spoiledBlank}`);
  await moveBlanks(tx, [spoiledBlank], 'SPOILED', { identifier, actId, actor, at });
  await enterPrinted(tx, doneAct, [{ ...spoiledSheet, blankNumber }], { validity, contentDigest }, at);
}
