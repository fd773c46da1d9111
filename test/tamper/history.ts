import postgres from 'postgres';
import { connect } from '../../db/client.ts';
import { blankPrefix } from '../../scripts/hub/seed.ts';
import { readOrgans } from '../../seeds/load.ts';
import { writeGlobalId } from '../../subgraphs/kernel/graphql/global-id.ts';
import { stampBundle } from '../../subgraphs/licenses/evidence/workflow.ts';
import { linesFor } from '../support/content.ts';
import {
  grantCase,
  issueGrantedLicense,
  ROUTES,
  type Route,
  runMutation,
  toBlankNumber,
  toBlanks,
} from '../support/flow.ts';
import type { TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';
import { buildOfficeHistory } from './office-history.ts';
import type { RandomSource } from './random.ts';

/** Creates the history of a hub clone through the public GraphQL API. */

export interface LicenseInHand {
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
  const uscc = readOrgans().find((item) => item.id === organ)?.uscc ?? '';
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
const REISSUING = 'yd2022-3-29';

async function mutate(hub: TestHub, person: string, name: string, type: string, input: object): Promise<void> {
  const { refusal } = await runMutation(hub, person, name, type, input, '__typename');
  if (refusal) throw new Error(`${name}: ${JSON.stringify(refusal)}`);
}

/** Grants a case and issues its license on the blank with that serial. */
async function makeLicense(hub: TestHub, route: Route, serial: number, applicant?: object): Promise<LicenseInHand> {
  const caseId = await grantCase(hub, route, { applicant });
  const { identifier, number } = await issueGrantedLicense(hub, route, caseId, serial);
  return { identifier, number, caseId, route, serial };
}

/** Performs an act on the organ's own authority: suspend, restore, revoke, rescind, withdraw or cancel. */
async function performOwnAct(
  hub: TestHub,
  { identifier, route }: LicenseInHand,
  action: string,
  reason: string,
): Promise<void> {
  const organ = route.decides.replace('.approver', '');
  const { refusal } = await actForOrgan(hub, organ, action, { identifier, reason });
  if (refusal) throw new Error(`${action}: ${refusal.code}`);
}

async function moveSheet(hub: TestHub, { identifier, route, serial }: LicenseInHand, name: 'deliver' | 'recall') {
  const input = { identifier, blankNumber: toBlankNumber(route, serial) };
  const type = name === 'recall' ? 'RecallCertificateInput' : 'CertificateInput';
  await mutate(hub, route.prints, `${name}Certificate`, type, input);
}

/** Spoils the sheet and prints on another blank. Returns the license with the new blank. */
async function spoilSheet(hub: TestHub, license: LicenseInHand, replacement: number): Promise<LicenseInHand> {
  const { identifier, route, serial } = license;
  const blanks = { blankNumber: toBlankNumber(route, serial), replacement: toBlankNumber(route, replacement) };
  await mutate(hub, route.prints, 'spoilBlank', 'SpoilBlankInput', { identifier, ...blanks, reason: 'MISPRINT' });
  return { ...license, serial: replacement };
}

/** Suspends a seal, which its keeper does alone, or puts it back into use, which takes two persons. */
async function changeSealUse(hub: TestHub, seal: string, name: 'suspend' | 'resume', reason: string) {
  const organ = seal.replace(/-(approval|license)-seal$/, '');
  if (name === 'resume') {
    const { refusal } = await applyAndApprove(hub.ask, organ, 'applyForSealResumption', { seal, reason });
    if (refusal) throw new Error(`applyForSealResumption: ${refusal.code}`);
    return;
  }
  // A decision document that meets its seal suspended would wait.
  await waitForDecisions(hub, organ);
  await mutate(hub, `${organ}.keeper`, `${name}Seal`, 'SealActInput', { seal, reason });
}

/** Waits until every decision document of an organ is sealed. */
async function waitForDecisions(hub: TestHub, organ: string): Promise<void> {
  const sql = postgres(hub.adminUrl, { max: 1 });
  try {
    await waitUntil('the decisions are sealed', async () => {
      const [row] = await sql`select count(*)::int as unsealed from cases.decision_seal
        where organ = ${organ} and state <> 'DONE'`;
      return row?.unsealed === 0;
    });
  } finally {
    await sql.end();
  }
}

/** Grants and performs a second case on a license: a change, renewal, reissue of `reissuedSheets`, cancellation. */
async function actOnLicense(
  hub: TestHub,
  license: LicenseInHand,
  name: string,
  matter: string,
  serial: number | null,
  reissuedSheets?: object[],
): Promise<void> {
  await waitUntil('cases know the license', async () => {
    const query = 'query($id: ID!) { case(id: $id) { result } }';
    const { data } = await hub.ask('auditor', query, { id: license.caseId });
    return data.case.result === 'ISSUED';
  });
  const { route, number } = license;
  const id = await grantCase(hub, route, { matter, licenseNumber: number, reissuedSheets });
  const input = serial === null ? { case: id } : { case: id, ...toBlanks({ ...route, matter }, serial) };
  const type = name === 'cancel' ? 'CancelLicenseInput' : 'CaseActInput';
  await mutate(hub, route.prints, `${name}License`, type, input);
}

/** Decides a case that leads to no license: it is rejected, or its matter grants a decision document only. */
async function decideWithoutLicense(hub: TestHub, route: Route, granted: boolean): Promise<void> {
  const input = { matter: route.matter, applicant: CITIZEN, fields: linesFor(route.matter) };
  const { case: createdCase } = await runMutation(
    hub,
    route.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id: uuid }',
  );
  const finding = granted ? { finding: 'APPROVED' } : { finding: 'REFUSED', opinion: '不符合规定条件' };
  await mutate(hub, route.examines, 'examineCase', 'ExamineCaseInput', { case: createdCase.id, ...finding });
  const decision = granted ? { decision: 'GRANTED' } : { decision: 'REJECTED', reason: '不符合规定条件' };
  const decisionInput = { case: createdCase.id, authoriseSeal: true, ...decision };
  await mutate(hub, route.decides, 'decideCase', 'DecideCaseInput', decisionInput);
  // Wait here, before a later step suspends a seal. A retry could otherwise meet the seal suspended again.
  await waitUntil('the decision is sealed', async () => {
    const query = 'query($id: ID!) { case(id: $id) { notices { kind sealed } } }';
    const { data } = await hub.ask('auditor', query, { id: createdCase.id });
    const { notices } = data.case as { notices: { kind: string; sealed: boolean }[] };
    return notices.some(({ kind }) => kind === 'DECISION') && notices.every(({ sealed }) => sealed);
  });
}

async function requireFound(hub: TestHub, url: string): Promise<void> {
  const { statusCode } = await hub.hub.app.inject({ method: 'GET', url });
  if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
}

export interface History {
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
export async function buildHistory({ hub, advance, closeLibrary }: History): Promise<void> {
  const { DIRECT, SUBSTANTIVE_REVIEW: REVIEW, WINDOW_FORWARD: WINDOW } = ROUTES;
  for (const url of ['/seals/root.crl', '/seals/issuing.crl', '/licenses/status-list']) await requireFound(hub, url);
  await Promise.all([makeDirectLicenses(hub, DIRECT), makeReviewedLicenses(hub, REVIEW)]);
  advance(70);
  await Promise.all([makeForwardedLicenses(hub, WINDOW), makeTrafficLicenses(hub)]);
  await Promise.all([
    decideWithoutLicense(hub, DIRECT, false),
    decideWithoutLicense(hub, TRAFFIC, false),
    decideWithoutLicense(hub, DECIDED, true),
  ]);
  await changeSeals(hub);
  await buildOfficeHistory(hub);
  advance(70);
  await requireFound(hub, '/licenses/status-list');
  await stampEvidence(hub);
  await waitUntil('the library has what there is', async () => {
    const open = '{ licenses(first: 100) { edges { node { collection { state } statements { state } } } } }';
    const { data } = await hub.ask('auditor', open);
    type Edge = { node: { collection: { state: string }; statements: { state: string } | null } };
    const states = data.licenses.edges.flatMap(({ node }: Edge) => [node.collection, node.statements ?? []].flat());
    return states.every(({ state }: { state: string }) => state === 'COLLECTED');
  });
  await closeLibrary();
  await performOwnAct(hub, await makeLicense(hub, DIRECT, 40), 'suspend', '等待核查');
  await leaveUnfinishedWork(hub, DIRECT);
  advance(30);
}

async function makeDirectLicenses(hub: TestHub, route: Route): Promise<void> {
  const licenses: LicenseInHand[] = [];
  for (let first = 1; first <= 7; first += 3) {
    const serials = [first, first + 1, first + 2];
    licenses.push(
      ...(await Promise.all(
        serials.map((serial) => makeLicense(hub, route, serial, serial % 3 ? undefined : CITIZEN)),
      )),
    );
  }
  const [, delivered, suspended, restored, revoked, spoiled, rescinded, cancelled, withdrawn] = licenses;
  if (!delivered || !suspended || !restored || !revoked || !spoiled || !rescinded || !cancelled || !withdrawn) return;
  await moveSheet(hub, delivered, 'deliver');
  await performOwnAct(hub, suspended, 'suspend', '现场检查发现超范围采伐');
  await performOwnAct(hub, restored, 'suspend', '核查举报');
  await performOwnAct(hub, restored, 'restore', '举报不实');
  await moveSheet(hub, revoked, 'deliver');
  await performOwnAct(hub, revoked, 'revoke', '倒卖许可证件');
  await moveSheet(hub, revoked, 'recall');
  await moveSheet(hub, await spoilSheet(hub, spoiled, 21), 'deliver');
  await moveSheet(hub, rescinded, 'deliver');
  await performOwnAct(hub, rescinded, 'rescind', '申请人隐瞒有关情况');
  await performOwnAct(hub, cancelled, 'cancel', '依法注销');
  await performOwnAct(hub, withdrawn, 'withdraw', '客观情况发生重大变化');
}

async function makeReviewedLicenses(hub: TestHub, route: Route): Promise<void> {
  const item = await makeLicense(hub, route, 1);
  await moveSheet(hub, item, 'deliver');
  await performOwnAct(hub, await makeLicense(hub, route, 2), 'suspend', '设备超期未检');
  await makeLicense(hub, route, 3);
}

async function makeForwardedLicenses(hub: TestHub, route: Route): Promise<void> {
  const changed = await makeLicense(hub, route, 11);
  await moveSheet(hub, changed, 'deliver');
  await actOnLicense(hub, changed, 'change', CHANGING, 31);
  await actOnLicense(hub, await makeLicense(hub, route, 12), 'renew', RENEWING, 32);
  await actOnLicense(hub, await makeLicense(hub, route, 13), 'cancel', CANCELLING, null);
  await moveSheet(hub, await makeLicense(hub, route, 14), 'deliver');
  const restored = await makeLicense(hub, route, 15);
  await performOwnAct(hub, restored, 'suspend', '核查经营场所');
  await performOwnAct(hub, restored, 'restore', '整改完成');
  await spoilSheet(hub, await makeLicense(hub, route, 16), 36);
  const reissued = await makeLicense(hub, route, 17);
  await moveSheet(hub, reissued, 'deliver');
  await actOnLicense(hub, reissued, 'reissue', REISSUING, 37, [{ kind: 'DUPLICATE', reason: 'LOST' }]);
}

async function makeTrafficLicenses(hub: TestHub): Promise<void> {
  await makeLicense(hub, TRAFFIC, 1);
  await performOwnAct(hub, await makeLicense(hub, TRAFFIC, 2), 'suspend', '评价复核');
  await moveSheet(hub, await makeLicense(hub, TRAFFIC, 3), 'deliver');
  await makeLicense(hub, LABORATORY, 4);
}

async function changeSeals(hub: TestHub): Promise<void> {
  await changeSealUse(hub, TRAFFIC_SEAL, 'suspend', '印章介质检查');
  await changeSealUse(hub, TRAFFIC_SEAL, 'resume', '检查完毕');
  const grantInput = { seal: 'yudu-slj-license-seal', matter: 'yd2022-1-07' };
  const grantResult = await applyAndApprove(hub.ask, 'yudu-slj', 'applyForSealGrant', grantInput);
  const [grant] = grantResult.seal.grants.filter(
    (item: { matter: { id: string } }) => item.matter.id === writeGlobalId({ type: 'Matter', own: grantInput.matter }),
  );
  await applyAndApprove(hub.ask, 'yudu-slj', 'applyForSealGrantWithdrawal', { seal: grantInput.seal, grant: grant.id });
  const endInput = { seal: 'yudu-sthjj-license-seal', reason: 'CESSATION_OF_OPERATION', words: '机构改革' };
  await applyAndApprove(hub.ask, 'yudu-sthjj', 'applyForSealEnd', endInput);
}

/** Stamps the evidence bundles of four licenses and fetches their evidence. */
async function stampEvidence(hub: TestHub): Promise<void> {
  const { data } = await hub.ask('auditor', '{ licenses(first: 4) { edges { node { identifier } } } }');
  const { attest, stamp, material } = hub.hub.seals;
  const { db, close } = connect(hub.databaseUrls.licenses, 'test-stamps', 1);
  const publicUrl = 'http://127.0.0.1:4000';
  const now = () => new Date();
  for (const { node } of data.licenses.edges) {
    await stampBundle({ db, now, publicUrl, attest, stamp, material }, node.identifier);
    await requireFound(hub, `/licenses/evidence/${node.identifier}`);
  }
  await close();
}

/** Leaves unfinished work: a granted case that nobody has printed, and an act that waits for a suspended seal. */
async function leaveUnfinishedWork(hub: TestHub, route: Route): Promise<void> {
  await grantCase(hub, route);
  const id = await grantCase(hub, LABORATORY);
  const input = { case: id, ...toBlanks(LABORATORY, 9) };
  await changeSealUse(hub, TRAFFIC_SEAL, 'suspend', '印章遗失待查');
  await runMutation(hub, LABORATORY.prints, 'issueLicense', 'CaseActInput', input, '__typename');
}

/** Performs a few legitimate acts, chosen at random. Blanks have serials from 60 on. */
export async function addRandomActs(hub: TestHub, random: RandomSource): Promise<void> {
  const routes: Route[] = [ROUTES.DIRECT, ROUTES.SUBSTANTIVE_REVIEW, ROUTES.WINDOW_FORWARD];
  if (random.below(2) === 0) {
    await changeSealUse(hub, TRAFFIC_SEAL, 'resume', '印章找回');
    routes.push(TRAFFIC, LABORATORY);
    await waitUntil('what waited for the seal is done', async () => {
      const { data } = await hub.ask('auditor', '{ certificateTasks(first: 9) { edges { node { waitingFor } } } }');
      return data.certificateTasks.edges.every(
        (edge: { node: { waitingFor: string | null } }) => !edge.node.waitingFor,
      );
    });
  }
  let serial = 60 + random.below(20);
  const acts = 2 + random.below(2);
  for (let i = 0; i < acts; i++) {
    const route = random.pick(routes);
    let license = await makeLicense(hub, route, ++serial, random.pick([CITIZEN, undefined]));
    switch (random.pick(['suspend', 'restore', 'revoke', 'deliver', 'spoil', 'none'] as const)) {
      case 'restore':
        await performOwnAct(hub, license, 'suspend', '检查');
        await performOwnAct(hub, license, 'restore', '检查完毕');
        break;
      case 'spoil':
        license = await spoilSheet(hub, license, ++serial);
        await moveSheet(hub, license, 'deliver');
        break;
      case 'deliver':
        await moveSheet(hub, license, 'deliver');
        break;
      case 'suspend':
        await performOwnAct(hub, license, 'suspend', '检查');
        break;
      case 'revoke':
        await performOwnAct(hub, license, 'revoke', '吊销');
        break;
    }
  }
  if (random.below(2) === 0) await decideWithoutLicense(hub, ROUTES.DIRECT, false);
  const seal = random.pick(['yudu-lyj-license-seal', 'ganzhou-xzspj-approval-seal']);
  await changeSealUse(hub, seal, 'suspend', '检查');
  await changeSealUse(hub, seal, 'resume', '检查完毕');
  if (random.below(2) === 0) await requireFound(hub, '/licenses/status-list');
}
