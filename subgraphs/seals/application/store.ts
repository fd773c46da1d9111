import { and, asc, count, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import type { Database, Reader, Transaction } from '../../../db/client.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { listDeciderRoles } from '../../kernel/proposal/announcement.ts';
import { announceProposal } from '../../kernel/proposal/announcement-store.ts';
import { SEALS_POLICY } from '../policy.ts';
import { messages } from '../store.ts';
import { outboxStream, seal, sealApplication, sealApplicationOutcome, sealApplicationPicture } from '../tables.ts';
import { type Application, type ApplicationKind, describeApplication, type Outcome } from './application.ts';

type ApplicationRow = typeof sealApplication.$inferSelect;
export type OutcomeRow = typeof sealApplicationOutcome.$inferSelect;

/** An application with its outcome, or null while it waits. */
export interface StoredApplication extends Application {
  serial: number;
  kind: ApplicationKind;
  reason: string;
  at: Date;
  ended: OutcomeRow | null;
}

function toStoredApplication({
  application,
  ended,
}: {
  application: ApplicationRow;
  ended: OutcomeRow | null;
}): StoredApplication {
  return { ...application, outcome: ended?.outcome ?? null, ended };
}

const columns = { application: sealApplication, ended: sealApplicationOutcome };
const isOutcomeOf = eq(sealApplicationOutcome.applicationId, sealApplication.id);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export async function findApplication(db: Reader, id: string): Promise<StoredApplication | null> {
  const [found = null] = await findApplications(db, [id]);
  return found;
}

/** Returns applications in the order of their ids, with null for each that does not exist. */
export async function findApplications(db: Reader, ids: readonly string[]): Promise<(StoredApplication | null)[]> {
  const rows = await db
    .select(columns)
    .from(sealApplication)
    .leftJoin(sealApplicationOutcome, isOutcomeOf)
    .where(
      inArray(
        sealApplication.id,
        ids.filter((id) => UUID.test(id)),
      ),
    );
  const found = new Map(rows.map(toStoredApplication).map((application) => [application.id, application]));
  return ids.map((id) => found.get(id) ?? null);
}

/** Counts the applications of an organ that wait for a decision. */
export async function countWaiting(db: Reader, organ: string): Promise<number> {
  const [row] = await db
    .select({ waiting: count() })
    .from(sealApplication)
    .leftJoin(sealApplicationOutcome, isOutcomeOf)
    .where(and(eq(sealApplication.organ, organ), isNull(sealApplicationOutcome.applicationId)));
  return row?.waiting ?? 0;
}

/** Whether anybody ever applied for something on a seal. */
export async function hasApplications(db: Reader, sealId: string): Promise<boolean> {
  const rows = await db
    .select({ id: sealApplication.id })
    .from(sealApplication)
    .where(eq(sealApplication.sealId, sealId))
    .limit(1);
  return rows.length > 0;
}

/** Records an application and tells cases that it waits for its second person. */
export async function insertApplication(tx: Transaction, row: Omit<ApplicationRow, 'serial'>): Promise<void> {
  await tx.insert(sealApplication).values(row);
  await announceApplication(tx, row.id);
}

/** Tells cases that an application waits for its second person, or waits no more. */
async function announceApplication(tx: Transaction, id: string): Promise<void> {
  const application = await findApplication(tx, id);
  if (!application) throw new Error(`no application ${id}`);
  const { organ, sealId, particulars, appliedById: proposedById, at, ended } = application;
  const [known] = await tx.select({ name: seal.name }).from(seal).where(eq(seal.id, sealId));
  const announced = { id, organ, proposedById, at, ended };
  await announceProposal(tx, messages, announced, {
    kind: 'SEAL_APPLICATION_WAITING',
    roles: listDeciderRoles(SEALS_POLICY.decideSealApplication, application),
    subject: describeApplication(particulars, known?.name ?? null),
  });
}

/** Announces waiting applications of releases that did not. Returns their number. */
export async function announceOldApplications(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    const stream = sql`'proposal:' || ${sealApplication.id}`;
    const rows = await tx
      .select({ id: sealApplication.id })
      .from(sealApplication)
      .leftJoin(sealApplicationOutcome, isOutcomeOf)
      .leftJoin(outboxStream, eq(outboxStream.stream, stream))
      .where(and(isNull(sealApplicationOutcome.applicationId), isNull(outboxStream.stream)))
      .orderBy(asc(sealApplication.serial));
    for (const { id } of rows) await announceApplication(tx, id);
    return rows.length;
  });
}

export async function insertPicture(tx: Transaction, applicationId: string, png: Uint8Array): Promise<void> {
  await tx.insert(sealApplicationPicture).values({ applicationId, png });
}

/** Returns the picture that each application asks for, PNG, in the order of `ids`; null if it asks for none. */
export async function findPictures(db: Reader, ids: readonly string[]): Promise<(Uint8Array | null)[]> {
  const rows = await db
    .select()
    .from(sealApplicationPicture)
    .where(inArray(sealApplicationPicture.applicationId, [...ids]));
  const pngById = new Map(rows.map(({ applicationId, png }) => [applicationId, png]));
  return ids.map((id) => pngById.get(id) ?? null);
}

/** Records the outcome of an application and tells cases that it waits no more. */
export async function insertOutcome(tx: Transaction, row: OutcomeRow): Promise<void> {
  await tx.insert(sealApplicationOutcome).values(row);
  await announceApplication(tx, row.applicationId);
}

export interface ApplicationFilter {
  /** Null: every organ's. */
  organs: ReadScope;
  seal: string | null;
  kind: ApplicationKind | null;
  state: Outcome | 'WAITING' | null;
  /** Only those that wait for a decision and that a seal approver may decide. Null: all. */
  decider: { id: string; organs: readonly string[] } | null;
}

/** The order of `sealApplications`. */
export const APPLICATION_ORDER = bySerial('sealApplications', sealApplication.serial, 'DESC');

/** Returns a page of applications, newest first. */
export function listApplications(
  db: Reader,
  filter: ApplicationFilter,
  page: KeysetRequest,
): Promise<Page<StoredApplication>> {
  const { organs, seal, kind, state, decider } = filter;
  return selectPage(page, async (keyset) =>
    (
      await db
        .select(columns)
        .from(sealApplication)
        .leftJoin(sealApplicationOutcome, isOutcomeOf)
        .where(
          and(
            isInScope(sealApplication.organ, organs),
            seal === null ? undefined : eq(sealApplication.sealId, seal),
            kind === null ? undefined : eq(sealApplication.kind, kind),
            state === null ? undefined : sql`coalesce(${sealApplicationOutcome.outcome}, 'WAITING') = ${state}`,
            decider === null
              ? undefined
              : and(
                  isNull(sealApplicationOutcome.applicationId),
                  ne(sealApplication.appliedById, decider.id),
                  isInScope(sealApplication.organ, decider.organs),
                ),
            keyset.condition,
          ),
        )
        .orderBy(...keyset.orderBy)
        .limit(keyset.limit)
    ).map(toStoredApplication),
  );
}
