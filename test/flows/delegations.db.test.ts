import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedHub } from '../../scripts/hub/seed.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { approveImport, importDelegations } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

const CHANGES = `line matter { code name runningCases(first: 10) { totalCount edges { node { number step mode } } } }
  validFrom runningCases fields { field before after validTo }`;
const ENTRY = 'id digest basis importedBy importedAt changed unchanged';
const PAYLOAD = `unchanged
  changes { ${CHANGES} } problems { line column code message }`;
const IMPORT = `mutation($input: ImportDelegationsInput!) { importDelegations(input: $input) {
  proposal { id } ${PAYLOAD} refusal { code message field } } }`;
const HEAD = 'matter,valid_from,mode,county_organ,city_industry,county_industry,outcome_name,running_cases';
/**
 * 林木采伐 moves to the approval bureau with its cases. 探矿权延续 moves without its cases.
 * 医疗器械 changes to DIRECT.
 */
const LIST = [
  HEAD,
  'yd2022-1-07,2026-03-10,,yudu-xzspj,,,新林木采伐许可证,',
  'yd2022-3-02,2026-03-10,,yudu-xzspj,,,,STAY',
  'yd2022-3-25,2026-04-01,DIRECT,,ganzhou-scjgj,yudu-sjj,,',
].join('\n');

/** Tests a new list on a complete hub: dry run, refusals, import and the effect on running cases. */
describe('importing a list of delegations', () => {
  let hub: TestHub;
  let clock: TestClock;
  let sql: postgres.Sql;
  beforeAll(async () => {
    clock = testClock('2026-03-02');
    hub = await createTestHub({ now: clock });
    sql = postgres(hub.adminUrl, { max: 1 });
  });
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
  });

  const importList = (csv: string, more: object = {}) => importDelegations(hub, { csv, ...more }, PAYLOAD, ENTRY);
  /** Approves every import that waits. */
  const approveWaiting = async () => {
    const query =
      '{ importProposals(filter: { state: WAITING }, first: 9) { edges { node { id digest organ { code } } } } }';
    const { edges } = (await hub.ask('auditor', query)).data.importProposals;
    for (const { node } of edges) await approveImport(hub, node);
  };
  /** Returns all rows that an import may change. */
  const readTables = async () => {
    const tables = [
      'delegation',
      'industry_organ',
      'outcome',
      'outbox_event',
      'delegation_import',
      'delegation_change',
    ];
    return Promise.all(tables.map((table) => sql`select * from matters.${sql(table)} order by 1, 2`));
  };
  const acceptCase = async (person: string, matter: string, licenseNumber?: string) => {
    const fields = licenseNumber === undefined ? linesFor(matter) : [];
    const input = { matter, applicant: COMPANY, fields, licenseNumber };
    const { case: acceptedCase, refusal } = await runMutation(
      hub,
      person,
      'acceptCase',
      'ApplicationInput',
      input,
      'case { id: uuid number }',
    );
    if (!acceptedCase) throw new Error(JSON.stringify(refusal));
    return acceptedCase as { id: string; number: string };
  };
  const findMatterIds = async (filter: object) => {
    const query =
      'query($filter: MatterFilter) { matters(filter: $filter, first: 100) { edges { node { id: code } } } }';
    const { data } = await hub.ask(null, query, { filter });
    return data.matters.edges.map((edge: { node: { id: string } }) => edge.node.id);
  };
  const runningCases: Record<string, { id: string; number: string }> = {};

  test.each([
    'applicant-company',
    'window-yudu',
    'yudu-lyj.reviewer',
    'ganzhou-xzspj.approver',
    'yudu-lyj.keeper',
    'yudu-lyj.sealapprover',
    'yudu-lyj.supervisor',
    'auditor',
    'library',
  ])('%s may not import, not even as a dry run', async (person) => {
    for (const dryRun of [true, false]) {
      const { data } = await hub.ask(person, IMPORT, { input: { csv: LIST, dryRun } });
      expect(data.importDelegations).toMatchObject({
        proposal: null,
        changes: [],
        problems: [],
        refusal: { code: 'ROLE_NOT_ALLOWED' },
      });
    }
    const log = await hub.ask(person, '{ delegationImports(first: 1) { edges { cursor } } }');
    const runningCases = await hub.ask(
      person,
      '{ matter(id: "yd2022-1-07") { runningCases(first: 1) { totalCount } } }',
    );
    if (person === 'auditor') {
      expect(log.errors).toBeUndefined();
      expect(runningCases.data.matter.runningCases).toEqual({ totalCount: 0 });
    } else {
      expect(log.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
      expect(runningCases.data.matter.runningCases).toBeNull();
    }
  });

  test('the public neither imports nor reads the log', async () => {
    for (const query of ['{ delegationImports(first: 1) { edges { cursor } } }', IMPORT]) {
      const { errors } = await hub.ask(null, query, query === IMPORT ? { input: { csv: LIST } } : {});
      expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    }
    const { data } = await hub.ask(null, '{ matter(id: "yd2022-1-07") { runningCases(first: 1) { totalCount } } }');
    expect(data.matter.runningCases).toBeNull();
  });

  test('imports nothing of a list with a bad line', async () => {
    const rowsBefore = await readTables();
    const bad = `${LIST}\nyd2022-3-04,2026-03-10,,nobody,,,,\nyd2022-3-05,2026-13-01,DIRECT,,,,,\nyd2022-1-07,2026-03-10,END,,,,,`;
    for (const dryRun of [true, false]) {
      expect(await importList(bad, { dryRun })).toMatchObject({
        import: null,
        changes: [],
        unchanged: 0,
        refusal: { code: 'IMPORT_NOT_DONE', field: 'csv' },
        problems: [
          { line: 5, column: 'county_organ', code: 'ORGAN_UNKNOWN', message: '没有此机关。' },
          { line: 6, column: 'valid_from', code: 'DAY_INVALID' },
          { line: 7, column: 'matter', code: 'LINE_TWICE' },
        ],
      });
    }
    expect(await readTables()).toEqual(rowsBefore);
  });

  test('refuses a list that is empty or too large, or whose basis is malformed', async () => {
    for (const [csv, basis, code] of [
      ['', null, 'IMPORT_EMPTY'],
      [`${HEAD}\n${'x'.repeat(200_000)}`, null, 'IMPORT_TOO_LARGE'],
      [LIST, '文'.repeat(101), 'FIELD_TOO_LONG'],
      [LIST, ' ', 'FIELD_MALFORMED'],
      [LIST, '于府办\n', 'FIELD_MALFORMED'],
    ]) {
      expect((await importList(csv ?? '', { basis })).refusal?.code).toBe(code);
    }
    await expect(importList(LIST, { basis: '于府办\u0000' })).rejects.toThrow(
      '"code":"BAD_USER_INPUT","argument":"input.basis"',
    );
  });

  test('dry run and import return the same changes with the running cases; only the import is stored', async () => {
    runningCases.moved = await acceptCase('yudu-lyj.clerk', 'yd2022-1-07');
    runningCases.device = await acceptCase('window-yudu', 'yd2022-3-25');
    const rowsBefore = await readTables();
    const preview = await importList(LIST, { dryRun: true, basis: '赣市府办发〔2026〕1号' });
    expect(await readTables()).toEqual(rowsBefore);
    expect(preview).toMatchObject({ import: null, refusal: null, problems: [], unchanged: 0 });
    expect(preview.changes).toMatchObject([
      {
        line: 2,
        validFrom: '2026-03-10',
        runningCases: 'FOLLOW',
        matter: {
          code: 'yd2022-1-07',
          runningCases: {
            totalCount: 1,
            edges: [{ node: { number: runningCases.moved.number, step: 'ACCEPTED', mode: 'DIRECT' } }],
          },
        },
        fields: [
          { field: 'county_organ', before: 'yudu-lyj', after: 'yudu-xzspj', validTo: null },
          { field: 'outcome_name', before: '林木采伐许可证', after: '新林木采伐许可证', validTo: null },
        ],
      },
      { line: 3, runningCases: 'STAY', matter: { runningCases: { totalCount: 0, edges: [] } } },
      {
        line: 4,
        runningCases: 'FOLLOW',
        matter: { runningCases: { totalCount: 1 } },
        fields: [
          { field: 'mode', before: 'WINDOW_FORWARD', after: 'DIRECT' },
          { field: 'city_industry', before: null, after: 'ganzhou-scjgj' },
          { field: 'county_industry', before: null, after: 'yudu-sjj' },
        ],
      },
    ]);
    const importAnswer = await importList(LIST, { basis: '赣市府办发〔2026〕1号' });
    expect(importAnswer).toMatchObject({
      changes: preview.changes,
      import: { digest: sha256(LIST), basis: '赣市府办发〔2026〕1号', importedBy: '系统管理员 周敏', changed: 3 },
    });
  });

  test('importing the same list again changes nothing and adds no log entry', async () => {
    const rowsBefore = await readTables();
    for (const csv of [LIST, `\ufeff${LIST.replaceAll('\n', '\r\n')}`]) {
      expect(await importList(csv)).toMatchObject({ import: null, changes: [], unchanged: 3, refusal: null });
    }
    expect(await readTables()).toEqual(rowsBefore);
  });

  test('history is public: a query for a day returns what was in force on it', async () => {
    const { data, errors } = await hub.ask(
      null,
      `{ matter(id: "yd2022-3-25") {
        cityOrgan { id: code } countyOrgan { id: code }
        delegations { mode validFrom validTo supervises { organ { id: code } } }
        industryOrgans { level organ { id: code } validFrom validTo }
        before: delegation(on: "2026-03-31") { mode } after: delegation(on: "2026-04-01") { mode }
      }
      forest: matter(id: "yd2022-1-07") {
        countyOrgan { id: code }
        delegations { validFrom validTo decides { organ { id: code } } }
        before: outcome(on: "2026-03-09") { name } after: outcome(on: "2026-03-10") { name } outcome { name }
        licenseAction(on: "2026-03-10") outcomes { licenseAction outcome { name } validFrom validTo }
      } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.matter).toEqual({
      cityOrgan: { id: 'ganzhou-xzspj' },
      countyOrgan: { id: 'yudu-xzspj' },
      delegations: [
        { mode: 'WINDOW_FORWARD', validFrom: null, validTo: '2026-03-31', supervises: { organ: null } },
        { mode: 'DIRECT', validFrom: '2026-04-01', validTo: null, supervises: { organ: { id: 'yudu-sjj' } } },
      ],
      industryOrgans: [
        { level: 'CITY', organ: null, validFrom: null, validTo: '2026-03-31' },
        { level: 'CITY', organ: { id: 'ganzhou-scjgj' }, validFrom: '2026-04-01', validTo: null },
        { level: 'COUNTY', organ: null, validFrom: null, validTo: '2026-03-31' },
        { level: 'COUNTY', organ: { id: 'yudu-sjj' }, validFrom: '2026-04-01', validTo: null },
      ],
      before: { mode: 'WINDOW_FORWARD' },
      after: { mode: 'DIRECT' },
    });
    expect(data.forest).toEqual({
      countyOrgan: { id: 'yudu-lyj' },
      delegations: [
        { validFrom: '2022-06-01', validTo: '2026-03-09', decides: { organ: { id: 'yudu-lyj' } } },
        { validFrom: '2026-03-10', validTo: null, decides: { organ: { id: 'yudu-xzspj' } } },
      ],
      before: { name: '林木采伐许可证' },
      after: { name: '新林木采伐许可证' },
      outcome: { name: '林木采伐许可证' },
      licenseAction: 'ISSUE',
      outcomes: [
        { licenseAction: 'ISSUE', outcome: { name: '林木采伐许可证' }, validFrom: null, validTo: '2026-03-09' },
        { licenseAction: 'ISSUE', outcome: { name: '新林木采伐许可证' }, validFrom: '2026-03-10', validTo: null },
      ],
    });
    const devices = { nameContains: '第三类医疗器械经营许可（新办）' };
    expect(await findMatterIds({ ...devices, mode: 'DIRECT' })).toEqual([]);
    expect(await findMatterIds({ ...devices, mode: 'DIRECT', on: '2026-04-01' })).toEqual(['yd2022-3-25']);
    const forest = { annex: 1, nameContains: '林木采伐' };
    expect(await findMatterIds({ ...forest, organ: 'yudu-lyj' })).toContain('yd2022-1-07');
    expect(await findMatterIds({ ...forest, organ: 'yudu-lyj', on: '2026-03-10' })).not.toContain('yd2022-1-07');
    expect(await findMatterIds({ ...forest, organ: 'yudu-xzspj', on: '2026-03-10' })).toEqual(['yd2022-1-07']);
    // Before the delegation, the row of the plan names the future organ.
    expect(await findMatterIds({ ...forest, organ: 'yudu-lyj', on: '2022-05-31' })).toContain('yd2022-1-07');
  });

  test('the log names person, time, basis and changes', async () => {
    const { data, errors } = await hub.ask(
      'auditor',
      `{ delegationImports(first: 10) { edges { node { importedBy importedAt basis digest changed unchanged
        first: changes(first: 2) { edges { node { line validFrom matter { id: code } fields { field before after } } } pageInfo { hasNextPage endCursor } }
      } } pageInfo { hasNextPage } } }`,
    );
    expect(errors).toBeUndefined();
    const [entry, ...more] = data.delegationImports.edges;
    expect(more).toEqual([]);
    expect(entry.node).toMatchObject({
      importedBy: '系统管理员 周敏',
      importedAt: '2026-03-02T04:00:00.000Z',
      basis: '赣市府办发〔2026〕1号',
      changed: 3,
      unchanged: 0,
      first: {
        edges: [{ node: { line: 2, matter: { id: 'yd2022-1-07' } } }, { node: { line: 3 } }],
        pageInfo: { hasNextPage: true },
      },
    });
    const earlierEntries = await hub.ask(
      'administrator',
      'query($after: String) { delegationImports(first: 1) { edges { node { changes(first: 2, after: $after) { edges { node { line } } pageInfo { hasNextPage } } } } } }',
      { after: entry.node.first.pageInfo.endCursor },
    );
    expect(earlierEntries.data.delegationImports.edges[0].node.changes).toEqual({
      edges: [{ node: { line: 4 } }],
      pageInfo: { hasNextPage: false },
    });
  });

  test('concurrent imports run one after the other', async () => {
    const list = `${HEAD}\nyd2022-3-01,2027-01-01,DIRECT,,,,,`;
    const propose = () =>
      runMutation(
        hub,
        'administrator',
        'importDelegations',
        'ImportDelegationsInput',
        { csv: list },
        'proposal { id organ { code } }',
      );
    const proposals = [(await propose()).proposal, (await propose()).proposal];
    const answers = await Promise.all(proposals.map((proposal) => approveImport(hub, proposal)));
    // The second would change nothing any more, which is not what its proposal says.
    expect(answers.map(({ refusal }) => refusal?.code ?? 'done').toSorted()).toEqual(['PROPOSAL_OUTDATED', 'done']);
  });

  test('a restart does not revert what an office imported', async () => {
    const rowsBefore = await readTables();
    await seedHub(hub.hub);
    expect(await readTables()).toEqual(rowsBefore);
  });

  test('the command line imports a file and reports each bad line', async () => {
    const url = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    const folder = mkdtempSync(join(tmpdir(), 'tongquan-import-'));
    const file = join(folder, 'list.csv');
    const env = { ...process.env, HUB_URL: url, TOKEN: await hub.token('administrator') };
    const run = (list: string | Buffer, ...more: string[]) =>
      new Promise<{ code: number; output: string }>((resolve) => {
        writeFileSync(file, list);
        const script = new URL('../../scripts/import.ts', import.meta.url).pathname;
        execFile(process.execPath, [script, file, ...more], { env }, (error, stdout, stderr) =>
          resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
        );
      });
    try {
      const list = `${HEAD}\nyd2022-1-07,2027-06-01,,yudu-sfj,,,,`;
      const preview = await run(list, '--dry-run');
      expect(preview).toMatchObject({ code: 0, output: expect.stringContaining('yudu-xzspj → yudu-sfj') });
      expect(preview.output).toContain(`在办件 1 件，随转：${runningCases.moved?.number}`);
      expect(preview.output).toContain('仅为预演');
      expect(await run(list, '--basis', '某文〔2026〕2号')).toMatchObject({
        code: 0,
        output: expect.stringContaining('已提议'),
      });
      await approveWaiting();
      expect(await run(list)).toMatchObject({ code: 0, output: expect.stringContaining('无变更') });
      const bad = await run(`${list}\nyd2022-9-99,2027-06-01,END,,,,,`);
      expect(bad).toMatchObject({ code: 1, output: expect.stringContaining(`${file}:3 matter MATTER_UNKNOWN`) });
      const foreignRun = await run(Buffer.from([0xca, 0xc2, 0xcf, 0xee]));
      expect(foreignRun).toMatchObject({ code: 1, output: expect.stringContaining('不是 UTF-8') });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a running case moves with its matter on the first day and keeps its mode and outcome', async () => {
    const readDelegation = async (id: string) =>
      (
        await hub.ask(
          'auditor',
          'query($id: ID!) { case(id: $id) { delegation { mode decides { organ { id: code } } } } }',
          {
            id,
          },
        )
      ).data.case.delegation;
    expect(await readDelegation(runningCases.moved?.id ?? '')).toEqual({
      mode: 'DIRECT',
      decides: { organ: { id: 'yudu-lyj' } },
    });
    clock.set('2026-03-10');
    await waitUntil(
      'the case is moved',
      async () => (await readDelegation(runningCases.moved?.id ?? '')).decides.organ.id === 'yudu-xzspj',
    );
    clock.set('2026-04-01');
    expect(await readDelegation(runningCases.device?.id ?? '')).toEqual({
      mode: 'WINDOW_FORWARD',
      decides: { organ: { id: 'ganzhou-xzspj' } },
    });
    const id = runningCases.moved?.id;
    const steps = [
      ['yudu-xzspj.reviewer', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }],
      ['yudu-xzspj.approver', 'decideCase', 'DecideCaseInput', { case: id, decision: 'GRANTED', authoriseSeal: true }],
    ] as const;
    for (const [person, name, type, input] of steps) {
      expect(await runMutation(hub, person, name, type, input, 'case { id: uuid }')).toMatchObject({ refusal: null });
    }
    const [granted] = await sql`select payload from cases.outbox_event where stream = ${`case:${id}`}`;
    expect(granted?.payload.content.licenseName).toBe('林木采伐许可证');
    // A case that is accepted now has the current outcome and the current supervisor.
    const newCase = await acceptCase('yudu-xzspj.clerk', 'yd2022-3-25');
    const [file] = await sql`select delegation from cases.case_file where id = ${newCase.id}`;
    expect(file?.delegation).toMatchObject({ mode: 'DIRECT', supervises: { organ: 'yudu-sjj' } });
  });

  test('an ended mode accepts no new cases and does not move running cases', async () => {
    const { changes } = await importList(`${HEAD}\nyd2022-3-25,2026-05-01,END,,,,,`);
    expect(changes).toMatchObject([{ runningCases: 'STAY', matter: { runningCases: { totalCount: 2 } } }]);
    const { data } = await hub.ask(null, '{ matter(id: "yd2022-3-25") { delegation(on: "2026-05-01") { mode } } }');
    expect(data.matter.delegation).toBeNull();
    clock.set('2026-05-01');
    await waitUntil('cases have heard of it', async () => {
      const [row] = await sql`select fact from cases.matter_fact where matter_id = 'yd2022-3-25'`;
      return row?.fact.delegations.at(-1).validTo === '2026-04-30';
    });
    const input = { matter: 'yd2022-3-25', applicant: COMPANY, fields: linesFor('yd2022-3-25') };
    const lateAnswer = await runMutation(
      hub,
      'yudu-xzspj.clerk',
      'acceptCase',
      'ApplicationInput',
      input,
      '__typename',
    );
    expect(lateAnswer.refusal?.code).toBe('MATTER_NOT_DELEGATED');
    const examineInput = { case: runningCases.device?.id, finding: 'APPROVED' };
    const { refusal } = await runMutation(
      hub,
      'window-yudu',
      'examineCase',
      'ExamineCaseInput',
      examineInput,
      '__typename',
    );
    expect(refusal).toBeNull();
  });
});
