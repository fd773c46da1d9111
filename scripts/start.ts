import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { EmbeddedError } from '../db/binaries.ts';
import { UnpatchedDriver } from '../db/driver.ts';
import { readAllowedOrigins } from '../gateway/cors.ts';
import { readCostLimits } from '../gateway/cost/limits.ts';
import { readExplorerSignIn, readIssuerSettings } from '../gateway/sign-in/settings.ts';
import { readOrgans } from '../seeds/load.ts';
import { parseAnchors } from '../subgraphs/cases/material/signature/anchors.ts';
import { scanByClamd } from '../subgraphs/cases/material/upload/clamd-client.ts';
import { readUploadLimits } from '../subgraphs/cases/material/upload/routes.ts';
import { readIntakeLimits } from '../subgraphs/cases/reception/intake.ts';
import { logStandstill } from '../subgraphs/kernel/environment/log.ts';
import { isProduction } from '../subgraphs/kernel/environment/mode.ts';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { endAfter } from '../subgraphs/kernel/environment/stop.ts';
import { readParserLimits } from '../subgraphs/kernel/foreign/pool.ts';
import { readHubLimits } from '../subgraphs/kernel/limits/limits.ts';
import { parseChain } from '../subgraphs/seals/certification/certificate.ts';
import { parseWitnesses } from '../subgraphs/seals/log/witness-client.ts';
import { listDemoPeople, mintToken } from './demo/people.ts';
import { type BootOptions, boot, type RunningHub } from './hub/boot.ts';
import { StartRefusal } from './hub/check/checks.ts';
import { serveRefusal } from './hub/check/refusing.ts';
import { BootError } from './hub/folder.ts';
import { DEVELOPMENT_PATH } from './hub/issuer/issuer.ts';
import { openHubLog } from './hub/log.ts';
import type { Secrets } from './hub/secrets.ts';

/**
 * `npm start`: starts a whole hub on this machine. docs/configuration.md lists its environment variables.
 * `--no-library` leaves the library out, `--no-tokens` prints no tokens.
 */

const settings = readEnvironment('start', {
  SIGNATURE_AUTHORITIES: (path: string) => parseAnchors(readFileSync(path, 'utf8')),
  SEAL_AUTHORITIES: (path: string) => parseChain(readFileSync(path, 'utf8')),
  LOG_WITNESSES: parseWitnesses,
});

/** The people whose tokens are printed: at least one of every role. `npm run token` prints the others. */
const PRINTED_PEOPLE = [
  'applicant-company',
  'window-yudu',
  'yudu-lyj.clerk',
  'yudu-lyj.reviewer',
  'yudu-lyj.approver',
  'ganzhou-xzspj.approver',
  'yudu-lyj.keeper',
  'yudu-lyj.sealapprover',
  'yudu-lyj.supervisor',
  'window-xingguo',
  'auditor',
  'library',
  'administrator',
  'administrator-deputy',
];

const QUERY =
  '{ matters(first: 3, filter: { mode: DIRECT }) { totalCount edges { node { code displayName countyOrgan { name } delegation { mode decides { organ { name } } } } } } }';

async function main(): Promise<void> {
  const { LIBRARY_URL, CLAMD } = settings;
  const startedAt = performance.now();
  const startAbort = new AbortController();
  let refusing: FastifyInstance | null = null;
  // `npm run dev` starts the hub with a channel. The hub stops if that process ends for any reason.
  const { end } = endAfter(async () => {
    console.log('正在停止 stopping …');
    startAbort.abort();
    const running = await starting.catch(() => null);
    await running?.stop();
    if (!refusing) return;
    await refusing.close();
    // A hub that refused to start ends with 1.
    throw new Error('refused');
  });
  const starting = boot({
    dataFolder: settings.DATA_FOLDER,
    host: settings.HOST,
    publicUrl: settings.PUBLIC_URL,
    logLevel: settings.LOG_LEVEL,
    parserLimits: readParserLimits(settings),
    port: settings.PORT,
    libraryPort: settings.LIBRARY_PORT,
    databaseUrl: settings.DATABASE_URL ?? null,
    withLibrary: LIBRARY_URL === undefined && !process.argv.includes('--no-library'),
    library: readLibrary(),
    ...{ scan: CLAMD && scanByClamd(CLAMD.host, CLAMD.port), signatureAnchors: settings.SIGNATURE_AUTHORITIES },
    ...{ webhookHosts: settings.WEBHOOK_PRIVATE_HOSTS, trustedProxies: settings.TRUSTED_PROXIES },
    callerLimits: readHubLimits(settings),
    readDeadlineMs: settings.READ_DEADLINE_MS,
    ...{ eventWaitMs: settings.EVENT_WAIT_MS, fileLinkSeconds: settings.FILE_LINK_SECONDS },
    uploadLimits: readUploadLimits(settings),
    intakeLimits: readIntakeLimits(settings),
    allowedOrigins: readAllowedOrigins(settings.ALLOWED_ORIGINS, isProduction()),
    isProduction: isProduction(),
    issuer: readIssuerSettings(settings),
    explorer: readExplorerSignIn(settings),
    developmentSignIn: settings.DEVELOPMENT_SIGN_IN,
    limits: readCostLimits(settings),
    platformHosts: settings.PLATFORM_PRIVATE_HOSTS,
    trustedAuthorities: settings.SEAL_AUTHORITIES,
    log: { origin: settings.LOG_ORIGIN, witnesses: settings.LOG_WITNESSES },
    say: (line) => console.log(`  ${line}`),
    signal: startAbort.signal,
  });
  const running = await starting.catch(async (error) => {
    if (startAbort.signal.aborted) return null;
    if (!(error instanceof StartRefusal) || error.check.ends) throw error;
    console.error(error.message);
    openRefusalLog();
    logStandstill('refusal', error.check.code);
    // The process stays, so that monitoring learns why.
    refusing = await serveRefusal(error, { host: settings.HOST, port: settings.PORT });
    return null;
  });
  if (!running) return;
  void running.databaseLost.then(() => end(1));
  // What has halted prints no tokens and is not ready. The halt has said why, and what to do.
  if (running.hub.halt.reason()) return;
  await printReady(running, (performance.now() - startedAt) / 1000);
}

/** Returns the office's own city library, or undefined for the reference library of this machine. */
function readLibrary(): BootOptions['library'] {
  const { LIBRARY_URL: url, LIBRARY_CLIENT_ID: clientId = '', LIBRARY_CLIENT_SECRET: clientSecret = '' } = settings;
  if (url === undefined) return undefined;
  const { LIBRARY_RECEIPT_KEY: receiptKey, LIBRARY_ID: id } = settings;
  return { url, clientId, clientSecret, ...(receiptKey && { receiptKey }), ...(id && { id }) };
}

/** Sends the log of a refused start to the folder's file. Without it, health still says why. */
function openRefusalLog(): void {
  try {
    openHubLog(settings.DATA_FOLDER, settings.LOG_LEVEL);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
}

async function printReady({ url, libraryUrl, secrets }: RunningHub, seconds: number): Promise<void> {
  if (!isProduction() && !process.argv.includes('--no-tokens')) await printTokens(url, secrets);
  const { OIDC_ISSUER, DEVELOPMENT_SIGN_IN, PUBLIC_URL = url } = settings;
  const issuer = OIDC_ISSUER ?? (DEVELOPMENT_SIGN_IN === 'none' ? null : `${PUBLIC_URL}${DEVELOPMENT_PATH}`);
  if (issuer !== null) console.log(`\n登录 sign-in ${issuer}  (OpenID Connect, docs/sign-in.md)`);
  console.log(`浏览器 browser ${url}/  (接口探索 explorer, 核验 verification)`);
  console.log(`\nready ${url}/graphql  (city library ${libraryUrl}, ${seconds.toFixed(1)} s; Ctrl-C stops)`);
}

async function printTokens(url: string, secrets: Secrets): Promise<void> {
  const people = new Map(listDemoPeople(readOrgans().map((organ) => organ.id)).map((person) => [person.id, person]));
  console.log('\n演示令牌 demo tokens（12 小时 hours）:');
  for (const id of PRINTED_PEOPLE) {
    const person = people.get(id);
    if (!person) continue;
    console.log(`\n${id}  ${person.name}  ${person.roles.join(' ')}`);
    console.log(await mintToken(person, secrets.tokenPrivateKey, new Date()));
  }
  console.log(
    `\n试一试 a query to paste:\ncurl -s ${url}/graphql -H 'content-type: application/json' -d '${JSON.stringify({ query: QUERY })}'`,
  );
}

try {
  await main();
} catch (error) {
  const isExplained = [BootError, EmbeddedError, UnpatchedDriver].some((known) => error instanceof known);
  console.error(isExplained && error instanceof Error ? error.message : error);
  process.exit(1);
}
