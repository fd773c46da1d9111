import { generateKeyPairSync } from 'node:crypto';
import { linesFor } from '../../support/content.ts';
import { buildPdf } from '../../support/files.ts';
import { COMPANY, issueGrantedLicense, ROUTES, type Route, runMutation } from '../../support/flow.ts';
import { createTestHub, type TestHub } from '../../support/hub.ts';
import { prepareAct } from '../../support/own-act.ts';
import { administer } from '../../support/proposal.ts';
import { fetchFile } from '../../support/reading.ts';
import { submitApplication } from '../../support/seal-applications.ts';
import {
  type GraphqlNode,
  listPushes,
  recordFinding,
  waitForLicense,
  waitForOrder,
} from '../../support/supervision.ts';
import { waitUntil } from '../../support/until.ts';
import { uploadFile } from '../../support/upload.ts';

/** Two offices with no organ in common, each with one record of every kind, all marked. */

const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
/** What stands in a mark: the record whose words it is in. */
export const MARKED = [
  ...['case', 'opinion', 'decision', 'finding', 'order', 'act', 'application', 'proposal', 'remark', 'upload'],
  ...['platform', 'webhook'],
] as const;
export type Marked = (typeof MARKED)[number];

const OFFICES = [
  {
    ...{ name: 'jia', route: ROUTES.DIRECT, organ: 'yudu-lyj', seal: 'yudu-lyj-license-seal' },
    ...{
      applicant: COMPANY,
      applicantId: 'applicant-company',
      window: null,
      webhook: 'yudu-slj',
      platform: 'ganzhou-jyj',
    },
    parties: ['yudu-lyj'],
  },
  {
    ...{ name: 'yi', route: ROUTES.SUBSTANTIVE_REVIEW, organ: 'ganzhou-xzspj', seal: 'ganzhou-xzspj-approval-seal' },
    ...{ applicant: CITIZEN, applicantId: 'applicant-citizen', window: '360731', webhook: 'yudu-jtysj' },
    platform: 'ganzhou-jtysj',
    parties: ['yudu-sjj', 'ganzhou-xzspj'],
  },
] as const satisfies readonly Office[];

interface Office {
  /** Begins every mark of the office. */
  name: 'jia' | 'yi';
  route: Route;
  /** The organ that decides, issues and owns the seal. */
  organ: string;
  seal: string;
  applicant: typeof COMPANY;
  applicantId: string;
  /** The integrated window that accepted the case, or null. */
  window: string | null;
  /** Organs of the case, by the plan. */
  parties: readonly string[];
  /** An organ whose system gets pushes. */
  webhook: string;
  /** An organ whose cases a platform handles. */
  platform: string;
}

export interface World extends Office {
  caseId: string;
  identifier: string;
  matter: string;
  /** Organ whose supervisor recorded the finding and the order. */
  supervisor: string;
  /** Ids of the records. Nobody else's record has one of them. */
  ids: readonly string[];
  mark: (marked: Marked) => string;
}

export interface Worlds {
  hub: TestHub;
  worlds: readonly World[];
}

/** Creates a hub with the records of both offices. */
export async function createWorlds(): Promise<Worlds> {
  const hub = await createTestHub({ webhookHosts: ['127.0.0.1'] });
  const worlds: World[] = [];
  for (const office of OFFICES) worlds.push(await fillOffice(hub, office));
  return { hub, worlds };
}

async function fillOffice(hub: TestHub, office: Office): Promise<World> {
  const mark = (marked: Marked) => `${office.name}-${marked}-mark`;
  const { route, organ } = office;
  const caseId = await markedCase(hub, office, mark);
  const { identifier } = await issueGrantedLicense(hub, route, caseId, 1);
  await waitForLicense(hub, caseId);
  const [push] = (await listPushes(hub, caseId)) ?? [];
  const supervisor: string = push.organ.id;
  const notice = { push: push.id, kind: 'NOTICE', text: mark('finding') };
  const finding = await recordFinding(hub, `${supervisor}.supervisor`, notice);
  const order = await recordFinding(hub, `${supervisor}.supervisor`, {
    ...{ push: push.id, kind: 'SUSPENSION', text: mark('order') },
  });
  await waitForOrder(hub, order.id);
  const { proposal } = await prepareAct(hub, `${organ}.reviewer`, 'suspend', { identifier, reason: mark('act') });
  const { application } = await submitApplication(hub.ask, `${organ}.keeper`, 'applyForSealGrant', {
    ...{ seal: office.seal, matter: 'yd2022-1-02', reason: mark('application') },
  });
  const { data } = await hub.ask(
    'auditor',
    '{ licenses(first: 9) { edges { node { identifier document { url } } } } }',
  );
  const { document } = data.licenses.edges.find((edge: GraphqlNode) => edge.node.identifier === identifier).node;
  const reading = await fetchFile(hub, `${organ}.approver`, document.url, 'VERIFICATION', mark('remark'));
  if (reading.statusCode !== 200) throw new Error(reading.body);
  await uploadFile(hub, office.applicantId, buildPdf(mark('upload')), { name: `${mark('upload')}.pdf` });
  const proposals = await administration(hub, office, mark);
  const ids = [caseId, identifier, push.id, finding.id, order.id, proposal.id, application.id, ...proposals];
  return { ...office, caseId, identifier, matter: route.matter, supervisor, ids, mark };
}

/** Accepts a case of an office and grants it. Each person leaves a mark. Returns its id. */
async function markedCase(hub: TestHub, { route, applicant }: Office, mark: World['mark']): Promise<string> {
  const take = async (person: string, name: string, type: string, input: object): Promise<string> => {
    const result = await runMutation(hub, person, name, type, input, 'case { id: uuid }');
    if (!result.case) throw new Error(`${name}: ${JSON.stringify(result)}`);
    return result.case.id;
  };
  const fields = linesFor(route.matter, { 备注: mark('case') });
  const application = { matter: route.matter, applicant, fields };
  const id = await take(route.accepts, 'acceptCase', 'ApplicationInput', application);
  const examination = { case: id, finding: 'APPROVED', opinion: mark('opinion') };
  await take(route.examines, 'examineCase', 'ExamineCaseInput', examination);
  if (route.forwards !== null) await take(route.forwards, 'forwardCase', 'CaseNoteInput', { case: id });
  const decision = { case: id, decision: 'GRANTED', authoriseSeal: true, reason: mark('decision') };
  await take(route.decides, 'decideCase', 'DecideCaseInput', decision);
  await waitUntil('the certificate task is open', async () => {
    const { data } = await hub.ask(
      'auditor',
      '{ certificateTasks(first: 9) { edges { node { case { id: uuid } } } } }',
    );
    return data.certificateTasks.edges.some(({ node }: GraphqlNode) => node.case.id === id);
  });
  return id;
}

/** A platform, a webhook, and a proposal that waits. Returns the ids of what is the organ's own. */
async function administration(
  hub: TestHub,
  { organ, webhook, platform: platformOrgan }: Office,
  mark: World['mark'],
): Promise<string[]> {
  const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const platform = { organ: platformOrgan, name: mark('platform'), url: 'https://platform.example/hub', publicKey };
  const hook = { organ: webhook, url: `https://${mark('webhook')}.example/hook` };
  const done = [
    await administer(hub, 'registerPlatform', 'RegisterPlatformInput', platform, 'platform { id: uuid }'),
    await administer(hub, 'registerWebhook', 'RegisterWebhookInput', hook, 'webhook { id: uuid }'),
  ];
  for (const { refusal } of done) if (refusal) throw new Error(JSON.stringify(refusal));
  const waiting = { organ, url: `https://${mark('proposal')}.example/hook` };
  const { proposal, refusal } = await runMutation(
    ...([hub, 'administrator', 'registerWebhook', 'RegisterWebhookInput', waiting, 'proposal { id: uuid }'] as const),
  );
  if (refusal) throw new Error(JSON.stringify(refusal));
  return [proposal.id];
}
