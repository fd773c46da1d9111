import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { rightOf } from '../../subgraphs/cases/notice/ground.ts';
import {
  composeNotice,
  documentMarkOf,
  documentNumber,
  legalBasisOn,
  NOTICE_KINDS,
  type NoticeCase,
  type NoticeFacts,
  type NoticeKind,
} from '../../subgraphs/cases/notice/notice.ts';
import {
  renderNotice,
  requirePrintableApplication,
  requirePrintableNotice,
} from '../../subgraphs/cases/notice/render.ts';
import { type OrganFact, sha256, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { maskCode } from '../../subgraphs/kernel/identity/identity.ts';
import { readAttachment } from '../../subgraphs/kernel/pdf/attachment.ts';
import { RenderError, UnprintableText } from '../../subgraphs/kernel/pdf/document.ts';
import { sealableDecision } from '../../subgraphs/seals/signer/content/sealable.ts';
import { buildNoticeCase, buildOrgan, CITY_ORGAN, COUNTY_ORGAN, UNKNOWN_ORGAN } from '../support/notice.ts';

const at = new Date('2026-11-22T16:30:00Z');
function buildNotice(
  kind: NoticeKind,
  facts: NoticeFacts = {},
  overrides: { note?: string; finding?: string; organ?: OrganFact; subject?: NoticeCase } = {},
) {
  const { note = null, finding = null, organ: issuer = COUNTY_ORGAN, subject = buildNoticeCase() } = overrides;
  const number = documentNumber(documentMarkOf(kind, subject.matter.powerType, issuer), '2026', 12);
  return composeNotice(kind, subject, { at, note, finding }, { organ: issuer, number }, facts);
}

const countPages = (pdf: Uint8Array) =>
  Buffer.from(pdf)
    .toString('latin1')
    .match(/\/Type \/Page\s/g)?.length;
const textOf = (content: { opening: string[]; closing: string[] }) =>
  [...content.opening, ...content.closing].join('\n');

describe('the content of a notice', () => {
  test('its number is the mark of the organ and the kind, the year, and a running number without zeros', () => {
    const forestry = { ...COUNTY_ORGAN, documentMark: '于林' };
    const marks = NOTICE_KINDS.map((kind) => documentMarkOf(kind, 'LICENSE', forestry));
    expect(marks).toEqual(['于林受', '于林补', '于林不受', '于林许', '于林送']);
    const powers = ['LICENSE', 'CONFIRMATION', 'FILING', 'OTHER'] as const;
    const decisionMarks = powers.map((power) => documentMarkOf('DECISION', power, forestry));
    expect(decisionMarks).toEqual(['于林许', '于林确', '于林备', '于林办']);
    expect(documentNumber('于林许', '2026', 12)).toBe('于林许〔2026〕12号');
    // An organ without a mark numbers by its name, which is no other organ's.
    expect(documentMarkOf('ACCEPTANCE', 'LICENSE', COUNTY_ORGAN)).toBe('于都县市场监督管理局受');
    expect(documentMarkOf('ACCEPTANCE', 'LICENSE', { ...COUNTY_ORGAN, documentMark: null })).toBe(
      '于都县市场监督管理局受',
    );
  });

  test('a decision cites the legal basis of its day before the plan, and none that has ended', () => {
    const legalBases = [
      { text: '《旧法》第三条', validFrom: null, validTo: '2025-06-30' },
      { text: '《新法》第四条', validFrom: '2025-07-01', validTo: '2025-12-31' },
      { text: null, validFrom: '2026-01-01', validTo: null },
    ];
    const on = (day: string) => legalBasisOn({ legalBases }, day);
    expect([on('2025-06-30'), on('2025-07-01')]).toEqual([['《旧法》第三条'], ['《新法》第四条']]);
    expect([on('2026-01-01'), legalBasisOn({}, '2025-06-30')]).toEqual([[], []]);
    const content = buildNotice('DECISION', { legalBasis: on('2025-07-01') }, { finding: 'GRANTED' });
    expect(content.clauses[0]).toBe('《新法》第四条');
    expect(textOf(content)).toContain('依据《新法》第四条、《中华人民共和国行政许可法》第三十八条第一款、《于都县');
  });

  test('受理通知书: names the received materials and the time limits', () => {
    const received = [{ name: '申请表', copies: 2 }];
    const limits = { statutoryDays: 20, promisedDays: 5, dueOn: '2026-11-30' };
    const content = buildNotice('ACCEPTANCE', { received, limits });
    expect(content).toMatchObject({ title: '受理通知书', decision: null, received, limits, granted: [], missing: [] });
    // Half past midnight in Asia/Shanghai is another day than in UTC.
    expect(content).toMatchObject({ issuedOn: '2026-11-23', issuedAt: '2026-11-22T16:30:00.000Z' });
    expect(content.window).toBe('于都县“市县同权”综合受理窗口');
    expect(content.addresseeCode).toBe('91000000MA0000001R');
    expect(textOf(content)).toContain(
      '你单位于2026年11月20日提出的“特种设备使用登记”申请（办件编号：3607312026112000001）',
    );
    expect(textOf(content)).toContain(
      '法定办结时限为20个工作日，承诺办结时限为5个工作日，应于2026年11月30日前（含当日）办结',
    );
    expect(textOf(content)).toContain('第三十二条第一款第（五）项');
    expect(textOf(buildNotice('ACCEPTANCE'))).toContain('办结时限按照法律、法规、规章的规定执行。');
    const statutory = { statutoryDays: 20, promisedDays: null, dueOn: null };
    expect(textOf(buildNotice('ACCEPTANCE', { limits: statutory }))).toContain(
      '自受理之日起，法定办结时限为20个工作日。',
    );
  });

  test('一次性告知书: names everything that is missing, the last day and the place', () => {
    const missing = [{ name: '申请表', remark: '未加盖公章' }];
    const content = buildNotice('SUPPLEMENT', { missing, supplementBy: '2026-12-23' });
    expect(content).toMatchObject({ title: '一次性告知书', missing, supplementBy: '2026-12-23' });
    expect(textOf(content)).toContain(
      '请于2026年12月23日前（含当日）将上述内容补正，一并提交至于都县“市县同权”综合受理窗口',
    );
    const cityNotice = buildNotice('SUPPLEMENT', { missing }, { organ: CITY_ORGAN });
    expect(cityNotice.window).toBeNull();
    expect(textOf(cityNotice)).toContain('请尽快将上述内容补正，一并提交至赣州市行政审批局');
  });

  test('不予受理通知书: names the reason and the remedies', () => {
    const content = buildNotice('REFUSAL', {}, { note: '不属于本机关职权范围' });
    expect(content).toMatchObject({ title: '不予受理通知书', reason: '不属于本机关职权范围' });
    expect(textOf(content)).toContain('不予受理的理由：不属于本机关职权范围。');
    expect(textOf(content)).toContain('六十日内依法向于都县人民政府申请行政复议');
    expect(textOf(content)).toContain('六个月内依法直接向有管辖权的人民法院提起行政诉讼');
    expect(textOf(buildNotice('REFUSAL', {}, { note: '不收。', organ: UNKNOWN_ORGAN }))).toMatch(
      /不收。\n.*示范机关的本级人民政府/,
    );
  });

  test.each([
    ['GRANTED', 'LICENSE', undefined, '准予行政许可决定书', '第三十八条第一款'],
    ['REJECTED', 'LICENSE', undefined, '不予行政许可决定书', '第三十八条第二款'],
    ['GRANTED', 'CONFIRMATION', '行政确认决定书', '行政确认决定书', null],
    ['REJECTED', 'CONFIRMATION', '行政确认决定书', '不予行政确认决定书', null],
    ['REJECTED', 'FILING', undefined, '不予备案通知书', null],
    ['GRANTED', 'FILING', undefined, '备案通知书', null],
    ['GRANTED', 'OTHER', '办理决定书', '准予办理决定书', null],
    ['REJECTED', 'OTHER', '竣工验收意见', '不予办理决定书', null],
  ] as const)('决定书 %s of %s', (finding, powerType, outcome, title, article) => {
    const subject = buildNoticeCase(powerType, outcome);
    const content = buildNotice('DECISION', {}, { finding, note: '依规定办理', organ: CITY_ORGAN, subject });
    expect(content).toMatchObject({ title, decision: finding, window: null, organ: { id: CITY_ORGAN.id } });
    expect(content.granted).toEqual(finding === 'GRANTED' ? subject.fields : []);
    expect(textOf(content)).toContain('依规定办理。');
    expect(textOf(content)).toContain('赣州市人民政府');
    expect(textOf(content).includes('《中华人民共和国行政许可法》')).toBe(article !== null);
    expect(textOf(content)).toContain(article ?? '于府办发〔2022〕30号');
  });

  test.each([
    ['CHANGE', '准予变更行政许可决定书', '变更申请', '第四十九条'],
    ['RENEW', '准予延续行政许可决定书', '延续申请', '第五十条第二款'],
    ['CANCEL', '准予注销行政许可决定书', '注销申请', '第七十条'],
    ['CORRECT', '准予更正行政许可决定书', '更正申请', '第三十九条第一款'],
  ] as const)(
    '决定书 on %s names the act, its own article, and a refusal the duty to give reasons',
    (act, title, word, article) => {
      const subject = { ...buildNoticeCase(), act };
      const granted = buildNotice('DECISION', {}, { finding: 'GRANTED', subject });
      expect([granted.title, textOf(granted).includes('第三十八条')]).toEqual([title, false]);
      expect(textOf(granted)).toContain(`提出的“特种设备使用登记”${word}（`);
      expect(textOf(granted)).toContain(`《中华人民共和国行政许可法》${article}`);
      const refused = textOf(buildNotice('DECISION', {}, { finding: 'REJECTED', note: '不符', subject }));
      expect(refused).toContain(`${article}、《中华人民共和国行政许可法》第三十八条第二款`);
      expect(textOf(buildNotice('ACCEPTANCE', {}, { subject }))).toContain(word);
    },
  );

  test('a right is transferred, not a license, and a sub-item that names its act is not repeated', () => {
    const sample = buildNoticeCase();
    const matter = { ...sample.matter, mainItem: '勘查矿产资源审批', subItem: '探矿权转让审批' };
    const subject = { ...sample, matter, act: 'TRANSFER' as const };
    const content = buildNotice('DECISION', {}, { finding: 'GRANTED', subject });
    expect(content.title).toBe('准予转让探矿权决定书');
    expect(textOf(content)).toContain('决定准予转让探矿权。');
    expect(textOf(content)).toContain('探矿权转让审批”申请（');
    expect(rightOf({ ...subject, matter: { subItem: '新设探矿权登记' } })).toBeNull();
    expect(rightOf({ ...subject, act: 'ISSUE' })).toBeNull();
  });

  test('a grant on a license that exists lists each line before and after; nothing else has the member', () => {
    const changes = [
      { label: '树种', before: '杉木', after: '枫香' },
      { label: '备注', before: null, after: '长' },
    ];
    const subject = { ...buildNoticeCase(), act: 'CORRECT' as const };
    const build = (finding: string, lines: typeof changes) =>
      buildNotice('DECISION', { changes: lines }, { finding, note: '笔误', subject });
    expect(build('GRANTED', changes).changes).toEqual({ act: '更正', lines: changes });
    expect(countPages(renderNotice(build('GRANTED', changes)))).toBe(1);
    expect('changes' in build('GRANTED', [])).toBe(false);
    expect('changes' in build('REJECTED', changes)).toBe(false);
    expect(sealableDecision.safeParse(build('GRANTED', changes)).error).toBeUndefined();
  });

  test('送达回证: names the documents, and who received them, when and how', () => {
    const delivery = { recipient: '王示范', method: 'EXPRESS', expressNumber: 'SF1234567890' } as const;
    const delivered = { delivered: [{ name: '准予行政许可决定书', number: '于林许〔2026〕12号' }], delivery };
    const content = buildNotice('DELIVERY', { delivered });
    expect(content).toMatchObject({ title: '送达回证', ...delivered, decision: null, issuedOn: '2026-11-23' });
    expect(textOf(content)).toContain('第四十四条');
    expect(countPages(renderNotice(content))).toBe(1);
  });

  test('addresses a citizen as 你, not as 你单位', () => {
    const citizen = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' } as const;
    const content = buildNotice('ACCEPTANCE', {}, { subject: { ...buildNoticeCase(), applicant: citizen } });
    expect(content.opening[0]).toMatch(/^你于2026年11月20日/);
    expect(JSON.stringify(content)).not.toContain(citizen.code);
    expect(content.addresseeCode).toBe(maskCode(citizen.code));
  });

  test('an organ that is not part of the matter cannot issue a notice', () => {
    const foreignOrgan = buildOrgan('stranger', '外地机关', 'COUNTY', '000001');
    expect(() => buildNotice('REFUSAL', {}, { organ: foreignOrgan })).toThrow(RangeError);
  });
});

describe('the PDF of a notice', () => {
  test('has the same bytes for the same content, after other renderings and in another process', () => {
    const content = buildNotice('ACCEPTANCE', { received: [{ name: '申请表', copies: 1 }] });
    const firstBytes = Buffer.from(renderNotice(content));
    renderNotice(buildNotice('REFUSAL', {}, { note: '不收' }));
    expect(Buffer.from(renderNotice(content)).equals(firstBytes)).toBe(true);
    const program = `
      import { createHash } from 'node:crypto';
      import { renderNotice } from './subgraphs/cases/notice/render.ts';
      console.log(createHash('sha256').update(renderNotice(${JSON.stringify(content)})).digest('hex'));`;
    const args = ['--input-type=module-typescript', '--eval', program];
    const root = new URL('../..', import.meta.url);
    expect(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).trim()).toBe(sha256(firstBytes));
  });

  test.each(NOTICE_KINDS)(
    '%s is one page of PDF/A-3b, dated with its issue, with its content attached as canonical JSON',
    (kind) => {
      const content = buildNotice(
        kind,
        { missing: [{ name: '申请表', remark: null }] },
        { note: '理由', finding: 'GRANTED' },
      );
      const pdf = renderNotice(content);
      const text = Buffer.from(pdf).toString('latin1');
      expect(text).toContain('<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>');
      expect(text).toContain('(D:20261122163000Z)');
      expect(countPages(pdf)).toBe(1);
      expect(Buffer.from(readAttachment(pdf, 'notice.json') ?? []).toString('utf8')).toBe(toCanonicalJson(content));
    },
  );

  test('continues on a second page if a list is long', () => {
    const items = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `材料${i}`, remark: '请补正' }));
    expect(countPages(renderNotice(buildNotice('SUPPLEMENT', { missing: items(3) })))).toBe(1);
    expect(countPages(renderNotice(buildNotice('SUPPLEMENT', { missing: items(20) })))).toBe(2);
    const longItems = [{ name: '于都县贡江镇示范路一号'.repeat(45), remark: 'x'.repeat(500) }];
    expect(countPages(renderNotice(buildNotice('SUPPLEMENT', { missing: longItems })))).toBeLessThanOrEqual(3);
  });

  test('treats text as text, not as markup', () => {
    const note = '#panic("x") $x^2$ *粗* _斜_ @ref <label> `code` // \\u{41}';
    expect(() => renderNotice(buildNotice('REFUSAL', {}, { note }))).not.toThrow();
  });

  test('is refused if a character has no glyph or is invisible, or if the content cannot be rendered', () => {
    expect(() => renderNotice(buildNotice('REFUSAL', {}, { note: '王𠮷' }))).toThrow(UnprintableText);
    expect(() => renderNotice(buildNotice('REFUSAL', {}, { note: '甲\u202e乙' }))).toThrow(UnprintableText);
    expect(() => renderNotice({ ...buildNotice('REFUSAL'), issuedOn: 'yesterday' })).toThrow(RenderError);
  });

  test.each([
    ['a character without a glyph', '王𠮷', '第2字“𠮷”（U+20BB7）字库没有，无法打印，可写明字形，如〔⿰口丨 U+20BB7〕'],
    ['an emoji', '王😀', '第2字“😀”（U+1F600）字库没有，无法打印'],
    ['a direction mark', '甲\u202e乙', '第2字（U+202E）看不见，无法打印'],
    ['a zero-width space', '甲\u200b乙', '第2字（U+200B）看不见，无法打印'],
    ['an unpaired surrogate', '\ud842', '第1字（U+D842）看不见，无法打印'],
  ])('%s is refused before anything is stored, naming field and character', (_, text, detail) => {
    const refusal = (field: string, label: string) =>
      expect.objectContaining({
        code: 'FIELD_MALFORMED',
        field,
        message: `填写内容不符合格式要求：${label}${detail}。`,
      });
    const subject = buildNoticeCase();
    const fields = [{ label: '经营范围', text }];
    expect(() => requirePrintableApplication({ applicant: { name: text }, fields: [] })).toThrow(
      refusal('applicant.name', '申请人名称'),
    );
    expect(() => requirePrintableApplication({ ...subject, fields })).toThrow(
      refusal('fields[0].text', '内容“经营范围”'),
    );
    expect(() => requirePrintableNotice(buildNotice('REFUSAL', {}, { note: text }))).toThrow(refusal('reason', '理由'));
    const missing = [{ name: text, remark: null }];
    expect(() => requirePrintableNotice(buildNotice('SUPPLEMENT', { missing }))).toThrow(refusal('items', '补正内容'));
    const received = [{ name: text, copies: 1 }];
    expect(() => requirePrintableNotice(buildNotice('ACCEPTANCE', { received }))).toThrow(
      refusal('materials', '材料名称'),
    );
  });

  test('what can be printed is accepted', () => {
    const note = '㐂𬱖 于都县 "引" \\ #\n阿依·古丽';
    expect(() => requirePrintableNotice(buildNotice('REFUSAL', {}, { note }))).not.toThrow();
    expect(() => renderNotice(buildNotice('REFUSAL', {}, { note }))).not.toThrow();
  });
});
