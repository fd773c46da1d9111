import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { faultsOfHouse } from '../support/house.ts';
import { type House, openCleanHouse, openHouse } from './house.ts';
import { filesOf } from './rewrite.ts';
import { HARD, KINDS, tamper } from './tamperings.ts';

/** The forms in which an auditor names what is wrong. */
const OBJECT =
  /^(log|leaf:\d+|(use|code|act|notice):[0-9a-f-]{36}|license:\S+|number:\d+|(blank|sheet):KB\d{12}|(document|certificate):[0-9a-f]{64}|seal:\S+|event:\d+|list:(root|issuing) \d+|checkpoint:\d+|tile:tile\/\S+|receipt:\S+ \d+)$/;

/** A digest of every table and every published file: what any change changes. */
async function digestOf(house: House): Promise<Record<string, string>> {
  const sql = postgres(house.adminUrl, { max: 1 });
  const tables = await sql`select schemaname || '.' || tablename as name from pg_tables
    where schemaname in ('seals', 'licenses', 'cases', 'matters') order by 1`;
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, md5(coalesce(string_agg(md5(t::text), '' order by md5(t::text)), '')) as digest from ${name} t`,
  );
  const rows = await sql.unsafe(parts.join(' union all '));
  await sql.end();
  const files = filesOf(house.logFolder).map((path) => {
    const bytes = readFileSync(join(house.logFolder, path));
    return [path, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return Object.fromEntries([...rows.map(({ name, digest }) => [name, digest]), ...files]);
}

describe('the tampering generator', () => {
  test('a clone is untouched, and in order', async () => {
    const [one, other] = [await openHouse(1), await openHouse(2)];
    expect(await digestOf(one)).toEqual(await digestOf(other));
    expect(await faultsOfHouse(one.adminUrl)).toEqual([]);
    for (const { checkpoint } of one.witnesses) {
      const published = readFileSync(join(one.logFolder, 'checkpoint'), 'utf8');
      expect(published).toBe(checkpoint);
    }
    await one.close();
    await other.close();
  });

  test('a house goes on in order', async () => {
    const house = await openCleanHouse(3);
    expect(await faultsOfHouse(house.adminUrl)).toEqual([]);
    await house.close();
  });

  test('there are many kinds, and the hard ones are among them', () => {
    expect(KINDS.length).toBeGreaterThanOrEqual(40);
    expect(Object.keys(HARD).filter((kind) => !KINDS.includes(kind))).toEqual([]);
  });

  test.each(KINDS)('%s changes something, and says what', async (kind) => {
    const seed = KINDS.indexOf(kind) + 1;
    const house = await openHouse(seed);
    try {
      const before = await digestOf(house);
      const told = await tamper(house, kind, seed);
      expect(told.objects.length).toBeGreaterThan(0);
      expect(told.objects.filter((object) => !OBJECT.test(object))).toEqual([]);
      expect(await digestOf(house)).not.toEqual(before);
    } finally {
      await house.close();
    }
  });

  test.each(['leaf-altered-in-rewritten-log', 'entry-altered-both', 'use-without-leaf'])(
    '%s: the same seed chooses the same victim',
    async (kind) => {
      const told = [];
      for (const seed of [7, 7, 8]) {
        const house = await openHouse(seed);
        told.push(await tamper(house, kind, seed));
        await house.close();
      }
      expect(told[1]).toEqual(told[0]);
      expect(told[2]?.objects).not.toEqual(told[0]?.objects);
    },
  );
});
