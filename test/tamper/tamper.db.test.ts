import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireCheckpoint } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { growTree } from '../../subgraphs/seals/log/tile.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { type House, openCleanHouse, openHouse } from './house.ts';
import { type Inside, openInside } from './inside.ts';
import { filesOf } from './rewrite.ts';
import { HARD, KINDS, rehearse, tamper } from './tamperings.ts';

/** The forms of the objects that an auditor names. */
const OBJECT =
  /^(log|leaf:\d+|(use|code|act|notice):[0-9a-f-]{36}|license:\S+|number:\d+|(blank|sheet):KB\d{12}|(document|certificate):[0-9a-f]{64}|seal:\S+|event:\d+|list:(root|issuing) \d+|checkpoint:\d+|tile:tile\/\S+|receipt:\S+ \d+)$/;

/** Tables that a tampering may touch. */
const TABLES = `select schemaname || '.' || tablename as name from pg_tables where schemaname in ('seals', 'licenses')
  or schemaname || '.' || tablename in ('cases.notice', 'cases.decision_seal', 'cases.sealed_file') order by 1`;

/** Returns a digest of each of those tables and each published file, to detect any change. */
async function digestOf(sql: postgres.Sql, house: House): Promise<Record<string, string>> {
  const parts = (await sql.unsafe(TABLES)).map(
    ({ name }) => `select '${name}' as name, sum(hashtextextended(t::text, 0))::text as digest from ${name} t`,
  );
  const rows = await sql.unsafe(parts.join(' union all '));
  const files = filesOf(house.logFolder).map((path) => {
    const bytes = readFileSync(join(house.logFolder, path));
    return [path, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return Object.fromEntries([...rows.map(({ name, digest }) => [name, digest]), ...files]);
}

describe('the tampering generator', () => {
  let house: House;
  let inside: Inside;
  let untouched: Record<string, string>;
  beforeAll(async () => {
    house = await openHouse(1);
    inside = await openInside(house);
    untouched = await digestOf(inside.sql, house);
  });
  afterAll(async () => {
    await inside?.sql.end();
    await house?.close();
  });

  test('a clone is consistent, and publishes the checkpoint that the witness signed', async () => {
    expect(await findInconsistencies(house.adminUrl)).toEqual([]);
    const published = readFileSync(join(house.logFolder, 'checkpoint'), 'utf8');
    expect(house.witnesses.map(({ checkpoint }) => checkpoint)).toEqual([published]);
  });

  test('a clone with further legitimate acts is consistent', async () => {
    const clean = await openCleanHouse(3);
    expect(await findInconsistencies(clean.adminUrl)).toEqual([]);
    await clean.close();
  });

  test('there are at least 40 kinds, and they include the undetectable ones', () => {
    expect(KINDS.length).toBeGreaterThanOrEqual(40);
    expect(Object.keys(HARD).filter((kind) => !KINDS.includes(kind))).toEqual([]);
  });

  test.each(KINDS)('%s changes something and reports which objects', async (kind) => {
    const { told, seen: digest } = await rehearse(inside, kind, KINDS.indexOf(kind) + 1, () =>
      digestOf(inside.sql, house),
    );
    expect(told.objects.length).toBeGreaterThan(0);
    expect(told.objects.filter((object) => !OBJECT.test(object))).toEqual([]);
    expect(digest).not.toEqual(untouched);
  });

  test.each(['leaf-altered-in-rewritten-log', 'entry-altered-both', 'use-without-leaf'])(
    '%s: the same seed chooses the same victim',
    async (kind) => {
      const told = [];
      for (const seed of [7, 7, 8]) told.push((await rehearse(inside, kind, seed, async () => {})).told);
      expect(told[1]).toEqual(told[0]);
      expect(told[2]?.objects).not.toEqual(told[0]?.objects);
    },
  );

  test('tampering with another clone leaves the first unchanged', async () => {
    const other = await openHouse(2);
    await tamper(other, 'use-gone-and-log-rewritten', 2);
    const sql = postgres(other.adminUrl, { max: 1 });
    expect(await digestOf(sql, other)).not.toEqual(untouched);
    // A rewritten history is consistent with itself: the log's key signed it, and its root matches its leaves.
    const log = readKey(other.logKey);
    const published = readFileSync(join(other.logFolder, 'checkpoint'), 'utf8');
    const { size, root } = requireCheckpoint(published, { origin: log.name, log, witnesses: [] });
    const leaves = await sql`select hash from seals.log_sequence join seals.log_leaf using (serial) order by index`;
    const hashes = leaves.map(({ hash }) => hash);
    expect({ size, root: Buffer.from(root) }).toEqual({ size: hashes.length, root: growTree([], 0, hashes).root });
    expect(published).toBe((await sql`select note from seals.log_checkpoint where size = ${size}`)[0]?.note);
    await sql.end();
    await other.close();
    expect(await digestOf(inside.sql, house)).toEqual(untouched);
  });
});
