import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as library from '../../scripts/city-library/validity.ts';
import { LICENSE_STATES, VALIDITY_STATES } from '../../subgraphs/kernel/license-acts.ts';
import { stateOn } from '../../subgraphs/kernel/period/validity.ts';
import { holdsLastDay, type Renewal } from '../../subgraphs/licenses/validity/renewal.ts';
import { buildStateCondition, buildStateOn } from '../../subgraphs/licenses/validity/store.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** The rule of the period has one form in TypeScript, one in SQL, and one of the independent library. */

const BORDERS = ['2026-12-09', '2026-12-28', '2027-01-01', '2028-02-29'];
const shift = (day: string, days: number) =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
const DAYS = [...new Set(BORDERS.flatMap((day) => [shift(day, -1), day, shift(day, 1)]))];
const ENDS = [null, ...BORDERS];
const ROWS = LICENSE_STATES.flatMap((state) =>
  ENDS.flatMap((validFrom) =>
    ENDS.flatMap((validUntil) => ENDS.map((supersededFrom) => ({ state, validFrom, validUntil, supersededFrom }))),
  ),
);

const buildRenewal = (changes: Partial<Renewal>): Renewal => ({
  ...{ caseId: 'c', caseNumber: '3607312026010100001', acceptedOn: '2026-01-01', isRunning: true, isGranted: false },
  ...{ until: null, settledAt: null, isHeld: true },
  ...changes,
});

let database: TestDatabase;
let client: postgres.Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  client = postgres(database.adminUrl, { max: 1 });
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const COLUMNS = {
  ...{ state: sql`r.state`, validFrom: sql`r.valid_from`, validUntil: sql`r.valid_until` },
  supersededFrom: sql`r.superseded_from`,
};
const FROM = sql`from jsonb_to_recordset(${JSON.stringify(
  ROWS.map((row, place) => ({
    ...{ place, state: row.state, superseded_from: row.supersededFrom },
    ...{ valid_from: row.validFrom, valid_until: row.validUntil },
  })),
)}::jsonb) as r (place int, state text, valid_from date, valid_until date, superseded_from date)`;

describe.each(DAYS)('on %s', (day) => {
  const expected = ROWS.map((row) => stateOn(row.state, row, day));

  test('SQL gives each row the state that TypeScript gives', async () => {
    const rows = await drizzle(client).execute<{ state: string }>(
      sql`select ${buildStateOn(COLUMNS, day)} as state ${FROM} order by r.place`,
    );
    expect(rows.map(({ state }) => state)).toEqual(expected);
  });

  test('a filter by a state finds the rows in it, and no other', async () => {
    for (const wanted of VALIDITY_STATES) {
      const rows = await drizzle(client).execute<{ place: number }>(
        sql`select r.place ${FROM} where ${buildStateCondition(COLUMNS, wanted, day)} order by r.place`,
      );
      const places = expected.flatMap((state, place) => (state === wanted ? [place] : []));
      expect([wanted, rows.map(({ place }) => place)]).toEqual([wanted, places]);
    }
  });

  test('the reference library says the same', () => {
    for (const [place, { state, validFrom, validUntil, supersededFrom }] of ROWS.entries()) {
      if (validFrom === null) continue;
      const record = { ZZYXQQSRQ: validFrom, ZZYXQJZRQ: validUntil ?? '长期' };
      expect(library.stateOn(state, record, day, { supersededFrom, heldUntil: null })).toBe(expected[place]);
    }
  });

  test('the reference library holds an end off as the hub does', () => {
    for (const { state, validFrom, validUntil, supersededFrom } of ROWS)
      for (const heldUntil of ENDS) {
        if (validFrom === null || heldUntil === null) continue;
        const isHeld = holdsLastDay(buildRenewal({ until: heldUntil }), { validFrom, validUntil });
        const onHub = stateOn(state, { validFrom, validUntil: isHeld ? null : validUntil, supersededFrom }, day);
        const record = { ZZYXQQSRQ: validFrom, ZZYXQJZRQ: validUntil ?? '长期' };
        expect(library.stateOn(state, record, day, { supersededFrom, heldUntil })).toBe(onHub);
      }
  });
});

test('the library names the same states', () => {
  expect(library.VALIDITY_STATES).toEqual(VALIDITY_STATES);
});
