import { type LicenseAction, makesSheet } from '../../kernel/license-acts.ts';
import type { Lines } from '../../kernel/license-type/changes.ts';
import { listRenamed, type Renaming, relabel } from '../../kernel/license-type/renaming.ts';
import type { LicenseTypeVersion, PublishedLicenseType } from '../../kernel/license-type/type.ts';
import type { LicenseFact } from '../case.ts';

/** The license on which a case acts, under the labels of the version of its type that the case keeps. */

/** The type of the license of a case: all its versions, and the one that the case keeps. */
export interface TypeOfCase {
  published: PublishedLicenseType | null;
  type: LicenseTypeVersion | null;
}

/** A license whose lines have the labels of a version of its type. Absent: none had another. */
export type Labelled<License> = License & { renamed?: readonly Renaming[] };

/** Returns the lines of an application under the labels of the version that its case keeps. */
export function labelLines(lines: Lines, { published, type }: TypeOfCase): { label: string; text: string }[] {
  return relabel(lines, listRenamed(published, type, { lines, sealedBy: undefined }));
}

/**
 * Returns a license with its lines under the labels of the version that a case keeps: what the act carries over and
 * compares. An act that makes no new sheet leaves them as they are.
 */
export function labelFor<License extends LicenseFact>(
  act: LicenseAction,
  license: License | null,
  { published, type }: TypeOfCase,
): Labelled<License> | null {
  if (license === null || !makesSheet(act)) return license;
  const { fields, typeVersion: sealedBy } = license.license;
  const renamed = listRenamed(published, type, { lines: fields, sealedBy });
  if (renamed.length === 0) return license;
  return { ...license, license: { ...license.license, fields: relabel(fields, renamed) }, renamed };
}
