import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMPANY, grantCase, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { TEST_INTAKE_LIMITS } from '../support/limits.ts';

/** Anybody with a receipt follows the case: by its number and the code on it, without a token. */

const TRIES = 5;
const WRONG = '0000-0000-0000';
const FIELDS = `number matterName step nextStep isApplicantsTurn waitsFor supplementUntil pause receivedOn
  clockState dueOn limitDays remainingDays decision decidedOn result`;

/** Sends the form of the page. */
function send(hub: TestHub, typed: Record<string, string> | string) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const payload = new URLSearchParams(typed).toString();
  return hub.hub.app.inject({ method: 'POST', url: '/progress', headers, payload });
}

async function readCodes(hub: TestHub, number: string): Promise<string[]> {
  const admin = postgres(hub.adminUrl, { max: 1 });
  const rows = await admin`select n.content -> 'progress' ->> 'code' as code from cases.notice n
    join cases.case_file f on f.id = n.case_id where f.number = ${number} and n.content ? 'progress' order by n.serial`;
  await admin.end();
  return rows.map(({ code }) => code);
}

const ask = (hub: TestHub, number: string, code: string, person: string | null = null) =>
  hub.ask(
    person,
    `query($number: String!, $code: String!) { caseProgress(number: $number, code: $code) { ${FIELDS} } }`,
    {
      ...{ number, code },
    },
  );
const file = (hub: TestHub, name: 'acceptCase' | 'receiveApplication', matter: string = ROUTES.DIRECT.matter) => {
  const input = { matter, applicant: COMPANY, fields: [{ label: '树种', text: '杉木' }] };
  return runMutation(hub, ROUTES.DIRECT.accepts, name, 'ApplicationInput', input, 'case { id: uuid number }');
};

describe('the progress of a case', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub();
  }, 60_000);
  afterAll(() => hub?.stop());

  test('is told to whoever has number and code, in any form, and names nobody', async () => {
    const { number } = (await file(hub, 'acceptCase')).case;
    const [code = ''] = await readCodes(hub, number);
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$/);
    const { data, errors } = await ask(hub, number, code);
    expect(errors).toBeUndefined();
    expect(data.caseProgress).toMatchObject({
      ...{ number, step: 'ACCEPTED', nextStep: 'EXAMINED', isApplicantsTurn: false, decision: null, result: null },
      matterName: '林木采伐许可证核发：《森林法》第57条第三款和《森林法实施条例》第32条以外的情形',
      waitsFor: ['于都县林业局'],
    });
    const answer = JSON.stringify(data);
    for (const secret of [COMPANY.name, COMPANY.code, '杉木']) expect(answer).not.toContain(secret);
    const typed = await ask(hub, ` ${number.slice(0, 6)} ${number.slice(6)}`, code.toLowerCase().replaceAll('-', ' '));
    expect(typed.data.caseProgress).toEqual(data.caseProgress);
  });

  test('says whose turn it is while something is missing, and keeps the first code afterwards', async () => {
    const { id, number } = (await file(hub, 'receiveApplication')).case;
    expect(await readCodes(hub, number)).toEqual([]);
    const items = { case: id, items: ['图纸'] };
    await runMutation(hub, ROUTES.DIRECT.accepts, 'askSupplement', 'AskSupplementInput', items, 'case { id }');
    const [code = ''] = await readCodes(hub, number);
    const { caseProgress } = (await ask(hub, number, code)).data;
    expect(caseProgress).toMatchObject({ step: 'SUPPLEMENT_ASKED', nextStep: 'SUPPLEMENTED', isApplicantsTurn: true });
    expect(caseProgress.waitsFor).toEqual([]);
    expect(caseProgress.supplementUntil).toMatch(/^\d{4}-/);
    expect((await ask(hub, number, WRONG)).data.caseProgress).toBeNull();
  });

  test.each(Object.keys(ROUTES) as (keyof typeof ROUTES)[])('%s: tells the decision when it is made', async (mode) => {
    const id = await grantCase(hub, ROUTES[mode]);
    const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { number } }', { id });
    const [code = ''] = await readCodes(hub, data.case.number);
    const { caseProgress } = (await ask(hub, data.case.number, code)).data;
    expect(caseProgress).toMatchObject({
      step: 'DECIDED',
      nextStep: 'CERTIFIED',
      decision: 'GRANTED',
      clockState: 'ENDED',
    });
    expect(caseProgress.decidedOn).toMatch(/^\d{4}-/);
    expect(caseProgress.waitsFor.length).toBeGreaterThan(0);
  });

  test('an unknown case, another code and the code of another case look the same', async () => {
    const first = (await file(hub, 'acceptCase')).case.number;
    const second = (await file(hub, 'acceptCase')).case.number;
    const [codeOfSecond = ''] = await readCodes(hub, second);
    const answers = await Promise.all([
      ...[ask(hub, first, WRONG), ask(hub, '36073120990101 00001', WRONG), ask(hub, first, codeOfSecond)],
      ...[ask(hub, '', ''), ask(hub, '%', '%'), ask(hub, first, '')],
    ]);
    for (const answer of answers) expect(answer).toEqual({ status: 200, data: { caseProgress: null } });
    const { errors } = await ask(hub, first, 'x'.repeat(101));
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  test('has a page with a form that needs no script', async () => {
    const { number } = (await file(hub, 'acceptCase')).case;
    const [code = ''] = await readCodes(hub, number);
    const form = await hub.hub.app.inject({ url: `/progress?number=${number}&code=${code}&lang=en` });
    expect(form.statusCode).toBe(200);
    expect(form.body).toContain('<form method="post" action="/progress"');
    expect(form.body).toContain(`value="${number}"`);
    // An address stays in histories and logs, so none tells or shows anything.
    expect(form.body).not.toContain('Accepted');
    expect(form.body).not.toContain(code);
    expect(form.headers['content-security-policy']).toContain("form-action 'self'");
    const answer = await send(hub, { number, code });
    expect(answer.statusCode).toBe(200);
    for (const text of ['受理', '审查', '于都县林业局', number]) expect(answer.body).toContain(text);
    expect(answer.body).not.toContain(code);
    expect(answer.body).not.toContain(COMPANY.name);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect((await send(hub, { number, code, lang: 'en' })).body).toContain('Accepted');
    const wrong = await send(hub, { number, code: `<script>${WRONG}` });
    expect(wrong.statusCode).toBe(404);
    expect(wrong.body).toContain('没有查到');
    expect(wrong.body).not.toContain('<script>0');
    for (const typed of ['number=1', 'code=1', 'number=1&number=2&code=3', '%', '', 'number=%00&code=%ff']) {
      expect([200, 404]).toContain((await send(hub, typed)).statusCode);
    }
    expect((await send(hub, `number=${'1'.repeat(5_000)}`)).statusCode).toBe(413);
    const json = { method: 'POST', url: '/progress', payload: { number, code } } as const;
    expect((await hub.hub.app.inject(json)).body).not.toContain('于都县林业局');
  });
});

describe('wrong codes', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub({ intakeLimits: { ...TEST_INTAKE_LIMITS, progressTries: TRIES } });
  }, 60_000);
  afterAll(() => hub?.stop());
  const codesOf = (answers: Awaited<ReturnType<typeof ask>>[]) =>
    answers.map(({ errors }) => errors?.[0]?.extensions.code ?? null);

  test('of one caller are few, then nothing more is told, and right ones cost nothing', async () => {
    const { number } = (await file(hub, 'acceptCase')).case;
    const [code = ''] = await readCodes(hub, number);
    for (let i = 0; i < 3 * TRIES; i++)
      expect((await ask(hub, number, code, 'auditor')).data.caseProgress).not.toBeNull();
    const numbers = Array.from({ length: TRIES + 3 }, (_, i) => `3607312099010100${i}00`);
    const answers = await Promise.all(numbers.map((unknown) => ask(hub, unknown, WRONG, 'auditor')));
    expect(codesOf(answers).filter((each) => each === 'RATE_LIMITED').length).toBeGreaterThanOrEqual(2);
    expect(codesOf([await ask(hub, number, code, 'auditor')])).toEqual(['RATE_LIMITED']);
    expect((await ask(hub, number, code, 'window-yudu')).data.caseProgress).not.toBeNull();
  });

  test('of one caller are few on the page too, and nobody locks out whoever has the receipt', async () => {
    const { number } = (await file(hub, 'acceptCase')).case;
    const [code = ''] = await readCodes(hub, number);
    const people = ['yudu-lyj.clerk', 'yudu-lyj.reviewer', 'yudu-lyj.approver', 'yudu-lyj.supervisor'];
    await Promise.all(people.flatMap((person) => Array.from({ length: TRIES }, () => ask(hub, number, WRONG, person))));
    expect((await ask(hub, number, code, 'yudu-sjj.clerk')).data.caseProgress).not.toBeNull();
    const pages = [];
    for (let i = 0; i <= TRIES; i++) pages.push(await send(hub, { number, code: WRONG }));
    expect(pages.map(({ statusCode }) => statusCode)).toEqual([...Array(TRIES).fill(404), 429]);
    expect(pages.at(-1)?.headers['retry-after']).toMatch(/^\d+$/);
  });
});
