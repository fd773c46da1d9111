import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { splitSignature } from '../split.ts';
import {
  COMPANY,
  examineCase,
  findBlanks,
  grantCase,
  LICENSE,
  ROUTES,
  type Route,
  waitForTask,
  waitUntilCollected,
} from './cases.ts';
import { Client, type Data, findHub } from './client.ts';
import { demonstrateLastDay, demonstrateLife } from './life.ts';
import { check, say } from './output.ts';
import { demonstratePersonSignature } from './person-signature.ts';
import { demonstrateApplication, demonstrateOverview, demonstrateSupervision } from './plan.ts';
import { tamperAttachment, tamperCertificate, tamperPageContent, tamperSignedAttribute } from './tamper.ts';

/**
 * `npm run demo`: handles three cases, one per mode, and the life of one license, through the public GraphQL API only.
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
/** An organ whose decider signs in person, up to the sealed license. */
async function issueSigned(client: Client, route: Route): Promise<void> {
  say('\n【本人签名】于都县林业局的用印授权须由决定人本人签名');
  const id = await examineCase(client, route);
  await demonstratePersonSignature(client, id);
  await waitForTask(client, route, id);
  const input = { case: id, ...(await findBlanks(client, route.issuer, id)) };
  const { license } = await client.act(route.printedBy, 'issueLicense', 'CaseActInput', input, 'license { state }');
  check('签名机核对本人签名后用印', license.state === 'VALID');
}

async function issueThreeLicenses(client: Client): Promise<Data[]> {
  const licenses: Data[] = [];
  for (const route of ROUTES) {
    say(`\n【${route.title}】`);
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
    say(`  制证：${license.name} ${license.number}，正本、副本用空白 ${numbers}`);
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

async function showVisibility(client: Client, licenses: Data[]): Promise<void> {
  say('\n【谁看得见什么】');
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
  say('\n【为何查阅，持证主体看得见】');
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
  say(`\n【用 openssl 核验】文件在 ${FOLDER}/`);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [file, path] of PUBLIC_FILES) writeFileSync(`${FOLDER}/${file}`, await client.downloadPublic(path));
  for (const license of licenses) {
    const name = `${FOLDER}/${license.number}-${license.version}`;
    const pdf = await client.downloadDocument('auditor', license.document.digest, 'AUDIT');
    writeFileSync(`${name}.pdf`, pdf);
    const { command, passed } = verifyWithOpenssl(name, pdf);
    say(`  ${command}`);
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
  say(`\n离线核验 npm run verify -- ${firstPath}.pdf --root ${FOLDER}/root.pem`);
  say(`按登记数据重排 npm run rerender -- ${firstPath}.pdf`);
}

const fail = (error: unknown) => {
  console.error(`\n演示失败：${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
};
const hub = await findHub(environment, say).catch((error) => {
  fail(error);
  return process.exit();
});
try {
  const client = new Client(hub);
  const licenses = await issueThreeLicenses(client);
  const [route, , deviceRoute] = ROUTES;
  if (!route || !deviceRoute) throw new Error('no route');
  const last = await demonstrateLife(client, deviceRoute, licenses[2]);
  await showVisibility(client, licenses);
  await demonstrateLastDay(client, route);
  await showReadings(client, licenses[1]);
  await verifyOffline(client, [...licenses, last]);
  await demonstrateApplication(client);
  await demonstrateSupervision(client, licenses[0]);
  await demonstrateOverview(client);
  await issueSigned(client, route);
  say('\n演示完成：每一步都做到了所说的。');
} catch (error) {
  fail(error);
} finally {
  await hub.stop();
}
process.exit();
