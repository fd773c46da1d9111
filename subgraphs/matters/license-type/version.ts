import type { Day } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { findTypeOn, type LicenseType, type LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { dayBefore } from '../matter.ts';
import type { TypeDifference } from './difference.ts';

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

/** Returns the own identifier of a version: code and number, `11000000000090018B033.1`. */
export function versionIdOf({ code, version }: { code: string; version: number }): string {
  return `${code}.${version}`;
}

/** Splits what names a type: its code, or the own identifier of a version. `version` is null for a code. */
export function parseTypeId(text: string): { code: string; version: number | null } {
  const [code = '', version] = text.split('.', 2);
  return { code, version: version === undefined ? null : Number(version) };
}

/** Returns the version that a code and a day, or the identifier of a version, name. Null if there is none. */
export function selectVersion(
  versions: readonly PublishedVersion[],
  id: { code: string; version: number | null },
  on: Day,
): LicenseTypeVersion | null {
  const all = withLastDays(versions);
  if (id.version === null) return findTypeOn({ code: id.code, versions: all }, on);
  return all.find(({ version }) => version === id.version) ?? null;
}

/** Builds the fact for other subgraphs. */
export function buildTypeFact(code: string, versions: readonly PublishedVersion[]): EventPayload<'LicenseTypeChanged'> {
  return { code, versions: withLastDays(versions) };
}

/** What a publication did, or would do. */
export interface TypePublication {
  licenseType: LicenseTypeVersion;
  /** False if the same type was published before: nothing was done. */
  changed: boolean;
  /** Differences from the version before. */
  differences: readonly TypeDifference[];
}
