import { afterAll, beforeAll, expect, test } from 'vitest';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitForLicense } from '../support/supervision.ts';

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub();
});
afterAll(() => hub?.stop());

test('an object of another subgraph that the caller may not see is null, and nothing blames the query', async () => {
  const id = await grantCase(hub, ROUTES.DIRECT);
  await issueGrantedLicense(hub, ROUTES.DIRECT, id, 1);
  await waitForLicense(hub, id);
  const query = '{ licenses(first: 5) { edges { node { number case { number } } } } }';
  const byLibrary = await hub.ask('library', query);
  expect(byLibrary).toEqual({
    status: 200,
    data: { licenses: { edges: [{ node: { number: expect.any(String), case: null } }] } },
  });
  const byOwnOrgan = await hub.ask('yudu-lyj.clerk', query);
  expect(byOwnOrgan.data.licenses.edges[0].node.case.number).toEqual(expect.any(String));
});
