import { connect } from '../../db/client.ts';
import { blankPrefix } from '../../scripts/seed.ts';
import { readOrgans } from '../../seeds/load.ts';
import { stampBundle } from '../../subgraphs/licenses/evidence/workflow.ts';
import { grantCase, issueGrantedLicense, ROUTES, type Route, runMutation, toBlankNumber } from '../support/flow.ts';
import type { TestHub } from '../support/hub.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';
import type { Chance } from './chance.ts';

/** Creates the history of a hub clone through the public GraphQL API. */

export interface Known {
  identifier: string;
  number: string;
  caseId: string;
  route: Route;
  /** Serial of the blank (空白证照) of its sheet. */
  serial: number;
}

const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };

/** Returns the route of a county organ that performs every step itself. */
function directRoute(organ: string, matter: string): Route {
  const staff = (position: string) => `${organ}.${position}`;
  const uscc = readOrgans().find((one) => one.id === organ)?.uscc ?? '';
  return {
    matter,
    accepts: staff('clerk'),
    examines: staff('reviewer'),
    forwards: null,
    decides: staff('approver'),
    prints: staff('clerk'),
    blanks: blankPrefix(uscc),
  };
}

/** 公路工程参建单位工作综合评价登记证书; 公路工程质量监督手续, a decision; 公路水运工程工地试验室备案证明. */
const TRAFFIC: Route = directRoute('yudu-jtysj', 'yd2022-1-06');
const DECIDED: Route = { ...TRAFFIC, matter: 'yd2022-1-02' };
const LABORATORY: Route = { ...TRAFFIC, matter: 'yd2022-1-04' };
const TRAFFIC_SEAL = 'yudu-jtysj-license-seal';
const CHANGING = 'yd2022-3-28';
const RENEWING = 'yd2022-3-26';
const CANCELLING = 'yd2022-3-30';

async function does(hub: TestHub, person: string, name: string, type: string, input: object): Promise<void> {
  const { refusal } = await runMutation(hub, person, name, type, input, '__typename');
  if (refusal) throw new Error(`${name}: ${JSON.stringify(refusal)}`);
}

/** Grants a case and issues its license on the blank with that serial. */
export async function makeLicense(hub: TestHub, route: Route, serial: number, applicant?: object): Promise<Known> {
  const caseId = await grantCase(hub, route, { applicant });
  const { identifier, number } = await issueGrantedLicense(hub, route, caseId, serial);
  return { identifier, number, caseId, route, serial };
}

/** Performs an act on the organ's own authority: suspend, restore, revoke, rescind, withdraw or cancel. */
export async function own(hub: TestHub, { identifier, route }: Known, name: string, reason: string): Promise<void> {
  const type = name === 'cancel' ? 'CancelLicenseInput' : 'OwnActInput';
  await does(hub, route.decides, `${name}License`, type, { identifier, reason });
}

export async function hand(hub: TestHub, { identifier, route, serial }: Known, name: 'deliver' | 'recall') {
  const input = { identifier, blankNumber: toBlankNumber(route, serial) };
  await does(hub, route.prints, `${name}Certificate`, 'CertificateInput', input);
}

/** Spoils the sheet and prints on another blank. Returns the license with the new blank. */
export async function spoil(hub: TestHub, known: Known, replacement: number): Promise<Known> {
  const { identifier, route, serial } = known;
  const blanks = { blankNumber: toBlankNumber(route, serial), replacement: toBlankNumber(route, replacement) };
  await does(hub, route.prints, 'spoilBlank', 'SpoilBlankInput', { identifier, ...blanks, reason: '打印错位' });
  return { ...known, serial: replacement };
}

export async function useSeal(hub: TestHub, seal: string, name: 'suspend' | 'resume', reason: string) {
  const organ = seal.replace(/-(approval|license)-seal$/, '');
  await does(hub, `${organ}.keeper`, `${name}Seal`, 'SealActInput', { seal, reason });
}

/** Grants and performs a second case on a license: a change, a renewal or a cancellation. */
async function again(hub: TestHub, known: Known, name: string, matter: string, serial: number | null): Promise<void> {
  await waitUntil('cases know the license', async () => {
    const query = 'query($id: ID!) { case(id: $id) { result } }';
    const { data } = await hub.ask('auditor', query, { id: known.caseId });
    return data.case.result === 'ISSUED';
  });
  const { route, number } = known;
  const id = await grantCase(hub, route, { matter, licenseNumber: number });
  const input =
    name === 'cancel' ? { case: id } : { case: id, blankNumber: serial === null ? null : toBlankNumber(route, serial) };
  const type = name === 'cancel' ? 'CancelLicenseInput' : 'CaseActInput';
  await does(hub, route.prints, `${name}License`, type, input);
}

/** Decides a case that leads to no license: it is rejected, or its matter grants a decision document only. */
async function decide(hub: TestHub, route: Route, granted: boolean): Promise<void> {
  const input = { matter: route.matter, applicant: CITIZEN, fields: [{ label: '项目', text: '示范' }] };
  const { case: made } = await runMutation(hub, route.accepts, 'acceptCase', 'ApplicationInput', input, 'case { id }');
  const finding = granted ? { finding: 'APPROVED' } : { finding: 'REFUSED', opinion: '不符合规定条件' };
  await does(hub, route.examines, 'examineCase', 'ExamineCaseInput', { case: made.id, ...finding });
  const decision = granted ? { decision: 'GRANTED' } : { decision: 'REJECTED', reason: '不符合规定条件' };
  const decided = { case: made.id, authoriseSeal: true, ...decision };
  await does(hub, route.decides, 'decideCase', 'DecideCaseInput', decided);
  // Wait here, before a later step suspends a seal. A retry could otherwise meet the seal suspended again.
  await waitUntil('the decision is sealed', async () => {
    const query = 'query($id: ID!) { case(id: $id) { notices { sealed } } }';
    const { data } = await hub.ask('auditor', query, { id: made.id });
    return data.case.notices.some((notice: { sealed: boolean }) => notice.sealed);
  });
}

async function get(hub: TestHub, url: string): Promise<void> {
  const { statusCode } = await hub.hub.app.inject({ method: 'GET', url });
  if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
}

export interface Town {
  hub: TestHub;
  /** Moves the hub's clock forward. */
  advance(minutes: number): void;
  /** Closes the library, so that it accepts nothing more. */
  closeLibrary(): Promise<void>;
}

/**
 * Fills the template with two dozen licenses in every state, decisions, suspended and ended seals, revocation and
 * status lists, timestamps, and unfinished work.
 */
export async function liveIn({ hub, advance, closeLibrary }: Town): Promise<void> {
  const { DIRECT, SUBSTANTIVE_REVIEW: REVIEW, WINDOW_FORWARD: WINDOW } = ROUTES;
  for (const url of ['/seals/root.crl', '/seals/issuing.crl', '/licenses/status-list']) await get(hub, url);
  await Promise.all([direct(hub, DIRECT), reviewed(hub, REVIEW)]);
  advance(70);
  await Promise.all([windowed(hub, WINDOW), traffic(hub)]);
  await Promise.all([decide(hub, DIRECT, false), decide(hub, TRAFFIC, false), decide(hub, DECIDED, true)]);
  await sealsMove(hub);
  advance(70);
  await get(hub, '/licenses/status-list');
  await prove(hub);
  await waitUntil('the library has what there is', async () => {
    const open = '{ licenses(first: 100) { edges { node { collection { state } } } } }';
    const { data } = await hub.ask('auditor', open);
    const states = data.licenses.edges.map((edge: { node: { collection: { state: string } } }) => edge.node.collection);
    return states.every(({ state }: { state: string }) => state === 'COLLECTED');
  });
  await closeLibrary();
  await own(hub, await makeLicense(hub, DIRECT, 40), 'suspend', '等待核查');
  await waits(hub, DIRECT);
  advance(30);
}

async function direct(hub: TestHub, route: Route): Promise<void> {
  const made: Known[] = [];
  for (let first = 1; first <= 7; first += 3) {
    const three = [first, first + 1, first + 2];
    made.push(
      ...(await Promise.all(three.map((serial) => makeLicense(hub, route, serial, serial % 3 ? undefined : CITIZEN)))),
    );
  }
  const [, delivered, suspended, restored, revoked, spoiled, rescinded, cancelled, withdrawn] = made;
  if (!delivered || !suspended || !restored || !revoked || !spoiled || !rescinded || !cancelled || !withdrawn) return;
  await hand(hub, delivered, 'deliver');
  await own(hub, suspended, 'suspend', '现场检查发现超范围采伐');
  await own(hub, restored, 'suspend', '核查举报');
  await own(hub, restored, 'restore', '举报不实');
  await hand(hub, revoked, 'deliver');
  await own(hub, revoked, 'revoke', '倒卖许可证件');
  await hand(hub, revoked, 'recall');
  await hand(hub, await spoil(hub, spoiled, 21), 'deliver');
  await hand(hub, rescinded, 'deliver');
  await own(hub, rescinded, 'rescind', '申请人隐瞒有关情况');
  await own(hub, cancelled, 'cancel', '依法注销');
  await own(hub, withdrawn, 'withdraw', '客观情况发生重大变化');
}

async function reviewed(hub: TestHub, route: Route): Promise<void> {
  const one = await makeLicense(hub, route, 1);
  await hand(hub, one, 'deliver');
  await own(hub, await makeLicense(hub, route, 2), 'suspend', '设备超期未检');
  await makeLicense(hub, route, 3);
}

async function windowed(hub: TestHub, route: Route): Promise<void> {
  const changed = await makeLicense(hub, route, 11);
  await hand(hub, changed, 'deliver');
  await again(hub, changed, 'change', CHANGING, 31);
  await again(hub, await makeLicense(hub, route, 12), 'renew', RENEWING, 32);
  await again(hub, await makeLicense(hub, route, 13), 'cancel', CANCELLING, null);
  await hand(hub, await makeLicense(hub, route, 14), 'deliver');
  const restored = await makeLicense(hub, route, 15);
  await own(hub, restored, 'suspend', '核查经营场所');
  await own(hub, restored, 'restore', '整改完成');
  await spoil(hub, await makeLicense(hub, route, 16), 36);
}

async function traffic(hub: TestHub): Promise<void> {
  await makeLicense(hub, TRAFFIC, 1);
  await own(hub, await makeLicense(hub, TRAFFIC, 2), 'suspend', '评价复核');
  await hand(hub, await makeLicense(hub, TRAFFIC, 3), 'deliver');
  await makeLicense(hub, LABORATORY, 4);
}

async function sealsMove(hub: TestHub): Promise<void> {
  await useSeal(hub, TRAFFIC_SEAL, 'suspend', '印章介质检查');
  await useSeal(hub, TRAFFIC_SEAL, 'resume', '检查完毕');
  const granted = { seal: 'yudu-slj-license-seal', matter: 'yd2022-1-07' };
  const given = await applyAndApprove(hub.ask, 'yudu-slj', 'applyForSealGrant', granted);
  const [grant] = given.seal.grants.filter((one: { matter: { id: string } }) => one.matter.id === granted.matter);
  await applyAndApprove(hub.ask, 'yudu-slj', 'applyForSealGrantWithdrawal', { seal: granted.seal, grant: grant.id });
  const ended = { seal: 'yudu-sthjj-license-seal', reason: 'CESSATION_OF_OPERATION', words: '机构改革' };
  await applyAndApprove(hub.ask, 'yudu-sthjj', 'applyForSealEnd', ended);
}

/** Stamps the evidence bundles of four licenses and fetches their evidence. */
async function prove(hub: TestHub): Promise<void> {
  const { data } = await hub.ask('auditor', '{ licenses(first: 4) { edges { node { identifier } } } }');
  const { attest, stamp, material } = hub.hub.seals;
  const { db, close } = connect(hub.databaseUrls.licenses, 'test-stamps', 1);
  const publicUrl = 'http://127.0.0.1:4000';
  const now = () => new Date();
  for (const { node } of data.licenses.edges) {
    await stampBundle({ db, now, publicUrl, attest, stamp, material }, node.identifier);
    await get(hub, `/licenses/evidence/${node.identifier}`);
  }
  await close();
}

/** Leaves unfinished work: a granted case that nobody has printed, and an act that waits for a suspended seal. */
async function waits(hub: TestHub, route: Route): Promise<void> {
  await grantCase(hub, route);
  const id = await grantCase(hub, LABORATORY);
  const input = { case: id, blankNumber: toBlankNumber(LABORATORY, 9) };
  await useSeal(hub, TRAFFIC_SEAL, 'suspend', '印章遗失待查');
  await runMutation(hub, LABORATORY.prints, 'issueLicense', 'CaseActInput', input, '__typename');
}

/** Performs a few legitimate acts, chosen at random. Blanks have serials from 100 on. */
export async function liveOn(hub: TestHub, chance: Chance): Promise<void> {
  const routes: Route[] = [ROUTES.DIRECT, ROUTES.SUBSTANTIVE_REVIEW, ROUTES.WINDOW_FORWARD];
  if (chance.below(2) === 0) {
    await useSeal(hub, TRAFFIC_SEAL, 'resume', '印章找回');
    routes.push(TRAFFIC, LABORATORY);
    await waitUntil('what waited for the seal is done', async () => {
      const { data } = await hub.ask('auditor', '{ certificateTasks(first: 9) { edges { node { waitingFor } } } }');
      return data.certificateTasks.edges.every(
        (edge: { node: { waitingFor: string | null } }) => !edge.node.waitingFor,
      );
    });
  }
  let serial = 100 + chance.below(20);
  const acts = 2 + chance.below(2);
  for (let i = 0; i < acts; i++) {
    const route = chance.pick(routes);
    let known = await makeLicense(hub, route, ++serial, chance.pick([CITIZEN, undefined]));
    switch (chance.pick(['suspend', 'restore', 'revoke', 'deliver', 'spoil', 'none'] as const)) {
      case 'restore':
        await own(hub, known, 'suspend', '检查');
        await own(hub, known, 'restore', '检查完毕');
        break;
      case 'spoil':
        known = await spoil(hub, known, ++serial);
        await hand(hub, known, 'deliver');
        break;
      case 'deliver':
        await hand(hub, known, 'deliver');
        break;
      case 'suspend':
        await own(hub, known, 'suspend', '检查');
        break;
      case 'revoke':
        await own(hub, known, 'revoke', '吊销');
        break;
    }
  }
  if (chance.below(2) === 0) await decide(hub, ROUTES.DIRECT, false);
  const seal = chance.pick(['yudu-lyj-license-seal', 'ganzhou-xzspj-approval-seal']);
  await useSeal(hub, seal, 'suspend', '检查');
  await useSeal(hub, seal, 'resume', '检查完毕');
  if (chance.below(2) === 0) await get(hub, '/licenses/status-list');
}
