import { COMPANY } from './cases.ts';
import type { Client, Data } from './client.ts';
import { check, say } from './output.ts';

/**
 * Demonstrates the plan's requirements besides licenses:
 * guide, supplement, clock, dual push, a supervisor's suspension.
 */

const APPLICANT = 'applicant-company';
/** A matter with a sample guide: 第二类医疗器械经营备案（新备案）, 服务窗口前移. */
const MATTER_WITH_GUIDE = 'yd2022-3-21';
const CASE_FIELDS = 'case { id number step clock { state dueOn remainingDays } notices { kind number } }';

/**
 * Demonstrates an online application. The guide shows which materials are missing, the window asks for them once
 * (一次性告知), the applicant supplements them, and the application is accepted and gets a clock.
 */
export async function demonstrateApplication(client: Client): Promise<void> {
  say('\n【办事指南、一次性告知与计时】');
  const { matter } = await client.ask(
    null,
    'query($id: ID!, $county: String) { matter(id: $id) { displayName guide(division: $county) { sample promisedDays materials { code name form required } } } }',
    { id: MATTER_WITH_GUIDE, county: '360731' },
  );
  const { guide } = matter;
  say(
    `  ${matter.displayName}：承诺 ${guide.promisedDays} 个工作日，材料 ${guide.materials.length} 项${guide.sample ? '（示范指南，非真实文本）' : ''}`,
  );
  const input = { matter: MATTER_WITH_GUIDE, applicant: COMPANY };
  const dryRunRefusal = await requestRefusal(client, 'window-yudu', 'acceptCase', 'ApplicationInput', {
    ...input,
    dryRun: true,
  });
  check(`预演受理：${dryRunRefusal?.message}`, dryRunRefusal?.code === 'MATERIALS_MISSING');
  const filedApplication = await client.act(APPLICANT, 'receiveApplication', 'ApplicationInput', input, CASE_FIELDS);
  const id = filedApplication.case.id;
  const missing = guide.materials.filter((item: Data) => item.required);
  const supplementRequest = { case: id, items: missing.map((item: Data) => item.name) };
  const supplementAnswer = await client.act(
    'window-yudu',
    'askSupplement',
    'AskSupplementInput',
    supplementRequest,
    CASE_FIELDS,
  );
  check(
    `窗口一次性告知 ${supplementRequest.items.length} 项，文书 ${supplementAnswer.case.notices[0].number}`,
    supplementAnswer.case.step === 'SUPPLEMENT_ASKED',
  );
  const scan = await client.downloadDocument(APPLICANT, (await findOwnLicense(client)).document.digest, null);
  const materials = await Promise.all(
    missing.map(async ({ code, name, form }: Data) =>
      form === 'ELECTRONIC'
        ? { code, upload: await client.upload('window-yudu', `${name}.pdf`, scan, 'application/pdf') }
        : { code, paper: true, copies: 1 },
    ),
  );
  await client.act('window-yudu', 'supplementCase', 'SupplementInput', { case: id, materials }, CASE_FIELDS);
  const secondRefusal = await requestRefusal(client, 'window-yudu', 'askSupplement', 'AskSupplementInput', {
    ...supplementRequest,
    dryRun: true,
  });
  check('再次要求补正被拒绝', secondRefusal?.code === 'SUPPLEMENT_ALREADY_ASKED');
  const acceptance = await client.act('window-yudu', 'acceptApplication', 'CaseInput', { case: id }, CASE_FIELDS);
  const { clock, notices } = acceptance.case;
  const receipt = notices.find((item: Data) => item.kind === 'ACCEPTANCE');
  check(
    `已受理，受理通知书 ${receipt?.number}；应于 ${clock.dueOn ?? '（日历未公布）'} 前办结`,
    acceptance.case.step === 'ACCEPTED',
  );
  const withdrawal = { case: id, reason: '示范结束，申请人撤回' };
  await client.act(APPLICANT, 'withdrawCase', 'CaseReasonInput', withdrawal, CASE_FIELDS);
}

/** Demonstrates the dual push: the decision reaches the supervisor, whose finding affects document and paper alike. */
export async function demonstrateSupervision(client: Client, license: Data): Promise<void> {
  say('\n【双推送、双回路】');
  const [supervisor, approver] = ['yudu-lyj.supervisor', 'yudu-lyj.approver'];
  const inbox = await client.ask(
    supervisor,
    '{ approvalPushes(first: 100) { edges { node { id dueOn state case { id license { identifier } } } } } }',
  );
  const push = inbox.approvalPushes.edges
    .map((edge: Data) => edge.node)
    .find((node: Data) => node.case?.license?.identifier === license.identifier);
  if (!push) throw new Error('审批结果没有推送到监管部门');
  const signedPush = await client.act(
    supervisor,
    'signPush',
    'PushActInput',
    { push: push.id },
    'push { onTime receipts { event } }',
  );
  check(`审批结果已推送县林业局并签收，期限 ${push.dueOn ?? '（日历未公布）'}`, signedPush.push.onTime !== false);
  const createOrder = async (kind: string, text: string) => {
    const findingInput = { push: push.id, kind, text };
    const { finding } = await client.act(
      supervisor,
      'recordFinding',
      'RecordFindingInput',
      findingInput,
      'finding { uuid }',
    );
    return client.waitFor('监管要求送达发证机关', async () => {
      const openOrdersQuery =
        '{ supervisionOrders(first: 10, filter: { state: OPEN }) { edges { node { uuid act } } } }';
      const { supervisionOrders } = await client.ask(approver, openOrdersQuery);
      return supervisionOrders.edges.map((edge: Data) => edge.node).find((item: Data) => item.uuid === finding.uuid);
    });
  };
  const { identifier } = license;
  const carryOut = (name: string, order: string, grounds: object = {}) =>
    carryOutOrder(client, name, { identifier, order, ...grounds });
  const suspension = await createOrder('SUSPENSION', '现场检查发现超范围采伐，责令停止');
  const reminder = await client.waitFor('待办提醒', async () => {
    const orders = '{ attention(first: 1, filter: { kinds: [ORDER_OPEN] }) { edges { node { message } } } }';
    return (await client.ask(approver, orders)).attention.edges[0]?.node.message;
  });
  say(`  待办提醒：${reminder}`);
  const suspended = await carryOut('suspendLicense', suspension.uuid, {
    decisionNumber: '于林罚决〔2026〕1号',
    hearing: { notifiedOn: '2022-11-01', outcome: 'STATED', heldOn: '2022-11-02' },
  });
  check(
    '监管要求暂扣，电子证照与纸质证照同时暂扣',
    suspended.license.state === 'SUSPENDED' && suspended.license.paper.validity === 'SUSPENDED',
  );
  const liftOrder = await createOrder('LIFTED', '整改合格，解除暂扣');
  const restored = await carryOut('restoreLicense', liftOrder.uuid);
  check('整改后恢复，二者同时恢复', restored.license.state === 'VALID' && restored.license.paper.validity === 'VALID');
  await client.waitFor('办理结果回到监管部门', async () => {
    const query = 'query($id: ID!) { case(id: $id) { findings { state } } }';
    const { case: supervisedCase } = await client.ask(supervisor, query, { id: push.case.id });
    return supervisedCase.findings.every((item: Data) => item.state === 'CARRIED_OUT');
  });
  check('两次办理结果都已回到监管部门', true);
}

/** Carries an order out by two persons: the supervisor prepares the act, the issuing organ's approver does it. */
async function carryOutOrder(client: Client, name: string, input: object): Promise<Data> {
  const [supervisor, approver] = ['yudu-lyj.supervisor', 'yudu-lyj.approver'];
  const { proposal } = await client.act(supervisor, name, 'OwnActInput', input, 'proposal { id }');
  const decide = ['decideLicenseProposal', 'DecideLicenseProposalInput'] as const;
  const decision = { proposal: proposal.id, approve: true };
  const refusal = await requestRefusal(client, supervisor, ...decide, decision);
  check(`拟办人不能批准自己的拟办：${refusal?.message}`, refusal !== null);
  return client.act(approver, ...decide, decision, 'license { state paper { validity } }');
}

/** Demonstrates the county overview: responsible organs, open duties, statistics. */
export async function demonstrateOverview(client: Client): Promise<void> {
  say('\n【全县一览】');
  const { attention } = await client.ask('auditor', '{ attention(first: 100) { edges { node { kind } } } }');
  const kinds = Object.entries(Object.groupBy(attention.edges as Data[], (edge) => edge.node.kind));
  say(`  待办提醒：${kinds.map(([kind, edges]) => `${kind} ${edges?.length}`).join('，')}`);
  check(
    '没有明确行业主管部门的事项都列在待办提醒里',
    kinds.some(([kind]) => kind === 'INDUSTRY_ORGAN_MISSING'),
  );
  const { caseStatistics } = await client.ask(
    'auditor',
    '{ caseStatistics(by: MODE, first: 10) { edges { node { label accepted granted } } } }',
  );
  for (const { node } of caseStatistics.edges) say(`  统计 ${node.label}：受理 ${node.accepted}，准予 ${node.granted}`);
  check('统计按下放方式分列', caseStatistics.edges.length === 3);
  const { tasks } = await client.ask(null, '{ tasks(first: 20) { edges { node { number overdue } } } }');
  const overdueTasks = tasks.edges.filter((edge: Data) => edge.node.overdue);
  check(`附件4任务 ${tasks.edges.length} 项，逾期未报完成 ${overdueTasks.length} 项`, tasks.edges.length === 12);
}

async function findOwnLicense(client: Client): Promise<Data> {
  const { licenses } = await client.ask(APPLICANT, '{ licenses(first: 1) { edges { node { document { digest } } } } }');
  return licenses.edges[0].node;
}

async function requestRefusal(
  client: Client,
  person: string,
  name: string,
  type: string,
  input: object,
): Promise<Data> {
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { refusal { code message } } }`;
  return (await client.ask(person, query, { input }))[name].refusal;
}
