import { generateKeyPairSync } from 'node:crypto';
import { blankPrefix } from '../../scripts/hub/seed.ts';
import { readOrgans } from '../../seeds/load.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import {
  COMPANY,
  grantCase,
  issueGrantedLicense,
  ROUTES,
  runMutation,
  toBlankNumber,
  toBlanks,
} from '../support/flow.ts';
import { createTestHub, type TestHub, type TestHubOptions } from '../support/hub.ts';
import { proposeLedger } from '../support/ledger.ts';
import { actForOrgan, GROUNDS, prepareAct } from '../support/own-act.ts';
import { administer } from '../support/proposal.ts';
import { decideApplication, submitApplication } from '../support/seal-applications.ts';
import { buildSealPng } from '../support/seal-png.ts';
import { decideCase, listPushes, recordFinding, waitForLicense, waitForOrder } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';
import { createUpload } from '../support/upload.ts';
import { APPLICANT_ID, KEEPER_ID, type Reading } from './fixtures.ts';

/** A hub with a subject for every mutation, each in a state in which the right person is allowed. */
export interface PolicyHub {
  hub: TestHub;
  clock: TestClock;
  /** The input of each mutation, without `dryRun`. */
  inputs: Readonly<Record<string, object>>;
  /** The fixture that describes the subject, where a mutation has several. Default: the first. */
  subjects: Readonly<Record<string, string>>;
  /** Who belongs to the places of the subject, where it differs from the fixture. */
  places: Readonly<Record<string, Readonly<Record<string, Reading>>>>;
}

const SEAL = 'yudu-lyj-license-seal';
const SUSPENDED_SEAL = 'yudu-sfj-license-seal';
const FORWARD_STEPS = [
  'RECEIVED',
  'SUPPLEMENT_ASKED',
  'ACCEPTED',
  'PAUSED',
  'EXAMINED',
  'FORWARDED',
  'REJECTED',
] as const;
type CaseState = (typeof FORWARD_STEPS)[number];
const { matter } = ROUTES.WINDOW_FORWARD;
const APPLICATION = { matter, applicant: COMPANY, fields: linesFor(matter) };

/** Receives a case of mode WINDOW_FORWARD and takes it to a state. Returns its id. */
async function bringCaseTo(hub: TestHub, state: CaseState): Promise<string> {
  const takeStep = async (person: string, name: string, type: string, input: object): Promise<string> => {
    const result = await runMutation(hub, person, name, type, input, 'case { id: uuid }');
    if (!result.case) throw new Error(`${name}: ${JSON.stringify(result)}`);
    return result.case.id;
  };
  const isReceived = state === 'RECEIVED' || state === 'SUPPLEMENT_ASKED';
  const first = isReceived ? 'receiveApplication' : 'acceptCase';
  const id = await takeStep('window-yudu', first, 'ApplicationInput', APPLICATION);
  const pauseInput = { case: id, kind: 'HEARING', reason: '听证', papers: ['1号'] };
  const supplementInput = { case: id, items: ['图纸'], until: '2026-03-03' };
  if (state === 'SUPPLEMENT_ASKED')
    await takeStep('window-yudu', 'askSupplement', 'AskSupplementInput', supplementInput);
  if (state === 'PAUSED') await takeStep('window-yudu', 'pauseCase', 'PauseCaseInput', pauseInput);
  const depth = ['EXAMINED', 'FORWARDED', 'REJECTED'].indexOf(state);
  if (depth >= 0) await takeStep('window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });
  if (depth >= 1) await takeStep('window-yudu', 'forwardCase', 'CaseNoteInput', { case: id });
  const rejection = { case: id, decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true };
  if (depth >= 2) await takeStep('ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', rejection);
  return id;
}

function waitForSealedDecision(hub: TestHub, id: string): Promise<unknown> {
  return waitUntil('the decision is sealed', async () => {
    const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { notices { kind sealed } } }', { id });
    return data.case.notices.some(
      ({ kind, sealed }: { kind: string; sealed: boolean }) => kind === 'DECISION' && sealed,
    );
  });
}

async function caseInputs(hub: TestHub): Promise<Record<string, object>> {
  const ids = {} as Record<CaseState, string>;
  for (const state of FORWARD_STEPS) ids[state] = await bringCaseTo(hub, state);
  await waitForSealedDecision(hub, ids.REJECTED);
  const upload = await createUpload(hub, APPLICANT_ID);
  return {
    receiveApplication: APPLICATION,
    acceptCase: APPLICATION,
    acceptApplication: { case: ids.RECEIVED },
    askSupplement: { case: ids.RECEIVED, items: ['图纸'] },
    refuseAcceptance: { case: ids.RECEIVED, reason: '不属于职权范围' },
    withdrawCase: { case: ids.RECEIVED, reason: '不办了' },
    supplementCase: { case: ids.SUPPLEMENT_ASKED },
    closeUnsupplemented: { case: ids.SUPPLEMENT_ASKED },
    examineCase: { case: ids.ACCEPTED, finding: 'APPROVED' },
    amendCase: { case: ids.ACCEPTED, fields: [{ label: '备注', text: '更正' }] },
    pauseCase: { case: ids.ACCEPTED, kind: 'HEARING', reason: '听证', papers: ['1号'] },
    resumeCase: { case: ids.PAUSED },
    forwardCase: { case: ids.EXAMINED },
    sendBackCase: { case: ids.FORWARDED, reason: '补充审查' },
    decideCase: { case: ids.FORWARDED, decision: 'GRANTED', authoriseSeal: true },
    deliverDecision: { case: ids.REJECTED },
    discloseApplicant: { case: ids.REJECTED, purpose: 'VERIFICATION' },
    findApplicantCases: { code: COMPANY.code, purpose: 'VERIFICATION' },
    discardUpload: { upload },
  };
}

const newPublicKey = () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** A second person of the superior organ, and an exception that nobody has approved yet. */
async function exceptionInputs(hub: TestHub): Promise<Record<string, object>> {
  const content = {
    ...{ organ: 'yudu-lyj', validFrom: '2026-05-01', validTo: '2026-06-01', reason: '审查人员休假' },
    approvingOrgan: 'ganzhou-xzspj',
  };
  const secondPerson = { kind: 'SECOND_PERSON', person: 'ganzhou-xzspj.reviewer', personOrgan: 'ganzhou-xzspj' };
  const { proposal } = await runMutation(
    hub,
    'yudu-lyj.approver',
    'recordException',
    'RecordExceptionInput',
    { ...content, ...secondPerson },
    'proposal { id }',
  );
  const { exception } = await runMutation(
    hub,
    'ganzhou-xzspj.approver',
    'decideProposal',
    'DecideProposalInput',
    { proposal: proposal.id, approve: true },
    'exception { id: uuid }',
  );
  return {
    recordException: { ...content, kind: 'EXAMINER_DECIDES' },
    endException: { exception: exception.id, reason: '人员已到岗' },
  };
}

const PERSON = { subject: 'new-reviewer', name: '新审查人', organ: 'yudu-lyj' };

async function administrationInputs(hub: TestHub): Promise<Record<string, object>> {
  const registration = { name: '审批平台', url: 'https://platform.example/hub', publicKey: newPublicKey() };
  const { platform } = await administer(
    hub,
    'registerPlatform',
    'RegisterPlatformInput',
    { ...registration, organ: 'ganzhou-jyj' },
    'platform { id: uuid keys { id: kid } }',
  );
  const webhook = { organ: 'yudu-slj', url: 'https://supervisor.example/hook' };
  await administer(hub, 'registerWebhook', 'RegisterWebhookInput', webhook, '__typename');
  const proposedWebhook = { ...webhook, organ: 'yudu-lyj' };
  const { proposal } = await runMutation(
    hub,
    'administrator',
    'registerWebhook',
    'RegisterWebhookInput',
    proposedWebhook,
    'proposal { id }',
  );
  const csv = 'matter,valid_from,outcome_name\nyd2022-1-07,2100-01-01,新林木采伐许可证';
  const proposedImport = await runMutation(
    hub,
    'administrator',
    'importDelegations',
    'ImportDelegationsInput',
    { csv },
    'proposal { id }',
  );
  const year = { year: 2027, source: '示范（测试）', makeUpDays: [] };
  return {
    recordAgreement: {
      ...{ number: '示范〔2026〕1号', cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj', matters: ['yd2022-2-44'] },
      ...{ validFrom: '2026-01-01', scanDigest: '0'.repeat(64) },
    },
    endAgreement: { number: '示范承接协议〔2022〕1号', on: '2026-05-01', reason: '重新签订' },
    loadCalendar: { ...year, holidays: ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'] },
    registerPlatform: { ...registration, organ: 'ganzhou-xzspj', publicKey: newPublicKey() },
    changePlatform: { platform: platform.id, name: '新名称', renewSecret: false },
    addPlatformKey: { platform: platform.id, publicKey: newPublicKey() },
    endPlatformKey: { platform: platform.id, key: platform.keys[0].id },
    removePlatform: { platform: platform.id },
    registerWebhook: webhook,
    removeWebhook: { organ: webhook.organ },
    changePeople: { changes: [{ ...PERSON, action: 'ENTER', roles: ['REVIEWER'] }] },
    importPeople: { format: 'JSON', list: JSON.stringify([{ ...PERSON, action: 'ENTER', roles: ['REVIEWER'] }]) },
    endSessions: { person: KEEPER_ID, reason: '离岗' },
    decideProposal: { proposal: proposal.id, approve: true },
    withdrawProposal: { proposal: proposal.id },
    decideImport: { proposal: proposedImport.proposal.id, approve: true },
    withdrawImport: { proposal: proposedImport.proposal.id },
    importDelegations: { csv: '' },
    importGuide: { format: 'JSON', text: '' },
    importGuideOverlay: { format: 'JSON', text: '' },
    importLicenseType: { text: '' },
    importOrgans: { csv: '' },
    reportTaskProgress: { task: 1, state: 'IN_PROGRESS', percent: 50 },
  };
}

/** Pushes and findings of a case of the forestry office, which decides and supervises it. */
async function supervisionInputs(hub: TestHub): Promise<Record<string, object>> {
  const [push] = (await listPushes(hub, await decideCase(hub, ROUTES.DIRECT, 'REJECTED'))) ?? [];
  const notice = { push: push.id, kind: 'NOTICE', text: '请核对' };
  const finding = await recordFinding(hub, 'yudu-lyj.supervisor', notice);
  return {
    claimPush: { push: push.id },
    signPush: { push: push.id },
    recordFinding: notice,
    acknowledgeFinding: { finding: finding.id },
    closeFinding: { finding: finding.id, note: '已核对' },
  };
}

async function sealInputs(hub: TestHub): Promise<Record<string, object>> {
  const ask = hub.ask;
  const newSeal = { kind: 'APPROVAL_SEAL', matters: [], reason: '制作审批专用章' };
  const making = await submitApplication(ask, KEEPER_ID, 'applyForSeal', newSeal);
  const newSealAnswer = await decideApplication(ask, 'yudu-lyj.sealapprover', {
    application: making.application.id,
    approve: true,
  });
  const grantInput = { seal: SEAL, matter: 'yd2022-1-01', reason: '新增事项' };
  const { application } = await submitApplication(ask, KEEPER_ID, 'applyForSealGrant', grantInput);
  const { data } = await ask('auditor', 'query($id: ID!) { seal(id: $id) { certificate grants { id: uuid } } }', {
    id: SEAL,
  });
  const act = { seal: SEAL, reason: '核查' };
  await runMutation(
    hub,
    'yudu-sfj.keeper',
    'suspendSeal',
    'SealActInput',
    { ...act, seal: SUSPENDED_SEAL },
    'seal { id }',
  );
  return {
    suspendSeal: act,
    fileSeal: { seal: newSealAnswer.seal.id, filingNumber: '备案 2' },
    putSealIntoUse: { seal: SEAL },
    applyForSeal: { ...newSeal, kind: 'APPROVAL_SEAL', organName: '某县某局' },
    applyForSealGrant: { ...grantInput, matter: 'yd2022-1-02' },
    applyForSealGrantWithdrawal: { ...act, grant: data.seal.grants[0].id },
    applyForSealEnd: { seal: SEAL, reason: 'CESSATION_OF_OPERATION', words: '机构撤并' },
    applyForSealRotation: act,
    applyForSealResumption: { ...act, seal: SUSPENDED_SEAL },
    applyForSealPicture: { ...act, picture: buildSealPng().toString('base64') },
    enterSealCertificate: { ...act, certificates: data.seal.certificate },
    decideSealApplication: { application: application.id, approve: false, reason: '暂不需要' },
    withdrawSealApplication: { application: application.id },
  };
}

/** Licenses of the forestry office: valid on paper with an open order, suspended, and revoked. And a granted case. */
async function licenseInputs(hub: TestHub): Promise<Record<string, object>> {
  const route = ROUTES.DIRECT;
  const issue = async (serial: number) => {
    const id = await grantCase(hub, route);
    const { identifier } = await issueGrantedLicense(hub, route, id, serial);
    await waitForLicense(hub, id);
    return { id, sheet: { identifier, blankNumber: toBlankNumber(route, serial) } };
  };
  const [valid, suspended, revoked] = [await issue(1), await issue(2), await issue(3)];
  await actForOrgan(hub, 'yudu-lyj', 'suspend', { identifier: suspended.sheet.identifier });
  await actForOrgan(hub, 'yudu-lyj', 'revoke', { identifier: revoked.sheet.identifier });
  const [push] = (await listPushes(hub, valid.id)) ?? [];
  const suspension = { push: push.id, kind: 'SUSPENSION', text: '暂扣' };
  const { id: order } = await recordFinding(hub, 'yudu-lyj.supervisor', suspension);
  await waitForOrder(hub, order);
  const { identifier } = valid.sheet;
  const own = { ...GROUNDS, identifier, reason: '依法办理' };
  const { proposal } = await prepareAct(hub, 'yudu-lyj.reviewer', 'suspend', { identifier });
  const task = { case: await grantCase(hub, route), ...toBlanks(route, 4) };
  const ledger = `证照编号,持证主体,持证主体代码,颁发日期,有效期截止\n旧字1号,${COMPANY.name},${COMPANY.code},2019-03-05,长期\n`;
  const { registration } = await proposeLedger(hub, 'yudu-lyj.reviewer', route.matter, ledger);
  return {
    proposeRegistration: { matter: route.matter, file: Buffer.from(ledger.replace('1号', '2号')).toString('base64') },
    decideRegistration: { registration: registration.id, approve: true },
    withdrawRegistration: { registration: registration.id },
    issueLicense: task,
    changeLicense: task,
    renewLicense: task,
    reissueLicense: task,
    retainLicense: task,
    transferLicense: task,
    correctLicense: task,
    suspendLicense: own,
    restoreLicense: { ...own, identifier: suspended.sheet.identifier },
    cancelLicense: own,
    rescindLicense: own,
    withdrawLicense: own,
    revokeLicense: own,
    decideLicenseProposal: { proposal: proposal.id, approve: true },
    withdrawLicenseProposal: { proposal: proposal.id },
    spoilBlank: { ...valid.sheet, replacement: toBlankNumber(route, 5), reason: 'MISPRINT' },
    deliverCertificate: valid.sheet,
    recallCertificate: revoked.sheet,
    issueLicenses: { lines: [task] },
    deliverCertificates: { lines: [valid.sheet] },
    recallCertificates: { lines: [revoked.sheet] },
    redriveCollection: { identifier },
    declineOrder: { order, reason: '情节轻微' },
    voidTask: { case: task.case, reason: '申请人放弃' },
    receiveBlanks: { prefix: 'KB9999', from: 1, to: 2 },
    transferBlanks: { organ: 'yudu-slj', prefix: route.blanks, from: 160, to: 161, remark: '调剂' },
    ...(await transferInputs(hub)),
    writeOffBlanks: { prefix: route.blanks, from: 150, to: 151, reason: 'DAMAGED', remark: '受潮' },
    discloseHolder: { identifier, purpose: 'VERIFICATION' },
    findHolderLicenses: { code: COMPANY.code, purpose: 'VERIFICATION' },
  };
}

/** Blanks that the water office sent to the forestry office, and some that the forestry office sent to it. */
async function transferInputs(hub: TestHub) {
  const send = async (person: string, organ: string, prefix: string, first: number) => {
    const input = { organ, prefix, from: first, to: first + 1, remark: '调剂' };
    const type = 'TransferBlanksInput';
    const { transfer } = await runMutation(hub, person, 'transferBlanks', type, input, 'transfer { id: uuid }');
    return transfer.id;
  };
  const prefixOf = (organ: string) => blankPrefix(readOrgans().find(({ id }) => id === organ)?.uscc ?? '');
  const received = await send('yudu-slj.keeper', 'yudu-lyj', prefixOf('yudu-slj'), 170);
  const sent = await send('yudu-lyj.keeper', 'yudu-slj', prefixOf('yudu-lyj'), 170);
  return {
    decideBlankTransfer: { proposal: received, approve: true },
    withdrawBlankTransfer: { proposal: sent },
  };
}

/** Fixtures of the subjects above, where a mutation has more than one. */
const SUBJECTS: Readonly<Record<string, string>> = {
  amendCase: 'WINDOW_FORWARD ACCEPTED',
  pauseCase: 'WINDOW_FORWARD ACCEPTED',
  resumeCase: 'WINDOW_FORWARD PAUSED',
  withdrawCase: 'WINDOW_FORWARD RECEIVED',
  suspendLicense: '',
  restoreLicense: '',
  revokeLicense: '',
  cancelLicense: '',
  decideLicenseProposal: 'SUSPEND',
  applyForSeal: 'new',
  decideProposal: 'REGISTER_WEBHOOK',
};

/** The forestry office accepted, decided and issued what the licenses are of. */
const LICENSE_PLACES = {
  COUNTER: { organs: ['yudu-lyj'] },
  LICENSE_PARTIES: { organs: ['yudu-lyj'] },
};

export async function createPolicyHub(
  create: (options: TestHubOptions) => Promise<TestHub> = createTestHub,
): Promise<PolicyHub> {
  const clock = testClock('2026-03-02T01:00:00Z');
  const hub = await create({ now: clock });
  const licenses = await licenseInputs(hub);
  const inputs = {
    ...(await caseInputs(hub)),
    ...(await administrationInputs(hub)),
    ...(await exceptionInputs(hub)),
    ...(await supervisionInputs(hub)),
    ...(await sealInputs(hub)),
    ...licenses,
  };
  // The last day of the supplement has passed.
  clock.set('2026-03-10T01:00:00Z');
  const places = {
    acknowledgeFinding: { ANSWERING_ORGAN: { organs: ['yudu-lyj'] } },
    applyForSealResumption: { APPLYING_ORGAN: { organs: ['yudu-sfj'] } },
    withdrawProposal: { OWN_PROPOSAL: { personIds: ['administrator'] } },
    withdrawImport: { OWN_PROPOSAL: { personIds: ['administrator'] } },
    ...Object.fromEntries(Object.keys(licenses).map((name) => [name, LICENSE_PLACES])),
    withdrawLicenseProposal: { OWN_PROPOSAL: { personIds: ['yudu-lyj.reviewer'] } },
    proposeRegistration: { ISSUER: { organs: ['yudu-lyj'] } },
    decideRegistration: { PROPOSAL_ORGAN: { organs: ['yudu-lyj'] } },
    withdrawRegistration: { OWN_PROPOSAL: { personIds: ['yudu-lyj.reviewer'] } },
  };
  return { hub, clock, inputs, subjects: SUBJECTS, places };
}
