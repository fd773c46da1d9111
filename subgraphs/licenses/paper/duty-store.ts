import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import type { LicenseRecord } from '../act/record.ts';
import type { SupplyKind } from '../supply/supply.ts';
import * as tables from '../tables.ts';

const { act, duty, license, licenseVersion } = tables;
const messages: MessageTables = tables;
const CONSUMERS = { cases: ['DutyChanged'] } as const;

type DutyRow = typeof duty.$inferSelect;

/** Builds the ids of duties: one per sheet, act, license number or order that waits. */
export const dutyIds = {
  /** A delivered sheet whose version is out of force must be returned. */
  recall: (blankNumber: string) => `recall:${blankNumber}`,
  /** A prepared act waits for its seal. */
  seal: (actId: string) => `seal:${actId}`,
  /** The city library refused a license for good. */
  collection: (number: string) => `collection:${number}`,
  /** The city library refused for good what the register stated of a license. */
  statement: (number: string) => `statement:${number}`,
  /** A supervisor's order is not answered. */
  order: (orderId: string) => `order:${orderId}`,
  /** The clock seems to have jumped, so no end of a license is entered. */
  sweep: () => 'sweep',
  /** A proposed act waits for its approver. */
  proposal: (proposalId: string) => `proposal:${proposalId}`,
  /** An organ runs out of numbers or of blanks of a type. */
  supply: (kind: SupplyKind, organ: string, licenseType: string | null) => `${kind}:${organ} ${licenseType ?? ''}`,
};

/** The data of a duty about its license. */
export type DutySubject = Pick<DutyRow, 'identifier' | 'name' | 'organs' | 'divisionCode'>;

/**
 * Opens a duty, or opens it again, and appends an event.
 * Does nothing if the duty is already open with the same reason.
 */
export async function openDuty(
  tx: Transaction,
  newDuty: Pick<DutyRow, 'id' | 'kind' | 'reason'> & DutySubject & { at: Date },
): Promise<void> {
  const { at, ...row } = newDuty;
  const [changedRow] = await tx
    .insert(duty)
    .values({ ...row, openedAt: at })
    .onConflictDoUpdate({
      target: duty.id,
      set: {
        ...row,
        openedAt: sql`case when ${duty.closedAt} is null then ${duty.openedAt} else excluded.opened_at end`,
        closedAt: null,
      },
      setWhere: sql`${duty.closedAt} is not null or ${duty.reason} is distinct from excluded.reason`,
    })
    .returning();
  if (changedRow) await appendDutyChanged(tx, changedRow, at);
}

/** Closes a duty and appends an event. Does nothing if the duty is not open. */
export async function closeDuty(tx: Transaction, id: string, at: Date): Promise<void> {
  const [closedRow] = await tx
    .update(duty)
    .set({ closedAt: at })
    .where(and(eq(duty.id, id), isNull(duty.closedAt)))
    .returning();
  if (closedRow) await appendDutyChanged(tx, closedRow, at);
}

/** Returns the ids of the duties of some kinds that are open. */
export async function listOpenDuties(db: Reader, kinds: readonly DutyRow['kind'][]): Promise<string[]> {
  const rows = await db
    .select({ id: duty.id })
    .from(duty)
    .where(and(inArray(duty.kind, [...kinds]), isNull(duty.closedAt)));
  return rows.map(({ id }) => id);
}

async function appendDutyChanged(tx: Transaction, row: DutyRow, at: Date): Promise<void> {
  const { id: dutyId, openedAt, closedAt, ...rest } = row;
  const payload = { dutyId, ...rest, openedAt: openedAt.toISOString(), closedAt: closedAt?.toISOString() ?? null };
  await appendEvent(tx, messages, CONSUMERS, {
    type: 'DutyChanged',
    stream: `duty:${dutyId}`,
    occurredAt: at,
    payload,
  });
}

/** Opens the duty to ask for the return of a sheet that the holder has (收回). */
export function openRecall(tx: Transaction, blankNumber: string, subject: DutySubject, at: Date): Promise<void> {
  const id = dutyIds.recall(blankNumber);
  return openDuty(tx, { id, kind: 'RECALL_OPEN', reason: `空白编号${blankNumber}`, at, ...subject });
}

/** Returns the data of a duty about a license: the current version, the issuing organ, the county that handles it. */
export async function readLicenseSubject(db: Reader, number: string): Promise<DutySubject> {
  const [row] = await db
    .select({ license, record: licenseVersion.record })
    .from(license)
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, license.headIdentifier))
    .where(eq(license.number, number));
  if (!row) throw new Error(`no license ${number}`);
  const { headIdentifier: identifier, issuer, handledBy: divisionCode } = row.license;
  return { identifier, name: row.record.ZZMC, organs: [issuer.id], divisionCode };
}

/** Returns the data of a duty about a prepared act. For an issue, the license does not exist yet. */
export async function readActSubject(db: Reader, intent: typeof act.$inferSelect): Promise<DutySubject> {
  if (intent.act !== 'ISSUE')
    return { ...(await readLicenseSubject(db, intent.number)), identifier: intent.identifier };
  const record = intent.record as LicenseRecord;
  const { identifier, organ } = intent;
  return { identifier, name: record.ZZMC, organs: [organ.id], divisionCode: record.KZ_BLXZQH };
}
