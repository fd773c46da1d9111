import type { Database } from '../../../db/client.ts';
import type { Clock, Day } from '../../kernel/day.ts';
import type { KeysetRequest } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import type { OfficeScope } from '../../kernel/policy.ts';
import { type CountedRow, type LabelledRow, labelOf, type Question } from './measure.ts';
import * as store from './store.ts';

export interface StatisticsDependencies {
  db: Database;
  now: Clock;
}

export interface StatisticsResult {
  page: Page<LabelledRow>;
  totals: CountedRow;
}

/**
 * Returns a page of the rows of a question that `findFault` accepts, and the totals of all rows. Both come from one
 * snapshot, so that the totals are the sum of the rows.
 */
export function countLicenses(
  { db }: StatisticsDependencies,
  question: Question,
  { scope, today }: { scope: OfficeScope; today: Day },
  page: KeysetRequest,
): Promise<StatisticsResult> {
  const query = { ...question, scope, today };
  const { measure, by } = question;
  return db.transaction(
    async (tx) => {
      const counted = await store.countBy(tx, query, page);
      const totals = await store.countAll(tx, query);
      const names = await store.findNames(tx);
      const rows = counted.rows.map((row) => ({
        ...row,
        labels: by.map((dimension, i) => labelOf(measure, dimension, row.keys[i] ?? '', names)),
      }));
      return { page: { ...counted, rows }, totals };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}
