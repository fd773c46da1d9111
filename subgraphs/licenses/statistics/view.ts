import type { CountedRow, Dimension, LabelledRow } from './measure.ts';

/** The parent value of LicenseStatisticsRow resolvers. @public by codegen.ts */
export type LicenseRowView = ReturnType<typeof viewRow>;

/** Returns a row of statistics. The row of the totals has no parts. */
export function viewRow(by: readonly Dimension[], row: CountedRow | LabelledRow) {
  const { count, averageSeconds, longestSeconds } = row;
  const labels = 'labels' in row ? row.labels : [];
  const parts = labels.map((label, i) => viewPart(by[i] ?? 'STATE', row.keys[i] ?? '', label));
  return { parts, count, averageSeconds, longestSeconds };
}

function viewPart(by: Dimension, key: string, label: string) {
  const isOrgan = by === 'ISSUER' || by === 'SUPERVISOR';
  return {
    ...{ by, key, label },
    organ: isOrgan && key !== '' ? { id: key } : null,
    matter: by === 'MATTER' ? { id: key } : null,
  };
}
