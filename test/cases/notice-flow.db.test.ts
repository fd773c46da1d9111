import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAttachment } from '../../subgraphs/kernel/pdf/attachment.ts';
import { readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, findRefusalCode, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { fetchFile } from '../support/reading.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { waitForNotices } from '../support/sealed-notices.ts';
import { waitUntil } from '../support/until.ts';

const NOTICES = `notices { id: uuid kind number issuedAt organ { id: code } url contentDigest sealed signature { url signedAt } waitingFor }`;
/** 公路水运工程质量监督手续: the county decides, and no license follows. */
const MATTER_WITHOUT_LICENSE = { matter: 'yd2022-1-02', organ: 'yudu-jtysj' };
/** 林木采伐许可证: the county decides, and a license follows a grant. */
const MATTER_WITH_LICENSE = { matter: 'yd2022-1-07', organ: 'yudu-lyj' };

interface Notice {
  id: string;
  kind: string;
  number: string;
  url: string | null;
  contentDigest: string;
  sealed: boolean;
  signature: { url: string; signedAt: string } | null;
  waitingFor: string | null;
}

function noticeSteps(hub: TestHub) {
  const noticesOf = async (id: string, person = 'auditor'): Promise<Notice[]> => {
    const { data } = await hub.ask(person, `query($id: ID!) { case(id: $id) { ${NOTICES} } }`, { id });
    return data.case.notices;
  };
  const get = (url: string, person: string | null) => fetchFile(hub, person, url);
  const accept = async ({ matter, organ }: typeof MATTER_WITHOUT_LICENSE, finding = 'APPROVED') => {
    const input = { matter, applicant: COMPANY, fields: linesFor(matter) };
    const acceptance = await runMutation(
      hub,
      `${organ}.clerk`,
      'acceptCase',
      'ApplicationInput',
      input,
      'case { id: uuid }',
    );
    const examination = { case: acceptance.case.id, finding, opinion: '见审查记录' };
    await runMutation(hub, `${organ}.reviewer`, 'examineCase', 'ExamineCaseInput', examination, 'case { id }');
    return acceptance.case.id as string;
  };
  const decide = (id: string, organ: string, input: object) =>
    findRefusalCode(hub, `${organ}.approver`, 'decideCase', 'DecideCaseInput', { case: id, ...input });
  const decisionOf = async (id: string) => (await noticesOf(id)).find((item) => item.kind === 'DECISION');
  const sealed = (id: string) =>
    waitUntil('the decision is sealed', async () => {
      const decision = await decisionOf(id);
      return decision?.sealed && decision;
    });
  return { noticesOf, get, accept, decide, decisionOf, sealed };
}

describe('notices of a case', () => {
  let hub: TestHub;
  let steps: ReturnType<typeof noticeSteps>;
  beforeAll(async () => {
    hub = await createTestHub();
    steps = noticeSteps(hub);
  });
  afterAll(() => hub?.stop());

  test('serves the acceptance notice to everybody who may see the case, and to nobody else', async () => {
    const id = await steps.accept(MATTER_WITHOUT_LICENSE);
    await waitForNotices(hub, id);
    const [receipt, ...otherNotices] = await steps.noticesOf(id, 'applicant-company');
    expect(otherNotices).toEqual([]);
    expect(receipt).toMatchObject({ kind: 'ACCEPTANCE', organ: { id: MATTER_WITHOUT_LICENSE.organ }, sealed: true });
    expect(receipt?.number).toMatch(/^于交受〔\d{4}〕[1-9]\d*号$/);
    const url = receipt?.url ?? '';
    for (const person of [
      'applicant-company',
      `${MATTER_WITHOUT_LICENSE.organ}.clerk`,
      `${MATTER_WITHOUT_LICENSE.organ}.approver`,
      'auditor',
    ]) {
      const answer = await steps.get(url, person);
      expect([answer.statusCode, answer.headers['content-type']], person).toEqual([200, 'application/pdf']);
      expect(answer.rawPayload.subarray(0, 5).toString()).toBe('%PDF-');
    }
    const strangers = ['applicant-citizen', 'yudu-lyj.clerk', 'window-xingguo', 'library', 'administrator'];
    const unknownFile = { code: 'FILE_UNKNOWN', message: '没有此文件。' };
    const answers = strangers.map((person) => steps.get(url, person));
    const unknownUrl = '/cases/notices/0198d0d4-0000-7000-8000-000000000001.pdf';
    for (const wrongUrl of [unknownUrl, '/cases/notices/x.pdf', url.replace('.pdf', '.html')]) {
      answers.push(steps.get(wrongUrl, 'auditor'));
    }
    for (const answer of await Promise.all(answers)) {
      expect([answer.statusCode, answer.json()]).toEqual([404, unknownFile]);
    }
    expect((await steps.get(url, null)).json()).toMatchObject({ code: 'UNAUTHENTICATED' });
    const forgedAnswer = await hub.hub.app.inject({ method: 'GET', url, headers: { authorization: 'Bearer x.y.z' } });
    expect([forgedAnswer.statusCode, forgedAnswer.json().code]).toEqual([401, 'TOKEN_INVALID']);
  });

  test('a review ends with a decision document under the seal that the decider authorised', async () => {
    const id = await steps.accept(MATTER_WITHOUT_LICENSE);
    expect(await steps.decide(id, MATTER_WITHOUT_LICENSE.organ, { decision: 'GRANTED' })).toBe(
      'SEAL_AUTHORISATION_MISSING',
    );
    expect(await steps.noticesOf(id)).toHaveLength(1);
    expect(
      await steps.decide(id, MATTER_WITHOUT_LICENSE.organ, { decision: 'GRANTED', authoriseSeal: true }),
    ).toBeNull();
    const decision = await steps.sealed(id);
    expect(decision).toMatchObject({ waitingFor: null, url: `/cases/notices/${decision.id}.pdf` });
    const pdf = await steps.get(decision.url ?? '', 'applicant-company');
    const signature = await steps.get(decision.signature?.url ?? '', 'applicant-company');
    expect([pdf.statusCode, signature.statusCode]).toEqual([200, 200]);
    expect(signature.headers['content-type']).toBe('application/pkcs7-signature');
    expect((await steps.get(decision.signature?.url ?? '', 'applicant-citizen')).statusCode).toBe(404);
    const { data, errors } = await hub.ask(
      'auditor',
      '{ sealUses(first: 10) { edges { node { id: uuid act documentDigest license { identifier } authorisedBy } } } }',
    );
    expect(errors).toBeUndefined();
    const sealUses = data.sealUses.edges.map((edge: { node: { id: string } }) => edge.node);
    expect(sealUses.find((item: { id: string }) => item.id === decision.id)).toMatchObject({
      act: 'DECISION',
      documentDigest: readSealedPdf(pdf.rawPayload).digest.toString('hex'),
      license: null,
    });
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });

  test('every decision has a document: a rejection, and beside a license the grant, with its reason', async () => {
    const id = await steps.accept(MATTER_WITH_LICENSE);
    const rejection = { decision: 'REJECTED', reason: '不符合采伐限额' };
    expect(await steps.decide(id, MATTER_WITH_LICENSE.organ, rejection)).toBe('SEAL_AUTHORISATION_MISSING');
    expect(await steps.decide(id, MATTER_WITH_LICENSE.organ, { ...rejection, authoriseSeal: true })).toBeNull();
    const decision = await steps.sealed(id);
    expect(decision.number).toMatch(/^于林许〔\d{4}〕[1-9]\d*号$/);
    const grantedCaseId = await steps.accept(MATTER_WITH_LICENSE, 'REFUSED');
    const grant = { decision: 'GRANTED', authoriseSeal: true };
    expect(await steps.decide(grantedCaseId, MATTER_WITH_LICENSE.organ, grant)).toBe('REASON_MISSING');
    const reason = '经复核，采伐限额尚有余额';
    expect(await steps.decide(grantedCaseId, MATTER_WITH_LICENSE.organ, { ...grant, reason })).toBeNull();
    expect((await steps.noticesOf(grantedCaseId)).map((item) => item.kind)).toEqual(['ACCEPTANCE', 'DECISION']);
    // The certificate task has not begun: the document does not wait for it.
    const grantDecision = await steps.sealed(grantedCaseId);
    expect(grantDecision.number).toMatch(/^于林许〔\d{4}〕[1-9]\d*号$/);
    const pdf = await steps.get(grantDecision.url ?? '', 'applicant-company');
    const content = JSON.parse(
      Buffer.from(readAttachment(readSealedPdf(pdf.rawPayload).unsigned, 'notice.json') ?? '').toString('utf8'),
    );
    expect(content).toMatchObject({ title: '准予行政许可决定书', decision: 'GRANTED', reason });
    expect(content.opening.join()).toContain(`说明：${reason}。`);
    expect(content.granted[0]).toEqual({ label: '证照名称', text: '林木采伐许可证' });
    expect(content.granted.at(-1).label).toBe('有效期限');
  });

  test('refuses a decision whose reason cannot be printed', async () => {
    const id = await steps.accept(MATTER_WITHOUT_LICENSE);
    const reason = '王𠮷不符合规定';
    const rejection = { decision: 'REJECTED', reason, authoriseSeal: true };
    expect(await steps.decide(id, MATTER_WITHOUT_LICENSE.organ, rejection)).toBe('FIELD_MALFORMED');
    expect(await steps.noticesOf(id)).toHaveLength(1);
  });

  test('while its seal is suspended, a decision is listed as waiting and cannot be read', async () => {
    const seal = `${MATTER_WITHOUT_LICENSE.organ}-unit-seal`;
    const actOnSeal = (name: string) =>
      findRefusalCode(hub, `${MATTER_WITHOUT_LICENSE.organ}.keeper`, name, 'SealActInput', {
        seal,
        reason: '印章检查',
      });
    expect(await actOnSeal('suspendSeal')).toBeNull();
    const id = await steps.accept(MATTER_WITHOUT_LICENSE);
    expect(
      await steps.decide(id, MATTER_WITHOUT_LICENSE.organ, { decision: 'GRANTED', authoriseSeal: true }),
    ).toBeNull();
    const waitingDecision = await waitUntil('it is seen to wait', async () => {
      const decision = await steps.decisionOf(id);
      return decision?.waitingFor ? decision : null;
    });
    expect(waitingDecision).toMatchObject({ waitingFor: '此印章已停用。', sealed: false, url: null, signature: null });
    for (const form of ['pdf', 'p7s']) {
      expect((await steps.get(`/cases/notices/${waitingDecision.id}.${form}`, 'auditor')).statusCode).toBe(404);
    }
    expect(
      (await applyAndApprove(hub.ask, MATTER_WITHOUT_LICENSE.organ, 'applyForSealResumption', { seal })).refusal,
    ).toBeNull();
    expect(await steps.sealed(id)).toMatchObject({
      id: waitingDecision.id,
      number: waitingDecision.number,
      waitingFor: null,
    });
  });
});

describe('notices of a case across HTTP', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub({ transport: 'http' });
  });
  afterAll(() => hub?.stop());

  test('are sealed and served as in one process', async () => {
    const steps = noticeSteps(hub);
    const id = await steps.accept(MATTER_WITHOUT_LICENSE);
    await steps.decide(id, MATTER_WITHOUT_LICENSE.organ, { decision: 'GRANTED', authoriseSeal: true });
    const decision = await steps.sealed(id);
    expect((await steps.get(decision.url ?? '', 'applicant-company')).rawPayload.subarray(0, 5).toString()).toBe(
      '%PDF-',
    );
    expect((await steps.get(decision.url ?? '', 'applicant-citizen')).statusCode).toBe(404);
  });
});
