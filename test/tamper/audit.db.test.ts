import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audit } from '../../scripts/audit/audit.ts';
import type { Finding } from '../../scripts/audit/finding.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { type House, openCleanHouse, openHouse } from './house.ts';
import { type Inside, openInside } from './inside.ts';
import { HARD, KINDS, rehearse } from './tamperings.ts';

/**
 * Tests the auditor against the tampering generator, which was written independently of it. Every kind runs once;
 * TAMPERINGS sets another number of runs. HOUSES sets the number of untampered clones, which must raise no finding.
 */

const TAMPERINGS = Number(process.env.TAMPERINGS ?? KINDS.length);
const HOUSES = Number(process.env.HOUSES ?? 1);

async function findingsOf({ house, sql }: Inside): Promise<Finding[]> {
  const witnesses = house.witnesses.map(({ vkey, checkpoint }) => ({ key: readKey(vkey), checkpoint }));
  const { logFolder, logKey, rootPem } = house;
  // Audit as of two minutes later, when nothing can be in flight. The auditor excuses work of the last minute.
  const now = new Date(Date.now() + 120_000);
  const given = { sql, logFolder, logKey: readKey(logKey), witnesses, roots: [Buffer.from(rootPem)], now };
  const findings: Finding[] = [];
  for await (const one of audit(given)) findings.push(one);
  return findings;
}

describe('the auditor', () => {
  let house: House;
  let inside: Inside;
  beforeAll(async () => {
    house = await openHouse(1);
    inside = await openInside(house);
  });
  afterAll(async () => {
    await inside?.sql.end();
    await house?.close();
  });

  test('finds nothing in an untampered clone', async () => {
    expect(await findingsOf(inside)).toEqual([]);
  });

  test.each(Array.from({ length: HOUSES }, (_, i) => i + 1))(
    'finds nothing in a clone with further legitimate acts, seed %i',
    async (seed) => {
      const clean = await openCleanHouse(seed);
      const within = await openInside(clean);
      try {
        expect(await findingsOf(within)).toEqual([]);
      } finally {
        await within.sql.end();
        await clean.close();
      }
    },
  );

  const rounds = Array.from({ length: TAMPERINGS }, (_, i) => [KINDS[i % KINDS.length] ?? '', i + 1] as const);
  test.each(rounds)('names an object that %s changed (seed %i)', async (kind, seed) => {
    const { told, seen: findings } = await rehearse(inside, kind, seed, () => findingsOf(inside));
    const named = new Set(findings.map(({ object }) => object));
    const right = told.objects.some((object) => named.has(object));
    expect(
      kind in HARD || right,
      `${told.description}\nexpected one of ${told.objects.join(', ')}\nfound ${JSON.stringify(findings.slice(0, 12), null, 1)}`,
    ).toBe(true);
  });
});
