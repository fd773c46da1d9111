import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readOrgans } from '../seeds/load.ts';
import { verify } from '../subgraphs/licenses/verify/verify.ts';
import { Client, type Data, findHub } from './client.ts';
import { atAGlance, fromAfar, supervised } from './demo-plan.ts';
import { demoPerson } from './people.ts';
import { blankPrefix } from './seed.ts';
import { splitSignature } from './split.ts';
import { tamperAttachment, tamperCertificate, tamperPageContent, tamperSignedAttribute } from './tamper.ts';

/**
 * `npm run demo`: handles three cases, one per mode, through the public GraphQL API only.
 * Uses the running hub, or starts a temporary one.
 */

process.env.APOLLO_TELEMETRY_DISABLED = '1';

const FOLDER = 'demo';
/** Public files: the name in the folder, and the path at the hub. */
const PUBLISHED = [
  ['root.pem', '/root.pem'],
  ['certificates.pem', '/seals/certificates.pem'],
  ['root.crl', '/seals/root.crl'],
  ['issuing.crl', '/seals/issuing.crl'],
  ['status-list.jwt', '/licenses/status-list'],
] as const;
const say = (text = '') => console.log(text);
function check(what: string, holds: boolean): void {
  if (!holds) throw new Error(`未做到：${what}`);
  say(`  ✓ ${what}`);
}

const COMPANY = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };

interface Route {
  title: string;
  matter: string;
  accepts: string;
  examines: string;
  forwards: string | null;
  decides: string;
  prints: string;
  issuer: string;
  fields: { label: string; text: string }[];
}

const ROUTES: Route[] = [
  {
    title: '直接下放 DIRECT',
    matter: 'yd2022-1-07',
    accepts: 'yudu-lyj.clerk',
    examines: 'yudu-lyj.reviewer',
    forwards: null,
    decides: 'yudu-lyj.approver',
    prints: 'yudu-lyj.clerk',
    issuer: 'yudu-lyj',
    fields: [
      { label: '采伐地点', text: '于都县示范乡示范村 3 林班' },
      { label: '采伐蓄积', text: '126 立方米' },
    ],
  },
  {
    title: '下放实质性审核权 SUBSTANTIVE_REVIEW',
    matter: 'yd2022-2-30',
    accepts: 'window-yudu',
    examines: 'yudu-sjj.reviewer',
    forwards: 'yudu-sjj.reviewer',
    decides: 'ganzhou-xzspj.approver',
    prints: 'window-yudu',
    issuer: 'ganzhou-xzspj',
    fields: [{ label: '设备种类', text: '曳引与强制驱动电梯' }],
  },
  {
    title: '服务窗口前移 WINDOW_FORWARD',
    matter: 'yd2022-3-25',
    accepts: 'window-yudu',
    examines: 'window-yudu',
    forwards: 'window-yudu',
    decides: 'ganzhou-xzspj.approver',
    prints: 'window-yudu',
    issuer: 'ganzhou-xzspj',
    fields: [{ label: '经营范围', text: '6815 注射穿刺器械；6866 医用高分子材料及制品' }],
  },
];

const LICENSE = `identifier number version name state document { digest signature { digest } } paper { blankNumber state validity }
  collection { state attempts lastError }`;

async function grant(
  client: Client,
  route: Route,
  more: { matter?: string; licenseNumber?: string } = {},
): Promise<string> {
  const input = { matter: route.matter, applicant: COMPANY, fields: route.fields, ...more };
  const { case: opened } = await client.act(
    route.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id number matter { name } }',
  );
  say(`  受理：办件 ${opened.number}（${opened.matter.name}）`);
  await client.act(
    route.examines,
    'examineCase',
    'ExamineCaseInput',
    { case: opened.id, finding: 'APPROVED' },
    'case { step }',
  );
  if (route.forwards)
    await client.act(route.forwards, 'forwardCase', 'CaseNoteInput', { case: opened.id }, 'case { step }');
  say(route.forwards ? '  审查通过，转报市级部门' : '  审查通过');
  const decision = { case: opened.id, decision: 'GRANTED', authoriseSeal: true };
  await client.act(route.decides, 'decideCase', 'DecideCaseInput', decision, 'case { step }');
  say(`  决定：准予，决定人授权用印（${demoPerson(route.decides)?.name}）`);
  const query = '{ certificateTasks(first: 100) { edges { node { case { id } } } } }';
  await client.until('制证任务', async () =>
    (await client.ask(route.prints, query)).certificateTasks.edges.some(
      (edge: Data) => edge.node.case.id === opened.id,
    ),
  );
  return opened.id;
}

async function blankOf(client: Client, issuer: string): Promise<string> {
  const query = '{ blanks(first: 1, filter: { state: IN_STOCK }) { edges { node { number } } } }';
  const data = await client.ask(`${issuer}.clerk`, query);
  const number = data.blanks.edges[0]?.node.number;
  const prefix = blankPrefix(readOrgans().find((organ) => organ.id === issuer)?.uscc ?? '');
  if (!number) throw new Error(`${issuer} 没有空白证照（${prefix}…）`);
  return number;
}

async function collected(client: Client, identifier: string): Promise<Data> {
  const query = `query($id: ID!) { license(identifier: $id) { ${LICENSE} } }`;
  return client.until('归集到市电子证照库', async () => {
    const { license } = await client.ask('auditor', query, { id: identifier });
    if (license.collection.state === 'FAILED') throw new Error(license.collection.lastError);
    return license.collection.state === 'COLLECTED' && license;
  });
}

async function threeCases(client: Client): Promise<Data[]> {
  const licenses: Data[] = [];
  for (const route of ROUTES) {
    say(`\n【${route.title}】`);
    const id = await grant(client, route);
    const blankNumber = await blankOf(client, route.issuer);
    const { license } = await client.act(
      route.prints,
      'issueLicense',
      'CaseActInput',
      { case: id, blankNumber },
      `license { ${LICENSE} }`,
    );
    say(`  制证：${license.name} ${license.number}，纸质证照用空白 ${license.paper.blankNumber}`);
    check(
      '电子证照与纸质证照同时生效',
      license.state === 'VALID' && license.paper.validity === 'VALID' && license.paper.state === 'PRINTED',
    );
    const delivered = { identifier: license.identifier, blankNumber };
    await client.act(route.prints, 'deliverCertificate', 'CertificateInput', delivered, 'license { number }');
    check('已归集到市电子证照库', (await collected(client, license.identifier)).collection.state === 'COLLECTED');
    licenses.push(license);
  }
  return licenses;
}

async function changeAndCancel(client: Client, license: Data): Promise<Data> {
  const [, , route] = ROUTES;
  if (!route) throw new Error('no route');
  say('\n【变更】第三类医疗器械经营许可（许可事项的变更）');
  const change = await grant(
    client,
    { ...route, fields: [{ label: '经营范围', text: '6815、6866；增加 6840 体外诊断试剂' }] },
    {
      matter: 'yd2022-3-28',
      licenseNumber: license.number,
    },
  );
  const asked = { case: change, blankNumber: await blankOf(client, route.issuer) };
  const { license: changed } = await client.act(
    route.prints,
    'changeLicense',
    'CaseActInput',
    asked,
    `license { ${LICENSE} versions { version state paper { validity recallDue } } }`,
  );
  const [before] = changed.versions;
  check(
    '新版本为第 2 版，旧版与旧纸质证照同时失效，旧纸质证照待收回',
    changed.version === 2 &&
      before.state === 'SUPERSEDED' &&
      before.paper.validity === 'SUPERSEDED' &&
      before.paper.recallDue,
  );
  await collected(client, changed.identifier);
  say('\n【注销】第三类医疗器械经营许可（注销）');
  const cancel = await grant(
    client,
    { ...route, fields: [] },
    { matter: 'yd2022-3-30', licenseNumber: license.number },
  );
  const { license: ended } = await client.act(
    route.prints,
    'cancelLicense',
    'CancelLicenseInput',
    { case: cancel },
    `license { ${LICENSE} }`,
  );
  check('电子证照与纸质证照同时注销', ended.state === 'CANCELLED' && ended.paper.validity === 'CANCELLED');
  await collected(client, changed.identifier);
  return changed;
}

async function whoSeesWhat(client: Client, licenses: Data[]): Promise<void> {
  say('\n【谁看得见什么】');
  const query = '{ licenses(first: 100) { edges { node { number holder { name code } } } } }';
  const numbers = new Set(licenses.map((license) => license.number));
  const seen = async (person: string) =>
    (await client.ask(person, query)).licenses.edges
      .map((edge: Data) => edge.node)
      .filter((node: Data) => numbers.has(node.number));
  const own = await seen('applicant-company');
  check(
    `申请人看见自己的 ${own.length} 份证照，代码完整：${own[0]?.holder.code}`,
    own.length === 3 && own[0].holder.code === COMPANY.code,
  );
  const clerk = await seen('window-yudu');
  check(
    `于都窗口人员看见窗口办理的 ${clerk.length} 份，代码遮掩：${clerk[0]?.holder.code}`,
    clerk.length === 3 && clerk[0].holder.code.includes('*'),
  );
  check('另一县（兴国县）的窗口人员一份也看不见', (await seen('window-xingguo')).length === 0);
  const uses = await client.ask(
    'auditor',
    '{ sealUses(first: 100) { edges { node { act authorisedBy seal { name } } } } }',
  );
  check(
    `审计人员看见全部证照和用印日志（${uses.sealUses.edges.length} 条）`,
    (await seen('auditor')).length === 3 && uses.sealUses.edges.length >= 5,
  );
  const status = await client.ask(null, 'query($id: ID!) { licenseStatus(identifier: $id) { state holderName } }', {
    id: licenses[0].identifier,
  });
  check(
    `公众凭二维码看见状态：${status.licenseStatus.state} ${status.licenseStatus.holderName}`,
    status.licenseStatus.state === 'VALID',
  );
}

/** Verifies with openssl the signature inside a PDF over the bytes that it covers. */
function openssl(name: string, pdf: Buffer): { command: string; passed: boolean } {
  const { covered, cms } = splitSignature(pdf);
  writeFileSync(`${name}.covered`, covered);
  writeFileSync(`${name}.p7s`, cms);
  const form = 'cms -verify -cades -binary -inform DER';
  const args =
    `${form} -in ${name}.p7s -content ${name}.covered -CAfile ${FOLDER}/root.pem -purpose any -out /dev/null`.split(
      ' ',
    );
  const result = spawnSync('openssl', args, { encoding: 'utf8' });
  if (result.error) throw new Error('没有找到 openssl 命令');
  return { command: `openssl ${args.join(' ')}`, passed: result.status === 0 };
}

async function verifyOutside(client: Client, licenses: Data[]): Promise<void> {
  say(`\n【用 openssl 核验】文件在 ${FOLDER}/`);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [file, path] of PUBLISHED) writeFileSync(`${FOLDER}/${file}`, await client.published(path));
  for (const license of licenses) {
    const name = `${FOLDER}/${license.number}-${license.version}`;
    const pdf = await client.file('auditor', license.document.digest);
    writeFileSync(`${name}.pdf`, pdf);
    const { command, passed } = openssl(name, pdf);
    say(`  ${command}`);
    check(`${license.name} ${license.number} 核验通过`, passed);
    const bundle = await client.published(`/licenses/evidence/${license.identifier}`);
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
  const first = `${FOLDER}/${licenses[0].number}-${licenses[0].version}`;
  const roots = [readFileSync(`${FOLDER}/root.pem`)];
  const [pdf, bundle] = [readFileSync(`${first}.pdf`), readFileSync(`${first}.evidence.json`)];
  const forgeries = [
    ['page-content', '页面内容', tamperPageContent(pdf)],
    ['attached-json', '内附数据', tamperAttachment(pdf)],
    ['signed-attribute', '签名属性', tamperSignedAttribute(pdf)],
    ['certificate', '印章证书', tamperCertificate(pdf)],
  ] as const;
  for (const [name, chinese, forged] of forgeries) {
    const file = `${FOLDER}/tampered-${name}.pdf`;
    writeFileSync(file, forged);
    const { verdict, subIndication } = verify({ file: forged, signature: null, roots, bundle }, new Date());
    check(`篡改${chinese}（${file}）：${verdict}，${subIndication}`, verdict !== 'TOTAL_PASSED');
  }
  say(`\n离线核验 npm run verify -- ${first}.pdf --root ${FOLDER}/root.pem`);
  say(`按登记数据重排 npm run rerender -- ${first}.pdf`);
}

const hub = await findHub(say);
try {
  const client = new Client(hub);
  const licenses = await threeCases(client);
  const changed = await changeAndCancel(client, licenses[2]);
  await whoSeesWhat(client, licenses);
  await verifyOutside(client, [...licenses, changed]);
  await fromAfar(client, { say, check });
  await supervised(client, licenses[0], { say, check });
  await atAGlance(client, { say, check });
  say('\n演示完成：每一步都做到了所说的。');
} catch (error) {
  console.error(`\n演示失败：${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await hub.stop();
}
process.exit();
