import type { Dimension, Row } from './statistics.ts';

/** The parent value of CaseStatisticsRow resolvers. @public by codegen.ts */
export type RowView = ReturnType<typeof viewRow>;

/** Returns a row of statistics by a dimension. Null as `by` is the row of the totals. */
export function viewRow(by: Dimension | null, row: Row) {
  return {
    ...row,
    matter: by === 'MATTER' ? { id: row.key } : null,
    organ: (by === 'ORGAN' || by === 'ACCEPTED_BY') && row.key !== '' ? { id: row.key } : null,
  };
}
