import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { confineRoles, describeExcess } from '../../db/confinement.ts';
import { requirePatchedDriver } from '../../db/driver.ts';
import { ensureDatabase, migrateDatabase, SUBGRAPHS, type SubgraphName } from '../../db/migrate.ts';
import { deriveRolePassword, toRoleUrl } from '../../db/roles.ts';
import { isAllowedOrigin } from '../../gateway/cors.ts';
import type { CostLimits } from '../../gateway/cost/limits.ts';
import { createHub, type Hub, type HubConfig } from '../../gateway/hub.ts';
import type { IssuerSettings } from '../../gateway/sign-in/sign-in.ts';
import { readOrgans } from '../../seeds/load.ts';
import type { LogLevel } from '../../subgraphs/kernel/environment/levels.ts';
import { logStandstill } from '../../subgraphs/kernel/environment/log.ts';
import { createParserPool, type ParserLimits } from '../../subgraphs/kernel/foreign/pool.ts';
import { HALT_REMEDIES, type Halt } from '../../subgraphs/kernel/halt.ts';
import type { HubLimits } from '../../subgraphs/kernel/limits/limits.ts';
import type { LogSettings } from '../../subgraphs/seals/index.ts';
import { findDemoPerson, listDemoPeople } from '../demo/people.ts';
import { buildVerifier } from '../verifier/build.ts';
import { toLocalUrl } from './address.ts';
import { HUB_DATABASE } from './check/database-state.ts';
import { takeHubLock } from './check/hub-lock.ts';
import { buildInUseRefusal, openChecked, requireOpenKeys } from './check/open.ts';
import { describeSilence } from './check/witness-sizes.ts';
import { BootError, lockFolder } from './folder.ts';
import { readHealth } from './health.ts';
import {
  addDevelopmentIssuer,
  DEVELOPMENT_PATH,
  type DevelopmentReach,
  describeDevelopmentIssuer,
} from './issuer/issuer.ts';
import { replaceSharedKeys } from './known-authorisations.ts';
import { openHubLog } from './log.ts';
import { writeMarker } from './marker.ts';
import { LIBRARY_CLIENT_ID, prepareLibrary, startLibrary, writeLibrarySettings } from './peer-library.ts';
import { locateSignerKeyFile, type Secrets } from './secrets.ts';
import { seedHub, seedPlan } from './seed.ts';
import { startSigner } from './signer.ts';

/** Starts and stops a whole hub on a data folder. `npm start` and `npm run demo` use it. */

export interface BootOptions {
  /** Folder of the database, the secrets and the library's settings. */
  dataFolder: string;
  /** Address to listen on. */
  host: string;
  port: number;
  libraryPort: number;
  /** Address at which the public reaches the hub; by default its address on this machine. */
  publicUrl?: string;
  /** URL of the office's own PostgreSQL, with a role that may create roles; null for the embedded one. */
  databaseUrl: string | null;
  /** False if the library is started separately (`npm run library`). */
  withLibrary: boolean;
  /** Hosts in private networks that a supervisor's webhook may use. */
  webhookHosts?: readonly string[];
  /** Proxies in front of the hub: addresses and networks. */
  trustedProxies?: readonly string[];
  /** Limits per caller and of connections. The defaults if absent. */
  callerLimits?: HubLimits;
  /** Time after which a read is cancelled. */
  readDeadlineMs?: number;
  eventWaitMs?: number;
  fileLinkSeconds?: number;
  uploadLimits?: HubConfig['uploadLimits'];
  intakeLimits?: HubConfig['intakeLimits'];
  /** Web pages of other origins that may use the hub. None if absent. */
  allowedOrigins?: HubConfig['allowedOrigins'];
  /** Limits on the work of operations. */
  limits?: CostLimits;
  /** The same for approval platforms. */
  platformHosts?: readonly string[];
  /** Authorities whose seal certificates are accepted, PEM. */
  trustedAuthorities?: readonly string[];
  /** Name and witnesses of the transparency log; its files are in the data folder. */
  log?: Pick<LogSettings, 'origin' | 'witnesses'>;
  /** What parsing may cost. Left out: as docs/configuration.md says. */
  parserLimits?: Partial<ParserLimits>;
  /** The office's own city library. Absent: the reference library of this machine. */
  library?: NonNullable<HubConfig['library']> | undefined;
  /** The office's scanner of uploaded files, if it has one. */
  scan?: HubConfig['scan'];
  signatureAnchors?: HubConfig['signatureAnchors'];
  /** Whether it serves people for real: then nothing is entered for trying out, and no demo token counts. */
  isProduction?: boolean;
  /** Who says who people are. Null in development. */
  issuer?: IssuerSettings | null;
  /** How people sign in on the explorer, if the issuer has a client for it. */
  explorer?: HubConfig['explorer'];
  /** Who may sign in as a demo person at the hub itself. Nobody if absent, and nobody in production. */
  developmentSignIn?: DevelopmentReach | 'none';
  /** Level of the log in the data folder. */
  logLevel?: LogLevel;
  say: (line: string) => void;
  /** Aborted if the start is no longer wanted. `boot` then stops what it has started and throws the reason. */
  signal?: AbortSignal;
}

export interface RunningHub {
  url: string;
  libraryUrl: string;
  secrets: Secrets;
  hub: Hub;
  /** Settles when the embedded database has ended unexpectedly and will not be restarted. */
  databaseLost: Promise<void>;
  stop(): Promise<void>;
}

/** Time to wait for the hub, which may still wait for a slow library or reader. Its database stops next. */
const HUB_STOP_TIMEOUT_MS = 3_000;
/** A hub that was killed a moment ago may still be releasing its ports. */
const PORT_TIMEOUT_MS = 1_500;
const PORT_POLL_MS = 100;

/**
 * Starts everything in order. Throws UnpatchedDriver before anything starts.
 * If a step fails, stops everything that was started before.
 */
export async function boot(options: BootOptions): Promise<RunningHub> {
  requirePatchedDriver();
  const stopSteps: (() => Promise<void>)[] = [];
  let pendingStop = Promise.resolve();
  const stop = () => {
    pendingStop = pendingStop.then(async () => {
      for (let step = stopSteps.pop(); step; step = stopSteps.pop()) await step();
    });
    return pendingStop;
  };
  const abort = () => void stop();
  options.signal?.addEventListener('abort', abort);
  try {
    const running = await startAll(options, stopSteps);
    options.signal?.throwIfAborted();
    return { ...running, stop };
  } catch (error) {
    await stop();
    throw options.signal?.aborted ? options.signal.reason : error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

async function startAll(options: BootOptions, stopSteps: (() => Promise<void>)[]): Promise<Omit<RunningHub, 'stop'>> {
  const { host, port, libraryPort, isProduction = false } = options;
  const { webhookHosts, platformHosts, trustedProxies, allowedOrigins, trustedAuthorities, limits, uploadLimits } =
    options;
  const say = (line: string) => {
    options.signal?.throwIfAborted();
    options.say(line);
  };
  const dataFolder = resolve(options.dataFolder);
  await requireFreePort(host, port, 'PORT');
  if (options.withLibrary) await requireFreePort(host, libraryPort, 'LIBRARY_PORT');
  stopSteps.push(lockFolder(dataFolder));
  say('数据库 database …');
  const { hubDatabase, database, secrets, signer, log, halter } = await openHub(options, dataFolder, stopSteps, say);

  say('网关和四个子图 gateway and four subgraphs …');
  const url = toLocalUrl(host, port);
  const [library, verifier] = await Promise.all([
    connectLibrary(options, dataFolder, database.url, secrets),
    buildVerifier(),
  ]);
  const parsers = createParserPool(options.parserLimits);
  stopSteps.push(() => parsers.stop());
  const hub = await createHub({
    ...{ ...secrets, parsers, signer },
    databaseUrls: buildRoleUrls(hubDatabase, secrets),
    publicUrl: options.publicUrl ?? url,
    ...{ webhookHosts, platformHosts, trustedProxies, allowedOrigins, trustedAuthorities, limits, uploadLimits },
    ...{ callerLimits: options.callerLimits, readDeadlineMs: options.readDeadlineMs },
    ...{ eventWaitMs: options.eventWaitMs, fileLinkSeconds: options.fileLinkSeconds },
    intakeLimits: options.intakeLimits,
    ...buildIdentities(options, url),
    log: { ...options.log, folder: join(dataFolder, 'log'), witnesses: library.witnesses, verifier },
    ...{ library: library.client, scan: options.scan, signatureAnchors: options.signatureAnchors },
    onHalt: ({ code, message }) => {
      logStandstill('halt', code);
      console.error(`系统停止办理 halted ${code}：${message}；${HALT_REMEDIES[code]}`);
    },
    onPrepared: async (seals) => {
      const hubKeys = { rootPem: await seals.rootCertificate(), logKey: await seals.logKey() };
      writeMarker(dataFolder, { logKey: hubKeys.logKey, demonstration: !isProduction });
      if (!library.peer) return;
      writeLibrarySettings(dataFolder, library.peer, secrets, { port: libraryPort, hubUrl: url, ...hubKeys });
      if (!options.withLibrary) return;
      say('市电子证照库（参考实现）reference city library …');
      stopSteps.push(await startLibrary(dataFolder, host, log.sortLines));
    },
  });
  stopSteps.push(() => Promise.race([hub.stop(), pause(HUB_STOP_TIMEOUT_MS, undefined, { ref: false })]));
  halter.halt = hub.halt;
  say('事项、印章、空白证照 matters, seals, blanks …');
  const counts = await (isProduction ? seedPlan : seedHub)(hub);
  say(`${counts.matters} 个事项 matters，${counts.seals} 枚印章 seals`);

  options.signal?.throwIfAborted();
  await hub.app.listen({ host, port });
  return { url, libraryUrl: library.client.url, secrets, hub, databaseLost: database.lost };
}

/**
 * Returns the office's own city library, or the reference library of this machine. The latter is a witness too, so its
 * data and the log cannot be changed independently of each other.
 */
async function connectLibrary(options: BootOptions, dataFolder: string, databaseUrl: string, secrets: Secrets) {
  const witnesses = options.log?.witnesses ?? [];
  if (options.library) return { client: options.library, witnesses, peer: null };
  const peer = await prepareLibrary(dataFolder, databaseUrl, secrets, options.signal);
  const { name: id, receiptKey, witnessKey } = peer;
  const url = toLocalUrl(options.host, options.libraryPort);
  const client = { url, clientId: LIBRARY_CLIENT_ID, clientSecret: secrets.librarySecret, id, receiptKey };
  const otherWitnesses = witnesses.filter((witness) => witness.vkey !== witnessKey);
  return { client, witnesses: [{ vkey: witnessKey, url }, ...otherWitnesses], peer };
}

/** The explorer as a client of the issuer of development. */
const EXPLORER_CLIENT = 'tongquan-explorer';

/**
 * Returns who says who people are: the office's issuer; in development the hub itself, and an issuer of its own for
 * demo people.
 */
function buildIdentities(options: BootOptions, url: string): Pick<HubConfig, 'identities' | 'addRoutes' | 'explorer'> {
  const { explorer, issuer, isProduction = false, developmentSignIn = 'none', allowedOrigins = [] } = options;
  const identities = { issuers: issuer ? [issuer] : [], takesOwnTokens: !isProduction };
  if (isProduction || developmentSignIn === 'none') return { identities, explorer };
  const organs = readOrgans();
  const name = `${options.publicUrl ?? url}${DEVELOPMENT_PATH}`;
  const routes = {
    issuer: name,
    people: listDemoPeople(organs.map(({ id }) => id)),
    organNames: new Map(organs.map((organ) => [organ.id, organ.name])),
    reach: developmentSignIn,
    isAllowed: (origin: string) =>
      origin === new URL(name).origin || isAllowedOrigin(origin, 'LOCAL') || isAllowedOrigin(origin, allowedOrigins),
    now: () => new Date(),
  };
  return {
    identities: {
      ...identities,
      issuers: [describeDevelopmentIssuer(name, url + DEVELOPMENT_PATH)],
      resolvePerson: async ({ subject }) => findDemoPerson(subject),
    },
    addRoutes: (app) => addDevelopmentIssuer(app, routes),
    explorer: { issuer: name, clientId: EXPLORER_CLIENT },
  };
}

/**
 * Opens what a hub runs on: database, secrets, signer, log. The start's checks come first; throws StartRefusal before
 * anything is changed.
 */
async function openHub(
  options: BootOptions,
  dataFolder: string,
  stopSteps: (() => Promise<void>)[],
  say: (line: string) => void,
) {
  const { host, libraryPort, logLevel = 'info', withLibrary } = options;
  const openSigner = async (secrets: Secrets) => {
    const log = openHubLog(dataFolder, logLevel);
    stopSteps.push(async () => log.close());
    const signer = await startSigner(locateSignerKeyFile(dataFolder), secrets, {
      ...{ logLevel, onErrorStream: log.sortLines },
    });
    stopSteps.push(signer.stop);
    return { log, signer: signer.signer };
  };
  let opened: Awaited<ReturnType<typeof openSigner>> | null = null;
  const library = { vkey: 'library', url: toLocalUrl(host, libraryPort) };
  const { state, database, secrets } = await openChecked({
    dataFolder,
    databaseUrl: options.databaseUrl,
    witnesses: [...(options.log?.witnesses ?? []), ...(withLibrary || options.library ? [] : [library])],
    mode: { isProduction: options.isProduction ?? false, hasIssuer: Boolean(options.issuer) },
    // From here on the folder says what it is for, whatever interrupts the first start.
    onNewFolder: () => writeMarker(dataFolder, { demonstration: !options.isProduction }),
    onOpen: (server) => stopSteps.push(() => server.stop()),
    // An interrupted start must not leave a database whose keys were never created.
    onFirstStart: async (newSecrets) => {
      opened = await openSigner(newSecrets);
    },
  });
  for (const { name } of state.silentWitnesses ?? []) say(describeSilence(name));
  const { log, signer } = opened ?? (await openSigner(secrets));
  await requireOpenKeys(state, signer);
  say('结构 migrations …');
  const hubDatabase = await ensureDatabase(database.url, HUB_DATABASE);
  const halter: { halt?: Halt } = {};
  const lock = await takeHubLock(hubDatabase, () => halter.halt?.raise('DATABASE_IN_USE'));
  if (!lock.isHeld) throw buildInUseRefusal(state);
  stopSteps.push(lock.release);
  await migrateDatabase(hubDatabase, secrets.databaseKey);
  await replaceSharedKeys(dataFolder, secrets, hubDatabase);
  for (const line of describeExcess(await confineRoles(hubDatabase, options.databaseUrl === null))) say(line);
  return { hubDatabase, database, secrets, signer, log, halter };
}

/** Throws BootError unless the port is free. Checked first, so that no hub is left half started. */
async function requireFreePort(host: string, port: number, variable: string): Promise<void> {
  for (const deadline = Date.now() + PORT_TIMEOUT_MS; ; await pause(PORT_POLL_MS)) {
    const code = await probePort(host, port);
    if (code === null) return;
    if (code === 'EADDRINUSE' && Date.now() <= deadline) continue;
    const holder = code === 'EADDRINUSE' ? await readHealth(toLocalUrl(host, port)) : null;
    throw new BootError(
      holder?.status === 'refused'
        ? `端口 ${port} 由拒绝运行的系统占用（${holder.code}），请先停止它 — a hub that refuses to act holds port ${port}: stop it first`
        : `端口 ${port} 不可用（${code}），可用 ${variable} 另选 — port ${port} is taken, choose another by ${variable}`,
    );
  }
}

/** Returns null if the port is available, otherwise the system's error code. */
function probePort(host: string, port: number): Promise<string | null> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    probe.listen({ host, port }, () => probe.close(() => done(null)));
  });
}

function buildRoleUrls(adminUrl: string, { databaseKey }: Secrets): Record<SubgraphName, string> {
  const entries = SUBGRAPHS.map((name) => {
    const role = `tq_${name}`;
    return [name, toRoleUrl(adminUrl, role, deriveRolePassword(databaseKey, role))] as const;
  });
  return Object.fromEntries(entries) as Record<SubgraphName, string>;
}
