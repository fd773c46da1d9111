import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireCheckpoint } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { growTree } from '../../subgraphs/seals/log/tile.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { sampleCases } from '../support/sample.ts';
import { type HubClone, openCleanHubClone, openHubClone } from './hub-clone.ts';
import { type Insider, openInsider } from './insider.ts';
import { filesOf } from './rewrite.ts';
import { KINDS, tamper, tryTampering, UNDETECTABLE_KINDS } from './tamperings.ts';

/** The forms of the objects that an auditor names. */
const OBJECT =
  /^(log|leaf:\d+|(use|code|act|notice):[0-9a-f-]{36}|license:\S+|number:\S+|(blank|sheet):(KB\d{12}|AA1\d{8})|(document|certificate):[0-9a-f]{64}|seal:\S+|event:\d+|list:(root|issuing) \d+|checkpoint:\d+|tile:tile\/\S+|receipt:\S+ \d+|(person|case|agreement|calendar|key|guide|type):\S.*|(proposal|application|order|exception|platform|webhook|import):[0-9a-f-]{36})$/;

/** Tables that a tampering may touch. */
const TABLES = `select schemaname || '.' || tablename as name from pg_tables where schemaname in ('seals', 'licenses', 'matters')
  or schemaname = 'cases' and tablename not like 'outbox%' and tablename not in ('inbox', 'material_file') order by 1`;

/** Returns a digest of each of those tables and each published file, to detect any change. */
async function digestOf(sql: postgres.Sql, clone: HubClone): Promise<Record<string, string>> {
  const parts = (await sql.unsafe(TABLES)).map(
    ({ name }) => `select '${name}' as name, sum(hashtextextended(t::text, 0))::text as digest from ${name} t`,
  );
  const rows = await sql.unsafe(parts.join(' union all '));
  const files = filesOf(clone.logFolder).map((path) => {
    const bytes = readFileSync(join(clone.logFolder, path));
    return [path, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return Object.fromEntries([...rows.map(({ name, digest }) => [name, digest]), ...files]);
}

describe('the tampering generator', () => {
  let clone: HubClone;
  let insider: Insider;
  let initialDigests: Record<string, string>;
  beforeAll(async () => {
    clone = await openHubClone(1);
    insider = await openInsider(clone);
    initialDigests = await digestOf(insider.sql, clone);
  });
  afterAll(async () => {
    await insider?.sql.end();
    await clone?.close();
  });

  test('a clone is consistent, and publishes the checkpoint that the witness signed', async () => {
    expect(await findInconsistencies(clone.adminUrl)).toEqual([]);
    const published = readFileSync(join(clone.logFolder, 'checkpoint'), 'utf8');
    expect(clone.witnesses.map(({ checkpoint }) => checkpoint)).toEqual([published]);
  });

  test('a clone with further legitimate acts is consistent', async () => {
    const cleanClone = await openCleanHubClone(3);
    expect(await findInconsistencies(cleanClone.adminUrl)).toEqual([]);
    await cleanClone.close();
  });

  test('there are at least 40 kinds, and they include the undetectable ones', () => {
    expect(KINDS.length).toBeGreaterThanOrEqual(40);
    expect(Object.keys(UNDETECTABLE_KINDS).filter((kind) => !KINDS.includes(kind))).toEqual([]);
  });

  test.each(sampleCases('kinds', KINDS, 48))('%s changes something and reports which objects', async (kind) => {
    const { report, observation: digest } = await tryTampering(insider, kind, KINDS.indexOf(kind) + 1, () =>
      digestOf(insider.sql, clone),
    );
    expect(report.objects.length).toBeGreaterThan(0);
    expect(report.objects.filter((object) => !OBJECT.test(object))).toEqual([]);
    expect(digest).not.toEqual(initialDigests);
  });

  test.each(['leaf-altered-in-rewritten-log', 'entry-altered-both', 'use-without-leaf'])(
    '%s: the same seed chooses the same victim',
    async (kind) => {
      const report = [];
      for (const seed of [7, 7, 8]) report.push((await tryTampering(insider, kind, seed, async () => {})).report);
      expect(report[1]).toEqual(report[0]);
      expect(report[2]?.objects).not.toEqual(report[0]?.objects);
    },
  );

  test('tampering with another clone leaves the first unchanged', async () => {
    const otherClone = await openHubClone(2);
    await tamper(otherClone, 'use-gone-and-log-rewritten', 2);
    const sql = postgres(otherClone.adminUrl, { max: 1 });
    expect(await digestOf(sql, otherClone)).not.toEqual(initialDigests);
    // A rewritten history is consistent with itself: the log's key signed it, and its root matches its leaves.
    const log = readKey(otherClone.logKey);
    const published = readFileSync(join(otherClone.logFolder, 'checkpoint'), 'utf8');
    const { size, root } = requireCheckpoint(published, { origin: log.name, log, witnesses: [] });
    const leaves = await sql`select hash from seals.log_sequence join seals.log_leaf using (serial) order by index`;
    const hashes = leaves.map(({ hash }) => hash);
    expect({ size, root: Buffer.from(root) }).toEqual({ size: hashes.length, root: growTree([], 0, hashes).root });
    expect(published).toBe((await sql`select note from seals.log_checkpoint where size = ${size}`)[0]?.note);
    await sql.end();
    await otherClone.close();
    expect(await digestOf(insider.sql, clone)).toEqual(initialDigests);
  });
});
