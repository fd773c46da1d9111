import { runMutation } from '../support/flow.ts';
import type { TestHub } from '../support/hub.ts';
import { registerLedger } from '../support/ledger.ts';
import { createPlatformKeys } from '../support/platform.ts';
import { administer, approveImport, importDelegations } from '../support/proposal.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { buildSealPng } from '../support/seal-png.ts';

/** The history of an office: every kind of proposal of administration, each by two persons. */

/** Organs and matters of which the rest of the history does nothing. */
const PLATFORM_ORGAN = 'ganzhou-jyj';
const OTHER_PLATFORM_ORGAN = 'ganzhou-swj';
const WEBHOOK_ORGAN = 'yudu-jktj';
const AGREEMENT = {
  ...{ number: '承接协议〔2026〕9号', cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj', matters: ['yd2022-2-44'] },
  ...{ validFrom: '2026-03-01', validTo: '2028-03-31', scanDigest: 'ab'.repeat(32) },
};
const CALENDAR = {
  ...{ year: 2027, source: '示范通知（测试）', makeUpDays: [] },
  holidays: ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'],
};
const EXCEPTION = {
  ...{ organ: 'yudu-jtysj', kind: 'EXAMINER_DECIDES', validFrom: '2027-01-04', validTo: '2027-02-01' },
  ...{ reason: '另一名审查人员休假', approvingOrgan: 'ganzhou-jtysj' },
};
const GUIDE_MATTER = 'yd2022-3-31';
const GUIDE = {
  ...{ matterId: GUIDE_MATTER, validFrom: '2027-06-01', conditions: ['有场所'], steps: [], fees: [], counters: [] },
  materials: [{ code: 'M01', name: '申请表', form: 'COPY', copies: 1, required: true }],
};
const OVERLAY = {
  matterId: GUIDE_MATTER,
  version: 1,
  divisionCode: '360731',
  validFrom: '2027-03-10',
  promisedDays: 1,
};
const LIST = 'matter,valid_from,outcome_name\nyd2022-1-08,2027-06-01,新证';

/** Proposes and approves an act of administration. Returns the payload of the approval. */
async function enact(hub: TestHub, name: string, input: object, fields = '__typename', proposer = 'administrator') {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const answer = await administer(hub, name, type, input, fields, proposer);
  if (answer.refusal) throw new Error(`${name}: ${JSON.stringify(answer.refusal)}`);
  return answer;
}

/** Enters, changes and ends people of an organ. */
async function changePeople(hub: TestHub): Promise<void> {
  const entering = (subject: string, roles: string[]) => ({
    ...{ action: 'ENTER', subject, name: '某人', organ: 'yudu-lyj', roles },
  });
  await enact(hub, 'changePeople', { changes: [entering('lin', ['REVIEWER']), entering('wang', ['WINDOW_CLERK'])] });
  const change = { ...entering('lin', ['REVIEWER', 'SEAL_KEEPER']), action: 'CHANGE' };
  await enact(hub, 'changePeople', { changes: [change] });
  await enact(hub, 'changePeople', { changes: [{ action: 'END', subject: 'wang', reason: '调离' }] });
}

async function changePlatforms(hub: TestHub): Promise<void> {
  const [first, second, other] = [await createPlatformKeys(), await createPlatformKeys(), await createPlatformKeys()];
  const registration = { name: '示范审批平台', url: 'https://platform.example/hub' };
  const register = async (organ: string, publicKey: string): Promise<string> =>
    (await enact(hub, 'registerPlatform', { organ, ...registration, publicKey }, 'platform { id: uuid }')).platform.id;
  const platform = await register(PLATFORM_ORGAN, first.publicKey);
  await enact(hub, 'addPlatformKey', { platform, publicKey: second.publicKey });
  await enact(hub, 'endPlatformKey', { platform, key: first.kid });
  await enact(hub, 'changePlatform', { platform, name: '示范统一审批平台', renewSecret: true });
  await enact(hub, 'removePlatform', { platform: await register(OTHER_PLATFORM_ORGAN, other.publicKey) });
}

const TYPE = {
  ...{
    code: '11000000000090018B099',
    name: '示范证',
    validFrom: '2026-01-01',
    term: { kind: 'NONE' },
    acts: ['ISSUE'],
  },
  lines: [
    { key: 'scope', label: '范围', kind: 'TEXT', group: 'PERMISSION', required: true, maxLength: 60, sample: true },
  ],
};

/** An organ gets a name, and another one a successor. */
const REFORM = {
  csv: `organ,valid_from,action,name,successor\nyudu-swj,2099-01-01,RENAME,于都县商务和开放局,\nyudu-fgw,2099-01-01,END,,yudu-swj\n`,
  basis: '某编〔2026〕1号',
};

async function importFiles(hub: TestHub): Promise<void> {
  await importDelegations(hub, { csv: LIST, basis: '某文〔2026〕1号' }, '__typename');
  for (const [name, file] of [
    ['importGuideOverlay', OVERLAY],
    ['importGuide', GUIDE],
    ['importLicenseType', TYPE],
    ['importOrgans', REFORM],
  ] as const) {
    const text = JSON.stringify(file);
    const [type, input] =
      name === 'importLicenseType'
        ? ['ImportLicenseTypeInput', { text }]
        : name === 'importOrgans'
          ? ['ImportOrgansInput', file]
          : ['ImportGuideInput', { format: 'JSON', text }];
    const fields = 'proposal { id: uuid organ { code } }';
    const { proposal, refusal } = await runMutation(hub, 'administrator', name, type, input, fields);
    if (refusal) throw new Error(`${name}: ${JSON.stringify(refusal)}`);
    await approveImport(hub, proposal);
  }
}

/** Enacts every kind of proposal but those on licenses. Leaves one that waits and one that was withdrawn. */
export async function buildOfficeHistory(hub: TestHub): Promise<void> {
  await changePeople(hub);
  await changePlatforms(hub);
  await enact(hub, 'registerWebhook', { organ: WEBHOOK_ORGAN, url: 'https://supervisor.example/old' });
  await enact(hub, 'registerWebhook', { organ: WEBHOOK_ORGAN, url: 'https://supervisor.example/hub' });
  await enact(hub, 'removeWebhook', { organ: WEBHOOK_ORGAN });
  await enact(hub, 'loadCalendar', CALENDAR);
  await enact(hub, 'recordAgreement', AGREEMENT);
  await enact(hub, 'endAgreement', { number: AGREEMENT.number, on: '2027-12-31', reason: '机构改革' });
  await approveException(hub);
  await importFiles(hub);
  const picture = buildSealPng(80).toString('base64');
  await applyAndApprove(hub.ask, 'yudu-slj', 'applyForSealPicture', { seal: 'yudu-slj-license-seal', picture });
  await countersign(hub);
  await transfer(hub);
  await registerLedger(hub, 'yudu-lyj', 'yd2022-1-07', LEDGER);
  await leaveProposals(hub);
}

/** A license on paper, of a term that goes on. */
const LEDGER =
  '证照编号,持证主体,持证主体代码,颁发日期,有效期截止\n于林采旧字第1号,于都县贡江示范药业有限公司,91000000MA0000001R,2019-03-05,长期\n';

/** Sends blanks to another organ: some that it confirms, and some that it gives back. */
async function transfer(hub: TestHub): Promise<void> {
  for (const [first, approve] of [
    [5, true],
    [7, false],
  ] as const) {
    const input = { organ: 'yudu-lyj', prefix: 'AA1', from: first, to: first + 1, remark: '调剂' };
    const sent = await runMutation(
      ...([hub, 'yudu-slj.keeper', 'transferBlanks', 'TransferBlanksInput', input] as const),
      'transfer { id: uuid }',
    );
    const decision = { proposal: sent.transfer.id, approve, reason: '已清点' };
    await runMutation(
      ...([hub, 'yudu-lyj.keeper', 'decideBlankTransfer', 'DecideBlankTransferInput', decision] as const),
      '__typename',
    );
  }
}

/** Takes blanks into stock and writes some off, each by the same mutation of two persons. */
async function countersign(hub: TestHub): Promise<void> {
  const batch = { prefix: 'AA1', from: 1, to: 9 };
  const writeOff = { ...batch, from: 3, to: 4, reason: 'DAMAGED', remark: '受潮' };
  for (const person of ['yudu-slj.keeper', 'yudu-slj.sealapprover'])
    await runMutation(hub, person, 'receiveBlanks', 'ReceiveBlanksInput', batch, 'received');
  for (const person of ['yudu-slj.keeper', 'yudu-slj.sealapprover'])
    await runMutation(hub, person, 'writeOffBlanks', 'WriteOffBlanksInput', writeOff, 'writtenOff');
}

async function approveException(hub: TestHub): Promise<void> {
  const proposed = await runMutation(
    ...([hub, 'yudu-jtysj.approver', 'recordException', 'RecordExceptionInput', EXCEPTION] as const),
    'proposal { id: uuid }',
  );
  const decision = { proposal: proposed.proposal.id, approve: true };
  await runMutation(hub, 'ganzhou-jtysj.approver', 'decideProposal', 'DecideProposalInput', decision, '__typename');
}

async function leaveProposals(hub: TestHub): Promise<void> {
  const propose = (url: string) =>
    runMutation(
      ...([hub, 'administrator', 'registerWebhook', 'RegisterWebhookInput', { organ: WEBHOOK_ORGAN, url }] as const),
      'proposal { id: uuid }',
    );
  await propose('https://supervisor.example/next');
  const { proposal } = await propose('https://supervisor.example/never');
  const input = { proposal: proposal.id };
  await runMutation(hub, 'administrator', 'withdrawProposal', 'WithdrawProposalInput', input, '__typename');
}
