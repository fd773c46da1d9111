import { readOrgans } from '../../seeds/load.ts';
import { blankPrefix } from '../hub/seed.ts';
import type { Client, Data } from './client.ts';
import { say } from './output.ts';
import { findDemoPerson } from './people.ts';

/** Cases of the demo: one route for each mode, and the steps from the application to the certificate task. */

export const COMPANY = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };

export interface Route {
  title: string;
  matter: string;
  acceptedBy: string;
  examinedBy: string;
  forwardedBy: string | null;
  decidedBy: string;
  printedBy: string;
  issuer: string;
  fields: { label: string; text: string }[];
}

export const ROUTES: Route[] = [
  {
    title: '直接下放 DIRECT',
    matter: 'yd2022-1-07',
    acceptedBy: 'yudu-lyj.clerk',
    examinedBy: 'yudu-lyj.reviewer',
    forwardedBy: null,
    decidedBy: 'yudu-lyj.approver',
    printedBy: 'yudu-lyj.clerk',
    issuer: 'yudu-lyj',
    fields: [
      { label: '采伐地点', text: '于都县示范乡示范村 3 林班' },
      { label: '采伐蓄积', text: '126 立方米' },
    ],
  },
  {
    title: '下放实质性审核权 SUBSTANTIVE_REVIEW',
    matter: 'yd2022-2-30',
    acceptedBy: 'window-yudu',
    examinedBy: 'yudu-sjj.reviewer',
    forwardedBy: 'yudu-sjj.reviewer',
    decidedBy: 'ganzhou-xzspj.approver',
    printedBy: 'window-yudu',
    issuer: 'ganzhou-xzspj',
    fields: [{ label: '设备种类', text: '曳引与强制驱动电梯' }],
  },
  {
    title: '服务窗口前移 WINDOW_FORWARD',
    matter: 'yd2022-3-25',
    acceptedBy: 'window-yudu',
    examinedBy: 'window-yudu',
    forwardedBy: 'window-yudu',
    decidedBy: 'ganzhou-xzspj.approver',
    printedBy: 'window-yudu',
    issuer: 'ganzhou-xzspj',
    fields: [
      { label: '法定代表人', text: '陈示凡' },
      { label: '企业负责人', text: '李示范' },
      { label: '经营方式', text: '批零兼营' },
      { label: '经营范围', text: '6815 注射穿刺器械；6866 医用高分子材料及制品' },
    ],
  },
];

export const LICENSE = `identifier number version name state document { digest signature { digest } } paper { blankNumber state validity } papers { blankNumber }
  collection { state attempts lastError }`;

/** What an application says besides its route. */
interface ApplicationPart {
  matter?: string;
  situation?: string | undefined;
  licenseNumber?: string;
}

/** Accepts, examines and forwards a case. Returns its id. */
export async function examineCase(client: Client, route: Route, extraInput: ApplicationPart = {}): Promise<string> {
  const input = { matter: route.matter, applicant: COMPANY, fields: route.fields, ...extraInput };
  const { case: openedCase } = await client.act(
    route.acceptedBy,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id number matter { displayName } }',
  );
  say(`  受理：办件 ${openedCase.number}（${openedCase.matter.displayName}）`);
  await client.act(
    route.examinedBy,
    'examineCase',
    'ExamineCaseInput',
    { case: openedCase.id, finding: 'APPROVED' },
    'case { step }',
  );
  if (route.forwardedBy)
    await client.act(route.forwardedBy, 'forwardCase', 'CaseNoteInput', { case: openedCase.id }, 'case { step }');
  say(route.forwardedBy ? '  审查通过，转报市级部门' : '  审查通过');
  return openedCase.id;
}

/** Takes a case up to its certificate task. Returns its id. */
export async function grantCase(
  client: Client,
  route: Route,
  extraInput: ApplicationPart = {},
  decisionPart: { reason?: string | undefined; validUntil?: string } = {},
): Promise<string> {
  const id = await examineCase(client, route, extraInput);
  const decision = { case: id, decision: 'GRANTED', authoriseSeal: true, ...decisionPart };
  await client.act(route.decidedBy, 'decideCase', 'DecideCaseInput', decision, 'case { step }');
  say(`  决定：准予，决定人授权用印（${findDemoPerson(route.decidedBy)?.name}）`);
  await waitForTask(client, route, id);
  return id;
}

export async function waitForTask(client: Client, route: Route, id: string): Promise<void> {
  const query = '{ certificateTasks(first: 100) { edges { node { case { id } } } } }';
  await client.waitFor('制证任务', async () =>
    (await client.ask(route.printedBy, query)).certificateTasks.edges.some((edge: Data) => edge.node.case.id === id),
  );
}

/** Returns blanks of the issuer for the sheets of a case: the original and each duplicate. */
export async function findBlanks(client: Client, issuer: string, caseId: string) {
  const query = 'query($id: ID!) { case(id: $id) { certificateTask { duplicates blanks { number } } } }';
  const data = await client.ask(`${issuer}.clerk`, query, { id: caseId });
  const { duplicates, blanks } = data.case.certificateTask;
  const [blankNumber, ...others]: string[] = blanks.map(({ number }: Data) => number);
  const prefix = blankPrefix(readOrgans().find((organ) => organ.id === issuer)?.uscc ?? '');
  if (!blankNumber || others.length < duplicates) throw new Error(`${issuer} 没有空白证照（${prefix}…）`);
  return { blankNumber, duplicateBlanks: others.slice(0, duplicates) };
}

export async function waitUntilCollected(client: Client, identifier: string): Promise<Data> {
  const query = `query($id: ID!) { license(identifier: $id) { ${LICENSE} } }`;
  return client.waitFor('归集到市电子证照库', async () => {
    const { license } = await client.ask('auditor', query, { id: identifier });
    if (license.collection.state === 'FAILED') throw new Error(license.collection.lastError);
    return license.collection.state === 'COLLECTED' && license;
  });
}
