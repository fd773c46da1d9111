import { generateKeyPairSync } from 'node:crypto';
import { locatePersonKeyFile, locateSignerKeyFile } from '../../scripts/hub/secrets.ts';
import { writePersonKeys } from '../../scripts/person-keys/keys.ts';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import type { TestHub } from '../support/hub.ts';
import { prepareAct } from '../support/own-act.ts';
import { buildPersonKeys, createSignatory, register } from '../support/person-keys.ts';
import { administer } from '../support/proposal.ts';
import { submitApplication } from '../support/seal-applications.ts';
import { askRunning, bootHub, copyStartedFolder } from './hub-place.ts';

/** The folder of a demonstration in which something of every kind was entered, as an office does that tries it out. */

const ORGAN = 'yudu-lyj';
const DAY_MS = 86_400_000;

/** Makes the folder. Its hub is stopped. Returns the license that it issued. */
export async function makeDemonstration(folder: string): Promise<{ identifier: string }> {
  await copyStartedFolder(folder);
  const running = await bootHub(folder);
  const hub = askRunning(running) as TestHub;
  try {
    const license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    await enterEffects(hub);
    await leaveWaiting(hub, license);
    return license;
  } finally {
    await running.stop();
    makePersonKeys(folder);
  }
}

async function requireDone(done: Promise<{ refusal?: unknown }>): Promise<void> {
  const { refusal } = await done;
  if (refusal) throw new Error(JSON.stringify(refusal));
}

/** What two demo persons have made: a platform, a webhook, an exception, blanks in stock. */
async function enterEffects(hub: TestHub): Promise<void> {
  const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const platform = { organ: 'ganzhou-jyj', name: '审批平台', url: 'https://platform.example/hub', publicKey };
  await requireDone(administer(hub, 'registerPlatform', 'RegisterPlatformInput', platform, 'platform { id: uuid }'));
  const webhook = { organ: 'yudu-slj', url: 'https://supervisor.example/hook' };
  await requireDone(administer(hub, 'registerWebhook', 'RegisterWebhookInput', webhook, '__typename'));
  const now = Date.now();
  const exception = {
    ...{ organ: ORGAN, kind: 'EXAMINER_DECIDES', reason: '审查人员休假', approvingOrgan: 'ganzhou-xzspj' },
    ...{ validFrom: dayOf(new Date(now)), validTo: dayOf(new Date(now + 30 * DAY_MS)) },
  };
  const proposer = `${ORGAN}.approver`;
  const input = 'RecordExceptionInput';
  await requireDone(administer(hub, 'recordException', input, exception, 'exception { id }', proposer));
  const batch = { prefix: 'AA1', from: 1, to: 3 };
  for (const person of ['keeper', 'sealapprover'])
    await requireDone(runMutation(hub, `${ORGAN}.${person}`, 'receiveBlanks', 'ReceiveBlanksInput', batch, 'received'));
}

/** What waits for a second person: of every subgraph one. */
async function leaveWaiting(hub: TestHub, license: { identifier: string }): Promise<void> {
  const webhook = { organ: ORGAN, url: 'https://supervisor.example/other' };
  const act = (name: string, type: string, input: object) =>
    requireDone(runMutation(hub, 'administrator', name, type, input, 'proposal { id }'));
  await act('registerWebhook', 'RegisterWebhookInput', webhook);
  const csv = 'matter,valid_from,outcome_name\nyd2022-1-07,2100-01-01,新林木采伐许可证';
  await act('importDelegations', 'ImportDelegationsInput', { csv });
  await requireDone(prepareAct(hub, `${ORGAN}.reviewer`, 'suspend', { identifier: license.identifier }));
  const grant = { seal: `${ORGAN}-license-seal`, matter: 'yd2022-1-01', reason: '新增事项' };
  await requireDone(submitApplication(hub.ask, `${ORGAN}.keeper`, 'applyForSealGrant', grant));
}

/** Software keys of a decider and of two registrars. */
function makePersonKeys(folder: string): void {
  const registrars = [createSignatory('administrator'), createSignatory('administrator-deputy')];
  const person = { person: `${ORGAN}.approver`, name: '示范', organ: ORGAN };
  const keys = buildPersonKeys(registrars, ORGAN, [register(createSignatory('software-key'), person, registrars)]);
  writePersonKeys(locatePersonKeyFile(locateSignerKeyFile(folder)), keys);
}
