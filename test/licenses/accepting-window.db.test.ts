import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES, type Route } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { fetchFile } from '../support/reading.ts';
import { waitForLicense } from '../support/supervision.ts';

/** An integrated window sees the licenses of the cases that it accepted, and no other license of its county. */

/** 燃气经营许可, accepted by the city organ by its equal right. */
const AT_THE_CITY: Route = {
  ...ROUTES.SUBSTANTIVE_REVIEW,
  matter: 'yd2022-3-38',
  accepts: 'ganzhou-xzspj.clerk',
  examines: 'ganzhou-xzspj.reviewer',
  forwards: null,
  prints: 'ganzhou-xzspj.clerk',
};

interface Issued {
  identifier: string;
  number: string;
  document: { url: string };
  paper: { blankNumber: string };
}

/** A change of such a license, which the window of 于都县 accepts. */
const CHANGING: Route = {
  ...ROUTES.SUBSTANTIVE_REVIEW,
  matter: 'yd2022-2-28',
  examines: 'yudu-zjj.reviewer',
  forwards: 'yudu-zjj.reviewer',
};

let hub: TestHub;
let cityCase: string;
const licenses: Record<'yudu' | 'xingguo' | 'direct' | 'city', Issued> = {} as never;
/** The plan delegates to 于都县 only, so a license of another county's window is made by hand. */
async function moveToXingguo({ number }: Issued): Promise<void> {
  const sql = postgres(hub.adminUrl, { max: 1 });
  await sql`update licenses.license set "window" = '360732' where number = ${number}`;
  await sql`update licenses.certificate_task set "window" = '360732' where number = ${number}`;
  await sql.end();
}

beforeAll(async () => {
  hub = await createTestHub();
  const issue = async (route: Route, serial: number) =>
    issueGrantedLicense(hub, route, await grantCase(hub, route), serial);
  licenses.yudu = await issue(ROUTES.SUBSTANTIVE_REVIEW, 1);
  licenses.xingguo = await issue(ROUTES.SUBSTANTIVE_REVIEW, 2);
  await moveToXingguo(licenses.xingguo);
  licenses.direct = await issue(ROUTES.DIRECT, 1);
  cityCase = await grantCase(hub, AT_THE_CITY);
  licenses.city = await issueGrantedLicense(hub, AT_THE_CITY, cityCase, 3);
}, 90_000);
afterAll(() => hub?.stop());

const OWN = { 'window-yudu': 'yudu', 'window-xingguo': 'xingguo' } as const;
const NAMES = ['yudu', 'xingguo', 'direct', 'city'] as const;

test.each(Object.entries(OWN))('%s sees its own in lists, and no other', async (clerk, own) => {
  const { data } = await hub.ask(clerk, '{ licenses(first: 20) { edges { node { identifier } } } }');
  const seen = data.licenses.edges.map(({ node }: { node: Issued }) => node.identifier);
  expect(seen).toEqual([licenses[own].identifier]);
  const { data: tasks } = await hub.ask(
    clerk,
    '{ certificateTasks(first: 20) { edges { node { case { id: uuid } } } } }',
  );
  expect(tasks.certificateTasks.edges).toEqual([]);
});

test.each(Object.entries(OWN))('%s finds, opens and reads its own, and no other', async (clerk, own) => {
  const query = `query($identifier: ID!, $number: String!) {
    license(identifier: $identifier) { identifier versions { identifier } acts { act } }
    licenses(first: 5, filter: { number: $number }) { edges { node { identifier } } } }`;
  for (const name of NAMES) {
    const { identifier, number, document } = licenses[name];
    const isOwn = name === own;
    const { data } = await hub.ask(clerk, query, { identifier, number });
    expect([name, data.license !== null, data.licenses.edges.length]).toEqual([name, isOwn, isOwn ? 1 : 0]);
    const { statusCode } = await fetchFile(hub, clerk, document.url, 'CERTIFICATION');
    expect([name, statusCode]).toEqual([name, isOwn ? 200 : 404]);
    const stated = { identifier, purpose: 'CERTIFICATION' };
    const code = await findRefusalCode(hub, clerk, 'discloseHolder', 'DiscloseHolderInput', stated);
    expect([name, code]).toEqual([name, isOwn ? null : 'LICENSE_UNKNOWN']);
  }
});

test.each(Object.entries(OWN))('%s hands over its own paper, and no other', async (clerk, own) => {
  for (const name of NAMES) {
    const { identifier, paper } = licenses[name];
    const input = { identifier, blankNumber: paper.blankNumber };
    const code = await findRefusalCode(hub, clerk, 'deliverCertificate', 'CertificateInput', input);
    expect([name, code]).toEqual([name, name === own ? null : 'ORGAN_WITHOUT_POWER']);
  }
});

test('a window sees another license once a case that it accepted is granted on it', async () => {
  const query = 'query($id: ID!) { license(identifier: $id) { identifier } }';
  const find = async () => (await hub.ask('window-yudu', query, { id: licenses.city.identifier })).data.license;
  expect(await find()).toBeNull();
  await waitForLicense(hub, cityCase);
  const materials = ['M01', 'M02', 'M03'].map((code) => ({ code, paper: true, copies: 2 }));
  await grantCase(hub, CHANGING, { licenseNumber: licenses.city.number, materials });
  expect(await find()).toEqual({ identifier: licenses.city.identifier });
  const input = { identifier: licenses.city.identifier, purpose: 'CERTIFICATION' };
  expect(await findRefusalCode(hub, 'window-yudu', 'discloseHolder', 'DiscloseHolderInput', input)).toBeNull();
});
