import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/hub/port.ts';
import { writePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { forkHub } from '../faults/fork-hub.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../support/actors.ts';
import { linesFor } from '../support/content.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { COMPANY, ROUTES, toBlanks } from '../support/flow.ts';
import { createTestHub, makeSeededTemplate, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { encodePrivateKey, identities, servicePublicKeys } from '../support/services.ts';
import { waitUntil } from '../support/until.ts';

/**
 * Fresh answers under load. Cases are accepted, decided and certified many at a time, each step at once after the last
 * one. Every answer, and every next question at another process, must tell the truth.
 */

const CASES = 12;
const route = ROUTES.DIRECT;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMES = ['matters', 'cases', 'licenses', 'seals'] as const;
/** Shorter than a stopped process stays stopped, and longer than a busy machine needs. */
const EVENT_WAIT_MS = '8000';

interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the answer depends on the query
  data: any;
  errors?: unknown;
  extensions?: { delayedSubgraphs?: string[] };
}

async function ask(url: string, person: string, query: string, variables: object): Promise<Answer> {
  const authorization = `Bearer ${await tokenFor(requireDemoPerson(person), new Date())}`;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

async function mutate(url: string, person: string, name: string, type: string, input: object, fields: string) {
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${fields} refusal { code message } } }`;
  const answer = await ask(url, person, query, { input });
  if (answer.errors || answer.data[name].refusal) throw new Error(`${name}: ${JSON.stringify(answer)}`);
  return { ...answer, data: answer.data[name] };
}

/** Accepts, examines and grants a case. Returns its id. */
async function grant(url: string): Promise<string> {
  const application = { matter: route.matter, applicant: COMPANY, fields: linesFor(route.matter) };
  const accepted = await mutate(url, route.accepts, 'acceptCase', 'ApplicationInput', application, 'case { id: uuid }');
  const { id } = accepted.data.case;
  await mutate(url, route.examines, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }, '__typename');
  const decision = { case: id, decision: 'GRANTED', authoriseSeal: true };
  await mutate(url, route.decides, 'decideCase', 'DecideCaseInput', decision, '__typename');
  return id;
}

const LICENSE = 'license { identifier case { step result } }';

/** Takes a case to its license by one process, and asks another one. Returns what both say, and who lagged. */
async function certify([writer, reader]: readonly [string, string], serial: number) {
  const id = await grant(writer);
  // Refused unless licenses know the grant.
  const input = { case: id, ...toBlanks(route, serial) };
  const issued = await mutate(writer, route.prints, 'issueLicense', 'CaseActInput', input, LICENSE);
  const query = 'query($id: ID!) { case(id: $id) { step result license { identifier } } }';
  const next = await ask(reader, route.prints, query, { id });
  const { identifier, case: certified } = issued.data.license;
  return {
    answered: certified,
    read: { step: next.data.case.step, result: next.data.case.result },
    isSameLicense: next.data.case.license.identifier === identifier,
    delayed: issued.extensions?.delayedSubgraphs ?? [],
  };
}

const TRUE_ANSWER = {
  answered: { step: 'CERTIFIED', result: 'ISSUED' },
  read: { step: 'CERTIFIED', result: 'ISSUED' },
  isSameLicense: true,
  delayed: [],
};

describe('each subgraph in its own process, and two gateways', () => {
  const children = new Map<string, ChildProcess>();
  const output: string[] = [];
  let database: TestDatabase;
  const gateways: string[] = [];

  function run(name: string, file: string, environment: Record<string, string>): void {
    const child = spawn(process.execPath, [file], { cwd: ROOT, env: { PATH: process.env.PATH, ...environment } });
    child.stderr.on('data', (chunk) => output.push(`${name}: ${chunk}`));
    children.set(name, child);
  }

  beforeAll(async () => {
    database = await createTestDatabase(await makeSeededTemplate());
    const port = async () => String(await findFreePort());
    const ports = Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await port()] as const)));
    const signerPort = await port();
    const shared = {
      ...Object.fromEntries(NAMES.map((name) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports[name]}`])),
      TOKEN_PUBLIC_KEY: tokenKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      SERVICE_PUBLIC_KEYS: writePublicKeys(servicePublicKeys),
      KEY_ENCRYPTION_KEY: Buffer.from(RUN_KEY_ENCRYPTION_KEY).toString('base64url'),
      DERIVATION_KEY: randomBytes(32).toString('base64url'),
      PUBLIC_URL: 'http://127.0.0.1:4000',
      LOG_ORIGIN: 'tongquan.test/yudu/seals',
      EVENT_WAIT_MS,
    };
    run('signer', 'subgraphs/seals/signer/main.ts', { ...shared, PORT: signerPort });
    for (const name of NAMES) {
      run(name, `subgraphs/${name}/main.ts`, {
        ...{ ...shared, SERVICE_PRIVATE_KEY: encodePrivateKey(identities[name]) },
        ...{ SIGNER_URL: `http://127.0.0.1:${signerPort}`, DATABASE_URL: database.urls[name], PORT: ports[name] ?? '' },
      });
    }
    const SERVICE_PRIVATE_KEY = encodePrivateKey(identities.gateway);
    for (const name of ['gateway', 'second gateway']) {
      const PORT = await port();
      run(name, 'gateway/main.ts', { ...shared, SERVICE_PRIVATE_KEY, PORT });
      gateways.push(`http://127.0.0.1:${PORT}`);
    }
    for (const url of gateways) {
      const isReady = () =>
        fetch(`${url}/health/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      await waitUntil('the gateway is ready', isReady).catch((error) => {
        throw new Error(`${error.message} ${output.join('\n')}`);
      });
    }
  });
  afterAll(async () => {
    for (const child of children.values()) child.kill('SIGKILL');
    await database?.drop();
  });

  test(`${CASES} cases at a time: every answer and every next question at the other gateway is true`, async () => {
    const [first = '', second = ''] = gateways;
    const outcomes = await Promise.all(
      Array.from({ length: CASES }, (_, i) => certify(i % 2 === 0 ? [first, second] : [second, first], i + 1)),
    );
    expect(outcomes).toEqual(Array.from({ length: CASES }, () => TRUE_ANSWER));
  });

  test('while cases are stopped, an act is answered at the deadline and says so, and is not lost', async () => {
    const [url = ''] = gateways;
    const id = await grant(url);
    children.get('cases')?.kill('SIGSTOP');
    const input = { case: id, ...toBlanks(route, CASES + 1) };
    const fields = 'license { identifier }';
    const issued = await mutate(url, route.prints, 'issueLicense', 'CaseActInput', input, fields);
    expect(issued.data.license.identifier).toEqual(expect.any(String));
    expect(issued.extensions).toEqual({ delayedSubgraphs: ['cases'] });
    const again = await mutate(url, route.prints, 'issueLicense', 'CaseActInput', input, fields);
    expect([again.data.license, again.extensions]).toEqual([issued.data.license, issued.extensions]);
    children.get('cases')?.kill('SIGCONT');
    await waitUntil('the case is certified', async () => {
      const { data } = await ask(url, 'auditor', 'query($id: ID!) { case(id: $id) { step } }', { id });
      return data?.case?.step === 'CERTIFIED';
    });
  });
});

describe('two hubs on one database', () => {
  const serviceKeys = generateServiceKeys();
  const derivationKey = randomBytes(32);
  let hub: TestHub;
  let child: ChildProcess;
  let urls: [string, string];

  beforeAll(async () => {
    hub = await createTestHub({ serviceKeys, derivationKey, eventWaitMs: Number(EVENT_WAIT_MS) });
    const keyEncryptionKey = Buffer.from(RUN_KEY_ENCRYPTION_KEY).toString('hex');
    const keys = { keyEncryptionKey, derivationKey: derivationKey.toString('hex'), serviceKeys };
    const forked = await forkHub(hub, keys, null);
    child = forked.child;
    urls = [await hub.hub.app.listen({ host: '127.0.0.1', port: 0 }), forked.url];
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    await hub?.stop();
  });

  test('whichever relay delivers an event, the answer waits for it', async () => {
    const [first, second] = urls;
    const outcomes = await Promise.all(
      Array.from({ length: CASES }, (_, i) => certify(i % 2 === 0 ? [first, second] : [second, first], i + 1)),
    );
    expect(outcomes).toEqual(Array.from({ length: CASES }, () => TRUE_ANSWER));
  });
});
