import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../scripts/hub/port.ts';
import { writePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import { tokenKeys } from './actors.ts';
import type { TestDatabase } from './database.ts';
import { encodePrivateKey, identities, servicePublicKeys } from './services.ts';
import { waitUntil } from './until.ts';

/** The subgraphs and the gateway, each in its own process, connected only by PostgreSQL and HTTP. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMES = ['matters', 'cases', 'licenses', 'seals'] as const;

/** What databases that hold seals and a log already belong to. */
export interface ProcessOptions {
  /** The signer's key. */
  keyEncryptionKey?: Uint8Array;
  logOrigin?: string;
}

type Name = (typeof NAMES)[number];

export interface SeparateProcesses {
  /** Address of the gateway. */
  gateway: string;
  /** Address of the GraphQL of each subgraph. */
  subgraphs: Record<Name, string>;
  /** The processes: `signer`, `gateway`, those of the subgraphs by name, and further ones. */
  children: Readonly<Record<string, ChildProcess>>;
  /** Starts another gateway before the same subgraphs, with other variables. Returns its address. */
  startGateway(name: string, variables: Readonly<Record<string, string>>): Promise<string>;
  /** Kills all processes. */
  stop(): void;
}

/** Waits until a gateway is ready. Throws with what `errors` holds. */
async function waitUntilReady(gateway: string, errors: readonly string[]): Promise<void> {
  const isReady = () =>
    fetch(`${gateway}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitUntil('the gateway is ready', isReady).catch((error) => {
    throw new Error(`${error.message} ${errors.join('\n')}`);
  });
}

/** Starts all processes on the databases of a hub, and waits until the gateway is ready. */
export async function startProcesses(
  urls: TestDatabase['urls'],
  { keyEncryptionKey = randomBytes(32), logOrigin = 'processes.test/log' }: ProcessOptions = {},
): Promise<SeparateProcesses> {
  const children: Record<string, ChildProcess> = {};
  const errors: string[] = [];
  const run = (name: string, file: string, environment: Readonly<Record<string, string>>) => {
    const child = spawn(process.execPath, [file], { cwd: ROOT, env: { PATH: process.env.PATH, ...environment } });
    child.stderr.on('data', (chunk) => {
      if (!String(chunk).includes('"event":"request"')) errors.push(`${file}: ${chunk}`);
    });
    children[name] = child;
  };
  const ports = Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await findFreePort()] as const)));
  const addresses = Object.fromEntries(NAMES.map((name) => [name, `http://127.0.0.1:${ports[name]}`]));
  const port = await findFreePort();
  const encodeKey = (key: Uint8Array) => Buffer.from(key).toString('base64url');
  const shared = {
    ...Object.fromEntries(NAMES.map((name) => [`${name.toUpperCase()}_URL`, String(addresses[name])])),
    TOKEN_PUBLIC_KEY: tokenKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    SERVICE_PUBLIC_KEYS: writePublicKeys(servicePublicKeys),
    KEY_ENCRYPTION_KEY: encodeKey(keyEncryptionKey),
    DERIVATION_KEY: encodeKey(randomBytes(32)),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    LOG_ORIGIN: logOrigin,
  };
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-processes-'));
  const signerPort = String(await findFreePort());
  run('signer', 'subgraphs/seals/signer/main.ts', { ...shared, PORT: signerPort });
  for (const name of NAMES) {
    run(name, `subgraphs/${name}/main.ts`, {
      ...{ ...shared, SERVICE_PRIVATE_KEY: encodePrivateKey(identities[name]), LOG_FOLDER: folder },
      ...{ SIGNER_URL: `http://127.0.0.1:${signerPort}`, DATABASE_URL: urls[name], PORT: String(ports[name]) },
    });
  }
  const stop = () => {
    for (const child of Object.values(children)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const startGateway = async (name: string, variables: Readonly<Record<string, string>>): Promise<string> => {
    const environment = { ...shared, PORT: String(await findFreePort()), ...variables };
    run(name, 'gateway/main.ts', { ...environment, SERVICE_PRIVATE_KEY: encodePrivateKey(identities.gateway) });
    const address = `http://127.0.0.1:${environment.PORT}`;
    await waitUntilReady(address, errors);
    return address;
  };
  const gateway = await startGateway('gateway', { PORT: String(port) }).catch((error) => {
    stop();
    throw error;
  });
  const subgraphs = Object.fromEntries(NAMES.map((name) => [name, `${addresses[name]}/graphql`]));
  return { gateway, subgraphs: subgraphs as Record<Name, string>, children, startGateway, stop };
}
