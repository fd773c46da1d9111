import { and, asc, eq, inArray, isNotNull, lte, ne, or, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { keyOfLicense, readLicenseIdentifier } from '../../kernel/identifier.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import type { PublishedLicenseType } from '../../kernel/license-type/type.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { type LicenseFact, matterOn } from '../case.ts';
import type { PublishedGuides } from '../reception/guide.ts';
import {
  acceptanceSeal,
  caseFile,
  caseLicense,
  guideFact,
  licenseFact,
  licenseKey,
  licenseTypeFact,
  matterFact,
} from '../tables.ts';

/** Returns a matter with its organs as they are named on a day, or null. */
export async function findMatter(db: Reader, id: string, day: Day): Promise<MatterFact | null> {
  const [row] = await db.select().from(matterFact).where(eq(matterFact.matterId, id));
  return row ? matterOn(row.fact, day) : null;
}

export async function findLicense(db: Reader, number: string): Promise<LicenseFact | null> {
  const [row] = await db.select().from(licenseFact).where(eq(licenseFact.number, number));
  return row?.fact ?? null;
}

export async function putMatterFact(tx: Transaction, fact: MatterFact): Promise<void> {
  const row = { matterId: fact.matterId, fact };
  await tx.insert(matterFact).values(row).onConflictDoUpdate({ target: matterFact.matterId, set: row });
}

const toLicenseRow = (fact: LicenseFact) => ({ number: fact.number, printed: printedNumber(fact.number), fact });

export async function putLicenseFact(tx: Transaction, fact: LicenseFact): Promise<void> {
  const row = toLicenseRow(fact);
  await tx.insert(licenseFact).values(row).onConflictDoUpdate({ target: licenseFact.number, set: row });
  const key = keyOfLicense(fact.identifier);
  await tx.insert(licenseKey).values({ key, number: fact.number }).onConflictDoNothing();
}

/** Adds licenses that were entered from paper. One that an act has changed meanwhile stays as that act left it. */
export async function addLicenseFacts(tx: Transaction, facts: readonly LicenseFact[]): Promise<void> {
  const keys = facts.map(({ identifier, number }) => ({ key: keyOfLicense(identifier), number }));
  await tx.insert(licenseFact).values(facts.map(toLicenseRow)).onConflictDoNothing();
  await tx.insert(licenseKey).values(keys).onConflictDoNothing();
}

/** Keeps when an organ's acceptance seal was put into use. Other seals, and one not in use yet, change nothing. */
export async function putAcceptanceSeal(
  tx: Transaction,
  { kind, organ, requiredSince }: EventPayload<'SealChanged'>,
): Promise<void> {
  if (kind !== 'ACCEPTANCE_SEAL' || !requiredSince) return;
  await tx
    .insert(acceptanceSeal)
    .values({ organ, requiredSince: new Date(requiredSince) })
    .onConflictDoNothing();
}

/** Whether the notices that an organ writes at a moment bear its acceptance seal. */
export async function bearsAcceptanceSeal(db: Reader, organ: string, at: Date): Promise<boolean> {
  const isBorne = and(eq(acceptanceSeal.organ, organ), lte(acceptanceSeal.requiredSince, at));
  return (await db.select().from(acceptanceSeal).where(isBorne)).length > 0;
}

export async function putGuideFact(tx: Transaction, fact: PublishedGuides): Promise<void> {
  const row = { matterId: fact.matterId, fact };
  await tx.insert(guideFact).values(row).onConflictDoUpdate({ target: guideFact.matterId, set: row });
}

/** Returns a matter's service guides, or null if it has none. */
export async function findGuideFacts(db: Reader, ids: readonly string[]): Promise<Map<string, PublishedGuides>> {
  const rows = await db.select().from(guideFact).where(inArray(guideFact.matterId, ids.slice()));
  return new Map(rows.map(({ matterId, fact }) => [matterId, fact]));
}

/** Returns the licenses that have this number on paper. */
export async function listPrinted(db: Reader, printed: string): Promise<LicenseFact[]> {
  const rows = await db
    .select()
    .from(licenseFact)
    .where(eq(licenseFact.printed, printed))
    .orderBy(asc(licenseFact.number));
  return rows.map(({ fact }) => fact);
}

/** Returns licenses by key, from their newest event. */
export async function findLicenses(db: Reader, numbers: readonly string[]): Promise<Map<string, LicenseFact>> {
  if (numbers.length === 0) return new Map();
  const rows = await db
    .select()
    .from(licenseFact)
    .where(inArray(licenseFact.number, [...numbers]));
  return new Map(rows.map((row) => [row.number, row.fact]));
}

/**
 * Returns licenses by the identifier of any of their versions, from their newest event. Releases up to 0.4 kept no keys
 * of earlier versions, whose identifiers carry the number as it is.
 */
export async function findNamedLicenses(db: Reader, identifiers: readonly string[]): Promise<Map<string, LicenseFact>> {
  const valid = identifiers.filter((identifier) => readLicenseIdentifier(identifier).verdict === 'VALID');
  if (valid.length === 0) return new Map();
  const rows = await db
    .select({ key: licenseKey.key, fact: licenseFact.fact })
    .from(licenseKey)
    .innerJoin(licenseFact, eq(licenseFact.number, licenseKey.number))
    .where(inArray(licenseKey.key, [...new Set(valid.map(keyOfLicense))]));
  const byKey = new Map(rows.map(({ key, fact }) => [key, fact]));
  const unknown = valid.filter((identifier) => !byKey.has(keyOfLicense(identifier)));
  const byNumber = await findLicenses(db, [...new Set(unknown.map(serialOf))]);
  return new Map(
    valid.flatMap((identifier): [string, LicenseFact][] => {
      const fact = byKey.get(keyOfLicense(identifier)) ?? byNumber.get(serialOf(identifier));
      return fact ? [[identifier, fact]] : [];
    }),
  );
}

const serialOf = (identifier: string) => readLicenseIdentifier(identifier).parts?.serial ?? '';

export async function putLicenseTypeFact(tx: Transaction, fact: PublishedLicenseType): Promise<void> {
  const row = { code: fact.code, fact };
  await tx.insert(licenseTypeFact).values(row).onConflictDoUpdate({ target: licenseTypeFact.code, set: row });
}

/** Returns license types by code, each with all of its versions. */
export async function findLicenseTypes(
  db: Reader,
  codes: readonly string[],
): Promise<Map<string, PublishedLicenseType>> {
  const rows = await db.select().from(licenseTypeFact).where(inArray(licenseTypeFact.code, codes.slice()));
  return new Map(rows.map(({ code, fact }) => [code, fact]));
}

/** Returns the periods of each matter whose cases end, at some time, in a license of one of these types. */
export async function findOutcomesOfTypes(db: Reader, codes: readonly string[]): Promise<MatterFact['delegations'][]> {
  const endsIn = codes.map((code) => {
    const pattern = JSON.stringify({ delegations: [{ outcome: { licenseType: code } }] });
    return sql`${matterFact.fact} @> ${pattern}::jsonb`;
  });
  if (endsIn.length === 0) return [];
  const delegations = sql<MatterFact['delegations']>`${matterFact.fact}->'delegations'`;
  const rows = await db
    .select({ delegations })
    .from(matterFact)
    .where(or(...endsIn));
  return rows.map((row) => row.delegations);
}

/** Returns the ids of certified but undelivered cases that acted on a license, without the case `except`. */
export async function listUndelivered(db: Reader, number: string, except: string | null): Promise<string[]> {
  const rows = await db
    .select({ id: caseFile.id })
    .from(caseLicense)
    .innerJoin(caseFile, eq(caseFile.id, caseLicense.caseId))
    .where(
      and(
        eq(caseLicense.number, number),
        eq(caseFile.step, 'CERTIFIED'),
        or(sql`cardinality(${caseFile.waitsOrgans}) > 0`, isNotNull(caseFile.waitsWindow)),
        except === null ? undefined : ne(caseFile.id, except),
      ),
    );
  return rows.map((row) => row.id);
}
