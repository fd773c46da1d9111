import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readOrgans } from '../../seeds/load.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { blankPrefix } from '../hub/seed.ts';
import { splitSignature } from '../split.ts';
import { Client, type Data, findHub } from './client.ts';
import { findDemoPerson } from './people.ts';
import { demonstratePersonSignature } from './person-signature.ts';
import { demonstrateApplication, demonstrateOverview, demonstrateSupervision } from './plan.ts';
import { tamperAttachment, tamperCertificate, tamperPageContent, tamperSignedAttribute } from './tamper.ts';

/**
 * `npm run demo`: handles three cases, one per mode, through the public GraphQL API only.
 * Uses the running hub, or starts a temporary one.
 */

const environment = readEnvironment('demo');

const FOLDER = 'demo';
/** Public files: the name in the folder, and the path at the hub. */
const PUBLIC_FILES = [
  ['root.pem', '/root.pem'],
  ['certificates.pem', '/seals/certificates.pem'],
  ['root.crl', '/seals/root.crl'],
  ['issuing.crl', '/seals/issuing.crl'],
  ['status-list.jwt', '/licenses/status-list'],
] as const;
const print = (text = '') => console.log(text);
function check(claim: string, holds: boolean): void {
  if (!holds) throw new Error(`未做到：${claim}`);
  print(`  ✓ ${claim}`);
}

const COMPANY = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };

interface Route {
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

const ROUTES: Route[] = [
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
    fields: [{ label: '经营范围', text: '6815 注射穿刺器械；6866 医用高分子材料及制品' }],
  },
];

const LICENSE = `identifier number version name state document { digest signature { digest } } paper { blankNumber state validity } papers { blankNumber }
  collection { state attempts lastError }`;

/** Accepts, examines and forwards a case. Returns its id. */
async function examineCase(
  client: Client,
  route: Route,
  extraInput: { matter?: string; licenseNumber?: string } = {},
): Promise<string> {
  const input = { matter: route.matter, applicant: COMPANY, fields: route.fields, ...extraInput };
  const { case: openedCase } = await client.act(
    route.acceptedBy,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id number matter { displayName } }',
  );
  print(`  受理：办件 ${openedCase.number}（${openedCase.matter.displayName}）`);
  await client.act(
    route.examinedBy,
    'examineCase',
    'ExamineCaseInput',
    { case: openedCase.id, finding: 'APPROVED' },
    'case { step }',
  );
  if (route.forwardedBy)
    await client.act(route.forwardedBy, 'forwardCase', 'CaseNoteInput', { case: openedCase.id }, 'case { step }');
  print(route.forwardedBy ? '  审查通过，转报市级部门' : '  审查通过');
  return openedCase.id;
}

async function grantCase(...[client, route, extraInput]: Parameters<typeof examineCase>): Promise<string> {
  const id = await examineCase(client, route, extraInput);
  const decision = { case: id, decision: 'GRANTED', authoriseSeal: true };
  await client.act(route.decidedBy, 'decideCase', 'DecideCaseInput', decision, 'case { step }');
  print(`  决定：准予，决定人授权用印（${findDemoPerson(route.decidedBy)?.name}）`);
  await waitForTask(client, route, id);
  return id;
}

async function waitForTask(client: Client, route: Route, id: string): Promise<void> {
  const query = '{ certificateTasks(first: 100) { edges { node { case { id } } } } }';
  await client.waitFor('制证任务', async () =>
    (await client.ask(route.printedBy, query)).certificateTasks.edges.some((edge: Data) => edge.node.case.id === id),
  );
}

/** An organ whose decider signs in person, up to the sealed license. */
async function issueSigned(client: Client, route: Route): Promise<void> {
  print('\n【本人签名】于都县林业局的用印授权须由决定人本人签名');
  const id = await examineCase(client, route);
  await demonstratePersonSignature(client, id, { check });
  await waitForTask(client, route, id);
  const input = { case: id, ...(await findBlanks(client, route.issuer, id)) };
  const { license } = await client.act(route.printedBy, 'issueLicense', 'CaseActInput', input, 'license { state }');
  check('签名机核对本人签名后用印', license.state === 'VALID');
}

/** Returns blanks of the issuer for the sheets of a case: the original and each duplicate. */
async function findBlanks(client: Client, issuer: string, caseId: string) {
  const query = 'query($id: ID!) { case(id: $id) { certificateTask { duplicates blanks { number } } } }';
  const data = await client.ask(`${issuer}.clerk`, query, { id: caseId });
  const { duplicates, blanks } = data.case.certificateTask;
  const [blankNumber, ...others]: string[] = blanks.map(({ number }: Data) => number);
  const prefix = blankPrefix(readOrgans().find((organ) => organ.id === issuer)?.uscc ?? '');
  if (!blankNumber || others.length < duplicates) throw new Error(`${issuer} 没有空白证照（${prefix}…）`);
  return { blankNumber, duplicateBlanks: others.slice(0, duplicates) };
}

async function waitUntilCollected(client: Client, identifier: string): Promise<Data> {
  const query = `query($id: ID!) { license(identifier: $id) { ${LICENSE} } }`;
  return client.waitFor('归集到市电子证照库', async () => {
    const { license } = await client.ask('auditor', query, { id: identifier });
    if (license.collection.state === 'FAILED') throw new Error(license.collection.lastError);
    return license.collection.state === 'COLLECTED' && license;
  });
}

async function issueThreeLicenses(client: Client): Promise<Data[]> {
  const licenses: Data[] = [];
  for (const route of ROUTES) {
    print(`\n【${route.title}】`);
    const id = await grantCase(client, route);
    const blanks = await findBlanks(client, route.issuer, id);
    const { license } = await client.act(
      route.printedBy,
      'issueLicense',
      'CaseActInput',
      { case: id, ...blanks },
      `license { ${LICENSE} }`,
    );
    const numbers = license.papers.map(({ blankNumber }: Data) => blankNumber).join('、');
    print(`  制证：${license.name} ${license.number}，正本、副本用空白 ${numbers}`);
    check(
      '电子证照与纸质证照同时生效',
      license.state === 'VALID' && license.paper.validity === 'VALID' && license.paper.state === 'PRINTED',
    );
    const deliveryInput = { identifier: license.identifier, blankNumber: blanks.blankNumber };
    await client.act(route.printedBy, 'deliverCertificate', 'CertificateInput', deliveryInput, 'license { number }');
    check(
      '已归集到市电子证照库',
      (await waitUntilCollected(client, license.identifier)).collection.state === 'COLLECTED',
    );
    licenses.push(license);
  }
  return licenses;
}

async function changeAndCancel(client: Client, license: Data): Promise<Data> {
  const [, , route] = ROUTES;
  if (!route) throw new Error('no route');
  print('\n【变更】第三类医疗器械经营许可（许可事项的变更）');
  const changeCaseId = await grantCase(
    client,
    { ...route, fields: [{ label: '经营范围', text: '6815、6866；增加 6840 体外诊断试剂' }] },
    {
      matter: 'yd2022-3-28',
      licenseNumber: license.number,
    },
  );
  const input = { case: changeCaseId, ...(await findBlanks(client, route.issuer, changeCaseId)) };
  const { license: changedLicense } = await client.act(
    route.printedBy,
    'changeLicense',
    'CaseActInput',
    input,
    `license { ${LICENSE} versions { version state paper { validity recallDue } } }`,
  );
  const [previousVersion] = changedLicense.versions;
  check(
    '新版本为第 2 版，旧版与旧纸质证照同时失效，旧纸质证照待收回',
    changedLicense.version === 2 &&
      previousVersion.state === 'SUPERSEDED' &&
      previousVersion.paper.validity === 'SUPERSEDED' &&
      previousVersion.paper.recallDue,
  );
  await waitUntilCollected(client, changedLicense.identifier);
  print('\n【注销】第三类医疗器械经营许可（注销）');
  const cancelCaseId = await grantCase(
    client,
    { ...route, fields: [] },
    { matter: 'yd2022-3-30', licenseNumber: license.number },
  );
  const { license: cancelledLicense } = await client.act(
    route.printedBy,
    'cancelLicense',
    'CancelLicenseInput',
    { case: cancelCaseId },
    `license { ${LICENSE} }`,
  );
  check(
    '电子证照与纸质证照同时注销',
    cancelledLicense.state === 'CANCELLED' && cancelledLicense.paper.validity === 'CANCELLED',
  );
  await waitUntilCollected(client, changedLicense.identifier);
  return changedLicense;
}

async function showVisibility(client: Client, licenses: Data[]): Promise<void> {
  print('\n【谁看得见什么】');
  const query = '{ licenses(first: 100) { edges { node { number holder { name code } } } } }';
  const numbers = new Set(licenses.map((license) => license.number));
  const listVisibleLicenses = async (person: string) =>
    (await client.ask(person, query)).licenses.edges
      .map((edge: Data) => edge.node)
      .filter((node: Data) => numbers.has(node.number));
  const ownLicenses = await listVisibleLicenses('applicant-company');
  check(
    `申请人看见自己的 ${ownLicenses.length} 份证照，代码完整：${ownLicenses[0]?.holder.code}`,
    ownLicenses.length === 3 && ownLicenses[0].holder.code === COMPANY.code,
  );
  const clerkLicenses = await listVisibleLicenses('window-yudu');
  check(
    `于都窗口人员看见窗口收件的 ${clerkLicenses.length} 份，看不见部门自收的 1 份，代码遮掩：${clerkLicenses[0]?.holder.code}`,
    clerkLicenses.length === 2 && clerkLicenses[0].holder.code.includes('*'),
  );
  check('另一县（兴国县）的窗口人员一份也看不见', (await listVisibleLicenses('window-xingguo')).length === 0);
  const uses = await client.ask(
    'auditor',
    '{ sealUses(first: 100) { edges { node { act authorisedBy seal { name } } } } }',
  );
  check(
    `审计人员看见全部证照和用印日志（${uses.sealUses.edges.length} 条）`,
    (await listVisibleLicenses('auditor')).length === 3 && uses.sealUses.edges.length >= 5,
  );
  const status = await client.ask(null, 'query($id: ID!) { licenseStatus(identifier: $id) { state holderName } }', {
    id: licenses[0].identifier,
  });
  check(
    `公众凭二维码看见状态：${status.licenseStatus.state} ${status.licenseStatus.holderName}`,
    status.licenseStatus.state === 'VALID',
  );
}

/** A clerk opens a license and reads its code for a purpose, and the holder sees that. */
async function showReadings(client: Client, { identifier, document }: Data): Promise<void> {
  print('\n【为何查阅，持证主体看得见】');
  const clerk = 'window-yudu';
  const open = (purpose: 'VERIFICATION' | null) =>
    client.downloadDocument(clerk, document.digest, purpose).then(
      (pdf) => pdf.subarray(0, 4).toString(),
      () => null,
    );
  check('窗口人员不写明用途，打不开证照文件', (await open(null)) === null);
  check('写明用途“核验”，打得开，并留下记录', (await open('VERIFICATION')) === '%PDF');
  const input = { identifier, purpose: 'VERIFICATION', remark: '示范' };
  const { holder } = await client.act(clerk, 'discloseHolder', 'DiscloseHolderInput', input, 'holder { code }');
  check(`写明用途，看得见完整代码：${holder.code}`, holder.code === COMPANY.code);
  const query = 'query($id: ID!) { license(identifier: $id) { readings { object organ { name } purpose reader } } }';
  const { license } = await client.ask('applicant-company', query, { id: identifier });
  const ofClerk = license.readings.filter((item: Data) => item.purpose === 'VERIFICATION');
  check(
    `持证主体看得见 ${ofClerk[0]?.organ.name} 查阅了两次，看不见经办人员姓名`,
    ofClerk.length === 2 && license.readings.every((item: Data) => item.reader === null),
  );
}

/** Verifies with openssl the signature inside a PDF over the bytes that it covers. */
function verifyWithOpenssl(name: string, pdf: Buffer): { command: string; passed: boolean } {
  const { covered, cms } = splitSignature(pdf);
  writeFileSync(`${name}.covered`, covered);
  writeFileSync(`${name}.p7s`, cms);
  const command = 'cms -verify -cades -binary -inform DER';
  const args =
    `${command} -in ${name}.p7s -content ${name}.covered -CAfile ${FOLDER}/root.pem -purpose any -out /dev/null`.split(
      ' ',
    );
  const result = spawnSync('openssl', args, { encoding: 'utf8' });
  if (result.error) throw new Error('没有找到 openssl 命令');
  return { command: `openssl ${args.join(' ')}`, passed: result.status === 0 };
}

async function verifyOffline(client: Client, licenses: Data[]): Promise<void> {
  print(`\n【用 openssl 核验】文件在 ${FOLDER}/`);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [file, path] of PUBLIC_FILES) writeFileSync(`${FOLDER}/${file}`, await client.downloadPublic(path));
  for (const license of licenses) {
    const name = `${FOLDER}/${license.number}-${license.version}`;
    const pdf = await client.downloadDocument('auditor', license.document.digest, 'AUDIT');
    writeFileSync(`${name}.pdf`, pdf);
    const { command, passed } = verifyWithOpenssl(name, pdf);
    print(`  ${command}`);
    check(`${license.name} ${license.number} 核验通过`, passed);
    const bundle = await client.downloadPublic(`/licenses/evidence/${license.identifier}`);
    writeFileSync(`${name}.evidence.json`, bundle);
    const report = verify(
      { file: pdf, signature: null, roots: [readFileSync(`${FOLDER}/root.pem`)], bundle },
      new Date(),
    );
    check(
      `${report.verdict}，证照状态 ${report.status.state}，签名不晚于 ${report.provenAt}`,
      report.verdict === 'TOTAL_PASSED',
    );
  }
  const firstPath = `${FOLDER}/${licenses[0].number}-${licenses[0].version}`;
  const roots = [readFileSync(`${FOLDER}/root.pem`)];
  const [pdf, bundle] = [readFileSync(`${firstPath}.pdf`), readFileSync(`${firstPath}.evidence.json`)];
  const forgeries = [
    ['page-content', '页面内容', tamperPageContent(pdf)],
    ['attached-json', '内附数据', tamperAttachment(pdf)],
    ['signed-attribute', '签名属性', tamperSignedAttribute(pdf)],
    ['certificate', '印章证书', tamperCertificate(pdf)],
  ] as const;
  for (const [name, chineseName, forgedPdf] of forgeries) {
    const file = `${FOLDER}/tampered-${name}.pdf`;
    writeFileSync(file, forgedPdf);
    const { verdict, subIndication } = verify({ file: forgedPdf, signature: null, roots, bundle }, new Date());
    check(`篡改${chineseName}（${file}）：${verdict}，${subIndication}`, verdict !== 'TOTAL_PASSED');
  }
  print(`\n离线核验 npm run verify -- ${firstPath}.pdf --root ${FOLDER}/root.pem`);
  print(`按登记数据重排 npm run rerender -- ${firstPath}.pdf`);
}

const fail = (error: unknown) => {
  console.error(`\n演示失败：${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
};
const hub = await findHub(environment, print).catch((error) => {
  fail(error);
  return process.exit();
});
try {
  const client = new Client(hub);
  const licenses = await issueThreeLicenses(client);
  const changed = await changeAndCancel(client, licenses[2]);
  await showVisibility(client, licenses);
  await showReadings(client, licenses[1]);
  await verifyOffline(client, [...licenses, changed]);
  await demonstrateApplication(client, { say: print, check });
  await demonstrateSupervision(client, licenses[0], { say: print, check });
  await demonstrateOverview(client, { say: print, check });
  const [route] = ROUTES;
  if (route) await issueSigned(client, route);
  print('\n演示完成：每一步都做到了所说的。');
} catch (error) {
  fail(error);
} finally {
  await hub.stop();
}
process.exit();
