import { connectOrExit } from '../../db/client.ts';
import { logFailure } from '../kernel/environment/log.ts';
import { readEnvironment } from '../kernel/environment/read.ts';
import { endAfter, startProcess } from '../kernel/environment/stop.ts';
import { createParserPool, readParserLimits } from '../kernel/foreign/pool.ts';
import {
  attestActsOverHttp,
  attestOverHttp,
  createEventSender,
  readMaterialOverHttp,
  readPersonSigningOverHttp,
  readPictureOverHttp,
  recordReceiptOverHttp,
  signCodeOverHttp,
  signOverHttp,
  stampOverHttp,
} from '../kernel/http/ports-client.ts';
import { serveSubgraph } from '../kernel/http/serve.ts';
import { readHubLimits } from '../kernel/limits/limits.ts';
import { openIdentity } from '../kernel/sealing/service-token.ts';
import { createLicenses } from './index.ts';
import { createLibraryClient } from './library/library-client.ts';

/** Runs the licenses subgraph as its own process. docs/configuration.md lists its environment variables. */
const settings = readEnvironment('licenses');
const { LIBRARY_CLIENT_ID = '', LIBRARY_CLIENT_SECRET = '', LIBRARY_URL, LIBRARY_RECEIPT_KEY, LIBRARY_ID } = settings;
startProcess({ service: 'licenses', level: settings.LOG_LEVEL });

const now = () => new Date();
const caller = { identity: openIdentity('licenses', settings.SERVICE_PRIVATE_KEY), now } as const;
const options = {
  tokenKey: settings.TOKEN_PUBLIC_KEY,
  services: { receiver: 'licenses', publicKeys: settings.SERVICE_PUBLIC_KEYS } as const,
  now,
  callerLimits: readHubLimits(settings),
  readDeadlineMs: settings.READ_DEADLINE_MS,
};
const { db, close } = connectOrExit(settings.DATABASE_URL, 'tongquan-licenses');
const library = {
  ...{ clientId: LIBRARY_CLIENT_ID, clientSecret: LIBRARY_CLIENT_SECRET, now },
  ...{ receiptKey: LIBRARY_RECEIPT_KEY, id: LIBRARY_ID },
};
const sealsPort = [settings.SEALS_URL, caller] as const;
const parsers = createParserPool(readParserLimits(settings));
const licenses = createLicenses({
  db,
  now,
  parsers,
  identity: caller.identity,
  sign: signOverHttp(...sealsPort),
  signCode: signCodeOverHttp(...sealsPort),
  picture: readPictureOverHttp(...sealsPort),
  personSigning: readPersonSigningOverHttp(...sealsPort),
  attest: attestOverHttp(...sealsPort),
  attestActs: attestActsOverHttp(...sealsPort),
  stamp: stampOverHttp(...sealsPort),
  material: readMaterialOverHttp(...sealsPort),
  record: recordReceiptOverHttp(...sealsPort),
  publicUrl: settings.PUBLIC_URL,
  library: LIBRARY_URL === undefined ? null : createLibraryClient({ url: LIBRARY_URL, parsers, ...library }),
  send: { cases: createEventSender(settings.CASES_URL, 'cases', caller) },
  holderChecks: settings.HOLDER_CHECKS_PER_DAY,
  eventWaitMs: settings.EVENT_WAIT_MS,
  onError: logFailure,
});
const app = await serveSubgraph(licenses, options);
await app.listen({ host: settings.HOST, port: settings.PORT });
licenses.start();

endAfter(async () => {
  await app.close();
  await licenses.stop();
  await parsers.stop();
  await close();
});
