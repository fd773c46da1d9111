import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { COMPANY, ROUTES, runMutation, toBlankNumber } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { listRareCharacters, NOT_IN_FONT, ODD, ODD_LINES } from '../support/odd-text.ts';
import { actForOrgan } from '../support/own-act.ts';
import { approveImport } from '../support/proposal.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';

/**
 * What is accepted at entry is issued and printed: a license and all notices, with odd characters wherever a text is
 * printed, and with a character that no font has wherever one is only shown.
 */

/** 林木采伐许可证: a grant ends in a license. */
const { matter: LICENSE_MATTER } = ROUTES.DIRECT;
/** 办理公路工程质量监督手续: a grant ends in a decision document. */
const DECISION_MATTER = 'yd2022-1-02';
const LICENSE_NAME = `林木采伐许可证${ODD}`;
const DECISION_NAME = `办理${ODD}决定书`;
const MATERIAL_NAME = `申请表${ODD}`;
const RARE = listRareCharacters().join('');
const APPLICANT = { ...COMPANY, name: `${ODD}有限公司` };
/** A license has the lines of its type; a decision document has lines of any label. */
const LICENSE_LINES = [
  { label: '采伐地点', text: ODD },
  { label: '备注', text: RARE },
];
const LINES = [
  { label: `范围${ODD}`, text: RARE },
  { label: '地点', text: ODD },
];
const clock = testClock('2026-03-02');

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  const csv = [
    'matter,valid_from,outcome_name',
    `${LICENSE_MATTER},2026-03-02,${LICENSE_NAME}`,
    `${DECISION_MATTER},2026-03-02,${DECISION_NAME}`,
  ];
  const guide = {
    ...{ matterId: LICENSE_MATTER, validFrom: '2026-03-02', conditions: [ODD], fees: [], counters: [] },
    ...{ steps: [{ name: ODD, what: ODD }], statutoryDays: 20, statutoryBasis: ODD },
    materials: [{ code: 'M01', name: MATERIAL_NAME, form: 'COPY', copies: 1, required: true }],
  };
  const imports = [
    ['importDelegations', 'ImportDelegationsInput', { csv: csv.join('\n'), basis: NOT_IN_FONT.text }],
    ['importGuide', 'ImportGuideInput', { format: 'JSON', text: JSON.stringify(guide) }],
  ] as const;
  for (const [name, type, input] of imports) {
    const fields = 'problems { message } proposal { id organ { code } }';
    const proposed = await runMutation(hub, 'administrator', name, type, input, fields);
    expect([proposed.refusal, proposed.problems]).toEqual([null, []]);
    expect((await approveImport(hub, proposed.proposal)).refusal).toBeNull();
  }
  await waitForFacts();
});
afterAll(() => hub?.stop());

/** Waits until cases know the imported names. */
async function waitForFacts(): Promise<void> {
  const sql = postgres(hub.adminUrl, { max: 1 });
  const readFacts = async () => {
    const rows = await sql`select fact::text from cases.matter_fact union all select fact::text from cases.guide_fact`;
    return rows.map(({ fact }) => fact).join();
  };
  await waitUntil('cases know the imported names', async () => {
    const facts = await readFacts();
    return [LICENSE_NAME, DECISION_NAME, MATERIAL_NAME].every((name) => facts.includes(name));
  });
  await sql.end();
}

/** Does one mutation and returns what it selects. Throws if it is refused. */
async function act(person: string, name: string, type: string, input: object, fields = 'case { id: uuid }') {
  const result = await runMutation(hub, person, name, type, input, fields);
  if (result.refusal) throw new Error(`${name}: ${JSON.stringify(result.refusal)}`);
  return result;
}

/** Decides a case as somebody with an odd name. */
async function decide(organ: string, input: { case: string; decision: string; reason: string }): Promise<void> {
  const decider: Person = { ...requireDemoPerson(`${organ}.approver`), name: ODD };
  const query =
    'mutation($input: DecideCaseInput!) { decideCase(input: $input) { case { id: uuid } refusal { message field } } }';
  const headers = { authorization: `Bearer ${await tokenFor(decider, clock())}` };
  const payload = { query, variables: { input: { ...input, authoriseSeal: true } } };
  const response = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload });
  expect(response.json()).toMatchObject({
    data: { decideCase: { case: { id: input.case }, refusal: null } },
  });
}

async function requirePdf(url: string): Promise<void> {
  const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
  const response = await hub.hub.app.inject({ method: 'GET', url, headers });
  expect([url, response.statusCode, response.rawPayload.subarray(0, 5).toString()]).toEqual([url, 200, '%PDF-']);
}

/** Waits until a case has notices of these kinds, and downloads each of them as PDF. */
async function printNotices(id: string, kinds: readonly string[]): Promise<void> {
  const query = 'query($id: ID!) { case(id: $id) { notices { kind url } } }';
  const notices: { kind: string; url: string }[] = await waitUntil('every notice has a file', async () => {
    const { data } = await hub.ask('auditor', query, { id });
    return data.case.notices.every(({ url }: { url: string | null }) => url !== null) && data.case.notices;
  });
  expect(notices.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
  for (const { url } of notices) await requirePdf(url);
}

const receiveAt = async (organ: string, input: object): Promise<string> =>
  (await act(`${organ}.clerk`, 'receiveApplication', 'ApplicationInput', { applicant: APPLICANT, ...input })).case.id;

describe('a case with every odd character', () => {
  test('is granted, its license issued and each of its notices printed', async () => {
    const organ = 'yudu-lyj';
    const [clerk, reviewer] = [`${organ}.clerk`, `${organ}.reviewer`];
    const id = await receiveAt(organ, {
      ...{ matter: LICENSE_MATTER, fields: LICENSE_LINES, materials: [{ code: 'M01', paper: true, copies: 1 }] },
      ...{ licenseNumber: NOT_IN_FONT.text, requestKey: NOT_IN_FONT.text },
    });
    await act(clerk, 'askSupplement', 'AskSupplementInput', { case: id, items: [ODD, RARE] });
    await act(clerk, 'supplementCase', 'SupplementInput', { case: id, fields: LICENSE_LINES, note: ODD_LINES });
    await act(clerk, 'acceptApplication', 'CaseInput', { case: id });
    const pause = { kind: 'HEARING', reason: ODD_LINES, papers: [NOT_IN_FONT.text] };
    await act(reviewer, 'pauseCase', 'PauseCaseInput', { case: id, ...pause });
    await act(reviewer, 'resumeCase', 'CaseNoteInput', { case: id, note: ODD_LINES });
    await act(reviewer, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED', opinion: ODD_LINES });
    await decide(organ, { case: id, decision: 'GRANTED', reason: ODD_LINES });
    const blankNumber = toBlankNumber(ROUTES.DIRECT, 1);
    const license = await waitUntil('the certificate task is open', async () => {
      const input = { case: id, blankNumber };
      const fields = 'license { identifier name document { url } }';
      const issuance = await runMutation(hub, clerk, 'issueLicense', 'CaseActInput', input, fields);
      if (issuance.refusal && issuance.refusal.code !== 'CASE_NOT_GRANTED') throw new Error(issuance.refusal.message);
      return issuance.license;
    });
    expect(license.name).toBe(LICENSE_NAME);
    await requirePdf(new URL(license.document.url, 'http://127.0.0.1').pathname);
    await printNotices(id, ['ACCEPTANCE', 'DECISION', 'SUPPLEMENT']);
    const { identifier } = license;
    for (const action of ['suspend', 'restore']) {
      const { refusal } = await actForOrgan(hub, organ, action, { identifier, reason: NOT_IN_FONT.text });
      expect(refusal).toBeNull();
    }
  });

  test.each([
    ['GRANTED', `${ODD_LINES}\n${RARE.slice(0, 600)}`],
    ['REJECTED', ODD_LINES],
  ])('that ends in a decision document is %s, sealed and printed', async (decision, reason) => {
    const organ = 'yudu-jtysj';
    // Without a guide, the code of a material is its name on the notice.
    const materials = [{ code: MATERIAL_NAME, paper: true, copies: 1 }];
    const id = await receiveAt(organ, { matter: DECISION_MATTER, fields: LINES, materials });
    await act(`${organ}.clerk`, 'acceptApplication', 'CaseInput', { case: id });
    const examination = { case: id, finding: 'APPROVED', opinion: ODD_LINES };
    await act(`${organ}.reviewer`, 'examineCase', 'ExamineCaseInput', examination);
    await decide(organ, { case: id, decision, reason });
    await printNotices(id, ['ACCEPTANCE', 'DECISION']);
    await act(`${organ}.clerk`, 'deliverDecision', 'DeliverDecisionInput', { case: id, note: ODD_LINES });
  });

  test('that is not accepted has its notice printed', async () => {
    const organ = 'yudu-jtysj';
    const id = await receiveAt(organ, { matter: DECISION_MATTER, fields: LINES });
    await act(`${organ}.clerk`, 'refuseAcceptance', 'CaseReasonInput', { case: id, reason: ODD_LINES });
    await printNotices(id, ['REFUSAL']);
  });
});

test('a seal of an office with an odd name is made', async () => {
  const organName = '阿依·古丽𬱖〇局';
  const ask = async (person: string, query: string, variables: Record<string, unknown>) => {
    const [, position = ''] = person.split('.');
    const token = await tokenFor(
      { ...requireDemoPerson(`yudu-lyj.${position}`), id: person, organ: 'yudu-new' },
      clock(),
    );
    const headers = { authorization: `Bearer ${token}` };
    const payload = { query, variables };
    return (await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload })).json();
  };
  const newSealAnswer = await applyAndApprove(ask, 'yudu-new', 'applyForSeal', {
    kind: 'APPROVAL_SEAL',
    organName,
    matters: [],
  });
  expect(newSealAnswer.refusal).toBeNull();
  expect(newSealAnswer.seal.state).toBe('MADE');
});
