import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readMatters, readOrgans } from '../../seeds/load.ts';

/** Reads the plan's text again, by itself, and compares: what is printed stands there, and nothing is corrected in silence. */

const TEXT = readFileSync(new URL('../../seeds/yudu-2022-30.txt', import.meta.url), 'utf8');
const matters = readMatters();
const organs = new Map(readOrgans().map((organ) => [organ.id, organ]));

/** Lines of one annex, from its heading to the next. */
function annex(number: number): string[] {
  const begin = new RegExp(`^附件 ?${number} ?:?$`, 'm').exec(TEXT)?.index ?? -1;
  const end = new RegExp(`^附件 ?${number + 1} ?:?$`, 'm').exec(TEXT)?.index ?? TEXT.length;
  return TEXT.slice(begin, end).split('\n');
}
const lines = new Map([1, 2, 3].map((number) => [number, annex(number)]));

const POWER = {
  LICENSE: '行政许可',
  CONFIRMATION: '行政确认',
  FILING: '其他行政权力-备案',
  OTHER: '其他行政权力-其他',
};
const SHORT: Record<string, string> = {
  于都县住房和城乡建设局: '县住建局',
  于都县市场监督管理局: '县市监局',
  于都县教育科技体育局: '县教科体局',
  于都县发展和改革委员会: '县发改委',
  赣州市市场监督管理局: '市市场监管局',
};
const printedName = (id: string) => {
  const name = organs.get(id)?.name ?? '';
  return SHORT[name] ?? name.replace(/^于都|^赣州/, '');
};

describe('the 108 matters against the plan', () => {
  test('10, 45 and 53, each row once', () => {
    expect([1, 2, 3].map((number) => matters.filter((one) => one.annex === number).length)).toEqual([10, 45, 53]);
    expect(new Set(matters.map((one) => `${one.annex} ${one.row}`)).size).toBe(108);
    const modes = ['DIRECT', 'SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD'];
    for (const one of matters) expect(one.mode).toBe(modes[one.annex - 1]);
  });

  test.each(matters.map((one) => [one.id, one] as const))(
    '%s is what is printed, plus its corrections',
    (_, matter) => {
      const line = matter.printed.map((cell) => cell.text).join('\t');
      expect(lines.get(matter.annex)).toContain(line);
      expect(matter.printed[0]?.text).toBe(String(matter.row));
      const [, city, county, mainItem, subItem, power] = matter.printed.map((cell) => cell.text);
      const printed: Record<string, string | undefined> = {
        mainItem,
        subItem,
        powerType: power,
        cityOrgan: city,
        countyOrgan: county,
      };
      const read: Record<string, string> = {
        mainItem: matter.mainItem,
        subItem: matter.subItem ?? '',
        powerType: POWER[matter.powerType],
        cityOrgan: printedName(matter.cityOrgan),
        countyOrgan: printedName(matter.countyOrgan),
      };
      for (const [field, text] of Object.entries(printed)) {
        const correction = matter.corrections.find((one) => one.field === field);
        if (!correction) expect(read[field], field).toBe(text);
        else
          expect(correction, field).toMatchObject({
            printed: text,
            corrected: read[field],
            reason: expect.stringMatching(/./),
          });
      }
      expect(new Set(matter.corrections.map((one) => one.field)).size).toBe(matter.corrections.length);
    },
  );

  const at = (number: number, row: number) => {
    const found = matters.find((one) => one.annex === number && one.row === row);
    if (!found) throw new Error(`no row ${number}-${row}`);
    return found;
  };

  test('merged cells inherit within their annex', () => {
    expect(at(1, 3).mainItem).toBe('办理公路水运工程质量监督手续');
    expect(at(2, 12).mainItem).toBe('不动产统一登记');
    expect(at(3, 53).mainItem).toBe('权限内企业投资项目核准');
  });
  test('annex 3 rows 31 to 36 belong to 药品零售企业许可, not to the medical devices above', () => {
    for (let row = 31; row <= 36; row++) expect(at(3, row).mainItem).toBe('药品零售企业许可');
    expect(at(3, 31)).toMatchObject({ subItem: '药品零售企业许可（新办）', powerType: 'LICENSE' });
    expect([32, 33, 34, 35, 36].map((row) => at(3, row).licenseAction)).toEqual([
      'RENEW',
      'REISSUE',
      'CANCEL',
      'CHANGE',
      'CHANGE',
    ]);
  });
  test('row 39 names the county’s organ, row 40 carries no tags, wrapped names no blanks', () => {
    expect(at(3, 39).countyOrgan).toBe('yudu-slj');
    expect(at(3, 40).subItem).not.toMatch(/<\/?p>/);
    for (const row of [16, 19, 21]) expect(at(3, row).mainItem).not.toContain(' ');
  });
  test('annex 1 row 8 is kept as printed and flagged', () => {
    expect(at(1, 8).cityOrgan).toBe('ganzhou-xzspj');
    expect(at(1, 8).flags.join()).toContain('市司法局');
  });
  test('a sub-item stands in two annexes under two modes', () => {
    const gas = matters.filter((one) => one.mainItem === '燃气经营许可证核发');
    expect(gas.map((one) => [one.mode, one.licenseAction])).toEqual([
      ['SUBSTANTIVE_REVIEW', 'CHANGE'],
      ['WINDOW_FORWARD', 'ISSUE'],
    ]);
    expect(new Set(gas.map((one) => one.outcome.licenseType)).size).toBe(1);
  });
  test('an approval bureau is nobody’s industry organ', () => {
    expect(matters.filter((one) => one.cityIndustry === null)).toHaveLength(42);
    expect(matters.filter((one) => one.countyIndustry === null)).toHaveLength(17);
    for (const one of matters) expect([one.cityIndustry, one.countyIndustry].join()).not.toContain('xzspj');
  });
  test('a license has a type and an action, a decision has neither', () => {
    for (const one of matters) {
      const decides = one.outcome.kind === 'DECISION';
      expect(one.outcome.licenseType === null, one.id).toBe(decides);
      expect(one.licenseAction === null, one.id).toBe(decides);
    }
  });
});
