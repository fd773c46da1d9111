import { sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConnectionPool, connect } from '../../db/client.ts';
import { CASE_ORDERS } from '../../subgraphs/cases/list/store.ts';
import { caseFile } from '../../subgraphs/cases/tables.ts';
import { type ColumnOrder, selectPage } from '../../subgraphs/kernel/list/keyset-store.ts';
import type { KeyValue } from '../../subgraphs/kernel/list/page.ts';
import { LICENSE_ORDERS } from '../../subgraphs/licenses/list/store.ts';
import { license } from '../../subgraphs/licenses/tables.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Each order that callers may choose is read from an index, in both directions and after a cursor. */

let hub: TestHub;
const pools: ConnectionPool[] = [];
beforeAll(async () => {
  hub = await createTestHub();
});
afterAll(async () => {
  for (const pool of pools) await pool.close();
  await hub?.stop();
});

type OrderRow = readonly [name: string, subgraph: 'cases' | 'licenses', table: PgTable, order: ColumnOrder<never>];

const ORDERS: readonly OrderRow[] = [
  ...Object.entries(CASE_ORDERS).map(([name, order]) => [`cases ${name}`, 'cases', caseFile, order] as const),
  ...Object.entries(LICENSE_ORDERS).map(([name, order]) => [`licenses ${name}`, 'licenses', license, order] as const),
];

/** Returns a value that a cursor of this order may hold. */
function readSample({ part }: ColumnOrder<never>['keys'][number]): KeyValue {
  const value = ['5', '2026-03-02'].map((text) => part.read(text)).find((read) => read !== null);
  if (value == null) throw new Error('no sample fits the part');
  return value;
}

/** Returns the plans of a page, where the planner may sort only if no index has the order. */
async function explainPage(subgraph: 'cases' | 'licenses', table: PgTable, order: ColumnOrder<never>): Promise<string> {
  const pool = connect(hub.databaseUrls[subgraph], 'test');
  pools.push(pool);
  const plans: string[] = [];
  for (const isBackward of [false, true]) {
    await pool.db.transaction(async (tx) => {
      await tx.execute(sql`set local enable_seqscan = off`);
      await tx.execute(sql`set local enable_sort = off`);
      await selectPage({ order, count: 20, isBackward, cursor: order.keys.map(readSample) }, async (keyset) => {
        const statement = tx
          .select()
          .from(table)
          .where(keyset.condition)
          .orderBy(...keyset.orderBy)
          .limit(keyset.limit);
        plans.push(JSON.stringify(await tx.execute(sql`explain (format json) ${statement}`)));
        return [];
      });
    });
  }
  return plans.join('\n');
}

test.each(ORDERS)('%s', async (_name, subgraph, table, order) => {
  const plans = await explainPage(subgraph, table, order);
  expect(plans.split('\n')).toHaveLength(4);
  for (const plan of plans.split('\n')) {
    expect(plan).toContain('Index Scan');
    expect(plan).not.toContain('"Sort"');
    expect(plan).toContain('Index Cond');
  }
});

test('an order without an index is noticed', async () => {
  const { keys, ...rest } = CASE_ORDERS.RECEIVED_ASC;
  const [key] = keys;
  if (!key) throw new Error('no key');
  const plans = await explainPage('cases', caseFile, { ...rest, keys: [{ ...key, column: sql`-${caseFile.serial}` }] });
  expect(plans).toContain('"Sort"');
});
