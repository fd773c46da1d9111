import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { compactVerify } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { tamperAttachment, tamperPageContent } from '../../scripts/demo/tamper.ts';
import { splitSignature } from '../../scripts/split.ts';
import { composeNotice, type NoticeContent } from '../../subgraphs/cases/notice/notice.ts';
import { renderNotice, renderSealable as renderSealableNotice } from '../../subgraphs/cases/notice/render.ts';
import { type GrantContent, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { insertSignature, makeSealable } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { CodeRequest, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import type { ActStatement, SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import { buildAttachedRecord, buildCodePayload } from '../../subgraphs/licenses/document/code.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { buildNoticeCase, CITY_ORGAN as NOTICE_CITY } from '../support/notice.ts';
import {
  AUTHORISER,
  attachedTo,
  CITY,
  CITY_MATTER,
  contentOf,
  documentOf,
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
 * What the signer seals and what it refuses. The caller holds the envelope of every key, and each authorisation is
 * genuine unless a test says otherwise.
 */

let fixture: SignerFixture;
beforeAll(async () => {
  fixture = await openSignerFixture();
});

const CHANGE: SealedRecord = { ...RECORD, KZ_CZ: 'CHANGE', KZ_BB: 2 };

const sealRequest = async (request: SignRequest) =>
  fixture.signer.seal(fixture.sealOrder(await fixture.withAuthorisation(request)));
const signCodeRequest = async (request: CodeRequest) =>
  fixture.signer.code(fixture.codeOrder(await fixture.withAuthorisation(request)));

async function expectRefusal(request: SignRequest, code: unknown = 'SEAL_CONTENT_DIFFERS'): Promise<void> {
  await expect(sealRequest(request)).rejects.toMatchObject({ name: 'Refusal', code });
}

async function expectCodeRefusal(request: CodeRequest): Promise<void> {
  await expect(signCodeRequest(request)).rejects.toMatchObject({ name: 'Refusal', code: 'SEAL_CONTENT_DIFFERS' });
}

/** Returns whether the message digest of a signature is the digest of these bytes. */
function coversBytes(signature: Uint8Array, covered: Uint8Array): boolean {
  const attribute = Buffer.from('06092a864886f70d01090431220420', 'hex');
  return Buffer.from(signature).includes(Buffer.concat([attribute, createHash('sha256').update(covered).digest()]));
}

/** A field of a record and another value for it. */
type FieldChange = [field: keyof SealedRecord, value: unknown];
const AUTHORISED_FIELDS: FieldChange[] = [
  ['ZZMC', '木材运输证'],
  ['ZZLXDM', '11000000000090018B016'],
  ['CZZT', '于都县贡江示范林厂'],
  ['CZZTDM', '91000000MA0000002N'],
  ['CZZTDMLX', '111'],
  [
    'KZ_GY',
    { GYFS: '共同共有', FE: null, GYR: [{ CZZT: '钟示范', CZZTDM: 'USA-E12345678', CZZTDMLX: '414', FE: null }] },
  ],
  ['ZZYXQQSRQ', '2026-05-31'],
  ['ZZYXQJZRQ', '2027-06-01'],
  ['ZZYXQJZRQ', '长期'],
  ['ZZQZR', '钟文彬'],
  ['ZZBS', `${RECORD.ZZBS.slice(0, -1)}0`],
  ['KZ_CZ', 'RENEW'],
  ['KZ_SX', CITY_MATTER],
  ['KZ_NR', RECORD.KZ_NR.map(({ label, text }) => ({ label, text: text.replace('一号', '二号') }))],
  ['KZ_NR', RECORD.KZ_NR.map(({ label, text }) => ({ label: label.replace('方式', '强度'), text }))],
  ['KZ_NR', RECORD.KZ_NR.toReversed()],
  ['KZ_NR', RECORD.KZ_NR.slice(1)],
  ['KZ_NR', [...RECORD.KZ_NR, { label: '采伐蓄积', text: '一百立方米' }]],
  ['KZ_NR', []],
];
/** Fields that no case decides, because the hub assigns numbers and dates. */
const HUB_FIELDS: FieldChange[] = [
  ['ZZBH', '3607312026000002'],
  ['ZZBFRQ', '2026-06-02'],
  ['KZ_BB', 2],
  ['KZ_BJBH', '3607312026060100002'],
  ['KZ_XGBS', '1.2.156.3005.2.before'],
  ['KZ_ZTXH', 7],
];

describe('the document of a license', () => {
  test.each([
    ['with an issue', RECORD],
    ['without an end', { ...RECORD, ZZYXQJZRQ: '长期' }],
    ['of a citizen', { ...RECORD, CZZT: '钟示范', CZZTDM: '110101199003070011', CZZTDMLX: '111' as const }],
    ['with a change of an existing license', CHANGE],
  ])('%s is sealed as a whole if it matches the authorised content', async (_, record) => {
    const request = requestOf(record);
    const { signature, by, signedAt } = await sealRequest(request);
    expect({ by, signedAt }).toEqual({
      by: { actor: 'yudu-lyj.approver', actorName: AUTHORISER },
      signedAt: fixture.clock(),
    });
    expect(coversBytes(signature, splitSignature(Buffer.from(request.document)).covered)).toBe(true);
  });

  test.each(AUTHORISED_FIELDS)('is refused with another %s: %j', async (field, value) => {
    await expectRefusal({ ...newRequest(), document: documentOf({ ...RECORD, [field]: value }) });
    await expectRefusal({
      ...newRequest(),
      document: documentOf({ ...RECORD, [field]: value }, 'CADES'),
      profile: 'CADES',
    });
  });

  test('must show the seal and the time that its record names', async () => {
    const picture = { width: 10, height: 10, operators: '' };
    const renderWithField = (name: string, at: Date) =>
      makeSealable(renderLicense(RECORD), { name, at, picture, place: { page: 1, x: 0, y: 0 } });
    const at = new Date(RECORD.ZZQZSJ);
    expect((await sealRequest({ ...newRequest(), document: renderWithField(RECORD.ZZQZMC, at) })).by.actorName).toBe(
      AUTHORISER,
    );
    await expectRefusal({ ...newRequest(), document: renderWithField('赣州市行政审批局审批专用章', at) });
    await expectRefusal({ ...newRequest(), document: renderWithField(RECORD.ZZQZMC, new Date(at.getTime() + 1_000)) });
  });

  test.each(HUB_FIELDS)('is sealed with another %s, which the hub assigns: %j', async (field, value) => {
    const { by } = await sealRequest({ ...newRequest(), document: documentOf({ ...RECORD, [field]: value }) });
    expect(by.actorName).toBe(AUTHORISER);
  });

  test('must keep the number of the license that the case names', async () => {
    await expectRefusal({ ...requestOf(CHANGE), document: documentOf({ ...CHANGE, ZZBH: '3607312026000002' }) });
  });

  test.each<keyof SealedRecord>(['ZZMC', 'CZZT', 'ZZYXQJZRQ', 'ZZBFJG', 'ZZQZR', 'KZ_NR', 'KZ_SX'])(
    'is refused without %s',
    async (field) => {
      // The template would not render such a record either, so it is attached to another page.
      const { [field]: _, ...incomplete } = RECORD;
      await expectRefusal({ ...newRequest(), document: attachedTo(toCanonicalJson(incomplete)), profile: 'CADES' });
      await expect(
        sealRequest({ ...newRequest(), document: attachedTo(toCanonicalJson(RECORD)), profile: 'CADES' }),
      ).resolves.toMatchObject({ by: { actorName: AUTHORISER } });
    },
  );

  test.each([
    ['with an extra space', ` ${toCanonicalJson(RECORD)}`],
    ['in another order', JSON.stringify(RECORD)],
    ['with a field twice', `{"CZZT":"冒名者",${toCanonicalJson(RECORD).slice(1)}`],
    ['that is no JSON', '林木采伐许可证'],
    ['that is a list', toCanonicalJson([RECORD])],
    ['that is nothing', 'null'],
  ])('is refused with a record %s', async (_, text) => {
    await expectRefusal({ ...newRequest(), document: attachedTo(text), profile: 'CADES' });
  });

  test.each<[keyof SignRequest, unknown]>([
    ['act', 'RENEW'],
    ['identifier', `${RECORD.ZZBS.slice(0, -1)}0`],
    ['matterId', CITY_MATTER],
    ['content', {}],
    ['content', { ...RECORD }],
    ['content', { ...STATEMENT }],
  ])('is refused with another %s in the request, even if authorised: %j', async (field, value) => {
    await expectRefusal({ ...newRequest(), [field]: value });
  });

  test.each<[keyof GrantContent, unknown]>([
    ['matterId', CITY_MATTER],
    ['action', 'RENEW'],
    ['action', 'SUSPEND'],
    ['licenseNumber', '3607312026000002'],
    ['licenseName', '木材运输证'],
    ['licenseType', '11000000000090018B016'],
    ['licenseType', 'short'],
    ['holder', { name: '另一林场', codeKind: 'USCC', code: RECORD.CZZTDM }],
    ['fields', []],
    ['validFrom', '2026-05-31'],
    ['validFrom', 'soon'],
    ['validUntil', null],
  ])('is refused if the authorised content has another %s: %j', async (field, value) => {
    await expectRefusal({ ...newRequest(), content: { ...contentOf(RECORD), [field]: value } });
  });

  test.each<[keyof SignRequest, unknown]>([
    ['organ', CITY],
    ['matterId', CITY_MATTER],
    ['caseId', randomUUID()],
    ['caseId', null],
    ['act', 'RENEW'],
    ['content', contentOf({ ...RECORD, CZZT: '另一林场' })],
    ['authorisation', ''],
  ])('is refused if the authorisation has another %s', async (field, value) => {
    const request = { ...(await fixture.withAuthorisation(newRequest())), [field]: value };
    const order = fixture.sealOrder(request, field === 'organ' ? { seal: fixture.keys.citySeal } : {});
    await expect(fixture.signer.seal(order)).rejects.toMatchObject({ code: 'SEAL_AUTHORISATION_INVALID' });
  });
});

describe('a code', () => {
  test('is signed for a record that matches the authorised content', async () => {
    const { code, by } = await signCodeRequest(newCodeRequest());
    const { payload } = await compactVerify(code, new X509Certificate(fixture.keys.code.certificatePem).publicKey);
    expect(Buffer.from(payload).toString()).toBe(toCanonicalJson(buildCodePayload(RECORD)));
    expect(by).toEqual({ actor: 'yudu-lyj.approver', actorName: AUTHORISER });
  });

  test.each(AUTHORISED_FIELDS)('is refused for a record with another %s: %j', async (field, value) => {
    const record = { ...RECORD, [field]: value };
    await expectCodeRefusal({ ...newCodeRequest(), record, payload: buildCodePayload(record as SealedRecord) });
  });

  test.each([
    ['i', `${RECORD.ZZBS.slice(0, -1)}0`],
    ['o', '于都县水利局'],
    ['f', '2026-05-31'],
    ['t', '长期'],
    ['d', buildCodePayload({ ...RECORD, KZ_BB: 2 }).d],
    ['h', '于都县水利局'],
    ['h', '于都****林厂'],
  ])('is refused with another %s: %s', async (field, value) => {
    const request = newCodeRequest();
    await expectCodeRefusal({ ...request, payload: { ...request.payload, [field]: value } });
  });

  test('may mask any part of the name', async () => {
    const request = newCodeRequest();
    for (const h of [RECORD.CZZT, '*', `于${'*'.repeat(8)}`]) {
      const { code } = await signCodeRequest({ ...request, payload: { ...request.payload, h } });
      expect(Buffer.from(code.split('.')[1] ?? '', 'base64url').toString()).toContain(`"h":"${h}"`);
    }
  });

  test('is refused if the payload belongs to another record', async () => {
    const other = { ...RECORD, KZ_BB: 2 };
    await expectCodeRefusal({ ...newCodeRequest(), payload: buildCodePayload(other) });
    await expectCodeRefusal({ ...newCodeRequest(), record: { ...other } });
    await expectCodeRefusal({ ...newCodeRequest(), record: {} });
    await expectCodeRefusal({ ...newCodeRequest(), record: { ...STATEMENT } });
  });

  test('is accepted only on the document of its own record', async () => {
    const { code } = await signCodeRequest(newCodeRequest());
    const request = { ...newRequest(), document: documentOf(buildAttachedRecord(RECORD, code)) };
    expect((await sealRequest(request)).by.actorName).toBe(AUTHORISER);
    const other = { ...RECORD, KZ_BB: 2 };
    const { code: otherCode } = await signCodeRequest({
      ...newCodeRequest(),
      record: { ...other },
      payload: buildCodePayload(other),
    });
    await expectRefusal({ ...request, document: documentOf(buildAttachedRecord(RECORD, otherCode)) });
    await expectRefusal({ ...request, document: documentOf(buildAttachedRecord(other, code)) });
    for (const malformedCode of ['', 'x', 'a.b.c', `a.${Buffer.from('{}').toString('base64url')}.c`]) {
      await expectRefusal({ ...request, document: documentOf(buildAttachedRecord(RECORD, malformedCode)) });
    }
  });
});

describe('a statement', () => {
  test('is sealed if it matches the authorised text exactly', async () => {
    const request = statementRequest();
    const { signature, by } = await sealRequest(request);
    expect(by.actorName).toBe(AUTHORISER);
    expect(coversBytes(signature, request.document)).toBe(true);
  });

  test('is refused under another identifier', async () => {
    await expectRefusal({ ...statementRequest(), identifier: `${RECORD.ZZBS}0` });
  });

  const CHANGED_VALUES: Partial<Record<keyof ActStatement, unknown>> = {
    ...{ CZ: 'REVOKE', ZZBH: '3607312026000002', ZZBS: '1.2.156.3005.2.another', KZ_BB: 2, ZZZT: 'VALID' },
    ...{ SM: STATEMENT.SM.replace('暂停', '停止'), KZ_BJBH: '1', ZZQZR: '钟文彬', ZZBFJG: '于都县水利局' },
    ...{ ZZBFJGDM: '110000000000001820', ZZQZSJ: '2026-06-01T04:00:01.000Z', ZZQZMC: '另一章' },
    KZ_KBZZ: { spoiled: '1', replacement: '2' },
    KZ_SJS: RECORD.KZ_SJS,
  };
  test.each(Object.keys(STATEMENT) as (keyof ActStatement)[])('is refused with another %s', async (field) => {
    expect(CHANGED_VALUES[field]).toBeDefined();
    await expectRefusal({ ...statementRequest(), document: textOf({ ...STATEMENT, [field]: CHANGED_VALUES[field] }) });
  });

  test.each<[string, Uint8Array]>([
    ['an extra field', textOf({ ...STATEMENT, KZ_JGZL: '1' })],
    ['an extra space', Buffer.from(` ${toCanonicalJson(STATEMENT)}`)],
    ['a trailing newline', Buffer.from(`${toCanonicalJson(STATEMENT)}\n`)],
    ['its fields in another order', Buffer.from(JSON.stringify(STATEMENT))],
    ['no content', Buffer.of()],
    ['the record of a license', textOf(RECORD)],
  ])('is refused with %s', async (_, document) => {
    await expectRefusal({ ...statementRequest(), document });
  });

  test('is compared by its bytes, not by its decoded text', async () => {
    const statement = { ...STATEMENT, SM: '原文有字不清：\ufffd' };
    const request = statementRequest(statement);
    expect((await sealRequest(request)).by.actorName).toBe(AUTHORISER);
    const replacementCharacter = Buffer.from('\ufffd');
    const at = Buffer.from(request.document).indexOf(replacementCharacter);
    const document = Buffer.concat([
      request.document.subarray(0, at),
      Buffer.of(0xff),
      request.document.subarray(at + replacementCharacter.length),
    ]);
    expect(document.toString()).toBe(Buffer.from(request.document).toString());
    await expectRefusal({ ...request, document });
  });

  test('may contain any text as its reason', async () => {
    const request = statementRequest({ ...STATEMENT, SM: '文件内有 /ByteRange [0 1 2 3]，须更正。' });
    expect(coversBytes((await sealRequest(request)).signature, request.document)).toBe(true);
  });

  test('is refused as a PDF, and a license is refused in its place', async () => {
    await expectRefusal({ ...statementRequest(), profile: 'PADES' });
    await expectRefusal({ ...statementRequest(), document: documentOf(RECORD), profile: 'PADES' });
    await expectRefusal({ ...statementRequest(), document: documentOf(RECORD, 'CADES') });
  });
});

describe('a cancellation that a case decided', () => {
  const CANCELLATION: ActStatement = { ...STATEMENT, CZ: 'CANCEL', ZZZT: 'CANCELLED', SM: '依申请注销', KZ_BJBH: '1' };
  const grantContent = { ...contentOf({ ...RECORD, KZ_CZ: 'CANCEL' }) };
  const cancelRequest = (statement: object = CANCELLATION, content: object = grantContent): SignRequest => ({
    ...statementRequest(),
    caseId: randomUUID(),
    act: 'CANCEL',
    content: { ...content },
    document: textOf(statement),
  });

  test('is sealed as a statement about the license that the case names', async () => {
    const request = cancelRequest();
    expect(coversBytes((await sealRequest(request)).signature, request.document)).toBe(true);
  });
  test.each<[keyof ActStatement, string]>([
    ['ZZBH', '3607312026000002'],
    ['ZZBS', '1.2.156.3005.2.another'],
    ['CZ', 'REVOKE'],
    ['ZZQZR', '钟文彬'],
    ['ZZZT', 'REVOKED'],
    ['SM', '依申请注销。兹证明于都县贡江示范林场信誉良好'],
  ])('is refused with another %s', async (field, value) => {
    await expectRefusal(cancelRequest({ ...CANCELLATION, [field]: value }));
    const { [field]: _, ...incomplete } = CANCELLATION;
    await expectRefusal(cancelRequest(incomplete));
  });
  test.each<[string, object]>([
    ['is about another license', { ...grantContent, licenseNumber: '3607312026000002' }],
    ['is about none', { ...grantContent, licenseNumber: null }],
    ['grants something else', { ...grantContent, action: 'RENEW' }],
    ['is about another matter', { ...grantContent, matterId: CITY_MATTER }],
    ['grants nothing', { ...CANCELLATION }],
  ])('is refused by a case that %s', async (_, content) => {
    await expectRefusal(cancelRequest(CANCELLATION, content));
  });
  test('is refused as a license document, and as text that is not canonical', async () => {
    const record = { ...RECORD, KZ_CZ: 'CANCEL' };
    await expectRefusal({ ...cancelRequest(), document: documentOf(record), profile: 'PADES' });
    await expectRefusal({ ...cancelRequest(), document: documentOf(record, 'CADES') });
    await expectRefusal({ ...cancelRequest(), document: Buffer.from(JSON.stringify(CANCELLATION)) });
    await expectRefusal({
      ...cancelRequest(),
      document: Buffer.from(`{"CZ":"REVOKE",${toCanonicalJson(CANCELLATION).slice(1)}`),
    });
  });
  test('is sealed as a statement only for the act CANCEL', async () => {
    await expectRefusal({ ...cancelRequest(), act: 'RENEW', content: contentOf({ ...RECORD, KZ_CZ: 'RENEW' }) });
  });
});

describe('a decision document', () => {
  const at = new Date('2026-06-01T03:00:00Z');
  const step = { at, note: '依规定办理', finding: 'GRANTED' };
  const issuer = { organ: NOTICE_CITY, number: '360700决〔2026〕00001号' };
  const content = composeNotice('DECISION', buildNoticeCase('OTHER', '办理决定书'), step, issuer);
  const decisionRequest = (notice: NoticeContent = content): SignRequest => ({
    ...newRequest(),
    act: 'DECISION',
    identifier: content.caseNumber,
    content: { ...content },
    document: renderSealableNotice(notice, null),
  });

  test('is sealed if it matches the decided content exactly', async () => {
    const request = decisionRequest();
    const { signature } = await sealRequest(request);
    expect(coversBytes(signature, splitSignature(Buffer.from(request.document)).covered)).toBe(true);
    // A document that an earlier release rendered has a detached signature.
    const document = renderNotice(content);
    expect(coversBytes((await sealRequest({ ...request, document, profile: 'CADES' })).signature, document)).toBe(true);
    await expectRefusal({ ...request, identifier: '3607312026060100009' });
  });
  test.each<[string, Partial<NoticeContent>]>([
    ['decision', { decision: 'REJECTED' }],
    ['title', { title: '不予办理决定书' }],
    ['addressee', { addressee: '于都县贡江示范药业公司' }],
    ['reason', { reason: '依规定办里' }],
    ['number', { number: '360700决〔2026〕00002号' }],
    ['line', { granted: [{ label: '设备名称', text: '电梯（示例）' }] }],
    ['word of its opening', { opening: content.opening.map((text) => text.replace('准予', '不予')) }],
    ['word of its end', { closing: content.closing.map((text) => text.replace('六十日', '三十日')) }],
    ['day', { issuedOn: '2026-06-02' }],
  ])('is refused with another %s', async (_, changes) => {
    expect({ ...content, ...changes }).not.toEqual(content);
    await expectRefusal(decisionRequest({ ...content, ...changes }));
  });
  test('cannot replace a license, nor a license a decision', async () => {
    await expectRefusal({ ...decisionRequest(), document: documentOf(RECORD) });
    await expectRefusal({ ...newRequest(), document: renderSealableNotice(content, null) });
    await expectRefusal({ ...newRequest(), act: 'DECISION' });
    await expectRefusal({ ...decisionRequest(), document: textOf(content), profile: 'CADES' });
  });
  test('is refused without a case', async () => {
    await expectRefusal({ ...decisionRequest(), caseId: null }, 'SEAL_AUTHORISATION_INVALID');
  });
});

describe('a PDF', () => {
  const originalFile = Buffer.from(documentOf(RECORD, 'CADES'));
  const sealable = Buffer.from(documentOf(RECORD));
  const at = (text: string) => {
    const offset = sealable.lastIndexOf(text);
    if (offset < originalFile.length) throw new Error(`the revision says nowhere ${text}`);
    return offset;
  };
  const replaceText = (text: string, by: string) => {
    const file = Buffer.from(sealable);
    expect(by).toHaveLength(text.length);
    file.write(by, at(text), 'latin1');
    return file;
  };
  const flipBit = (file: Buffer, place: number) => {
    const other = Buffer.from(file);
    other[place] = (other[place] ?? 0) ^ 1;
    return other;
  };

  test.each<[string, () => Buffer]>([
    ['without room for a signature', () => originalFile],
    ['that is not a PDF', () => Buffer.from('no document of ours')],
    ['that is empty', () => Buffer.of()],
    [
      'that only contains the keywords of a PDF',
      () => Buffer.from('/ByteRange [0 1 2 3]\n/Prev 1\n>>\nstartxref\n1\n%%EOF\n'),
    ],
    ['with trailing bytes', () => Buffer.concat([sealable, Buffer.from('\n')])],
    ['with leading bytes', () => Buffer.concat([Buffer.from('\n'), sealable])],
    ['truncated', () => sealable.subarray(0, -1)],
    ['with an extra revision', () => tamperPageContent(sealable)],
    ['with another record in an extra revision', () => tamperAttachment(sealable)],
    ['that allows changes', () => replaceText('/P 1 /V', '/P 3 /V')],
    ['with a signature of another kind', () => replaceText('/ETSI.CAdES.detached', '/adbe.pkcs7.detached')],
    ['whose signature covers less', () => replaceText('/ByteRange [0', '/ByteRange [1')],
    ['with another cross-reference table', () => replaceText(' 00000 n ', ' 00001 n ')],
  ])('%s is refused', async (_, file) => {
    await expectRefusal({ ...newRequest(), document: file() });
  });

  test('is refused with any octet of its attached record altered', async () => {
    const stream = originalFile.indexOf('stream\n', originalFile.indexOf('/Type /EmbeddedFile\n')) + 'stream\n'.length;
    const end = originalFile.indexOf('\nendstream', stream);
    expect(end - stream).toBeGreaterThan(400);
    for (let place = stream; place < end; place += 7) {
      await expectRefusal({ ...newRequest(), document: flipBit(sealable, place) });
    }
  });

  test('that is signed already is refused, whoever signed it', async () => {
    const request = newRequest();
    const { signature } = await sealRequest(request);
    await expectRefusal({ ...request, document: insertSignature(sealable, signature) });
    await expectRefusal({ ...request, document: flipBit(sealable, at('00000000>\n>>')) });
  });

  test('with a detached signature must have no signature field', async () => {
    expect((await sealRequest({ ...newRequest(), document: originalFile, profile: 'CADES' })).by.actorName).toBe(
      AUTHORISER,
    );
    await expectRefusal({ ...newRequest(), document: sealable, profile: 'CADES' });
  });
});
