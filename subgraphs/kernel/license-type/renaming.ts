import { foldText } from '../finding/fold.ts';
import type { Lines } from './changes.ts';
import type { LicenseTypeVersion, PublishedLicenseType } from './type.ts';

/**
 * Lines of a license under the labels of another version of its type. A line is known by its key (信息项代码); a license
 * records labels only, and a version of the type may give a key another label.
 */

/** A line that stood under one label, and goes on under another. */
export interface Renaming {
  from: string;
  to: string;
}

/**
 * Returns which lines of a license have another label in `type`. `sealedBy` is the version of the type that its record
 * names; without one `type` itself, then the oldest version that has a label, tells its key: releases up to 0.4 sealed
 * before any version. Width and brackets of a label do not matter.
 */
export function listRenamed(
  published: PublishedLicenseType | null,
  type: LicenseTypeVersion | null,
  { lines: standing, sealedBy }: { lines: Lines; sealedBy: number | undefined },
): Renaming[] {
  if (published === null || type === null) return [];
  const rank = ({ version }: LicenseTypeVersion) => (version === sealedBy ? 2 : version === type.version ? 1 : 0);
  const versions = published.versions.toSorted((one, other) => rank(other) - rank(one) || one.version - other.version);
  const keyByLabel = new Map<string, string>();
  for (const { key, label } of versions.flatMap(({ lines }) => lines))
    if (!keyByLabel.has(foldText(label))) keyByLabel.set(foldText(label), key);
  const labelByKey = new Map(type.lines.map(({ key, label }) => [key, label]));
  const renamed = standing.flatMap(({ label: from }): Renaming[] => {
    const to = labelByKey.get(keyByLabel.get(foldText(from)) ?? '') ?? from;
    return to === from ? [] : [{ from, to }];
  });
  // A label occurs once on a license: a line whose new label stays with another line keeps its own.
  const left = new Set(renamed.map(({ from }) => from));
  const kept = new Set(standing.flatMap(({ label }) => (left.has(label) ? [] : label)));
  return renamed.filter(({ to }) => !kept.has(to));
}

/** Returns lines with the labels that a renaming gives them. */
export function relabel(lines: Lines, renamed: readonly Renaming[]): { label: string; text: string }[] {
  const labels = new Map(renamed.map(({ from, to }) => [from, to]));
  return lines.map(({ label, text }) => ({ label: labels.get(label) ?? label, text }));
}
