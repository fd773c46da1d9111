import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { foldText } from '../../subgraphs/kernel/finding/fold.ts';
import { type DayRange, keysOfRange, NO_END } from '../../subgraphs/licenses/list/finding.ts';
import { buildQueryCondition, type LicenseQuery } from '../../subgraphs/licenses/list/finding-store.ts';
import { license } from '../../subgraphs/licenses/tables.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Licenses are found by number, holder, blank, type, days and organ, as far as the list would show them. */

const OTHERS = 20_000;
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const FOREST_CLERK = ROUTES.DIRECT.accepts;
const FIELDS = 'number name paper { blankNumber } issuer { id: code } validFrom validUntil';

interface Issued {
  number: string;
  name: string;
  paper: { blankNumber: string };
  issuer: { id: string };
  validFrom: string;
  validUntil: string | null;
  typeCode: string;
}
type Name = 'company' | 'citizen' | 'window';
let hub: TestHub;
let admin: postgres.Sql;
const issued = {} as Record<Name, Issued>;

beforeAll(async () => {
  hub = await createTestHub();
  admin = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  const issue = async (name: Name, route: (typeof ROUTES)[keyof typeof ROUTES], applicant: object, serial: number) => {
    const { identifier } = await issueGrantedLicense(hub, route, await grantCase(hub, route, { applicant }), serial);
    const { data } = await hub.ask('auditor', `query($id: ID!) { license(identifier: $id) { ${FIELDS} } }`, {
      id: identifier,
    });
    const [row] = await admin`select record ->> 'ZZLXDM' as code from licenses.license_version
      where identifier = ${identifier}`;
    issued[name] = { ...data.license, typeCode: row?.code };
  };
  await issue('company', ROUTES.DIRECT, COMPANY, 1);
  await issue('citizen', ROUTES.DIRECT, CITIZEN, 2);
  await issue('window', ROUTES.SUBSTANTIVE_REVIEW, COMPANY, 1);
}, 90_000);
afterAll(async () => {
  await admin?.end();
  await hub?.stop();
});

const nodesOf = (found: { edges: { node: { number: string } }[] }) => found.edges.map(({ node }) => node.number);
async function list(person: string, filter: object): Promise<string[]> {
  const query = 'query($filter: LicenseFilter) { licenses(filter: $filter, first: 100) { edges { node { number } } } }';
  const { data, errors } = await hub.ask(person, query, { filter });
  if (errors) throw Object.assign(new Error(errors[0]?.message), { extensions: errors[0]?.extensions });
  return nodesOf(data.licenses);
}
async function search(person: string | null, text: string, page = 'first: 100') {
  const query = `query($text: String!) { searchLicenses(text: $text, ${page}) {
    edges { node { number } } pageInfo { hasNextPage endCursor } } }`;
  const { data, errors } = await hub.ask(person, query, { text });
  if (errors) throw Object.assign(new Error(errors[0]?.message), { extensions: errors[0]?.extensions });
  return data.searchLicenses;
}
const toWide = (text: string) =>
  [...text].map((letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0)).join('');

describe('a license', () => {
  test('is found by number, holder, blank, type, organ and days, in any width', async () => {
    const { company, citizen } = issued;
    for (const number of [company.number, ` ${company.number} `, toWide(company.number)])
      expect(await list(FOREST_CLERK, { number })).toEqual([company.number]);
    expect(await list(FOREST_CLERK, { holder: '贡江 示范' })).toEqual([company.number]);
    expect(await list(FOREST_CLERK, { holder: '晓明' })).toEqual([citizen.number]);
    expect(await list(FOREST_CLERK, { holder: '明晓' })).toEqual([]);
    const { blankNumber } = citizen.paper;
    for (const blank of [blankNumber, blankNumber.toLowerCase(), toWide(blankNumber), ` ${blankNumber}`])
      expect(await list(FOREST_CLERK, { blank }), blank).toEqual([citizen.number]);
    const both = [citizen.number, company.number];
    for (const typeCode of [company.typeCode, company.typeCode.toLowerCase(), toWide(company.typeCode)])
      expect(await list(FOREST_CLERK, { typeCode })).toEqual(both);
    expect(await list(FOREST_CLERK, { typeCode: company.typeCode.slice(0, -1) })).toEqual([]);
    expect(await list(FOREST_CLERK, { organ: company.issuer.id })).toEqual(both);
    expect(await list(FOREST_CLERK, { organ: 'yudu-sfj' })).toEqual([]);
    expect(await list(FOREST_CLERK, { organ: company.issuer.id, holder: '晓明', state: 'VALID' })).toEqual([
      citizen.number,
    ]);
  });

  test('is found by the days of its validity', async () => {
    const { company, citizen } = issued;
    const both = [citizen.number, company.number];
    const { validFrom, validUntil } = company;
    expect(await list(FOREST_CLERK, { validFrom: { from: validFrom, to: validFrom } })).toEqual(both);
    expect(await list(FOREST_CLERK, { validFrom: { to: '2001-05-05' } })).toEqual([]);
    expect(await list(FOREST_CLERK, { validFrom: { from: '0001-01-01', to: '9999-12-31' } })).toEqual(both);
    const last = validUntil ?? NO_END;
    expect(await list(FOREST_CLERK, { validUntil: { from: last } })).toEqual(both);
    expect(await list(FOREST_CLERK, { validUntil: { to: validFrom } })).toEqual([]);
    expect(await list(FOREST_CLERK, { validUntil: { from: validFrom, to: last } })).toEqual(both);
    expect(await list(FOREST_CLERK, { validUntil: {} })).toEqual(both);
  });

  test('is found by nobody to whom the list does not show it', async () => {
    const { company, citizen, window } = issued;
    for (const person of ['yudu-sfj.clerk', 'window-yudu', 'applicant-citizen', 'yudu-sfj.approver']) {
      const { number, paper, name } = company;
      for (const filter of [{ number }, { blank: paper.blankNumber }, { holder: '贡江', organ: company.issuer.id }])
        expect(await list(person, filter), person).toEqual([]);
      expect(nodesOf(await search(person, number)), person).toEqual([]);
      if (person !== 'applicant-citizen') expect(nodesOf(await search(person, name)), person).toEqual([]);
    }
    expect(nodesOf(await search('window-yudu', '贡江'))).toEqual([window.number]);
    expect(nodesOf(await search(FOREST_CLERK, '贡江'))).toEqual([company.number]);
    expect(nodesOf(await search('applicant-company', '贡江'))).toEqual([window.number, company.number]);
    expect(await list('applicant-citizen', { holder: '晓明' })).toEqual([citizen.number]);
    expect(nodesOf(await search('auditor', '贡江'))).toEqual([window.number, company.number]);
    await expect(search(null, '贡江')).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  });

  test('is not found by a code or by its lines', async () => {
    for (const text of [COMPANY.code, COMPANY.code.slice(0, 8), CITIZEN.code, CITIZEN.code.slice(6, 14), '杉木']) {
      expect(nodesOf(await search('auditor', text))).toEqual([]);
      expect(await list('auditor', { holder: text })).toEqual([]);
    }
  });

  test('stands before those that only contain the text, and pages meet each once', async () => {
    const { company, citizen } = issued;
    expect(nodesOf(await search('auditor', company.number))[0]).toBe(company.number);
    expect(nodesOf(await search('auditor', '李晓明'))).toEqual([citizen.number]);
    const paged: string[] = [];
    for (let page = 'first: 1'; ; ) {
      const found = await search(FOREST_CLERK, company.name, page);
      paged.push(...nodesOf(found));
      if (!found.pageInfo.hasNextPage) break;
      page = `first: 1, after: "${found.pageInfo.endCursor}"`;
    }
    expect(paged).toEqual([citizen.number, company.number]);
  });

  test.each([
    { holder: '林' },
    { holder: '' },
    { holder: ' \u3000' },
    { holder: '林'.repeat(101) },
    { holder: '林业\u0000' },
    { blank: '1'.repeat(101) },
    { validUntil: { from: '2026-11-02', to: '2026-11-01' } },
    { validFrom: { from: '2026-02-30' } },
  ])('%j is BAD_USER_INPUT', async (filter) => {
    await expect(list('auditor', filter)).rejects.toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
  });

  test('that the window’s case acts on is found by that window too', async () => {
    const { number } = issued.window;
    await admin`update licenses.license set "window" = '360732' where number = ${number}`;
    expect(await list('window-yudu', { holder: '贡江' })).toEqual([]);
    await admin`update licenses.certificate_task set content = jsonb_set(content, '{licenseNumber}', to_jsonb(${number}::text))
      where number = ${number}`;
    expect(await list('window-yudu', { holder: '贡江' })).toEqual([number]);
    expect(nodesOf(await search('window-xingguo', '贡江'))).toEqual([number]);
  });

  test('is not found by a new holder by the paper of the holder before', async () => {
    const { number, paper } = issued.company;
    await admin`update licenses.license set holder_code = ${CITIZEN.code} where number = ${number}`;
    await admin`update licenses.license_version set record = record || ${admin.json({ CZZTDM: CITIZEN.code })}
      where number = ${number}`;
    expect(await list('applicant-citizen', { blank: paper.blankNumber })).toEqual([number]);
    // The version on this sheet is of the holder before, the current one of the new holder.
    await admin`insert into licenses.license_version select (jsonb_populate_record(null::licenses.license_version,
        to_jsonb(v) || '{"identifier": "next", "version": 2, "status_index": null}')).*
      from licenses.license_version v where number = ${number}`;
    await admin`update licenses.license_version set record = record || ${admin.json({ CZZTDM: COMPANY.code })}
      where number = ${number} and version = 1`;
    await admin`update licenses.license set head_identifier = 'next' where number = ${number}`;
    expect(await list('applicant-citizen', { number })).toEqual([number]);
    expect(await list('applicant-citizen', { blank: paper.blankNumber })).toEqual([]);
    expect(await list(FOREST_CLERK, { blank: paper.blankNumber })).toEqual([number]);
  });
});

test('the database folds texts as the rule does', async () => {
  const texts = [
    '于府办发〔2022〕30号',
    '［甲］【乙】（戊）',
    'ＡＢＣ　１２３ Zz',
    ' 林\u00a0业\t\n\u000b\u2028\ufeff局',
    '㈱ﾊﾟ½',
    '',
    'É',
    '𠀀甲',
  ];
  for (const text of texts) {
    const [row] = await admin`select licenses.fold_text(${text}) as folded`;
    expect(row?.folded, text).toBe(foldText(text));
  }
});

test('the keys of a range are those of the days in it', async () => {
  const days = [
    '0001-01-01',
    '1979-12-31',
    '1980-01-01',
    '2026-01-30',
    '2026-02-28',
    '2027-07-01',
    '2100-12-31',
    NO_END,
  ];
  const bounds = [null, '1975-05-05', '1980-01-01', '2025-12-31', '2026-01-31', '2027-06-30', '2101-01-01', NO_END];
  for (const from of bounds) {
    for (const to of bounds.filter((bound) => bound === null || from === null || from <= bound)) {
      const keys = keysOfRange('x', 'u', { from, to });
      expect(keys.length).toBeLessThan(130);
      for (const day of days) {
        const rows = await admin`select 'x|' || licenses.day_keys('u:', ${day}::date) as key`;
        const isWithin = (from === null || from <= day) && (to === null || day <= to);
        // A key of all early or all late days may find too much: the exact condition drops it.
        const isRough = day < '1980-01-01' || day > '2100-12-31';
        const isFound = rows.some(({ key }) => keys.includes(key));
        if (isWithin || !isRough) expect(isFound, `${day} in ${from} to ${to}`).toBe(isWithin);
      }
    }
  }
});

describe(`among ${OTHERS} licenses`, () => {
  beforeAll(async () => {
    await admin`insert into licenses.license (number, printed, division_code, handled_by, issuer, matter_id, parties, counters,
      holder_code, head_version, head_identifier, head_state, name, holder_name, type_code, valid_from, valid_until)
      select '8' || lpad(i::text, 10, '0'), '8' || lpad(i::text, 10, '0'), '360731', '360731', '{"id": "yudu-sfj"}', 'yd2022-1-08',
        array['yudu-sfj', 'ganzhou-sfj'], array['yudu-sfj'], 'CODE' || i, 1, 'version-' || i, 'VALID', '示范证照',
        '某某' || chr(19968 + i % 5000) || chr(19968 + i % 4999) || '公司', 'TYPE' || i % 100,
        date '2023-01-01' + (i % 1000), date '2028-01-01' + (i % 1000)
      from generate_series(1, ${OTHERS}) as i`;
    await admin`analyze licenses.license`;
  }, 300_000);

  /** Explains the statement of a list with this filter, as the person, and returns its plan with what it counted. */
  async function explain(person: string, query: LicenseQuery): Promise<string> {
    const { db, close } = connect(hub.databaseUrls.licenses, 'explain', 1);
    const isFound = buildQueryCondition(requireDemoPerson(person), query);
    const { sql, params } = db.select({ number: license.number }).from(license).where(isFound).limit(21).toSQL();
    await close();
    const rows = await admin.unsafe(`explain (analyze, format json) ${sql}`, params as string[]);
    return JSON.stringify(rows[0]);
  }
  const query = { text: null, holder: null, typeCode: null, organ: null, validFrom: null, validUntil: null };
  const days: DayRange = { from: '2028-02-03', to: '2028-02-04' };

  test.each<[string, LicenseQuery]>([
    ['text', { ...query, text: '80000012' }],
    ['holder', { ...query, holder: '某某丁' }],
    ['type', { ...query, typeCode: 'TYPE7' }],
    ['last days', { ...query, validUntil: days }],
    ['first days', { ...query, validFrom: { from: '2023-02-03', to: '2023-02-04' } }],
    ['organ and last days', { ...query, organ: 'yudu-sfj', validUntil: days }],
  ])('%s is answered from the index, and a scope without them reads no license', async (_, filter) => {
    const visible = await explain('yudu-sfj.clerk', filter);
    const hidden = await explain('yudu-lyj.clerk', filter);
    for (const plan of [visible, hidden]) {
      expect(plan).toContain('license_find');
      expect(plan).not.toMatch(/"Node Type":"Seq Scan"[^}]*"Relation Name":"license"/);
    }
    // Every node of the plan found nothing: no license of others was read and then dropped.
    expect(hidden).not.toMatch(/"Actual Rows":\s*(?!0\b)(?!0\.0+\b)\d/);
    expect(hidden).not.toMatch(/"Rows Removed by Filter":\s*[1-9]/);
  });
});
