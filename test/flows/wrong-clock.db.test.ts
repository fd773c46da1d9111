import { afterAll, beforeAll, expect, test } from 'vitest';
import { isAhead, isFresh } from '../../subgraphs/kernel/period/freshness.ts';
import { readJws } from '../../subgraphs/licenses/verify/jws/jws.ts';
import { readList } from '../../subgraphs/licenses/verify/revocation.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** The clock of a running hub is wrong for a while: what was published from the future is replaced at once. */

const HOUR_MS = 3_600_000;
let hub: TestHub;
let clock: TestClock;
let license: { identifier: string; document: { url: string } };

beforeAll(async () => {
  clock = testClock('2026-03-02');
  hub = await createTestHub({ now: clock });
  license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
});
afterAll(() => hub?.stop());

async function fetchFile(url: string): Promise<Buffer> {
  const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
  const response = await hub.hub.app.inject({ method: 'GET', url, headers });
  expect([url, response.statusCode]).toEqual([url, 200]);
  return response.rawPayload;
}

/** Fetches everything that is published and tells its time. Returns those times. */
async function fetchPublished(): Promise<{ times: Date[]; evidence: Buffer }> {
  const evidence = await fetchFile(`/licenses/evidence/${license.identifier}`);
  const lists = [await fetchFile('/seals/root.crl'), await fetchFile('/seals/issuing.crl')];
  const words = [(await fetchFile('/licenses/status-list')).toString(), JSON.parse(evidence.toString()).status];
  const seconds = words.map((text) => (readJws(text).payload as { iat: number }).iat);
  const times = [...lists.map((list) => readList(list).issuedAt), ...seconds.map((iat) => new Date(iat * 1000))];
  return { times, evidence };
}

test.each([
  ['an hour', HOUR_MS],
  ['300 days', 300 * 24 * HOUR_MS],
])('after %s in the future, lists and statements are of the right time again, and licenses verify', async (_, ms) => {
  const rightTime = clock().getTime();
  clock.advance(ms);
  expect((await fetchPublished()).times.every((time) => isAhead(time, new Date(rightTime)))).toBe(true);
  clock.set(new Date(rightTime + 60_000).toISOString());
  const { times, evidence } = await fetchPublished();
  expect(times.every((time) => isFresh(time, clock(), HOUR_MS))).toBe(true);
  // Nothing is published again and again.
  expect((await fetchPublished()).times).toEqual(times);
  const root = Buffer.from(await hub.hub.seals.rootCertificate());
  const file = await fetchFile(license.document.url);
  expect(verify({ file, signature: null, roots: [root], bundle: evidence }, clock())).toMatchObject({
    ...{ verdict: 'TOTAL_PASSED', status: { state: 'VALID', source: 'STATEMENT' } },
  });
});
