import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitSignature } from '../../scripts/split.ts';
import { CASE_FIELDS, grantCase, issueGrantedLicense, LICENSE_FIELDS, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

describe.each(['local', 'http'] as const)('one case of each mode, subgraphs reached %s', (transport) => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub({ transport });
  });
  afterAll(() => hub?.stop());

  test.each(['DIRECT', 'SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD'] as const)('%s', async (mode) => {
    const route = ROUTES[mode];
    const caseId = await grantCase(hub, route);
    const license = await issueGrantedLicense(hub, route, caseId, mode === 'WINDOW_FORWARD' ? 2 : 1);
    expect(license).toMatchObject({ version: 1, state: 'VALID', paper: { state: 'PRINTED', validity: 'VALID' } });

    const delivery = await runMutation(
      hub,
      route.prints,
      'deliverCertificate',
      'CertificateInput',
      { identifier: license.identifier, blankNumber: license.paper.blankNumber },
      `license { ${LICENSE_FIELDS} }`,
    );
    expect(delivery).toMatchObject({ refusal: null, license: { paper: { state: 'DELIVERED' } } });

    const deliveredCase = await waitUntil('the case is delivered', async () => {
      const query = `query($id: ID!) { case(id: $id) { ${CASE_FIELDS} license { identifier issuer { name } matter { name } } } }`;
      const { data, errors } = await hub.ask('applicant-company', query, { id: caseId });
      if (errors) throw new Error(JSON.stringify(errors));
      return data.case.step === 'DELIVERED' && data.case;
    });
    expect(deliveredCase).toMatchObject({
      result: 'ISSUED',
      delegation: { mode },
      license: { identifier: license.identifier },
    });
    const steps = deliveredCase.steps.map((entry: { step: string }) => entry.step);
    const forwardSteps = mode === 'DIRECT' ? [] : ['FORWARDED'];
    expect(steps).toEqual(['RECEIVED', 'ACCEPTED', 'EXAMINED', ...forwardSteps, 'DECIDED', 'CERTIFIED', 'DELIVERED']);

    const sealUses = await hub.ask(
      'auditor',
      'query($id: ID) { sealUses(filter: { license: $id }, first: 5) { edges { node { act documentDigest seal { name } } } } }',
      { id: license.identifier },
    );
    const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
    const file = await hub.hub.app.inject({ method: 'GET', url: license.document.url, headers });
    expect(sealUses.data.sealUses.edges).toEqual([
      {
        node: {
          act: 'ISSUE',
          documentDigest: createHash('sha256').update(splitSignature(file.rawPayload).covered).digest('hex'),
          seal: { name: expect.stringContaining('专用章') },
        },
      },
    ]);
  });
});
