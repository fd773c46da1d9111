import { dayOf } from '../../subgraphs/kernel/day.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { COMPANY, findBlanks, grantCase, LICENSE, type Route, waitUntilCollected } from './cases.ts';
import type { Client, Data } from './client.ts';
import { check, say } from './output.ts';

/**
 * The life of one license (第三类医疗器械经营许可证): a change of one line, an early renewal, a correction, a lost sheet, its
 * end; and the last day of another one. Each act is one for the license and its paper.
 */

const VERSIONS =
  'versions { identifier version state validFrom validUntil papers { blankNumber kind state validity recallDue } }';
const SHOWN = `license { ${LICENSE} validFrom validUntil fields { label text } ${VERSIONS} }`;
const DAY_MS = 86_400_000;

/** An act on the license by a case, as the counter does it. */
interface CaseAct {
  title: string;
  mutation: string;
  matter: string;
  situation?: string;
  fields?: Route['fields'];
  reason?: string;
}

/** Takes a case to its certificate task and carries the act out. Returns the license after it. */
async function actOn(client: Client, route: Route, number: string, act: CaseAct): Promise<Data> {
  say(`\n【${act.title}】`);
  const { matter, situation, fields = [], reason } = act;
  const id = await grantCase(client, { ...route, fields }, { matter, situation, licenseNumber: number }, { reason });
  const input = { case: id, ...(await findBlanks(client, route.issuer, id)) };
  const { license } = await client.act(route.printedBy, act.mutation, 'CaseActInput', input, SHOWN);
  return license;
}

/** Hands the sheets over to the holder. */
async function deliver(client: Client, route: Route, { identifier, paper }: Data): Promise<void> {
  const input = { identifier, blankNumber: paper.blankNumber };
  await client.act(route.printedBy, 'deliverCertificate', 'CertificateInput', input, 'license { number }');
}

const textOf = ({ fields }: Data, label: string) => fields.find((line: Data) => line.label === label)?.text;
const dayAfter = (day: string) => new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10);

async function changeOneLine(client: Client, route: Route, number: string): Promise<void> {
  const scope = '6815、6866；增加 6840 体外诊断试剂';
  const changed = await actOn(client, route, number, {
    ...{ title: '变更：只改经营范围', mutation: 'changeLicense', matter: 'yd2022-3-28' },
    fields: [{ label: '经营范围', text: scope }],
  });
  const [earlier] = changed.versions;
  check(
    '新版本为第 2 版，旧版与旧纸质证照同时失效，旧纸质证照待收回',
    changed.version === 2 &&
      earlier.state === 'SUPERSEDED' &&
      earlier.papers.every((sheet: Data) => sheet.validity === 'SUPERSEDED' && sheet.recallDue),
  );
  const kept = route.fields.filter(({ label }) => label !== '经营范围');
  check(
    `其余 ${kept.length} 项照旧`,
    textOf(changed, '经营范围') === scope && kept.every(({ label, text }) => textOf(changed, label) === text),
  );
  await deliver(client, route, changed);
}

async function renewEarly(client: Client, route: Route, number: string): Promise<void> {
  const renewed = await actOn(client, route, number, {
    ...{ title: '延续：有效期内准予，自届满次日起', mutation: 'renewLicense', matter: 'yd2022-3-26' },
  });
  const [earlier, next] = renewed.versions.slice(-2);
  check(
    `原版本有效至 ${earlier.validUntil}，延续版本自 ${next.validFrom} 起，此前未到生效日`,
    earlier.state === 'VALID' && next.state === 'NOT_YET_VALID' && next.validFrom === dayAfter(earlier.validUntil),
  );
  await deliver(client, route, { identifier: next.identifier, paper: next.papers[0] });
}

async function correct(client: Client, route: Route, number: string): Promise<Data> {
  const corrected = await actOn(client, route, number, {
    ...{ title: '更正：法定代表人姓名笔误', mutation: 'correctLicense', matter: 'yd2022-3-25', situation: 'CORRECT' },
    fields: [{ label: '法定代表人', text: '陈示范' }],
    reason: '登记时笔误，申请材料所载为陈示范',
  });
  check('更正后只有姓名不同，旧证待收回', textOf(corrected, '法定代表人') === '陈示范');
  await deliver(client, route, corrected);
  return corrected;
}

async function replaceLost(client: Client, route: Route, number: string): Promise<Data> {
  const reissued = await actOn(client, route, number, {
    ...{ title: '补发：正本、副本遗失', mutation: 'reissueLicense', matter: 'yd2022-3-29' },
  });
  const lost = reissued.versions.at(-2);
  check(
    '遗失的正本、副本作废，不再要求收回',
    lost.papers.every((sheet: Data) => sheet.state === 'LOST' && !sheet.recallDue),
  );
  const { lostPapers } = await client.ask(null, '{ lostPapers(first: 100) { edges { node { blankNumber } } } }');
  const announced = lostPapers.edges.map((edge: Data) => edge.node.blankNumber);
  check(
    `任何人查得到遗失公告：空白 ${lost.papers.map((sheet: Data) => sheet.blankNumber).join('、')}`,
    lost.papers.every((sheet: Data) => announced.includes(sheet.blankNumber)),
  );
  return reissued;
}

/** Issues a license whose last day is today, and verifies it offline as of now and as of the next midnight. */
export async function demonstrateLastDay(client: Client, route: Route): Promise<void> {
  say('\n【有效期届满】决定只准到今日');
  const today = dayOf(new Date());
  const id = await grantCase(client, route, {}, { validUntil: today });
  const input = { case: id, ...(await findBlanks(client, route.issuer, id)) };
  const { license } = await client.act(route.printedBy, 'issueLicense', 'CaseActInput', input, SHOWN);
  const [file, root, bundle] = [
    await client.downloadDocument('auditor', license.document.digest, 'AUDIT'),
    await client.downloadPublic('/root.pem'),
    await client.downloadPublic(`/licenses/evidence/${license.identifier}`),
  ];
  const midnight = new Date(`${dayAfter(today)}T00:00:00+08:00`);
  const [stateToday, stateNextDay] = [new Date(), midnight].map(
    (at) => verify({ file, signature: null, roots: [root], bundle }, at).status.state,
  );
  check(
    `离线核验：今日 ${stateToday}，次日零时 ${stateNextDay}（失效）`,
    stateToday === 'VALID' && stateNextDay === 'LAPSED',
  );
}

async function cancel(client: Client, route: Route, number: string): Promise<void> {
  say('\n【注销】第三类医疗器械经营许可（注销）');
  const id = await grantCase(client, { ...route, fields: [] }, { matter: 'yd2022-3-30', licenseNumber: number });
  const input = { case: id };
  const { license } = await client.act(route.printedBy, 'cancelLicense', 'CancelLicenseInput', input, SHOWN);
  check('电子证照与纸质证照同时注销', license.state === 'CANCELLED' && license.paper.validity === 'CANCELLED');
}

/** Demonstrates the life of a license of a route. Returns its last version. */
export async function demonstrateLife(client: Client, route: Route, { number }: Data): Promise<Data> {
  say(`\n一份证照的一生：${COMPANY.name}，${number}`);
  await changeOneLine(client, route, number);
  await renewEarly(client, route, number);
  await correct(client, route, number);
  const last = await replaceLost(client, route, number);
  await waitUntilCollected(client, last.identifier);
  await cancel(client, route, number);
  await waitUntilCollected(client, last.identifier);
  return last;
}
