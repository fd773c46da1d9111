import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import type { LicenseType } from '../../kernel/license-type/type.ts';
import * as store from './store.ts';
import { buildTypeFact } from './version.ts';

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
    for (const type of missing) {
      await store.insertVersion(tx, 1, type, publication);
      const [versions = []] = await store.findVersions(tx, [type.code]);
      await store.sendTypeEvent(tx, buildTypeFact(type.code, versions), publication.publishedAt);
    }
    return missing.length;
  });
}
