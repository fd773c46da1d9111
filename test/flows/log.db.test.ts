import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/hub/port.ts';
import { startLog } from '../../subgraphs/kernel/environment/log.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

/** Writes the log of a whole run at its lowest level: issue, verify, refuse, a dead library, a broken database. */

const PERSON = { name: '罗德福', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const FOREIGNER = 'Alexandra Sokolova';

let hub: TestHub;
let logText = '';
const tokens: string[] = [];

const entries = () =>
  logText
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  startLog({ service: 'hub', level: 'debug', write: (line) => (logText += line) });
  hub = await createTestHub({
    onFault: undefined,
    library: {
      url: `http://127.0.0.1:${await findFreePort()}`,
      clientId: 'tongquan-hub',
      clientSecret: 'the-secret-of-the-hub-0123',
    },
  });
});
afterAll(async () => {
  await hub?.stop();
  startLog({ service: 'hub', level: 'error' });
});

async function get(person: string | null, url: string): Promise<number> {
  const token = person === null ? null : await hub.token(person);
  if (token) tokens.push(token);
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  return (await hub.hub.app.inject({ url, headers })).statusCode;
}

test('names, codes and tokens are in no line of a whole run; ids of requests, cases and licenses are', async () => {
  const caseId = await grantCase(hub, ROUTES.DIRECT);
  const { identifier, number } = await issueGrantedLicense(hub, ROUTES.DIRECT, caseId, 1);
  await waitUntil('the dead library is logged', async () => /"event":"failure".*ECONNREFUSED/.test(logText));

  await hub.ask(null, `{ licenseStatus(identifier: "${identifier}") { state } }`);
  await get(null, `/verify?number=${encodeURIComponent(number)}&name=${encodeURIComponent(COMPANY.name)}`);
  await get(null, `/v/${encodeURIComponent(COMPANY.code)}`);
  await get('auditor', `/files/${'a'.repeat(64)}`);
  await get('auditor', `/licenses/evidence/${encodeURIComponent(PERSON.name)}`);
  await get('auditor', `/nowhere/${PERSON.code}`);
  // Refused as data, at the edge, and for want of a token.
  await runMutation(
    hub,
    'yudu-lyj.approver',
    'decideCase',
    'DecideCaseInput',
    { case: caseId, decision: 'GRANTED' },
    '__typename',
  );
  await hub.ask(
    'yudu-lyj.clerk',
    `{ case(id: "${PERSON.code}") { id } cases(first: 1, filter: { matter: "${PERSON.code}" }) { totalCount } }`,
  );
  await hub.ask(null, `{ licenses(first: 1, filter: { number: "${FOREIGNER}" }) { totalCount } }`);

  const sql = postgres(hub.adminUrl, { max: 1 });
  await sql`alter table cases.case_file rename to lost`;
  const input = { matter: ROUTES.DIRECT.matter, applicant: PERSON, fields: [{ label: '采伐地点', text: FOREIGNER }] };
  const query = 'mutation($input: ApplicationInput!) { acceptCase(input: $input) { case { id: uuid } } }';
  const { errors } = await hub.ask('yudu-lyj.clerk', query, { input });
  await hub.ask('auditor', `{ case(id: "${caseId}") { id } }`);
  await sql.end();

  const incident = (errors?.[0] as { extensions?: { incident?: string } })?.extensions?.incident;
  expect(incident).toEqual(expect.any(String));
  const fault = entries().find((line) => line.event === 'fault' && line.incident === incident);
  expect(fault).toMatchObject({ level: 'error', service: 'hub', request: expect.any(String) });
  expect(fault.error).not.toHaveProperty('message');
  expect(entries().filter((line) => line.event === 'request' && line.incident === incident)).toHaveLength(1);
  expect(entries().filter((line) => line.event === 'fault' && line.case === caseId)).not.toEqual([]);

  const secrets = [COMPANY.name, COMPANY.code, PERSON.name, PERSON.code, FOREIGNER, 'the-secret-of-the-hub'];
  for (const person of ['yudu-lyj.clerk', 'auditor']) tokens.push(await hub.token(person));
  const signatures = tokens.map((token) => token.split('.')[2] ?? '');
  for (const secret of [...secrets, ...tokens, ...signatures])
    expect([secret, logText.includes(secret)]).toEqual([secret, false]);
  // No other text of a person either: outside ASCII there is only the mark of what was left out.
  expect(logText.match(/[^\x20-\x7e\n…]/)).toBeNull();
});
