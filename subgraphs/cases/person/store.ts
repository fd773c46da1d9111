import {
  and,
  arrayOverlaps,
  asc,
  eq,
  gt,
  gte,
  inArray,
  isNull,
  lte,
  max,
  notInArray,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Identity, Role } from '../../kernel/actor.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { matterFact } from '../fact/tables.ts';
import type { Appointment } from './appointment.ts';
import type { IssuerLogout } from './register.ts';
import { type AppointmentSource, appointment, appointmentEnd, issuerLogout, sessionEnd, takeover } from './tables.ts';

type AppointmentRow = typeof appointment.$inferSelect;

/** A line of the register with what ended it. `to` is the earliest of its ends. */
export interface StoredAppointment extends Appointment {
  serial: number;
  source: AppointmentSource;
  proposedBy: string;
  approvedBy: string;
  recordedAt: Date;
}

/** Who proposed and who approved an entry. */
export interface Signatures {
  proposedById: string;
  proposedBy: string;
  approvedById: string;
  approvedBy: string;
}

/** Locks the register: changes wait for each other. They are rare. */
export async function lockRegister(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('register of people', 0))`);
}

const earliestEnd = sql<string | null>`(select min(${appointmentEnd.endedAt}) from ${appointmentEnd}
  where ${appointmentEnd.appointmentId} = ${appointment.id})`.mapWith(appointmentEnd.endedAt);
const columns = { row: appointment, ended: earliestEnd };

function toAppointment({ row, ended }: { row: AppointmentRow; ended: Date | null }): StoredAppointment {
  const { validFrom: from, validTo, ...rest } = row;
  const isEarlier = ended !== null && (validTo === null || ended < validTo);
  return { ...rest, from, to: isEarlier ? ended : validTo };
}

/** The condition that a line is in force. */
const isInForceAt = (at: Date): SQL | undefined =>
  and(
    lte(appointment.validFrom, at),
    or(isNull(appointment.validTo), gt(appointment.validTo, at)),
    sql`not exists (select 1 from ${appointmentEnd} where ${appointmentEnd.appointmentId} = ${appointment.id}
      and ${appointmentEnd.endedAt} <= ${at.toISOString()})`,
  );

/** Returns all lines of these subjects, of every issuer, in the order of their entry. */
export async function listLines(db: Reader, subjects: readonly string[]): Promise<StoredAppointment[]> {
  const rows = await db
    .select(columns)
    .from(appointment)
    .where(inArray(appointment.subject, [...subjects]))
    .orderBy(asc(appointment.serial));
  return rows.map(toAppointment);
}

/** Returns the line in force of a person of the hub, whichever issuer knows the person, or null. */
export async function findLineOfPerson(db: Reader, subject: string, at: Date): Promise<StoredAppointment | null> {
  const [row] = await db
    .select(columns)
    .from(appointment)
    .where(and(eq(appointment.subject, subject), isInForceAt(at)));
  return row ? toAppointment(row) : null;
}

/** Returns a line of the register by its id, or null. */
export async function findLine(db: Reader, id: string): Promise<StoredAppointment | null> {
  const [row] = UUID_PATTERN.test(id) ? await db.select(columns).from(appointment).where(eq(appointment.id, id)) : [];
  return row ? toAppointment(row) : null;
}

/** Who holds a role: at an organ, or with `organ` null without one. */
export interface Holding {
  organ: string | null;
  roles: readonly Role[];
  /** Subjects who do not count. */
  except: readonly string[];
}

/** Returns how many people hold one of the roles at an instant. */
export async function countHolders(db: Reader, { organ, roles, except }: Holding, at: Date): Promise<number> {
  const rows = await db
    .selectDistinct({ subject: appointment.subject })
    .from(appointment)
    .where(
      and(
        organ === null ? isNull(appointment.organ) : eq(appointment.organ, organ),
        arrayOverlaps(appointment.roles, [...roles]),
        except.length === 0 ? undefined : notInArray(appointment.subject, [...except]),
        isInForceAt(at),
      ),
    );
  return rows.length;
}

export async function insertLine(tx: Transaction, row: Omit<AppointmentRow, 'serial'>): Promise<void> {
  await tx.insert(appointment).values(row);
}

export async function insertEnd(
  tx: Transaction,
  row: Omit<typeof appointmentEnd.$inferSelect, 'serial'>,
): Promise<void> {
  await tx.insert(appointmentEnd).values(row);
}

export interface RegisterFilter {
  /** Null: of every organ, and without one. */
  organs: ReadScope;
  subject: string | null;
  /** Only lines in force at this instant. Null: all. */
  at: Date | null;
}

/** The order of `people`. */
export const REGISTER_ORDER = bySerial('people', appointment.serial, 'ASC');

/** Returns a page of the register, in the order of entry. */
export function listRegister(
  db: Reader,
  { organs, subject, at }: RegisterFilter,
  page: KeysetRequest,
): Promise<Page<StoredAppointment>> {
  return selectPage(page, async (keyset) =>
    (
      await db
        .select(columns)
        .from(appointment)
        .where(
          and(
            isInScope(appointment.organ, organs),
            subject === null ? undefined : eq(appointment.subject, subject),
            at === null ? undefined : isInForceAt(at),
            keyset.condition,
          ),
        )
        .orderBy(...keyset.orderBy)
        .limit(keyset.limit)
    ).map(toAppointment),
  );
}

/** Returns those of these organs that a matter of the plan names. */
export async function listOrgans(db: Reader, ids: readonly string[]): Promise<OrganFact[]> {
  const found = await Promise.all(ids.map((id) => findOrgan(db, id)));
  return found.filter((organ) => organ !== null);
}

async function findOrgan(db: Reader, id: string): Promise<OrganFact | null> {
  const [row] = await db
    .select({ fact: matterFact.fact })
    .from(matterFact)
    .where(sql`${matterFact.fact} -> 'organs' @> ${JSON.stringify([{ id }])}::jsonb`)
    .limit(1);
  return row?.fact.organs.find((organ) => organ.id === id) ?? null;
}

/** Returns the instant before which every sign-in of a person has ended, or null if none was ended. */
export async function findSessionEnd(db: Reader, subject: string): Promise<Date | null> {
  const [row] = await db
    .select({ endedAt: max(sessionEnd.endedAt) })
    .from(sessionEnd)
    .where(eq(sessionEnd.subject, subject));
  return row?.endedAt ?? null;
}

export async function insertSessionEnd(
  tx: Transaction,
  row: Omit<typeof sessionEnd.$inferSelect, 'serial'>,
): Promise<void> {
  await tx.insert(sessionEnd).values(row);
}

/**
 * Returns whether an issuer has ended the session of an identity. A person's token without `sid` is of every session of
 * the person. The issuer renews nothing in a session that it has ended, so without `auth_time` its `iat` counts.
 */
export async function isLoggedOut(
  db: Reader,
  { issuer, subject, session, authTime, issuedAt }: Identity,
): Promise<boolean> {
  const ofPerson = and(
    eq(issuerLogout.subject, subject),
    gte(issuerLogout.endedAt, authTime ?? issuedAt),
    session === null ? undefined : isNull(issuerLogout.session),
  );
  const ofSession =
    session === null
      ? undefined
      : and(eq(issuerLogout.session, session), or(isNull(issuerLogout.subject), eq(issuerLogout.subject, subject)));
  const rows = await db
    .select({ serial: issuerLogout.serial })
    .from(issuerLogout)
    .where(and(eq(issuerLogout.issuer, issuer), or(ofPerson, ofSession)))
    .limit(1);
  return rows.length > 0;
}

/** Returns whether the issuer's statement was new. */
export async function insertLogout(tx: Transaction, { id, ...logout }: IssuerLogout, at: Date): Promise<boolean> {
  const rows = await tx
    .insert(issuerLogout)
    .values({ ...logout, statementId: id, recordedAt: at })
    .onConflictDoNothing()
    .returning({ serial: issuerLogout.serial });
  return rows.length > 0;
}

/** Records that the operator ended a demonstration. */
export async function insertTakeover(tx: Transaction, row: typeof takeover.$inferInsert): Promise<void> {
  await tx.insert(takeover).values(row);
}
