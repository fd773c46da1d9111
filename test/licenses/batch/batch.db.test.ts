import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findInconsistencies } from '../../support/consistency.ts';
import { grantCase, ROUTES, runMutation, toBlankNumber } from '../../support/flow.ts';
import { createTestHub, type TestHub } from '../../support/hub.ts';
import { actForOrgan } from '../../support/own-act.ts';

/** Many licenses in one call (批量制证、送达、收回): each line is an act of its own. */

const ROUTE = ROUTES.DIRECT;
const WITH_DUPLICATE = ROUTES.WINDOW_FORWARD;
const FIELDS = `done refused failed notReached refusals { code path }
  lines { index state blanks license { identifier papers { blankNumber kind state } }
    rehearsal { blankNumber } refusals { code path } }`;

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub();
});
afterAll(() => hub?.stop());

const TYPES: Readonly<Record<string, string>> = {
  issueLicenses: 'IssueLicensesInput',
  deliverCertificates: 'DeliverCertificatesInput',
  recallCertificates: 'RecallCertificatesInput',
};
const runBatch = (name: string, input: object, person: string = ROUTE.prints) =>
  runMutation(hub, person, name, TYPES[name] ?? '', input, FIELDS);
const grant = (count: number, route: typeof ROUTE | typeof WITH_DUPLICATE = ROUTE) =>
  Promise.all(Array.from({ length: count }, () => grantCase(hub, route)));
const linesOf = (cases: readonly string[]) => cases.map((id) => ({ case: id }));
const blank = (serial: number) => toBlankNumber(ROUTE, serial);

interface Line {
  index: number;
  state: string;
  blanks: string[];
  license: { identifier: string; papers: { blankNumber: string; kind: string; state: string }[] } | null;
  rehearsal: { blankNumber: string } | null;
  refusals: { code: string; path: string[] }[];
}
const states = ({ lines }: { lines: Line[] }) => lines.map(({ state }) => state);
const codes = ({ lines }: { lines: Line[] }) => lines.map(({ refusals }) => refusals.map(({ code }) => code).join());

test('a rehearsal, then the act, then the same again: one bad line stops nothing', async () => {
  const [first = '', second = ''] = await grant(2);
  const lines = linesOf([first, randomUUID(), second]);
  const input = { lines, firstBlank: blank(1) };

  const rehearsed = await runBatch('issueLicenses', { ...input, dryRun: true });
  expect(states(rehearsed)).toEqual(['DONE', 'REFUSED', 'DONE']);
  expect(rehearsed.lines.map((line: Line) => line.rehearsal?.blankNumber)).toEqual([blank(1), undefined, blank(3)]);
  expect(rehearsed.lines.map((line: Line) => line.license)).toEqual([null, null, null]);

  const issued = await runBatch('issueLicenses', input);
  expect(issued).toMatchObject({ done: 2, refused: 1, failed: 0, notReached: 0, refusals: [], refusal: null });
  expect(issued.lines[1].refusals).toEqual([{ code: 'CASE_NOT_GRANTED', path: ['input', 'lines', '1', 'case'] }]);
  expect(issued.lines.map(({ blanks }: Line) => blanks)).toEqual([[blank(1)], [blank(2)], [blank(3)]]);
  expect(issued.lines[2].license.papers).toEqual([{ blankNumber: blank(3), kind: 'ORIGINAL', state: 'PRINTED' }]);

  const again = await runBatch('issueLicenses', input);
  expect(again.lines).toEqual(issued.lines);
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});

test('originals and duplicates take the blanks of a box in turn', async () => {
  const cases = await grant(2, WITH_DUPLICATE);
  const firstBlank = toBlankNumber(WITH_DUPLICATE, 11);
  const { lines } = await runBatch('issueLicenses', { lines: linesOf(cases), firstBlank }, WITH_DUPLICATE.prints);
  const numbers = [11, 12, 13, 14].map((serial) => toBlankNumber(WITH_DUPLICATE, serial));
  expect(lines.map(({ blanks }: Line) => blanks)).toEqual([numbers.slice(0, 2), numbers.slice(2)]);
  expect(lines[1].license.papers.map(({ blankNumber }: { blankNumber: string }) => blankNumber)).toEqual(
    numbers.slice(2),
  );
});

test('lines of one case, of one blank, and without a blank are refused, each at its place', async () => {
  const [a = '', b = '', c = '', d = ''] = await grant(4);
  const answer = await runBatch('issueLicenses', {
    lines: [
      { case: a, blankNumber: blank(20) },
      { case: a, blankNumber: blank(21) },
      { case: b, blankNumber: blank(22) },
      { case: c, blankNumber: blank(22) },
      { case: d },
    ],
  });
  expect(codes(answer)).toEqual(['SUBJECT_TWICE', 'SUBJECT_TWICE', 'BLANK_TWICE', 'BLANK_TWICE', 'FIELD_MALFORMED']);
  // Nothing was done, so the whole call is refused, with the same paths.
  expect(answer.refusals).toEqual(answer.lines.flatMap(({ refusals }: Line) => refusals));
  expect(answer.refusals[2].path).toEqual(['input', 'lines', '2', 'blankNumber']);
  const rest = await runBatch('issueLicenses', { lines: linesOf([a, b, c, d]), firstBlank: blank(20) });
  expect(rest).toMatchObject({ done: 4, refused: 0 });
});

test('who may not issue one may not issue many', async () => {
  const [id = ''] = await grant(1);
  const input = { lines: [{ case: id, blankNumber: blank(30) }] };
  for (const [person, code] of [
    ['yudu-slj.clerk', 'ORGAN_WITHOUT_POWER'],
    ['yudu-lyj.approver', 'ROLE_NOT_ALLOWED'],
  ] as const) {
    const answer = await runBatch('issueLicenses', input, person);
    expect([answer.refusal.code, answer.done]).toEqual([code, 0]);
  }
  expect(await runBatch('issueLicenses', input)).toMatchObject({ done: 1, refusal: null });
});

test('a line in which the hub fails is null with its incident, and the others are done', async () => {
  const cases = await grant(3);
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  await sql.unsafe(`create function licenses.planted() returns trigger language plpgsql as
    $$ begin if new.case_id = '${cases[1]}' then raise exception 'planted'; end if; return new; end $$;
    create trigger planted before insert on licenses.act for each row execute function licenses.planted()`);
  const query = `mutation($input: IssueLicensesInput!) { issueLicenses(input: $input) { ${FIELDS} } }`;
  const input = { lines: linesOf(cases), firstBlank: blank(40) };
  const { data, errors } = await hub.ask(ROUTE.prints, query, { input });
  await sql.unsafe('drop trigger planted on licenses.act; drop function licenses.planted()');
  await sql.end();
  expect(data.issueLicenses.lines.map((line: Line | null) => line?.state)).toEqual(['DONE', undefined, 'DONE']);
  expect(data.issueLicenses).toMatchObject({ done: 2, failed: 1, refusals: [] });
  expect(errors).toEqual([
    expect.objectContaining({
      path: ['issueLicenses', 'lines', 1],
      extensions: expect.objectContaining({ code: 'INTERNAL_SERVER_ERROR', incident: expect.any(String) }),
    }),
  ]);
  const again = await runBatch('issueLicenses', input);
  expect(states(again)).toEqual(['DONE', 'DONE', 'DONE']);
  // What is done stays on its blanks, whatever a later call names.
  const renamed = await runBatch('issueLicenses', { ...input, firstBlank: blank(60) });
  const blanksOf = ({ lines }: { lines: Line[] }) => lines.map(({ blanks }) => blanks);
  expect(blanksOf(renamed)).toEqual(blanksOf(again));
});

test('many deliveries and returns', async () => {
  const cases = await grant(3);
  const issued = await runBatch('issueLicenses', { lines: linesOf(cases), firstBlank: blank(50) });
  const sheets = issued.lines.map(({ license, blanks }: Line) => ({
    identifier: license?.identifier ?? '',
    blankNumber: blanks[0] ?? '',
  }));
  const [first, second, third] = sheets;
  const wrong = { ...third, blankNumber: blank(50) };
  const delivered = await runBatch('deliverCertificates', {
    lines: [first, second, { ...third, blankNumber: blank(59) }],
  });
  expect(states(delivered)).toEqual(['DONE', 'DONE', 'REFUSED']);
  expect(delivered.lines[0].license.papers[0].state).toBe('DELIVERED');
  expect(codes(await runBatch('deliverCertificates', { lines: [third, wrong] }))).toEqual([
    'SUBJECT_TWICE',
    'SUBJECT_TWICE',
  ]);

  for (const { identifier } of [first, second]) await actForOrgan(hub, 'yudu-lyj', 'revoke', { identifier });
  const recalled = await runBatch('recallCertificates', { lines: sheets });
  expect(states(recalled)).toEqual(['DONE', 'DONE', 'REFUSED']);
  expect(codes(recalled)).toEqual(['', '', 'PAPER_NOT_DELIVERED']);
  expect(recalled.lines[1].license.papers[0].state).toBe('RECALLED');
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});

test('a hundred lines are within the budget of one operation, one more is refused', async () => {
  const lines = Array.from({ length: 100 }, () => ({ case: randomUUID() }));
  const full = await runBatch('issueLicenses', { lines, firstBlank: blank(60), dryRun: true });
  expect(full.refused + full.notReached).toBe(100);
  const more = await runBatch('issueLicenses', { lines: [...lines, ...lines.slice(1)], firstBlank: blank(60) }).catch(
    (error: Error) => error.message,
  );
  expect(JSON.stringify(more)).toMatch(/FIELD_TOO_LONG|OPERATION_TOO_EXPENSIVE/);
});
