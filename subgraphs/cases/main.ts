import { readFileSync } from 'node:fs';
import { connectOrExit } from '../../db/client.ts';
import { logFailure } from '../kernel/environment/log.ts';
import { readEnvironment } from '../kernel/environment/read.ts';
import { endAfter, startProcess } from '../kernel/environment/stop.ts';
import { createParserPool, readParserLimits } from '../kernel/foreign/pool.ts';
import {
  createEventSender,
  readPersonSigningOverHttp,
  readPictureOverHttp,
  signOverHttp,
} from '../kernel/http/ports-client.ts';
import { serveSubgraph } from '../kernel/http/serve.ts';
import { readHubLimits } from '../kernel/limits/limits.ts';
import { openIdentity } from '../kernel/sealing/service-token.ts';
import { createCases } from './index.ts';
import { parseAnchors } from './material/signature/anchors.ts';
import { scanByClamd } from './material/upload/clamd-client.ts';
import { readUploadLimits } from './material/upload/routes.ts';
import { addRegisterRoutes } from './person/routes.ts';
import { readIntakeLimits } from './reception/intake.ts';

/** Runs the cases subgraph as its own process. docs/configuration.md lists its environment variables. */
const settings = readEnvironment('cases', {
  SIGNATURE_AUTHORITIES: (path: string) => parseAnchors(readFileSync(path, 'utf8')),
});
startProcess({ service: 'cases', level: settings.LOG_LEVEL });

const now = () => new Date();
const { TOKEN_PUBLIC_KEY: tokenKey, LICENSES_URL, SEALS_URL, CLAMD } = settings;
const caller = { identity: openIdentity('cases', settings.SERVICE_PRIVATE_KEY), now } as const;
const { db, close } = connectOrExit(settings.DATABASE_URL, 'tongquan-cases');
const parsers = createParserPool(readParserLimits(settings));
const cases = createCases({
  db,
  now,
  parsers,
  publicUrl: settings.PUBLIC_URL,
  issuer: settings.OIDC_ISSUER,
  webhookHosts: settings.WEBHOOK_PRIVATE_HOSTS,
  platformHosts: settings.PLATFORM_PRIVATE_HOSTS,
  identity: caller.identity,
  derivationKey: settings.DERIVATION_KEY,
  send: { licenses: createEventSender(LICENSES_URL, 'licenses', caller) },
  sign: signOverHttp(SEALS_URL, caller),
  picture: readPictureOverHttp(SEALS_URL, caller),
  personSigning: readPersonSigningOverHttp(SEALS_URL, caller),
  uploadLimits: readUploadLimits(settings),
  intakeLimits: readIntakeLimits(settings),
  scan: CLAMD && scanByClamd(CLAMD.host, CLAMD.port),
  signatureAnchors: settings.SIGNATURE_AUTHORITIES,
  eventWaitMs: settings.EVENT_WAIT_MS,
  onError: logFailure,
});
const options = {
  tokenKey,
  services: { receiver: 'cases' as const, publicKeys: settings.SERVICE_PUBLIC_KEYS },
  now,
  callerLimits: readHubLimits(settings),
  readDeadlineMs: settings.READ_DEADLINE_MS,
};
const app = await serveSubgraph(cases, options, (routes) => addRegisterRoutes(routes, cases, now));
await app.listen({ host: settings.HOST, port: settings.PORT });
cases.start();

endAfter(async () => {
  await app.close();
  await cases.stop();
  await parsers.stop();
  await close();
});
