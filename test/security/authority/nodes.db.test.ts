import { afterAll, beforeAll, expect, test } from 'vitest';
import { dayOf } from '../../../subgraphs/kernel/day.ts';
import { parseGlobalId } from '../../../subgraphs/kernel/graphql/global-id.ts';
import { COMPANY, ROUTES, runMutation } from '../../support/flow.ts';
import type { TestHub } from '../../support/hub.ts';
import { proposeLedger } from '../../support/ledger.ts';
import {
  buildMessage,
  createForwardedCase,
  createPlatformKeys,
  postMessage,
  registerPlatform,
  signMessage,
} from '../../support/platform.ts';
import { administer, importDelegations } from '../../support/proposal.ts';
import { fetchFile } from '../../support/reading.ts';
import { createUpload } from '../../support/upload.ts';
import { createWorlds } from './worlds.ts';

/**
 * Everything that a person finds in a list, `nodes` finds again by its global id; and nothing else of what others find.
 * Two offices have one record of every kind.
 */

const PEOPLE = [
  ...['applicant-company', 'applicant-citizen', 'window-yudu', 'auditor', 'administrator', 'xingguo-lyj.approver'],
  ...['clerk', 'reviewer', 'approver', 'keeper', 'supervisor'].map((position) => `yudu-lyj.${position}`),
  ...['approver', 'supervisor'].map((position) => `ganzhou-xzspj.${position}`),
];

/** The lists, and what stands below their rows. */
const LISTS: Readonly<Record<string, string>> = {
  cases: 'notices { ...N } pushes { ...N } findings { ...N } materials { file { ...N } }',
  licenses: 'orders { ...N } proposals { ...N }',
  ...{ approvalPushes: '', supervisionFindings: '', dutyExceptions: '', proposals: '', uploads: '', sealUses: '' },
  ...{ platforms: 'keys { ...N }', seals: 'grants { ...N }', webhooks: '', materialReads: '' },
  ...{ supervisionOrders: '', licenseProposals: '', sealApplications: '', importProposals: '' },
  ...{ registrations: '', agreements: '', tasks: '', calendars: '' },
  ...{ delegationImports: '', organs: '', licenseTypes: '', blankTransfers: '' },
};

let hub: TestHub;
/** Global ids by person. */
const seen = new Map<string, Set<string>>();

/** Collects the global id of every object within an answer. */
function collect(value: unknown, ids: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  if ('__typename' in value && 'id' in value) {
    ids.add(value.id as string);
  }
  for (const inner of Object.values(value)) collect(inner, ids);
}

/** A platform receives a case and says so. Returns the own identifier of the case. */
async function receiveAtPlatform(): Promise<string> {
  const keys = await createPlatformKeys();
  await registerPlatform(hub, keys);
  const { id, number } = await createForwardedCase(hub);
  const body = JSON.stringify(buildMessage('RECEIVED', number, new Date()));
  await postMessage(hub, body, await signMessage(keys, body, new Date()));
  return id;
}

/** An office reads a file that an applicant handed in with an application. */
async function readMaterial(): Promise<void> {
  const materials = [{ code: 'M1', upload: await createUpload(hub, 'applicant-company') }];
  const application = { matter: ROUTES.DIRECT.matter, applicant: COMPANY, materials };
  const input = [hub, 'applicant-company', 'receiveApplication', 'ApplicationInput', application] as const;
  const { case: received } = await runMutation(...input, 'case { materials { file { url } } }');
  const answer = await fetchFile(hub, 'yudu-lyj.clerk', received.materials[0].file.url);
  if (answer.statusCode !== 200) throw new Error(answer.body);
}

beforeAll(async () => {
  ({ hub } = await createWorlds());
  await importDelegations(hub, { csv: 'matter,valid_from,outcome_name\nyd2022-1-07,2100-01-01,新证' }, 'unchanged');
  const today = dayOf(new Date());
  const exception = {
    ...{ organ: 'yudu-lyj', kind: 'EXAMINER_DECIDES', reason: '审查人员休假', approvingOrgan: 'ganzhou-xzspj' },
    ...{ validFrom: today, validTo: today },
  };
  const fields = 'exception { id: uuid }';
  await administer(hub, 'recordException', 'RecordExceptionInput', exception, fields, 'yudu-lyj.approver');
  const forwarded = await receiveAtPlatform();
  await readMaterial();
  const sent = { organ: 'yudu-slj', prefix: ROUTES.DIRECT.blanks, from: 190, to: 191, remark: '调剂' };
  await runMutation(hub, 'yudu-lyj.keeper', 'transferBlanks', 'TransferBlanksInput', sent, 'transfer { id }');
  const ledger = `证照编号,持证主体,持证主体代码,颁发日期,有效期截止\n旧字1号,${COMPANY.name},${COMPANY.code},2019-03-05,长期\n`;
  await proposeLedger(hub, 'yudu-lyj.reviewer', ROUTES.DIRECT.matter, ledger);
  await hub.hub.cases.recordAgreement({
    ...{ number: '示范承接协议〔2022〕99号', cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj' },
    ...{ matters: ['yd2022-2-44'], scanDigest: '0'.repeat(64), validFrom: '2022-06-01', validTo: null },
  });
  const roots = `viewer { ...N } blanks(filter: { state: IN_TRANSIT }, first: 50) { edges { node { ...N } } }
    printed: blanks(filter: { state: PRINTED }, first: 50) { edges { node { ...N license { ...N } } } }
    people(filter: { organ: "yudu-lyj" }, first: 50) { edges { node { ...N } } }
    platformMessages(case: "${forwarded}", first: 50) { edges { node { ...N } } }`;
  for (const person of PEOPLE) {
    const ids = new Set<string>();
    seen.set(person, ids);
    collect((await hub.ask(person, `{ ${roots} } fragment N on Node { __typename id }`)).data, ids);
    for (const [list, inner] of Object.entries(LISTS)) {
      const query = `{ ${list}(first: 50) { edges { node { ...N ${inner} } } } } fragment N on Node { __typename id }`;
      collect((await hub.ask(person, query)).data, ids);
    }
  }
}, 300_000);
afterAll(() => hub?.stop());

const typeOf = (id: string) => {
  const parsed = parseGlobalId(id);
  return parsed === null || parsed === 'BROKEN' ? '' : parsed.type;
};

test('objects of every type with an identity were found', async () => {
  const { data } = await hub.ask(null, '{ __type(name: "Node") { possibleTypes { name } } }');
  const found = new Set([...seen.values()].flatMap((ids) => [...ids]).map(typeOf));
  const types: string[] = data.__type.possibleTypes.map(({ name }: { name: string }) => name);
  // Both are in the public catalogue, and its tests find them again.
  const ofCatalogue = ['GuideVersion', 'Matter'];
  expect(types.filter((type) => !found.has(type) && !ofCatalogue.includes(type))).toEqual([]);
});

test('nodes finds exactly what the lists show to a person', async () => {
  const all = [...new Set([...seen.values()].flatMap((ids) => [...ids]))];
  const unexpected: string[] = [];
  for (const person of PEOPLE) {
    for (let i = 0; i < all.length; i += 40) {
      const ids = all.slice(i, i + 40);
      const { data } = await hub.ask(person, 'query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }', { ids });
      for (const [place, id] of ids.entries()) {
        const isFound = data.nodes[place] !== null;
        if (isFound !== seen.get(person)?.has(id)) unexpected.push(`${person}: ${typeOf(id)} ${isFound}`);
        if (isFound && data.nodes[place].__typename !== typeOf(id)) unexpected.push(`${person}: ${typeOf(id)}`);
      }
    }
  }
  expect(unexpected).toEqual([]);
});

test('the public finds organs and nothing else', async () => {
  const ids = [...new Set([...seen.values()].flatMap((own) => [...own]))].slice(0, 90);
  const { data } = await hub.ask(null, 'query($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids });
  expect(ids.filter((id, i) => (typeOf(id) === 'Organ') !== (data.nodes[i] !== null))).toEqual([]);
});
