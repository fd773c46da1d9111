import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Organs and matters are found by any form of their names, best first. */

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub();
}, 60_000);
afterAll(() => hub?.stop());

async function search(field: 'searchMatters' | 'searchOrgans', text: string, page = 'first: 100') {
  const name = field === 'searchMatters' ? 'displayName' : 'name';
  const query = `query($text: String!) { found: ${field}(text: $text, ${page}) {
    edges { cursor node { name: ${name} } } pageInfo { hasNextPage endCursor } } }`;
  const { data, errors } = await hub.ask(null, query, { text });
  if (errors) throw Object.assign(new Error(errors[0]?.message), { extensions: errors[0]?.extensions });
  return data.found;
}
type Found = { edges: { node: { name: string } }[] };
const namesOf = (found: Found) => found.edges.map(({ node }) => node.name);

describe('an organ', () => {
  test.each(['于都县林业局', '县林业局', '林业局', '于都林业局', '市林业局', ' 林 业 局 ', '于都县林业局　'])(
    '林业局 is found as %j',
    async (text) => {
      expect(namesOf(await search('searchOrgans', text))).toEqual(['于都县林业局']);
    },
  );

  test.each([
    ['县市监局', '于都县市场监督管理局'],
    ['于都县市监局', '于都县市场监督管理局'],
    ['市市场监管局', '赣州市市场监督管理局'],
    ['住建局', '于都县住房和城乡建设局'],
    ['县发改委', '于都县发展和改革委员会'],
    ['教科体局', '于都县教育科技体育局'],
    ['兴国行政审批局', '兴国县行政审批局'],
    ['YUDU-lyj', '于都县林业局'],
  ])('%s finds %s first', async (text, name) => {
    expect(namesOf(await search('searchOrgans', text))[0]).toBe(name);
  });

  test('the level in the query puts the organ of that level first', async () => {
    expect(namesOf(await search('searchOrgans', '市司法局'))).toEqual(['赣州市司法局', '于都县司法局']);
    expect(namesOf(await search('searchOrgans', '县司法局'))).toEqual(['于都县司法局', '赣州市司法局']);
  });

  test('is filtered by name, level and division in a list', async () => {
    const query = `query($filter: OrganFilter) { organs(filter: $filter, first: 100) { edges { node { name } } } }`;
    const list = async (filter: object) => namesOf((await hub.ask(null, query, { filter })).data.organs);
    expect(await list({ nameContains: '司法局', level: 'CITY' })).toEqual(['赣州市司法局']);
    expect(await list({ nameContains: '行政审批局', divisionCode: '360732' })).toEqual(['兴国县行政审批局']);
    expect(await list({ nameContains: '%' })).toEqual([]);
    expect(await list({})).toHaveLength(27);
  });
});

describe('a matter', () => {
  test.each([
    ['建设工程规划许可证核发', '建设工程规划许可证核发'],
    ['不动产统一登记：抵押权登记', '不动产统一登记：抵押权登记'],
    ['不动产统一登记:抵押权登记', '不动产统一登记：抵押权登记'],
    ['抵押权登记', '不动产统一登记：抵押权登记'],
    ['《森林法》第57条', '林木采伐许可证核发：《森林法》第57条第三款和《森林法实施条例》第32条以外的情形'],
    ['第三类医疗器械经营许可(新办)', '第三类医疗器械经营许可（新办）'],
    ['第三类 医疗器械 经营许可〔新办〕', '第三类医疗器械经营许可（新办）'],
    ['1-07', '林木采伐许可证核发：《森林法》第57条第三款和《森林法实施条例》第32条以外的情形'],
  ])('%s finds %s first', async (text, name) => {
    expect(namesOf(await search('searchMatters', text))[0]).toBe(name);
  });

  test('stands before matters whose name only begins with or contains the text', async () => {
    const names = namesOf(await search('searchMatters', '建设项目'));
    const isBeginning = names.map((name) => name.startsWith('建设项目'));
    expect(isBeginning).toEqual([...Array(4).fill(true), false, false]);
    expect(names[4]).toBe('公路建设项目招标文件、招标投标情况书面报告备案');
  });

  test('is filtered by any form in a list', async () => {
    const query = `query($text: String) { matters(filter: { nameContains: $text }, first: 100) { totalCount } }`;
    const count = async (text: string) => (await hub.ask(null, query, { text })).data.matters.totalCount;
    expect(await count('登记：抵押权')).toBe(1);
    expect(await count('医疗器械经营许可（')).toBe(6);
    expect(await count('医疗器械经营许可 (')).toBe(6);
  });
});

describe('a page of what is found', () => {
  test.each(['searchMatters', 'searchOrgans'] as const)('%s: pages meet every row once, in order', async (field) => {
    const text = field === 'searchMatters' ? '审批' : '局';
    const all = namesOf(await search(field, text));
    const paged: string[] = [];
    let page = 'first: 3';
    for (;;) {
      const found = await search(field, text, page);
      paged.push(...namesOf(found));
      if (!found.pageInfo.hasNextPage) break;
      page = `first: 3, after: "${found.pageInfo.endCursor}"`;
    }
    expect(all.length).toBeGreaterThan(6);
    expect(paged).toEqual(all);
  });

  test.each(['searchMatters', 'searchOrgans'] as const)('%s: bad input is BAD_USER_INPUT', async (field) => {
    const codes = ['', ' \u3000\n', 'x'.repeat(101), '甲\u0000'].map((text) => search(field, text));
    for (const answer of codes) await expect(answer).rejects.toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    for (const page of ['first: 0', 'first: 101', 'first: 1, after: "x"'])
      await expect(search(field, '局', page)).rejects.toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    expect(namesOf(await search(field, '%'))).toEqual([]);
  });
});
