import { connectOrExit } from '../../db/client.ts';
import { logFailure } from '../kernel/environment/log.ts';
import { readEnvironment } from '../kernel/environment/read.ts';
import { endAfter, startProcess } from '../kernel/environment/stop.ts';
import { createParserPool, readParserLimits } from '../kernel/foreign/pool.ts';
import { createEventSender } from '../kernel/http/ports-client.ts';
import { serveSubgraph } from '../kernel/http/serve.ts';
import { readHubLimits } from '../kernel/limits/limits.ts';
import { openIdentity } from '../kernel/sealing/service-token.ts';
import { createMatters } from './index.ts';

/** Runs the matters subgraph as its own process. docs/configuration.md lists its environment variables. */
const {
  SERVICE_PRIVATE_KEY: privateKey,
  TOKEN_PUBLIC_KEY: tokenKey,
  EVENT_WAIT_MS: eventWaitMs,
  ...settings
} = readEnvironment('matters');
startProcess({ service: 'matters', level: settings.LOG_LEVEL });

const now = () => new Date();
const { db, close } = connectOrExit(settings.DATABASE_URL, 'tongquan-matters');
const caller = { identity: openIdentity('matters', privateKey), now } as const;
const send = {
  cases: createEventSender(settings.CASES_URL, 'cases', caller),
  licenses: createEventSender(settings.LICENSES_URL, 'licenses', caller),
};
const parsers = createParserPool(readParserLimits(settings));
const matters = createMatters({ db, now, parsers, send, onError: logFailure, eventWaitMs });
const app = await serveSubgraph(matters, {
  tokenKey,
  services: { receiver: 'matters', publicKeys: settings.SERVICE_PUBLIC_KEYS },
  now,
  callerLimits: readHubLimits(settings),
  readDeadlineMs: settings.READ_DEADLINE_MS,
});
await app.listen({ host: settings.HOST, port: settings.PORT });
matters.start();

endAfter(async () => {
  await app.close();
  await matters.stop();
  await parsers.stop();
  await close();
});
