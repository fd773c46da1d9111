import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditTypes } from '../../scripts/audit/types/types.ts';
import { readLicenseTypes } from '../../seeds/load.ts';
import { testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { approveImport } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

/** A license type that is published anew while cases run: each keeps its version, and lines are known by their keys. */

const ROUTE = ROUTES.WINDOW_FORWARD;
const TYPE = '11000000000090018B033';
const TODAY = '2026-03-02';
/** The line `premises` has another label from the second version on, and a further line is required. */
const [OLD, NEW, FURTHER] = ['经营场所', '经营地址', '质量负责人职称'];
const FIELDS = linesFor(ROUTE.matter, { [OLD]: '于都县示例路1号', 住所: '于都县示例路2号' });

let hub: TestHub;
let sql: postgres.Sql;
beforeAll(async () => {
  hub = await createTestHub({ now: testClock(TODAY) });
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

async function publishSecondVersion(): Promise<void> {
  const type = readLicenseTypes().find(({ code }) => code === TYPE);
  const renamed = type?.lines.find(({ label }) => label === OLD);
  if (!type || !renamed) throw new Error('no type');
  const lines = type.lines.map((line) => (line === renamed ? { ...line, label: NEW } : line));
  const further = { ...renamed, key: 'further', label: FURTHER, required: true };
  const file = { ...type, validFrom: TODAY, removes: [renamed.key], lines: [...lines, further] };
  const input = { text: JSON.stringify(file), dryRun: false };
  const fields = 'proposal { id organ { code } } problems { place message }';
  const { proposal } = await runMutation(
    ...([hub, 'administrator', 'importLicenseType', 'ImportLicenseTypeInput', input, fields] as const),
  );
  expect((await approveImport(hub, proposal, 'licenseType { version }')).refusal).toBeNull();
  await waitUntil('the version is known', async () => {
    const [row] = await sql`select jsonb_array_length(fact->'versions') as n from cases.license_type_fact
      where code = ${TYPE}`;
    return row?.n === 2;
  });
}

const DATA = 'certificateData { fields { label text } typeVersion problems { code } changes { label before after } }';
async function readData(id: string) {
  const { data } = await hub.ask(ROUTE.accepts, `query($id: ID!) { case(id: $id) { ${DATA} } }`, { id });
  return data.case.certificateData;
}
async function decide(id: string): Promise<void> {
  const steps = [
    [ROUTE.examines, 'examineCase', 'ExamineCaseInput', { finding: 'APPROVED' }],
    [ROUTE.forwards, 'forwardCase', 'CaseNoteInput', {}],
    [ROUTE.decides, 'decideCase', 'DecideCaseInput', { decision: 'GRANTED', authoriseSeal: true }],
  ] as const;
  for (const [person, name, type, input] of steps) {
    const { refusals } = await runMutation(
      hub,
      person,
      name,
      type,
      { case: id, ...input },
      'refusals { code message }',
    );
    expect([name, refusals]).toEqual([name, []]);
  }
}
async function print(name: string, id: string, blank: number) {
  const input = { case: id, ...toBlanks(ROUTE, blank) };
  const fields = 'license { identifier number version typeVersion fields { label text } } refusals { code message }';
  const { license, refusals } = await runMutation(hub, ROUTE.prints, name, 'CaseActInput', input, fields);
  expect([name, refusals]).toEqual([name, []]);
  return license;
}
const textsOf = ({ fields }: { fields: { label: string; text: string }[] }) =>
  Object.fromEntries(fields.map(({ label, text }) => [label, text]));
async function listFindings(): Promise<string[]> {
  const codes = [];
  for await (const { code } of auditTypes({ sql, now: new Date(`${TODAY}T15:00:00Z`) } as never)) codes.push(code);
  return [...new Set(codes)];
}

test('a version published today does not replace that of the cases accepted before; lines keep their keys', async () => {
  const standing = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE, { fields: FIELDS }), 1);
  const application = { matter: ROUTE.matter, applicant: COMPANY, fields: FIELDS };
  const accepted = await runMutation(
    ...([hub, ROUTE.accepts, 'acceptCase', 'ApplicationInput', application, 'case { id: uuid }'] as const),
  );
  const received = await runMutation(
    ...([hub, ROUTE.accepts, 'receiveApplication', 'ApplicationInput', application, 'case { id: uuid }'] as const),
  );
  await publishSecondVersion();

  // Accepted this morning by the first version, and granted by it.
  const { id } = accepted.case;
  expect(await readData(id)).toMatchObject({ typeVersion: 1, problems: [] });
  await decide(id);
  const issued = await print('issueLicense', id, 2);
  expect(issued).toMatchObject({ typeVersion: 1, fields: FIELDS });

  // Received this morning, accepted by the second one: its lines have the labels of that.
  const later = { case: received.case.id };
  await runMutation(hub, ROUTE.accepts, 'acceptApplication', 'CaseInput', later, 'refusals { code }');
  const data = await readData(received.case.id);
  expect(data).toMatchObject({ typeVersion: 2, problems: [{ code: 'CONTENT_INCOMPLETE' }] });
  expect(textsOf(data)).toMatchObject({ [NEW]: '于都县示例路1号' });

  // A change of one line carries the others over under their new labels, and says only what it changes.
  const fields = [{ label: FURTHER, text: '高级工程师' }];
  const changing = { matter: 'yd2022-3-27', licenseNumber: standing.number, fields };
  const change = await grantCase(hub, ROUTE, changing);
  expect((await readData(change)).changes).toEqual([{ label: FURTHER, before: null, after: '高级工程师' }]);
  const changed = await print('changeLicense', change, 3);
  expect(changed).toMatchObject({ version: 2, typeVersion: 2 });
  expect(textsOf(changed)).toEqual({
    ...textsOf({ fields: FIELDS.map((line) => (line.label === OLD ? { ...line, label: NEW } : line)) }),
    [FURTHER]: '高级工程师',
  });

  // A renamed line that the application states as it stands is no change, under whichever name it stands.
  const again = { matter: 'yd2022-3-27', applicant: COMPANY, licenseNumber: standing.number };
  const empty = await runMutation(
    ...([hub, ROUTE.accepts, 'acceptCase', 'ApplicationInput'] as const),
    { ...again, fields: [{ label: NEW, text: '于都县示例路1号' }] },
    'refusals { code }',
  );
  expect(empty.refusals).toEqual([{ code: 'CHANGE_EMPTY' }]);

  // What the second version requires is all that a reissue must supply.
  const reissue = await grantCase(hub, ROUTE, { matter: 'yd2022-3-29', licenseNumber: issued.number, fields });
  const reissued = await print('reissueLicense', reissue, 4);
  expect(reissued).toMatchObject({ version: 2, typeVersion: 2 });
  expect(textsOf(reissued)).toEqual(textsOf(changed));
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  expect(await listFindings()).toEqual([]);

  // A renaming that no version of the type knows.
  await sql`update licenses.certificate_task set content = jsonb_set(content, '{renamed}',
    ${sql.json([{ from: OLD, to: '住所' }])}) where case_id = ${reissue}`;
  expect(await listFindings()).toEqual(expect.arrayContaining(['LICENSE_CHANGE_UNDECIDED', 'LINES_NOT_OF_TYPE']));
});
