import { afterAll, beforeAll, expect, test } from 'vitest';
import { linesFor } from '../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { approveImport } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

/** A material is required in the situations (办理情形) that the guide names for it, and in no other. */

const ROUTE = ROUTES.DIRECT;
const MATTER = ROUTE.matter;
const paper = { form: 'ORIGINAL', copies: 1, required: true };
const [EVERY, FIRST, LOST] = ['M01', 'M02', 'M03'] as const;
const GUIDE = {
  matterId: MATTER,
  validFrom: '2026-03-02',
  conditions: [],
  steps: [],
  materials: [
    { ...paper, code: EVERY, name: '申请表' },
    { ...paper, code: FIRST, name: '林权证明', situations: ['ISSUE', 'CHANGE'] },
    { ...paper, code: LOST, name: '遗失声明', situations: ['REISSUE'] },
  ],
  fees: [],
  counters: [],
};
const IMPORT_FIELDS = `proposal { id organ { code } } differences { text widens } problems { place message }`;

let hub: TestHub;
let licenseNumber: string;

const importGuide = (guide: object, dryRun = false) =>
  runMutation(
    hub,
    'administrator',
    'importGuide',
    'ImportGuideInput',
    { format: 'JSON', text: JSON.stringify(guide), dryRun },
    IMPORT_FIELDS,
  );
const onPaper = (...codes: string[]) => codes.map((code) => ({ code, paper: true }));
const apply = (name: 'receiveApplication' | 'acceptCase', input: object) =>
  runMutation(
    hub,
    ROUTE.accepts,
    name,
    'ApplicationInput',
    { matter: MATTER, applicant: COMPANY, ...input },
    'case { uuid step }',
  );
const applyForFirst = (...codes: string[]) =>
  apply('acceptCase', { fields: linesFor(MATTER), materials: onPaper(...codes) });

beforeAll(async () => {
  hub = await createTestHub({ now: () => new Date('2026-03-02T01:00:00Z') });
  const proposed = await importGuide(GUIDE);
  expect(proposed).toMatchObject({ refusal: null, problems: [] });
  await approveImport(hub, proposed.proposal, 'guide { version }');
  await waitUntil('cases know the guide', async () => (await applyForFirst()).refusal?.code === 'MATERIALS_MISSING');
  const materials = onPaper(EVERY, FIRST);
  const issued = await issueGrantedLicense(hub, ROUTE, await grantCase(hub, ROUTE, { materials }), 1);
  licenseNumber = issued.number;
});
afterAll(() => hub?.stop());

test('an issue needs a material that a reissue does not, and the other way round', async () => {
  const first = await applyForFirst();
  expect(first.refusal).toMatchObject({
    code: 'MATERIALS_MISSING',
    message: expect.stringContaining('申请表、林权证明'),
  });
  expect(first.refusal.message).not.toContain('遗失声明');
  const reissue = (name: 'receiveApplication' | 'acceptCase', ...codes: string[]) =>
    apply(name, { situation: 'REISSUE', licenseNumber, materials: onPaper(...codes) });
  expect((await reissue('acceptCase', EVERY)).refusal).toMatchObject({
    code: 'MATERIALS_MISSING',
    message: expect.stringContaining('：遗失声明。'),
  });
  expect((await reissue('acceptCase', EVERY, LOST, FIRST)).refusal).toMatchObject({
    code: 'MATERIAL_UNKNOWN',
    field: 'materials[2].code',
  });

  const { case: received } = await reissue('receiveApplication', EVERY);
  const rehearsal = async () => {
    const query = 'query($id: ID!) { case(id: $id) { actions(names: ["acceptApplication"]) { refusal { code } } } }';
    const { data } = await hub.ask(ROUTE.accepts, query, { id: received.uuid });
    return data.case.actions[0].refusal?.code ?? null;
  };
  expect(await rehearsal()).toBe('MATERIALS_MISSING');
  const supplement = (code: string) =>
    runMutation(
      hub,
      ROUTE.accepts,
      'supplementCase',
      'SupplementInput',
      { case: received.uuid, materials: onPaper(code) },
      'case { step }',
    );
  const request = { case: received.uuid, items: ['遗失声明'], until: '2026-03-20' };
  const step = await runMutation(hub, ROUTE.accepts, 'askSupplement', 'AskSupplementInput', request, 'case { step }');
  expect(step.case).toEqual({ step: 'SUPPLEMENT_ASKED' });
  expect((await supplement(FIRST)).refusal).toMatchObject({ code: 'MATERIAL_UNKNOWN' });
  expect((await supplement(LOST)).refusal).toBeNull();
  expect(await rehearsal()).toBeNull();
  const input = { case: received.uuid };
  const accepted = await runMutation(hub, ROUTE.accepts, 'acceptApplication', 'CaseInput', input, 'case { step }');
  expect(accepted).toMatchObject({ refusal: null, case: { step: 'ACCEPTED' } });
});

test('a guide tells what each situation takes', async () => {
  const read = async (situation: string | null) => {
    const query = `query($situation: LicenseAction) {
      matter(id: "${MATTER}") { guide(situation: $situation) { materials { code situations } } }
    }`;
    return (await hub.ask(null, query, { situation })).data.matter.guide.materials;
  };
  expect(await read(null)).toEqual([
    { code: EVERY, situations: null },
    { code: FIRST, situations: ['ISSUE', 'CHANGE'] },
    { code: LOST, situations: ['REISSUE'] },
  ]);
  const codes = async (situation: string) => (await read(situation)).map(({ code }: { code: string }) => code);
  expect(await codes('ISSUE')).toEqual([EVERY, FIRST]);
  expect(await codes('REISSUE')).toEqual([EVERY, LOST]);
  expect(await codes('CANCEL')).toEqual([EVERY]);
});

test('a rehearsed import names each changed situation, and what contradicts itself', async () => {
  const [every, first, lost] = GUIDE.materials;
  const next = (...materials: object[]) => ({ ...GUIDE, validFrom: '2026-04-01', materials });
  const narrowed = await importGuide(next(every ?? {}, { ...first, situations: ['ISSUE'] }, lost ?? {}), true);
  expect(narrowed.differences).toEqual([{ text: '材料 M02：适用情形由 新办、变更 改为 新办', widens: false }]);
  const widened = await importGuide(next(every ?? {}, { ...first, situations: undefined }, lost ?? {}), true);
  expect(widened.differences).toEqual([{ text: '材料 M02：适用情形由 新办、变更 改为 全部', widens: true }]);
  const contradiction = { ...next(...GUIDE.materials), situations: ['ISSUE', 'CHANGE'] };
  expect((await importGuide(contradiction, true)).problems).toEqual([
    { place: 'materials[2].situations[0]', message: '指南不办理“补发”' },
  ]);
});
