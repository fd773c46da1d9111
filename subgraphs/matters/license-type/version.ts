import type { EventPayload } from '../../kernel/events/events.ts';
import type { LicenseType, LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { dayBefore } from '../matter.ts';

/** A published version of a license type. It never changes; the next version ends it. */
export interface PublishedVersion {
  code: string;
  version: number;
  type: LicenseType;
  digest: string;
  publishedAt: Date;
}

/** Returns versions, oldest first, each with its last day: the day before the next one begins, or null. */
export function withLastDays(versions: readonly PublishedVersion[]): LicenseTypeVersion[] {
  return versions.map(({ version, type }, i) => {
    const next = versions[i + 1];
    return { ...type, version, validTo: next ? dayBefore(next.type.validFrom) : null };
  });
}

/** Builds the fact for other subgraphs. */
export function buildTypeFact(code: string, versions: readonly PublishedVersion[]): EventPayload<'LicenseTypeChanged'> {
  return { code, versions: withLastDays(versions) };
}
