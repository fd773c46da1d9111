import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Content of a license (制证信息) from the application to the seal: each amendment a step, nothing else changed. */

const { WINDOW_FORWARD } = ROUTES;
const CHANGING = { ...WINDOW_FORWARD, matter: 'yd2022-3-28' };
const LINES = [
  { label: '法定代表人', text: '示例人甲' },
  { label: '企业负责人', text: '示例人乙' },
  { label: '住所', text: '于都县示例路1号' },
  { label: '经营场所', text: '于都县示例路1号' },
  { label: '经营方式', text: '批发' },
  { label: '经营范围', text: '第三类医疗器械（示例）' },
];

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub();
});
afterAll(() => hub?.stop());

const accept = (fields: object[], overrides: object = {}) =>
  runMutation(
    hub,
    WINDOW_FORWARD.accepts,
    'acceptCase',
    'ApplicationInput',
    { matter: WINDOW_FORWARD.matter, applicant: COMPANY, fields, ...overrides },
    'case { id: uuid } refusals { code path }',
  );
const amend = (person: string, id: string, fields: object[], more: object = {}) =>
  runMutation(
    hub,
    person,
    'amendCase',
    'AmendCaseInput',
    { case: id, fields, ...more },
    'case { step fields { label text } steps { step actor note amended { label before after } } } refusals { code path }',
  );

describe('a change', () => {
  test('keeps the lines that it does not name, and the case tells each amendment', async () => {
    const lines = [...LINES, { label: '备注', text: '不公开' }];
    const granted = await grantCase(hub, WINDOW_FORWARD, { fields: lines });
    const license = await issueGrantedLicense(hub, WINDOW_FORWARD, granted, 1);
    const fields = [{ label: '经营场所', text: '于都县示例路2号' }];
    // A rehearsal at the counter shows what everybody may know: it leaves no case that the holder sees.
    const rehearsed = await runMutation(
      hub,
      CHANGING.accepts,
      'acceptCase',
      'ApplicationInput',
      { matter: CHANGING.matter, applicant: COMPANY, fields, licenseNumber: license.number, dryRun: true },
      'case { certificateData { fields { label } } }',
    );
    const shown = rehearsed.case.certificateData.fields.map(({ label }: { label: string }) => label);
    expect(shown).toContain('经营场所');
    expect(shown).not.toContain('备注');
    const change = await grantCase(hub, CHANGING, { fields, licenseNumber: license.number });
    const changed = await runMutation(
      hub,
      CHANGING.prints,
      'changeLicense',
      'CaseActInput',
      { case: change, ...toBlanks(CHANGING, 2) },
      'license { version fields { label text } }',
    );
    expect(changed.license).toEqual({
      version: 2,
      fields: lines.map((line) => (line.label === '经营场所' ? fields[0] : line)),
    });
    const query = 'query($id: ID!) { case(id: $id) { certificateData { fields { label text } } } }';
    const { data } = await hub.ask('applicant-company', query, { id: change });
    expect(data.case.certificateData.fields).toEqual(changed.license.fields);
  });

  test('that an amendment leaves without anything changed says so before the decision refuses it', async () => {
    const granted = await grantCase(hub, WINDOW_FORWARD, { fields: LINES });
    const { number } = await issueGrantedLicense(hub, WINDOW_FORWARD, granted, 3);
    const line = { label: '经营场所', text: '于都县示例路1号' };
    const { case: change } = await accept([{ ...line, text: '于都县示例路2号' }], {
      matter: CHANGING.matter,
      licenseNumber: number,
    });
    const problemsFor = async (person: string) => {
      const query = 'query($id: ID!) { case(id: $id) { certificateData { problems { code message } } } }';
      return (await hub.ask(person, query, { id: change.id })).data.case.certificateData.problems;
    };
    expect(await problemsFor(CHANGING.examines)).toEqual([]);
    await amend(CHANGING.examines, change.id, [line]);
    const problem = { code: 'CHANGE_EMPTY', message: expect.stringContaining('变更没有改动') };
    expect(await problemsFor(CHANGING.examines)).toEqual([problem]);
    expect(await problemsFor('applicant-company')).toEqual([problem]);
    const steps = [
      [CHANGING.examines, 'examineCase', 'ExamineCaseInput', { case: change.id, finding: 'APPROVED' }],
      [CHANGING.forwards, 'forwardCase', 'CaseNoteInput', { case: change.id }],
    ] as const;
    for (const [person, name, type, input] of steps) await runMutation(hub, person, name, type, input, '__typename');
    const grant = { case: change.id, decision: 'GRANTED', authoriseSeal: true, dryRun: true };
    const decided = await runMutation(
      ...([hub, CHANGING.decides, 'decideCase', 'DecideCaseInput', grant, 'refusals { code message }'] as const),
    );
    expect(decided.refusals).toEqual([problem]);
  });
});

describe('the type of a license', () => {
  test('names every fault of the lines at once', async () => {
    const lines = [
      { label: '经营方式', text: '随意' },
      { label: '船名', text: '示例轮' },
      { label: '住所', text: '长'.repeat(400) },
    ];
    const { refusals } = await accept(lines);
    expect(refusals.map(({ code, path }: { code: string; path: string[] }) => [code, path.join('.')])).toEqual([
      ['FIELD_MALFORMED', 'input.fields.0.text'],
      ['FIELD_MALFORMED', 'input.fields.1.label'],
      ['FIELD_TOO_LONG', 'input.fields.2.text'],
    ]);
  });

  test('takes a line by its key too', async () => {
    const { case: accepted } = await accept([{ label: 'scope', text: '示例' }]);
    const { data } = await hub.ask('window-yudu', 'query($id: ID!) { case(id: $id) { fields { label text } } }', {
      id: accepted.id,
    });
    expect(data.case.fields).toEqual([{ label: '经营范围', text: '示例' }]);
  });

  test('lets nothing be granted without its required lines, and the case says so before', async () => {
    const { case: accepted } = await accept([{ label: '住所', text: '于都县示例路1号' }]);
    const query = `query($id: ID!) { case(id: $id) {
      certificateData { fields { label } problems { code message } typeVersion } } }`;
    const read = async () => (await hub.ask('window-yudu', query, { id: accepted.id })).data.case.certificateData;
    const problem = { code: 'CONTENT_INCOMPLETE', message: expect.stringContaining('经营范围') };
    expect(await read()).toEqual({ fields: [{ label: '住所' }], problems: [problem], typeVersion: 1 });
    const examination = { case: accepted.id, finding: 'APPROVED' };
    await runMutation(hub, 'window-yudu', 'examineCase', 'ExamineCaseInput', examination, '__typename');
    await runMutation(hub, 'window-yudu', 'forwardCase', 'CaseNoteInput', { case: accepted.id }, '__typename');
    const decide = (decision: string) =>
      runMutation(
        hub,
        WINDOW_FORWARD.decides,
        'decideCase',
        'DecideCaseInput',
        { case: accepted.id, decision, reason: '理由', authoriseSeal: true },
        'case { step } refusals { code message }',
      );
    expect((await decide('GRANTED')).refusals).toEqual([problem]);
    await amend('ganzhou-xzspj.reviewer', accepted.id, [{ label: '经营范围', text: '示例' }]);
    expect((await read()).problems).toEqual([]);
    expect((await decide('GRANTED')).case.step).toBe('DECIDED');
  });
});

describe('an amendment', () => {
  test('is a step that names each line before and after; the case stays where it is', async () => {
    const { case: accepted } = await accept(LINES);
    const { case: amended, refusal } = await amend(
      'window-yudu',
      accepted.id,
      [
        { label: '住所', text: '于都县示例路3号' },
        { label: '库房地址', text: '于都县示例路4号' },
        { label: '经营方式', text: '' },
      ],
      { note: '按现场核查结果' },
    );
    expect([refusal, amended.step]).toEqual([null, 'ACCEPTED']);
    expect(amended.steps.at(-1)).toMatchObject({
      step: 'AMENDED',
      note: '按现场核查结果',
      amended: [
        { label: '住所', before: '于都县示例路1号', after: '于都县示例路3号' },
        { label: '经营方式', before: '批发', after: null },
        { label: '库房地址', before: null, after: '于都县示例路4号' },
      ],
    });
    expect(amended.fields.map(({ label }: { label: string }) => label)).toEqual([
      ...LINES.map(({ label }) => label).filter((label) => label !== '经营方式'),
      '库房地址',
    ]);
  });

  test.each([
    ['nothing', [], 'FIELD_MALFORMED', 'input.fields'],
    ['the same again', [LINES[0]], 'FIELD_MALFORMED', 'input.fields'],
    ['a line twice', [LINES[0], { ...LINES[0], text: '丙' }], 'FIELD_MALFORMED', 'input.fields.1.label'],
    ['a line too long', [{ label: '住所', text: '长'.repeat(501) }], 'FIELD_TOO_LONG', 'input.fields.0.text'],
  ])('of %s is refused', async (_, fields, code, path) => {
    const { case: accepted } = await accept(LINES);
    const [refusal] = (await amend('window-yudu', accepted.id, fields as object[])).refusals;
    expect([refusal.code, refusal.path.join('.')]).toEqual([code, path]);
  });

  test('is for whoever handles the case', async () => {
    const { case: accepted } = await accept(LINES);
    const fields = [{ label: '住所', text: '别处' }];
    const codeFor = async (person: string) => (await amend(person, accepted.id, fields)).refusals[0]?.code ?? null;
    expect(await codeFor('ganzhou-xzspj.approver')).toBe('ROLE_NOT_ALLOWED');
    expect(await codeFor('applicant-company')).toBe('ROLE_NOT_ALLOWED');
    expect(await codeFor('window-yudu')).toBeNull();
  });
});
