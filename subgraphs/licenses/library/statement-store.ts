import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { RegisterStatement } from '../../kernel/sealing/attest.ts';
import { LIBRARY_CONSUMERS } from '../act/event-store.ts';
import type { LicenseRecord } from '../act/record.ts';
import { registerStream } from '../register/store.ts';
import { act, document, licenseVersion, outboxDelivery, outboxReceipt } from '../tables.ts';

/** What the register stated of licenses, and how far the city library has collected it. */

/** Returns the statement of a done act and its claims, or null if there is none with this digest. */
export async function findStatement(
  db: Reader,
  actId: string,
  digest: string,
): Promise<{ statement: string; claims: RegisterStatement; record?: LicenseRecord } | null> {
  const [row] = await db
    .select({ bytes: document.bytes, claims: act.record, record: licenseVersion.record })
    .from(act)
    .innerJoin(document, eq(document.digest, act.documentDigest))
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, act.identifier))
    .where(and(eq(act.id, actId), eq(act.documentDigest, digest)));
  if (!row) return null;
  const claims = row.claims as RegisterStatement;
  const statement = Buffer.from(row.bytes).toString('utf8');
  return { statement, claims, ...(claims.act === 'REGISTER' ? { record: row.record } : {}) };
}

/**
 * Whether a license began on paper and the library does not know it yet: it learns it from the first statement of the
 * register, before any act.
 */
export async function awaitsRegistration(db: Reader, number: string): Promise<boolean> {
  const { consumer, stream, delivered } = outboxDelivery;
  const ofRegister = and(eq(consumer, LIBRARY_CONSUMERS.statements), eq(stream, registerStream(number)));
  const rows = await db
    .select({ delivered })
    .from(licenseVersion)
    .leftJoin(outboxDelivery, ofRegister)
    .where(and(eq(licenseVersion.number, number), eq(licenseVersion.version, 1), isNull(licenseVersion.sealId)));
  return rows.some((row) => (row.delivered ?? 0) < 1);
}

/** Delivery of all that the register stated of a license. */
export interface StatementCollection {
  /** PARKED: the library speaks only the first version of the protocol. */
  state: 'PARKED' | 'PENDING' | 'COLLECTED' | 'FAILED';
  stated: number;
  collected: number;
  attempts: number;
  /** When the newest that is collected was collected. */
  collectedAt: Date | null;
  lastError: string | null;
}

/** Returns the delivery of statements by license number. A license of which nothing is stated has none. */
export async function findStatementCollections(
  db: Reader,
  numbers: readonly string[],
  isParked: boolean,
): Promise<Map<string, StatementCollection>> {
  const streams = new Map(numbers.map((number) => [registerStream(number), number]));
  const { consumer, stream, delivered } = outboxDelivery;
  const isReceiptOfNewest = and(
    eq(outboxReceipt.consumer, consumer),
    eq(outboxReceipt.stream, stream),
    eq(outboxReceipt.revision, delivered),
  );
  const rows = await db
    .select({ delivery: outboxDelivery, collectedAt: outboxReceipt.deliveredAt })
    .from(outboxDelivery)
    .leftJoin(outboxReceipt, isReceiptOfNewest)
    .where(and(eq(consumer, LIBRARY_CONSUMERS.statements), inArray(stream, [...streams.keys()])));
  return new Map(
    rows.map(({ delivery, collectedAt }): [string, StatementCollection] => {
      const { head: stated, delivered: collected, rejectedAt, attempts, lastError } = delivery;
      const waiting = rejectedAt ? 'FAILED' : isParked ? 'PARKED' : 'PENDING';
      const state = collected >= stated ? 'COLLECTED' : waiting;
      return [streams.get(delivery.stream) ?? '', { state, stated, collected, attempts, collectedAt, lastError }];
    }),
  );
}
