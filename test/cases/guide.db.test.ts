import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConnectionPool, connect } from '../../db/client.ts';
import { findGuideFacts } from '../../subgraphs/cases/fact/store.ts';
import { receive } from '../../subgraphs/cases/fact/workflow.ts';
import { guideOn, type PublishedGuides } from '../../subgraphs/cases/reception/guide.ts';
import type { Envelope } from '../../subgraphs/kernel/events/events.ts';
import type { GuideFact } from '../../subgraphs/kernel/events/guide-fact.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const MATTER = 'yd2022-3-31';
const guideOfDays = (promisedDays: number): GuideFact => ({
  materials: [],
  steps: [],
  statutoryDays: 20,
  promisedDays,
});
const firstVersion = {
  version: 1,
  validFrom: '2026-01-01',
  validTo: '2026-06-30',
  city: guideOfDays(10),
  counties: [
    { divisionCode: '360731', validFrom: '2026-01-01', guide: guideOfDays(8) },
    { divisionCode: '360731', validFrom: '2026-04-01', guide: guideOfDays(7) },
  ],
};
const secondVersion = { version: 2, validFrom: '2026-07-01', validTo: null, city: guideOfDays(9), counties: [] };
const guides: PublishedGuides = { matterId: MATTER, versions: [firstVersion, secondVersion] };

let database: TestDatabase;
let connection: ConnectionPool;
beforeAll(async () => {
  database = await createTestDatabase();
  connection = connect(database.urls.cases, 'test-cases');
});
afterAll(async () => {
  await connection?.close();
  await database?.drop();
});

test.each([
  ['uses the guide of the county', '2026-03-31', '360731', 1, 8],
  ['uses the next guide of the county from its first day', '2026-04-01', '360731', 1, 7],
  ['uses the city guide for a county without its own guide', '2026-06-30', '360732', 1, 10],
  ['uses the city guide for a city organ', '2026-06-30', null, 1, 10],
  ['uses the next version from its first day', '2026-07-01', null, 2, 9],
  ['uses the city guide for a county without an overlay on the new version', '2027-01-01', '360731', 2, 9],
])('%s', (_, day, division, version, promisedDays) => {
  expect(guideOn(guides, day, division)).toMatchObject({ version, promisedDays, statutoryDays: 20 });
});

test('returns null before the first version', () => {
  expect(guideOn(guides, '2025-12-31', null)).toBeNull();
});

test('keeps the newest GuideChanged event and ignores an older one', async () => {
  const personSigning = async () => ({ organs: [], rpId: null, credentials: [] });
  const keys = { identity: generateServiceKeys().identities.cases, derivationKey: new Uint8Array(32) };
  const deps = { db: connection.db, now: () => new Date(), ...keys, personSigning, publicUrl: '' };
  const receiveGuide = (revision: number, versions: PublishedGuides['versions']) => {
    const event: Envelope = {
      type: 'GuideChanged',
      stream: `guide:${MATTER}`,
      revision,
      occurredAt: '2026-03-02T04:00:00.000Z',
      payload: { matterId: MATTER, versions },
    };
    return receive(deps, 'matters', event);
  };
  expect((await findGuideFacts(connection.db, [MATTER])).get(MATTER)).toBeUndefined();
  await receiveGuide(1, [firstVersion]);
  await receiveGuide(2, [firstVersion, secondVersion]);
  await receiveGuide(1, [firstVersion]);
  expect((await findGuideFacts(connection.db, [MATTER])).get(MATTER)).toEqual(guides);
});
