import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { inject } from 'vitest';
import { createLibrary } from '../../scripts/city-library/app.ts';
import { makeKeys } from '../../scripts/city-library/key.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { buildServiceKeys } from '../../scripts/hub/secrets.ts';
import { createWitness } from '../../scripts/witness/app.ts';
import { openMemory } from '../../scripts/witness/memory.ts';
import { formatWitnessKey, parseLogKey } from '../../scripts/witness/note.ts';
import { generateServiceKeys, type ServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { KEY_TYPES, readRawKey, writeKey } from '../../subgraphs/kernel/tlog/note.ts';
import { createScratchDatabase, createTestDatabase, makeTemplate, type TestDatabase } from '../support/database.ts';
import { createHubOn, makeSeededTemplate, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { encodePrivateKey } from '../support/services.ts';
import { waitUntil } from '../support/until.ts';
import { addRandomActs, buildHistory } from './history.ts';
import { createRandom } from './random.ts';

/**
 * A clone of a hub with a history, for tampering. The template is built once per run; a clone takes about a second.
 * It also holds everything that an honest auditor receives from outside.
 */
export interface HubClone {
  /** The superuser's URL of the hub's database. */
  adminUrl: string;
  /** Folder of the log's files. */
  logFolder: string;
  /** The log's public key as text. */
  logKey: string;
  /** Witnesses, each with the newest checkpoint that it signed, read from its own memory file. */
  witnesses: readonly { vkey: string; checkpoint: string }[];
  /** The root certificate, PEM. */
  rootPem: string;
  /** The superuser's URL of the city library's database. An insider of the hub has no access to it. */
  libraryUrl: string;
  /** The secrets that an insider may hold. The keys of the witness and of the library are never among them. */
  keyEncryptionKey: Uint8Array;
  serviceKeys: ServiceKeys;
  close(): Promise<void>;
}

/** The parts of a template that its database does not store. */
interface TemplateSettings {
  witnessKeyPem: string;
  witnessKey: string;
  serviceKeys: { cases: string; licenses: string };
  libraryUrl: string;
}

const TEMPLATE = 'tongquan_history';
const WITNESS_NAME = 'witness.example/w1';
const LIBRARY_NAME = 'library.example/city';
const CLIENT = { clientId: 'tongquan-hub', clientSecret: 'of the test library alone' };
const POLL_MS = 20;
const MINUTE_MS = 60_000;
/** Length of the history that the template holds. */
const HISTORY_MS = 180 * MINUTE_MS;

const runFolderPath = (name: string) => join(inject('runFolder'), name);
const parseServiceKeys = ({ serviceKeys: { cases, licenses } }: TemplateSettings) =>
  buildServiceKeys({ cases: Buffer.from(cases, 'base64'), licenses: Buffer.from(licenses, 'base64') });

/** Opens an unchanged clone of the template. The seed has no effect. */
export async function openHubClone(_unusedSeed: number): Promise<HubClone> {
  const { database, folder, settings } = await cloneTemplate();
  return describeClone(database, folder, settings, settings.libraryUrl);
}

/** Opens a clone with further legitimate acts, chosen by the seed. Nothing in it is tampered with. */
export async function openCleanHubClone(seed: number): Promise<HubClone> {
  const { database, folder, settings } = await cloneTemplate();
  const library = await createTestDatabase(new URL(settings.libraryUrl).pathname.slice(1));
  const runningHub = await startHub(database, folder, settings, library.adminUrl, () => new Date());
  await runningHub.openLibrary();
  await addRandomActs(runningHub.hub, createRandom(seed));
  await waitUntilSettled(database.adminUrl, folder, settings.witnessKey);
  await runningHub.stop();
  return describeClone(database, folder, settings, library.adminUrl, library.drop);
}

async function cloneTemplate(): Promise<{ database: TestDatabase; folder: string; settings: TemplateSettings }> {
  const seeded = await makeSeededTemplate();
  const database = await createTestDatabase(await makeTemplate(TEMPLATE, buildTemplate, seeded));
  const folder = mkdtempSync(runFolderPath('clone-'));
  cpSync(runFolderPath(TEMPLATE), folder, { recursive: true });
  return { database, folder, settings: JSON.parse(readFileSync(join(folder, 'papers.json'), 'utf8')) };
}

async function describeClone(
  { adminUrl, drop }: TestDatabase,
  folder: string,
  settings: TemplateSettings,
  libraryUrl: string,
  dropLibrary: () => Promise<void> = async () => {},
): Promise<HubClone> {
  const sql = postgres(adminUrl, { max: 1 });
  const [key] = await sql`select origin, public_key_pem from seals.log_key`;
  const [root] = await sql`select certificate_pem from seals.authority where id = 'root'`;
  await sql.end();
  const publicKey = readRawKey(key?.public_key_pem);
  const checkpoint = (await openMemory(join(folder, 'memory.json')).of(key?.origin))?.note;
  if (checkpoint === undefined) throw new Error('the witness has seen nothing');
  return {
    adminUrl,
    logFolder: join(folder, 'log'),
    logKey: writeKey({ name: key?.origin, type: KEY_TYPES.log, publicKey }),
    witnesses: [{ vkey: settings.witnessKey, checkpoint }],
    rootPem: root?.certificate_pem,
    libraryUrl,
    keyEncryptionKey: RUN_KEY_ENCRYPTION_KEY,
    serviceKeys: parseServiceKeys(settings),
    close: async () => {
      await drop();
      await dropLibrary();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Builds the template in `database`. Its files are in the folder of the test run. */
async function buildTemplate(database: TestDatabase): Promise<void> {
  const folder = runFolderPath(TEMPLATE);
  mkdirSync(folder);
  const { privateKey } = generateKeyPairSync('ed25519');
  const library = await createScratchDatabase();
  const { cases, licenses } = generateServiceKeys().identities;
  const settings: TemplateSettings = {
    witnessKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    witnessKey: formatWitnessKey(WITNESS_NAME, privateKey),
    serviceKeys: { cases: encodePrivateKey(cases), licenses: encodePrivateKey(licenses) },
    libraryUrl: library.url,
  };
  writeFileSync(join(folder, 'papers.json'), JSON.stringify(settings));
  let delayMs = HISTORY_MS;
  const runningHub = await startHub(database, folder, settings, library.url, () => new Date(Date.now() - delayMs));
  await runningHub.openLibrary();
  const advance = (minutes: number) => {
    delayMs = Math.max(0, delayMs - minutes * MINUTE_MS);
  };
  await buildHistory({ hub: runningHub.hub, advance, closeLibrary: runningHub.closeLibrary });
  advance(HISTORY_MS / MINUTE_MS);
  await waitUntilSettled(database.adminUrl, folder, settings.witnessKey);
  await runningHub.stop();
}

interface RunningHub {
  hub: TestHub;
  openLibrary(): Promise<void>;
  closeLibrary(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a hub on a clone or on the template, with its witness. */
async function startHub(
  database: TestDatabase,
  folder: string,
  settings: TemplateSettings,
  libraryUrl: string,
  now: () => Date,
): Promise<RunningHub> {
  const sql = postgres(database.adminUrl, { max: 1 });
  const port = await findFreePort();
  const [witnessPort, host] = [await findFreePort(), '127.0.0.1'];
  const { receiptKey } = await makeKeys(libraryUrl, LIBRARY_NAME);
  const hub = await createHubOn(
    { ...database, drop: async () => {} },
    {
      now,
      serviceKeys: parseServiceKeys(settings),
      log: {
        folder: join(folder, 'log'),
        witnesses: [{ vkey: settings.witnessKey, url: `http://${host}:${witnessPort}` }],
      },
      library: { url: `http://${host}:${port}`, ...CLIENT, id: LIBRARY_NAME, receiptKey: JSON.stringify(receiptKey) },
      pollMs: POLL_MS,
    },
    false,
  );
  const [key] = await sql`select origin, public_key_pem from seals.log_key`;
  await sql.end();
  const logKey = writeKey({ name: key?.origin, type: KEY_TYPES.log, publicKey: readRawKey(key?.public_key_pem) });
  const witness = createWitness({
    name: WITNESS_NAME,
    privateKey: createPrivateKey(settings.witnessKeyPem),
    logs: [parseLogKey(logKey)],
    memory: openMemory(join(folder, 'memory.json')),
    now,
  });
  await witness.listen({ host, port: witnessPort });
  const rootPem = await hub.hub.seals.rootCertificate();
  let library: Awaited<ReturnType<typeof createLibrary>> | null = null;
  const closeLibrary = async () => {
    await library?.close();
    library = null;
  };
  return {
    hub,
    openLibrary: async () => {
      library = await createLibrary({
        ...{ databaseUrl: libraryUrl, name: LIBRARY_NAME, logKeys: [logKey], rootPem, ...CLIENT },
        now: () => new Date(),
      });
      await library.listen({ host, port });
    },
    closeLibrary,
    stop: async () => {
      await hub.stop();
      await closeLibrary();
      await witness.close();
    },
  };
}

/** Waits until every leaf is sequenced, published and cosigned, and every event is delivered. */
async function waitUntilSettled(adminUrl: string, folder: string, witness: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1 });
  try {
    await waitUntil('the hub is idle', async () => {
      const [row] = await sql`select (select size from seals.log_head) as size,
        (select count(*)::int from seals.log_pending) as pending,
        (select max(size) from seals.log_cosignature where witness = ${witness}) as cosigned,
        (select count(*)::int from cases.decision_seal where state <> 'DONE') as unsealed,
        (select sum(n)::int from (
          select count(*) as n from licenses.outbox_delivery where delivered < head and consumer not like 'library%'
          union all select count(*) from cases.outbox_delivery where delivered < head and consumer = 'licenses'
          union all select count(*) from seals.outbox_delivery where delivered < head) o) as told`;
      if (!row || row.pending + row.unsealed + row.told > 0 || row.cosigned !== row.size) return false;
      const file = join(folder, 'log', 'checkpoint');
      const published = existsSync(file) ? readFileSync(file, 'utf8') : '';
      const [, size] = published.split('\n');
      return size === String(row.size) && published.includes(`— ${WITNESS_NAME} `);
    });
  } finally {
    await sql.end();
  }
}
