import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SEALING_STEPS } from '../../subgraphs/kernel/sealing/sealing-workflow.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { grantCase, ROUTES, toBlanks } from '../support/flow.ts';
import { createTestHub, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { waitUntil } from '../support/until.ts';
import { forkHub } from './fork-hub.ts';

const KEYS_HEX = {
  keyEncryptionKey: Buffer.from(RUN_KEY_ENCRYPTION_KEY).toString('hex'),
  derivationKey: randomBytes(32).toString('hex'),
};
const serviceKeys = generateServiceKeys();

/** Kills the hub between each two steps of an issue, with a second issue in progress, and checks the hub's state. */
describe('a hub killed in the middle of issuing', () => {
  let hub: TestHub;
  let library: Awaited<ReturnType<typeof createTestLibrary>>;
  beforeAll(async () => {
    library = await createTestLibrary();
    hub = await createTestHub({
      ...{ serviceKeys, derivationKey: Buffer.from(KEYS_HEX.derivationKey, 'hex') },
      library: library.settings,
    });
    await library.open(await hub.hub.seals.rootCertificate());
  });
  afterAll(async () => {
    await hub?.stop();
    await library?.stop();
  });

  const startHubThatCrashes = (crashAt: string) => forkHub(hub, { ...KEYS_HEX, serviceKeys }, crashAt);

  test.each(SEALING_STEPS.map((step, i) => [step, i] as const))('at step %s', async (step, i) => {
    const route = ROUTES.DIRECT;
    const [doomedCase, otherCase] = [await grantCase(hub, route), await grantCase(hub, route)];
    const { child, url } = await startHubThatCrashes(step);
    const exitSignal = new Promise<string | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    const mutation =
      'mutation($i: CaseActInput!) { issueLicense(input: $i) { license { identifier } refusal { code } } }';
    const requestIssue = async (id: string, serial: number) => {
      const authorization = `Bearer ${await tokenFor(requireDemoPerson(route.prints), new Date())}`;
      return fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({
          query: mutation,
          variables: { i: { case: id, ...toBlanks(route, serial) } },
        }),
      }).catch(() => null);
    };
    // Two concurrent issues, both in the process that is killed.
    await Promise.all([requestIssue(doomedCase, 1 + 2 * i), requestIssue(otherCase, 2 + 2 * i)]);
    expect(await exitSignal).toBe('SIGKILL');

    for (const [id, serial] of [
      [doomedCase, 1 + 2 * i],
      [otherCase, 2 + 2 * i],
    ] as const) {
      const { data, errors } = await hub.ask(route.prints, mutation, {
        i: { case: id, ...toBlanks(route, serial) },
      });
      expect(errors).toBeUndefined();
      expect(data.issueLicense).toMatchObject({ refusal: null, license: { identifier: expect.any(String) } });
    }
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });

  test('afterwards no number is missing, no act is left unfinished, and the library has every license', async () => {
    const sql = postgres(hub.adminUrl, { max: 1 });
    const numbers = await sql<{ number: string }[]>`select number from licenses.license order by number`;
    expect(numbers.map((row) => Number(row.number.slice(-6)))).toEqual(numbers.map((_, i) => i + 1));
    expect(numbers).toHaveLength(2 * SEALING_STEPS.length);
    expect([...(await sql`select id from licenses.act where state <> 'DONE'`)]).toEqual([]);
    const copies = await waitUntil('the library has all', async () => {
      const copiesSoFar = await library.copies();
      return copiesSoFar.length === numbers.length && copiesSoFar;
    });
    const hubVersions = await sql<{ identifier: string; document_digest: string; state: string }[]>`
      select identifier, document_digest, state from licenses.license_version order by identifier`;
    expect(copies).toEqual(hubVersions.map((row) => ({ ...row })));
    await sql.end();
  });
});
