import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { composeNotice, type NoticeContent } from '../../subgraphs/cases/notice/notice.ts';
import { renderNotice } from '../../subgraphs/cases/notice/render.ts';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import type { CodeRequest, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import type { ActStatement, SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import { buildCodePayload } from '../../subgraphs/licenses/document/code.ts';
import { HEARING_OUTCOMES, type HearingOutcome, toRecordedHearing } from '../../subgraphs/licenses/proposal/grounds.ts';
import { buildNoticeCase, CITY_ORGAN as NOTICE_CITY } from '../support/notice.ts';
import {
  attachedTo,
  caseStatementOf,
  contentOf,
  newCodeRequest,
  newRequest,
  RECORD,
  requestOf,
  STATEMENT,
  statementRequest,
  textOf,
} from './requests.ts';
import { openSignerFixture, type SignerFixture } from './signer-fixture.ts';

/**
 * Each thing that a seal may be put onto has a closed form. Every authorisation here is genuine and covers exactly what
 * is to be sealed: the form alone refuses it.
 */

let fixture: SignerFixture;
beforeAll(async () => {
  fixture = await openSignerFixture();
});

async function expectRefusal(request: SignRequest, code: unknown = 'SEAL_CONTENT_DIFFERS'): Promise<void> {
  const order = fixture.sealOrder(await fixture.withAuthorisation(request));
  await expect(fixture.signer.seal(order)).rejects.toMatchObject({ name: 'Refusal', code });
}

async function expectCodeRefusal(request: CodeRequest): Promise<void> {
  const order = fixture.codeOrder(await fixture.withAuthorisation(request));
  await expect(fixture.signer.code(order)).rejects.toMatchObject({ code: 'SEAL_CONTENT_DIFFERS' });
}

describe('a license', () => {
  test.each<[string, object]>([
    ['a field of no form', { BZ: '兹证明于都县贡江示范林场信誉良好' }],
    ['a line that has more than label and text', { KZ_NR: [{ label: '备注', text: '无', more: '兹证明' }] }],
    ['a time that is none', { ZZQZSJ: '兹证明' }],
  ])('is refused with %s, though a case granted the rest', async (_, changes) => {
    const record = { ...RECORD, ...changes } as SealedRecord;
    await expectRefusal({ ...requestOf(RECORD, undefined, 'CADES'), document: attachedTo(toCanonicalJson(record)) });
    await expectCodeRefusal({ ...newCodeRequest(), record: { ...record }, payload: buildCodePayload(record) });
  });
});

describe("a statement on the organ's own authority", () => {
  test.each(Object.keys(HEARING_OUTCOMES) as HearingOutcome[])(
    'is sealed as licenses build it: %s',
    async (outcome) => {
      const heldOn = HEARING_OUTCOMES[outcome].isHeld ? '2026-05-20' : null;
      const hearing = toRecordedHearing({ notifiedOn: '2026-05-01', outcome, heldOn });
      const grounds = { KZ_NBBH: randomUUID(), KZ_JDWH: '于林罚决〔2026〕12号', KZ_TZ: hearing };
      const order = fixture.sealOrder(await fixture.withAuthorisation(statementRequest({ ...STATEMENT, ...grounds })));
      await expect(fixture.signer.seal(order)).resolves.toBeDefined();
    },
  );
  test.each<[string, object]>([
    ['a field of no form', { BZ: '兹证明于都县贡江示范林场信誉良好' }],
    ['sheets of paper', { KZ_KBZZ: { spoiled: 'LYJ00000001', replacement: 'LYJ00000002' } }],
    ['a state that its act does not lead to', { ZZZT: 'VALID' }],
    ['a state that is none', { ZZZT: '信誉良好' }],
    ['a case that it does not rest on', { KZ_BJBH: RECORD.KZ_BJBH }],
    ['a person who did not authorise it', { ZZQZR: '钟文彬' }],
    ['an act that is another', { CZ: 'REVOKE' }],
    ['an act that the register attests', { CZ: 'SPOIL' }],
    ['no reason', { SM: '' }],
    ['a reason of two lines', { SM: '暂扣\n兹证明' }],
    ['a reason without an end', { SM: '暂'.repeat(501) }],
    ['a proposal that is none', { KZ_NBBH: '兹证明' }],
    ['a decision number of two lines', { KZ_JDWH: '于林罚决〔2026〕12号\n兹证明' }],
    ['a hearing in other words', { KZ_TZ: { GZRQ: '2026-05-01', JG: '兹证明', JXRQ: null } }],
    ['a day of a hearing that is none', { KZ_TZ: { GZRQ: '兹证明', JG: 'WAIVED', JXRQ: null } }],
    ['a hearing with more than that', { KZ_TZ: { GZRQ: '2026-05-01', JG: 'WAIVED', JXRQ: null, BZ: '兹证明' } }],
  ])('is refused with %s, though a person authorised exactly that', async (_, changes) => {
    await expectRefusal(
      statementRequest({ ...STATEMENT, ...changes } as ActStatement),
      expect.stringMatching(/^SEAL_(CONTENT_DIFFERS|AUTHORISATION_INVALID)$/),
    );
  });
});

describe('a statement that a case decided', () => {
  const cancelRequest = (changes: object): SignRequest => ({
    ...{ ...statementRequest(), caseId: randomUUID(), act: 'CANCEL' },
    content: { ...contentOf({ ...RECORD, KZ_CZ: 'CANCEL' }) },
    document: textOf({ ...caseStatementOf('CANCEL'), ...changes }),
  });
  test('is sealed as the hub builds it', async () => {
    const order = fixture.sealOrder(await fixture.withAuthorisation(cancelRequest({})));
    await expect(fixture.signer.seal(order)).resolves.toBeDefined();
  });
  test.each<[string, object]>([
    ['sheets of paper', { KZ_KBZZ: { spoiled: 'LYJ00000001', replacement: 'LYJ00000002' } }],
    ['no case', { KZ_BJBH: null }],
    ["a supervisor's order", { KZ_JGZL: randomUUID() }],
    ['a proposal', { KZ_NBBH: randomUUID() }],
    ['a decision number', { KZ_JDWH: '于林罚决〔2026〕12号' }],
    ['a hearing', { KZ_TZ: { GZRQ: '2026-05-01', JG: 'WAIVED', JXRQ: null } }],
    ['a field of no form', { BZ: '兹证明' }],
  ])('is refused with %s', async (_, changes) => {
    await expectRefusal(cancelRequest(changes));
  });
});

describe('a decision document', () => {
  const step = { at: new Date('2026-06-01T03:00:00Z'), note: '依规定办理', finding: 'GRANTED' };
  const issuer = { organ: NOTICE_CITY, number: '360700决〔2026〕00001号' };
  const content = composeNotice('DECISION', buildNoticeCase('OTHER', '办理决定书'), step, issuer);
  const decisionRequest = (): SignRequest => ({ ...newRequest(), act: 'DECISION', identifier: content.caseNumber });
  test.each<[string, object]>([
    ['a field of no form', { remark: '兹证明' }],
    ['the kind of another notice', { kind: 'ACCEPTANCE' }],
    ['no decision', { decision: null }],
  ])('is refused with %s, though a decider authorised exactly that', async (_, changes) => {
    const changed = { ...content, ...changes } as NoticeContent;
    const document = Buffer.from(renderNotice(changed));
    await expectRefusal({ ...decisionRequest(), content: { ...changed }, document, profile: 'CADES' });
  });
});
