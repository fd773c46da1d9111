import type { Database, Transaction } from '../../../db/client.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { computeContentDigest } from '../../kernel/events/events.ts';
import type { LicenseType, LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { FileReading } from '../guide/file.ts';
import { GuideRefusal } from '../guide/guide.ts';
import type { Publication } from '../guide/store.ts';
import { listUnprintable, MAX_EVENT_BYTES } from '../guide/workflow.ts';
import { listRemovalProblems, listTypeDifferences } from './difference.ts';
import * as store from './store.ts';
import { buildTypeFact, type PublishedVersion, type TypePublication, withLastDays } from './version.ts';

/** Maximum of versions of one type. */
const MAX_VERSIONS = 100;

/** Returns what a file holds. Refuses LICENSE_TYPE_FILE_INVALID with every problem of the file. */
export function requireReadType({ content, problems }: FileReading<LicenseType>): LicenseType {
  if (problems !== null) throw new GuideRefusal('LICENSE_TYPE_FILE_INVALID', problems);
  return content;
}

/**
 * Publishes a version of a license type. Must be called inside a transaction. Refuses LICENSE_TYPE_FILE_INVALID,
 * LICENSE_TYPE_OUT_OF_ORDER, LICENSE_TYPE_LIMIT_REACHED.
 */
export async function publishType(
  tx: Transaction,
  type: LicenseType,
  publication: Publication,
): Promise<TypePublication> {
  await store.lockTypes(tx);
  const [versions = []] = await store.findVersions(tx, [type.code]);
  const existing = versions.find(({ digest }) => digest === computeContentDigest(type));
  if (existing) return { licenseType: getVersion(versions, existing.version), changed: false, differences: [] };
  const newest = versions.at(-1)?.type ?? null;
  const problems = [...listUnprintable(type), ...listRemovalProblems(newest, type)];
  if (problems.length > 0) throw new GuideRefusal('LICENSE_TYPE_FILE_INVALID', problems);
  const today = dayOf(publication.publishedAt);
  if (newest && (type.validFrom <= newest.validFrom || type.validFrom < today)) {
    const detail = `须晚于上一版的 ${newest.validFrom}，且不早于今天 ${today}`;
    throw new Refusal('LICENSE_TYPE_OUT_OF_ORDER', 'text', detail);
  }
  const updated = await insertVersion(tx, versions.length + 1, type, publication);
  return {
    licenseType: getVersion(updated, versions.length + 1),
    changed: true,
    differences: listTypeDifferences(newest, type),
  };
}

/** Publishes the types that have no version yet. A type with one stays unchanged. Returns how many were published. */
export async function publishMissingTypes(
  { db, now }: { db: Database; now: Clock },
  types: readonly LicenseType[],
): Promise<number> {
  const publication = { publishedBy: 'seed', publishedAt: now() };
  return db.transaction(async (tx) => {
    await store.lockTypes(tx);
    const known = await store.findVersions(
      tx,
      types.map(({ code }) => code),
    );
    const missing = types.filter((_, i) => known[i]?.length === 0);
    for (const type of missing) await insertVersion(tx, 1, type, publication);
    return missing.length;
  });
}

/** Adds a version and sends the others every version. Returns them. Refuses LICENSE_TYPE_LIMIT_REACHED. */
async function insertVersion(
  tx: Transaction,
  version: number,
  type: LicenseType,
  publication: Publication,
): Promise<PublishedVersion[]> {
  if (version > MAX_VERSIONS) throw new Refusal('LICENSE_TYPE_LIMIT_REACHED', null, `最多 ${MAX_VERSIONS} 版`);
  await store.insertVersion(tx, version, type, publication);
  const [versions = []] = await store.findVersions(tx, [type.code]);
  const fact = buildTypeFact(type.code, versions);
  if (Buffer.byteLength(JSON.stringify(fact)) > MAX_EVENT_BYTES) throw new Refusal('LICENSE_TYPE_LIMIT_REACHED');
  await store.sendTypeEvent(tx, fact, publication.publishedAt);
  return versions;
}

function getVersion(versions: readonly PublishedVersion[], version: number): LicenseTypeVersion {
  const match = withLastDays(versions).find((candidate) => candidate.version === version);
  if (!match) throw new Error(`version ${version} was not kept`);
  return match;
}
