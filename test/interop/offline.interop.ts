import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

const VERIFY = new URL('../../scripts/verify.ts', import.meta.url).pathname;
const YEAR_MS = 365.25 * 86_400_000;
const START = Date.parse('2026-03-02T04:00:00Z');

/** Verifies in a network namespace without any network, from the file, its evidence and a pinned root. */
describe('verification without a network', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-offline-'));
  const path = (name: string) => join(folder, name);
  let hub: TestHub;
  let clock: TestClock;
  let identifier: string;
  beforeAll(async () => {
    clock = testClock('2026-03-02');
    hub = await createTestHub({ now: clock });
    const license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    identifier = license.identifier;
    const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
    writeFileSync(
      path('license.pdf'),
      (await hub.hub.app.inject({ method: 'GET', url: license.document.url, headers })).rawPayload,
    );
    writeFileSync(path('root.pem'), await hub.hub.seals.rootCertificate());
  });
  afterAll(async () => {
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const verifyOffline = (...args: string[]) => {
    const run = spawnSync('unshare', ['--net', process.execPath, VERIFY, ...args], { encoding: 'utf8' });
    return { code: run.status, output: `${run.stdout}${run.stderr}` };
  };
  const listInterfaces = () => spawnSync('unshare', ['--net', 'cat', '/proc/net/dev'], { encoding: 'utf8' });

  test('the namespace has no network', () => {
    expect(listInterfaces()).toMatchObject({ status: 0 });
    expect(
      listInterfaces()
        .stdout.trim()
        .split('\n')
        .slice(2)
        .map((line) => line.trim().split(':')[0]),
    ).toEqual(['lo']);
  });

  test.each([0, 1, 5, 7.5, 14.6, 20])('passes %s years later, with the evidence of that day', async (years) => {
    clock.set(new Date(START + years * YEAR_MS).toISOString());
    await hub.hub.licenses.renewProofs();
    const evidence = (await hub.hub.app.inject({ method: 'GET', url: `/licenses/evidence/${identifier}` })).rawPayload;
    expect(evidence.length).toBeLessThanOrEqual(16_384);
    writeFileSync(path('license.evidence.json'), evidence);
    const at = clock().toISOString();
    const withEvidence = verifyOffline(path('license.pdf'), '--root', path('root.pem'), '--at', at);
    expect(withEvidence, withEvidence.output).toMatchObject({ code: 0 });
    expect(withEvidence.output).toContain('时间戳证明不晚于 2026-03-02');
    const withoutEvidence = verifyOffline(
      path('license.pdf'),
      '--root',
      path('root.pem'),
      '--at',
      at,
      '--evidence',
      path('root.pem'),
    );
    expect(withoutEvidence, withoutEvidence.output).toMatchObject({ code: 2 });
  });
});
