import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { IMPORTS, type ImportKind } from '../../subgraphs/matters/proposal/proposal.ts';
import { testClock } from '../support/clock.ts';
import { runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** No file of an administrator takes effect by one person (拟导入、批准). */

const CITY = 'ganzhou-xzspj';
const COUNTY = 'yudu-xzspj';
/** A matter with a sample guide of version 1, whose organs are CITY and COUNTY. */
const MATTER = 'yd2022-3-31';
const LIST = 'matter,valid_from,outcome_name\nyd2022-1-07,2026-06-01,新林木采伐许可证\nyd2022-1-08,2026-06-01,新证';
const GUIDE = {
  ...{ matterId: MATTER, validFrom: '2026-06-01', conditions: ['有场所'], steps: [], fees: [], counters: [] },
  materials: [{ code: 'M01', name: '申请表', form: 'COPY', copies: 1, required: true }],
};
const OVERLAY = { matterId: MATTER, version: 1, divisionCode: '360731', validFrom: '2026-03-10', promisedDays: 1 };

interface FileKind {
  /** The input of the mutation that proposes the file. */
  input: object;
  file: string;
  organ: string | null;
  approver: string;
  /** Another file that takes effect first and changes what the file would change. */
  rival: object;
  /** What the decider reads. */
  difference: string;
}
const asGuide = (value: object) => ({ format: 'JSON', text: JSON.stringify(value) });
const TYPE = {
  ...{
    code: '11000000000090018B099',
    name: '示范证',
    validFrom: '2026-06-01',
    term: { kind: 'NONE' },
    acts: ['ISSUE'],
  },
  lines: [
    { key: 'scope', label: '范围', kind: 'TEXT', group: 'PERMISSION', required: true, maxLength: 60, sample: true },
  ],
};
const REFORM = 'organ,valid_from,action,name\nyudu-lyj,2026-07-01,RENAME,于都县林业和草原局\n';
/** A file of each kind. A new kind does not compile without its own. */
const KINDS: Record<ImportKind, FileKind> = {
  DELEGATIONS: {
    ...{ input: { csv: LIST, basis: '某文〔2026〕1号' }, file: LIST, organ: null, approver: 'administrator-deputy' },
    rival: { csv: LIST.replace('新证', '别的证').replace('新林木采伐许可证', '林木证') },
    difference: '第 2 行 yd2022-1-07 自 2026-06-01 起：outcome_name 由 林木采伐许可证 改为 新林木采伐许可证',
  },
  GUIDE_OVERLAY: {
    ...{ input: asGuide(OVERLAY), file: JSON.stringify(OVERLAY), organ: COUNTY, approver: `${COUNTY}.approver` },
    rival: asGuide({ ...OVERLAY, note: '另一份' }),
    difference: '承诺时限由',
  },
  GUIDE: {
    ...{ input: asGuide(GUIDE), file: JSON.stringify(GUIDE), organ: CITY, approver: `${CITY}.approver` },
    rival: asGuide({ ...GUIDE, conditions: ['有林权'], validFrom: '2026-05-01' }),
    difference: '条件“有场所”：新增',
  },
  LICENSE_TYPE: {
    ...{
      input: { text: JSON.stringify(TYPE) },
      file: JSON.stringify(TYPE),
      organ: null,
      approver: 'administrator-deputy',
    },
    rival: { text: JSON.stringify({ ...TYPE, name: '别的证', validFrom: '2026-05-01' }) },
    difference: '新增信息项“范围”',
  },
  ORGANS: {
    ...{
      input: { csv: REFORM, basis: '某编〔2026〕1号' },
      file: REFORM,
      organ: null,
      approver: 'administrator-deputy',
    },
    rival: { csv: REFORM.replace('林业和草原局', '林草局') },
    difference: '第 2 行 yudu-lyj 自 2026-07-01 起由 于都县林业局 更名为 于都县林业和草原局',
  },
};
const EACH = Object.entries(KINDS) as [ImportKind, FileKind][];

const INPUT_TYPES: Record<ImportKind, string> = {
  ...{ DELEGATIONS: 'ImportDelegationsInput', ORGANS: 'ImportOrgansInput', LICENSE_TYPE: 'ImportLicenseTypeInput' },
  ...{ GUIDE: 'ImportGuideInput', GUIDE_OVERLAY: 'ImportGuideInput' },
};
const PROPOSAL =
  'proposal { id: uuid kind state digest basis changed unchanged file differences organ { id: code } endedBy }';
const TABLES = [
  'delegation',
  'outcome',
  'delegation_import',
  'guide_version',
  'guide_overlay',
  'license_type_version',
  'organ_reform',
  'organ_name',
  'outbox_event',
];

let hub: TestHub;
let sql: postgres.Sql;
beforeAll(async () => {
  hub = await createTestHub({ now: testClock('2026-03-02') });
  sql = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

const propose = (kind: ImportKind, input: object, person = 'administrator') => {
  const { mutation } = IMPORTS[kind];
  const type = INPUT_TYPES[kind];
  return runMutation(hub, person, mutation, type, input, PROPOSAL);
};
const decide = (person: string, proposal: string, more: object = {}) => {
  const input = { proposal, approve: true, ...more };
  return runMutation(
    hub,
    person,
    'decideImport',
    'DecideImportInput',
    input,
    `${PROPOSAL} import { id } guide { version }`,
  );
};
/** What the register holds and says of matters. That a file waits for a second person is no change of them. */
const readRegister = async () => {
  const tables = await Promise.all(TABLES.map((table) => sql`select * from matters.${sql(table)} order by 1, 2, 3`));
  return tables.map((rows) => rows.filter(({ type }) => type !== 'ProposalChanged'));
};

test.each(EACH)('%s waits for the right person, who reads exactly the file and what it changes', async (kind, file) => {
  const before = await readRegister();
  const { proposal } = await propose(kind, file.input);
  expect(proposal).toMatchObject({
    ...{ kind, state: 'WAITING', digest: sha256(file.file), file: file.file },
    ...{
      organ: file.organ && { id: file.organ },
      differences: expect.arrayContaining([expect.stringContaining(file.difference)]),
    },
  });
  expect(proposal.changed).toBeGreaterThan(0);
  expect(await readRegister()).toEqual(before);
  for (const person of ['administrator', 'xingguo-xzspj.approver', `${COUNTY}.reviewer`, 'auditor']) {
    const { refusal } = await decide(person, proposal.id);
    expect(refusal?.code, person).toMatch(/^(SECOND_PERSON_NEEDED|ROLE_NOT_ALLOWED|NOT_YOUR_RECORD)$/);
  }
  expect(await decide(file.approver, proposal.id, { dryRun: true })).toMatchObject({ refusal: null });
  expect(await readRegister()).toEqual(before);
  const { refusal } = await decide(file.approver, proposal.id, { approve: false, reason: '与文件不符' });
  expect(refusal).toBeNull();
  expect((await decide(file.approver, proposal.id)).refusal.code).toBe('PROPOSAL_DECIDED');
  expect(await readRegister()).toEqual(before);
});

describe.each(EACH)('%s', (kind, file) => {
  test('is refused when the data changed meanwhile, and waits', async () => {
    const { proposal } = await propose(kind, file.input);
    const rival = await propose(kind, file.rival, 'administrator-deputy');
    const rivalApprover = file.organ === null ? 'administrator' : file.approver;
    expect((await decide(rivalApprover, rival.proposal.id)).refusal).toBeNull();
    const before = await readRegister();
    expect((await decide(file.approver, proposal.id)).refusal.code).toBe('PROPOSAL_OUTDATED');
    expect(await readRegister()).toEqual(before);
    const input = { proposal: proposal.id };
    const withdraw = (person: string) =>
      runMutation(hub, person, 'withdrawImport', 'WithdrawImportInput', input, PROPOSAL);
    expect((await withdraw('administrator-deputy')).refusal.code).toBe('NOT_YOUR_RECORD');
    expect((await withdraw('administrator')).proposal.state).toBe('WITHDRAWN');
    expect((await decide(file.approver, proposal.id)).refusal.code).toBe('PROPOSAL_DECIDED');
  });

  test('takes effect once by the approval, and not again', async () => {
    const { proposal } = await propose(kind, file.input);
    const answers = await Promise.all([1, 2, 3].map(() => decide(file.approver, proposal.id)));
    const codes = answers.map(({ refusal }) => refusal?.code ?? 'done');
    expect(codes.sort()).toEqual(['PROPOSAL_DECIDED', 'PROPOSAL_DECIDED', 'done']);
    expect((await propose(kind, file.input)).proposal).toBeNull();
  });
});

test('a stored file that is not the proposed one is never imported', async () => {
  const { proposal } = await propose('DELEGATIONS', { csv: LIST.replaceAll('新', '再') });
  await sql`update matters.import_file set file = ${LIST} where proposal_id = ${proposal.id}`;
  const before = await readRegister();
  await expect(decide('administrator-deputy', proposal.id)).rejects.toThrow('INTERNAL_SERVER_ERROR');
  expect(await readRegister()).toEqual(before);
});

test('staff read the proposals of their organ, and the public none', async () => {
  const query = '{ importProposals(first: 50) { edges { node { organ { id: code } } } } }';
  const { data } = await hub.ask(`${CITY}.reviewer`, query);
  const organs = data.importProposals.edges.map(({ node }: { node: { organ: { id: string } } }) => node.organ.id);
  expect([...new Set(organs)]).toEqual([CITY]);
  expect((await hub.ask('applicant-company', query)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  expect((await hub.ask(null, query)).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
});
