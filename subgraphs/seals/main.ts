import { readFileSync } from 'node:fs';
import { connectOrExit } from '../../db/client.ts';
import { logFailure, logStandstill } from '../kernel/environment/log.ts';
import { readEnvironment } from '../kernel/environment/read.ts';
import { endAfter, startProcess } from '../kernel/environment/stop.ts';
import { createParserPool, readParserLimits } from '../kernel/foreign/pool.ts';
import { createHalt } from '../kernel/halt.ts';
import { createEventSender } from '../kernel/http/ports-client.ts';
import { serveSubgraph } from '../kernel/http/serve.ts';
import { readHubLimits } from '../kernel/limits/limits.ts';
import { openIdentity } from '../kernel/sealing/service-token.ts';
import { parseChain } from './certification/certificate.ts';
import { createSeals } from './index.ts';
import { readVerifierFile } from './log/verifier-store.ts';
import { parseWitnesses } from './log/witness-client.ts';
import { addPortRoutes } from './port-routes.ts';
import { awaitSigner, connectSigner } from './signer/signer-client.ts';

/** Runs the seals subgraph as its own process. docs/configuration.md lists its environment variables. */
const settings = readEnvironment('seals', {
  SEAL_AUTHORITIES: (path: string) => parseChain(readFileSync(path, 'utf8')),
  LOG_WITNESSES: parseWitnesses,
  VERIFIER_FILE: readVerifierFile,
});
const { SIGNER_URL } = settings;
startProcess({ service: 'seals', level: settings.LOG_LEVEL });

const now = () => new Date();
const caller = { identity: openIdentity('seals', settings.SERVICE_PRIVATE_KEY), now } as const;
const options = {
  tokenKey: settings.TOKEN_PUBLIC_KEY,
  services: { receiver: 'seals', publicKeys: settings.SERVICE_PUBLIC_KEYS } as const,
  now,
  callerLimits: readHubLimits(settings),
  readDeadlineMs: settings.READ_DEADLINE_MS,
};
const { db, close } = connectOrExit(settings.DATABASE_URL, 'tongquan-seals');
const parsers = createParserPool(readParserLimits(settings));
const seals = createSeals({
  db,
  now,
  parsers,
  signer: connectSigner(() => SIGNER_URL, caller),
  send: {
    licenses: createEventSender(settings.LICENSES_URL, 'licenses', caller),
    cases: createEventSender(settings.CASES_URL, 'cases', caller),
  },
  trustedAuthorities: settings.SEAL_AUTHORITIES ?? [],
  log: {
    ...{ origin: settings.LOG_ORIGIN, folder: settings.LOG_FOLDER ?? null, witnesses: settings.LOG_WITNESSES ?? [] },
    verifier: settings.VERIFIER_FILE ?? null,
  },
  eventWaitMs: settings.EVENT_WAIT_MS,
  onError: logFailure,
  halt: createHalt(({ code }) => logStandstill('halt', code)),
});
await awaitSigner(SIGNER_URL);
await seals.prepare();
const app = await serveSubgraph(seals, options, (routes) => addPortRoutes(routes, seals, options));
await app.listen({ host: settings.HOST, port: settings.PORT });
seals.start();

endAfter(async () => {
  await app.close();
  await seals.stop();
  await parsers.stop();
  await close();
});
