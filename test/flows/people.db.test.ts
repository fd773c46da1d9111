import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { waitUntil } from '../support/until.ts';

/** People as they are: whoever holds or applies is known by the paper that he or she has. */

const route = ROUTES.DIRECT;
const FOREIGNER = { name: 'Alexandra Sokolova', codeKind: 'PASSPORT', code: 'USA-E12345678' };
const FOREIGN_COMPANY = { name: '示范（香港）有限公司', codeKind: 'FOREIGN_ORGANISATION', code: 'HKG/1234567' };

let hub: TestHub;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
beforeAll(async () => {
  library = await createTestLibrary();
  hub = await createTestHub({ library: library.settings });
  await library.open(await hub.hub.seals.rootCertificate());
}, 90_000);
afterAll(async () => {
  await hub?.stop();
  await library?.stop();
});

/** Asks as somebody who has signed in as the holder of a code. */
async function askAs(holderCode: string, query: string, variables: object) {
  const person = { ...requireDemoPerson('applicant-citizen'), id: `holder-${holderCode}`, holderCode };
  const headers = { authorization: `Bearer ${await tokenFor(person, new Date())}` };
  const payload = { query, variables };
  return (await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload })).json();
}

const apply = (applicant: object) =>
  runMutation(
    hub,
    route.accepts,
    'receiveApplication',
    'ApplicationInput',
    { matter: route.matter, applicant, fields: linesFor(route.matter) },
    'case { id: uuid applicant { code } steps { note } } refusals { code message path }',
  );

describe('a holder with a passport', () => {
  test('is served from the application to the license, and the code is masked for others', async () => {
    const applicant = { ...FOREIGNER, code: ' usa-e12345678' };
    const { identifier } = await issueGrantedLicense(hub, route, await grantCase(hub, route, { applicant }), 1);
    const query = 'query($id: ID!) { license(identifier: $id) { holder { name codeKind code } collection { state } } }';
    const { data } = await hub.ask(route.accepts, query, { id: identifier });
    expect(data.license.holder).toEqual({ ...FOREIGNER, code: 'USA-*******78' });
    expect((await askAs(FOREIGNER.code, query, { id: identifier })).data.license.holder).toEqual(FOREIGNER);
    // The same number of another country is another person's.
    expect((await askAs('DEU-E12345678', query, { id: identifier })).data.license).toBeNull();
    const found = await runMutation(
      ...([hub, route.accepts, 'findHolderLicenses', 'FindHolderLicensesInput'] as const),
      { code: 'USA-E12345678', purpose: 'VERIFICATION' },
      'licenses { identifier }',
    );
    expect(found.licenses).toEqual([{ identifier }]);
    await waitUntil(
      'it is collected',
      async () => (await hub.ask('auditor', query, { id: identifier })).data.license.collection.state === 'COLLECTED',
    );
    const [copy] = (await library.copies()).filter((each) => each.identifier === identifier);
    expect(copy).toMatchObject({ state: 'VALID' });

    const page = await hub.hub.app.inject({ url: `/v/${identifier}` });
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('A*****************');
    expect(page.body).not.toContain('Sokolova');
    expect(page.body).not.toContain('E12345678');
    const url = (
      await hub.ask('auditor', 'query($id: ID!) { license(identifier: $id) { document { url } } }', { id: identifier })
    ).data.license.document.url;
    const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
    const file = (await hub.hub.app.inject({ url, headers })).rawPayload;
    const bundle = (await hub.hub.app.inject({ url: `/licenses/evidence/${identifier}` })).rawPayload;
    const roots = [Buffer.from(await hub.hub.seals.rootCertificate())];
    const verdict = verify({ file, signature: null, roots, bundle }, new Date());
    expect(verdict).toMatchObject({ verdict: 'TOTAL_PASSED', record: { CZZTDM: 'USA-E12345678', CZZTDMLX: '414' } });
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });

  test('is refused by the words for the kind of code, and a code of another kind is none of it', async () => {
    const { refusals } = await apply({ ...FOREIGNER, code: 'E12345678' });
    expect(refusals).toEqual([
      {
        code: 'HOLDER_CODE_INVALID',
        message: expect.stringContaining('三字母代码'),
        path: ['input', 'applicant', 'code'],
      },
    ]);
    expect((await apply({ ...COMPANY, codeKind: 'CITIZEN_NUMBER' })).refusals).toHaveLength(1);
  });

  test('applies alone, and an organisation of another country is an organisation', async () => {
    const query = `mutation($input: ApplicationInput!) {
      receiveApplication(input: $input) { case { applicant { code } } refusal { code } } }`;
    const input = { matter: route.matter, applicant: FOREIGN_COMPANY, fields: linesFor(route.matter) };
    const own = await askAs(FOREIGN_COMPANY.code, query, { input });
    expect(own.data.receiveApplication).toEqual({ case: { applicant: { code: FOREIGN_COMPANY.code } }, refusal: null });
    const other = await askAs('HKG/7654321', query, { input });
    expect(other.data.receiveApplication.refusal).toEqual({ code: 'NOT_YOUR_RECORD' });
  });
});

describe('a name', () => {
  const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };

  test('with another dot is refused with the right one, and so is a letter that no font has', async () => {
    const { refusals } = await apply({ ...CITIZEN, name: '阿依•古丽' });
    expect(refusals).toEqual([
      { code: 'NAME_DOT_WRONG', message: expect.stringContaining('“阿依·古丽”'), path: ['input', 'applicant', 'name'] },
    ]);
    expect((await apply({ ...CITIZEN, name: '李𠮟' })).refusals).toMatchObject([{ code: 'FIELD_MALFORMED' }]);
  });

  test('with a described letter, or in another script, comes as far as the license', async () => {
    for (const [i, name] of ['李〔⿰口七 U+20B9F〕', 'ئۇيغۇر'].entries()) {
      const id = await grantCase(hub, route, { applicant: { ...CITIZEN, name } });
      const { identifier } = await issueGrantedLicense(hub, route, id, i + 2);
      const query = 'query($id: ID!) { license(identifier: $id) { holder { name } } }';
      expect((await hub.ask('auditor', query, { id: identifier })).data.license.holder).toEqual({ name });
    }
  });
});
