import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { createSigner, type Signer } from '../../subgraphs/seals/signer/signer.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import {
  COMPANY,
  findRefusalCode,
  grantCase,
  issueGrantedLicense,
  ROUTES,
  runMutation,
  toBlanks,
} from '../support/flow.ts';
import { createTestHub, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { decideCase, waitForLicense } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';

/** Granted licenses are published by themselves (双公示), and anybody reads them, in the graph and as a table. */

const ROUTE = ROUTES.DIRECT;
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const OTHER_NAME = { ...COMPANY, name: '于都县贡江示范药业有限责任公司' };
const FILING = {
  ...{ matter: 'yd2022-1-01', accepts: 'yudu-jtysj.clerk', examines: 'yudu-jtysj.reviewer', forwards: null },
  ...{ decides: 'yudu-jtysj.approver', prints: 'yudu-jtysj.clerk', blanks: '' },
};

let hub: TestHub;
let clock: TestClock;
let isSignerDown = false;

/** Nothing is sealed while the signer is down. */
function stoppable(signer: Signer): Signer {
  return new Proxy(signer, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      if (name !== 'seal' || typeof value !== 'function') return value;
      return (...input: unknown[]) => {
        if (isSignerDown) throw new Error('the signer is down');
        return value.apply(target, input);
      };
    },
  });
}

beforeAll(async () => {
  clock = testClock('2026-03-02');
  const serviceKeys = generateServiceKeys();
  const signer = createSigner({ ring: [RUN_KEY_ENCRYPTION_KEY], publicKeys: serviceKeys.publicKeys, now: clock });
  hub = await createTestHub({ now: clock, signer: stoppable(signer), serviceKeys });
});
afterAll(() => hub?.stop());

const FIELDS = `counterpartName counterpartKind counterpartCode legalRepresentative documentName documentNumber matterName
  licenseName licenseNumber content validFrom validUntil organ { code } organName organCode decidedOn dueOn publishedOn
  isLate state withdrawal`;
// biome-ignore lint/suspicious/noExplicitAny: a test reads only some fields
type Row = any;

async function list(args = 'first: 100'): Promise<Row[]> {
  const { data, errors } = await hub.ask(null, `{ publicDecisions(${args}) { edges { node { ${FIELDS} } } } }`);
  expect(errors).toBeUndefined();
  return data.publicDecisions.edges.map((edge: { node: Row }) => edge.node);
}
async function numberOf(caseId: string): Promise<string> {
  const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { notices { kind number } } }', {
    id: caseId,
  });
  return data.case.notices.find(({ kind }: { kind: string }) => kind === 'DECISION').number;
}
const rowsOf = async (caseId: string) => {
  const number = await numberOf(caseId);
  return (await list()).filter(({ documentNumber }) => documentNumber === number);
};
const waitForRow = (caseId: string): Promise<Row> =>
  waitUntil('the decision is published', async () => (await rowsOf(caseId))[0] ?? false);
const waitForSeal = (caseId: string) =>
  waitUntil('the decision is sealed', async () => {
    const query = 'query($id: ID!) { case(id: $id) { notices { kind sealed } } }';
    const { data } = await hub.ask('auditor', query, { id: caseId });
    return data.case.notices.some(
      ({ kind, sealed }: { kind: string; sealed: boolean }) => kind === 'DECISION' && sealed,
    );
  });

test('exactly the granted licenses are listed, once each', async () => {
  const company = await grantCase(hub, ROUTE);
  const citizen = await grantCase(hub, ROUTE, { applicant: CITIZEN });
  const secret = await grantCase(hub, ROUTE, { withheld: 'BUSINESS_SECRET' });
  const rejected = await decideCase(hub, ROUTE, 'REJECTED');
  const filing = await grantCase(hub, FILING);
  for (const id of [company, citizen, secret, rejected, filing]) await waitForSeal(id);
  const numbers = (await list()).map(({ documentNumber }) => documentNumber);
  expect(numbers).toEqual([await numberOf(citizen), await numberOf(company)]);

  expect(await waitForRow(company)).toMatchObject({
    ...{ counterpartName: COMPANY.name, counterpartKind: 'ORGANISATION', counterpartCode: COMPANY.code },
    ...{ documentName: expect.stringContaining('行政许可'), licenseName: '林木采伐许可证', licenseNumber: null },
    ...{ organ: { code: 'yudu-lyj' }, organName: '于都县林业局', organCode: expect.stringMatching(/^[0-9A-Z]{18}$/) },
    ...{ decidedOn: '2026-03-02', publishedOn: '2026-03-02', dueOn: '2026-03-11', isLate: false },
    ...{ validFrom: '2026-03-02', state: null, withdrawal: null },
  });
  const masked = await waitForRow(citizen);
  expect(masked).toMatchObject({ counterpartName: '李**', counterpartKind: 'NATURAL_PERSON', counterpartCode: null });
  expect(JSON.stringify(masked)).not.toMatch(new RegExp(`${CITIZEN.name}|${CITIZEN.code}`));
});

test('the mark stands in the step, and nothing else may be withheld', async () => {
  const secret = await grantCase(hub, ROUTE, { withheld: 'STATE_SECRET' });
  const query = 'query($id: ID!) { case(id: $id) { steps { step withheld } } }';
  for (const person of ['auditor', 'yudu-lyj.supervisor', ROUTE.decides]) {
    const { steps } = (await hub.ask(person, query, { id: secret })).data.case;
    expect(steps.at(-1), person).toEqual({ step: 'DECIDED', withheld: 'STATE_SECRET' });
  }
  const input = { matter: ROUTE.matter, applicant: COMPANY };
  const { case: accepted } = await runMutation(
    hub,
    ROUTE.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id: uuid }',
  );
  const examination = { case: accepted.id, finding: 'APPROVED' };
  await runMutation(hub, ROUTE.examines, 'examineCase', 'ExamineCaseInput', examination, '__typename');
  const decision = { case: accepted.id, decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true };
  const withheld = { ...decision, withheld: 'PERSONAL_PRIVACY' };
  expect(await findRefusalCode(hub, ROUTE.decides, 'decideCase', 'DecideCaseInput', withheld)).toBe('FIELD_MALFORMED');
});

test('the row follows the license, and a correction takes its place', async () => {
  const first = await grantCase(hub, ROUTE);
  const { number } = await issueGrantedLicense(hub, ROUTE, first, 1);
  await waitForLicense(hub, first);
  expect(await waitForRow(first)).toMatchObject({ licenseNumber: number, state: 'VALID', withdrawal: null });

  const change = { licenseNumber: number, situation: 'CORRECT', applicant: OTHER_NAME, fields: [], reason: '录入有误' };
  const second = await grantCase(hub, ROUTE, change);
  const input = { case: second, ...toBlanks(ROUTE, 2) };
  const corrected = await runMutation(hub, ROUTE.prints, 'correctLicense', 'CaseActInput', input, 'license { number }');
  expect(corrected.refusal).toBeNull();
  await waitForLicense(hub, second);
  expect(await waitForRow(second)).toMatchObject({
    counterpartName: OTHER_NAME.name,
    state: 'VALID',
    withdrawal: null,
  });
  expect(await rowsOf(first)).toMatchObject([{ withdrawal: 'CORRECTED', counterpartName: null, licenseNumber: null }]);
});

test('pages join to the list, and the table equals it', async () => {
  const all = await list();
  const pages: Row[] = [];
  for (let after = ''; ; ) {
    const query = `{ publicDecisions(first: 1${after}) { edges { node { ${FIELDS} } } pageInfo { hasNextPage endCursor } } }`;
    const { edges, pageInfo } = (await hub.ask(null, query)).data.publicDecisions;
    pages.push(...edges.map((edge: { node: Row }) => edge.node));
    after = `, after: "${pageInfo.endCursor}"`;
    if (!pageInfo.hasNextPage) break;
  }
  expect(pages).toEqual(all);

  const get = (query: string) => hub.hub.app.inject({ method: 'GET', url: `/cases/public-decisions.csv${query}` });
  const answer = await get('?organ=yudu-lyj&from=2026-03-02&to=2026-03-02');
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/csv; charset=utf-8']);
  expect(answer.body.charCodeAt(0)).toBe(0xfeff);
  const table: Record<string, string>[] = parse(answer.body.slice(1), { columns: true });
  expect(
    table.map((line) => [line.许可文书号, line.行政相对人名称, line.许可编号, line.许可内容, line.有效期自]),
  ).toEqual(
    all.map((row) =>
      [row.documentNumber, row.counterpartName, row.licenseNumber, row.content, row.validFrom].map(
        (cell) => cell ?? '',
      ),
    ),
  );
  expect(new Set(table.map((line) => line.当前状态))).toEqual(new Set(['', '有效', '已更正']));
  for (const [query, rows] of [
    ['?organ=yudu-sjj', 0],
    ['?from=2026-03-03', 0],
    ['?to=2026-03-01', 0],
  ] as const)
    expect(parse((await get(query)).body.slice(1), { columns: true }), query).toHaveLength(rows);
  for (const query of ['?organ=', '?from=2026-03-03&to=2026-03-02', '?from=x', '?by=MODE'])
    expect((await get(query)).statusCode, query).toBe(400);
  const wrong = await hub.ask(
    null,
    '{ publicDecisions(filter: { from: "2026-03-03", to: "2026-03-02" }) { edges { cursor } } }',
  );
  expect(wrong.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  expect(await list('first: 100, filter: { from: "2026-03-02", to: "2026-03-02" }')).toEqual(all);
});

test('an unsealed decision is not published, waits for somebody once it is late, and says so afterwards', async () => {
  isSignerDown = true;
  const id = await grantCase(hub, ROUTE);
  const waiting = async () => {
    const query =
      '{ attention(first: 5, filter: { kinds: [PUBLICATION_OVERDUE] }) { edges { node { case { id: uuid } } } } }';
    const { data, errors } = await hub.ask(ROUTE.decides, query);
    expect(errors).toBeUndefined();
    return data.attention.edges.map((edge: { node: Row }) => edge.node);
  };
  clock.set('2026-03-11');
  expect([await rowsOf(id), await waiting()]).toEqual([[], []]);
  clock.set('2026-03-12');
  expect([await rowsOf(id), await waiting()]).toEqual([[], [{ case: { id } }]]);
  isSignerDown = false;
  expect(await waitForRow(id)).toMatchObject({ decidedOn: '2026-03-02', publishedOn: '2026-03-12', isLate: true });
  expect(await waiting()).toEqual([]);
});
