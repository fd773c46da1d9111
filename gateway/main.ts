import { readFileSync } from 'node:fs';
import { isProduction } from '../subgraphs/kernel/environment/mode.ts';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { endAfter, startProcess } from '../subgraphs/kernel/environment/stop.ts';
import { createParserPool, readParserLimits } from '../subgraphs/kernel/foreign/pool.ts';
import { readHubLimits } from '../subgraphs/kernel/limits/limits.ts';
import { openIdentity } from '../subgraphs/kernel/sealing/service-token.ts';
import { readCostLimits } from './cost/limits.ts';
import { addLogoutRoute } from './sign-in/logout-route.ts';
import { parseOwnKey } from './sign-in/own-key.ts';
import { readExplorerSignIn, readIssuerSettings } from './sign-in/settings.ts';
import { createSignIn } from './sign-in/sign-in.ts';

/** Runs the gateway as its own process. docs/configuration.md lists its environment variables. */
const {
  HOST,
  PORT,
  SERVICE_PRIVATE_KEY: privateKey,
  ...settings
} = readEnvironment('gateway', {
  TOKEN_PRIVATE_KEY_FILE: (path: string) => parseOwnKey(readFileSync(path, 'utf8')),
});
startProcess({ service: 'gateway', level: settings.LOG_LEVEL });

// @apollo/gateway must be loaded after the environment is read, which turns its telemetry off.
const { createGateway } = await import('./gateway.ts');
const { readAllowedOrigins } = await import('./cors.ts');
const {
  requireLive: isLive,
  proxySubgraph: passOn,
  createRemoteRootCertificate: rootCertificateOver,
  createRemoteRegister: registerOver,
} = await import('./remote.ts');

const { MATTERS_URL, CASES_URL, LICENSES_URL, SEALS_URL, ALLOWED_ORIGINS, PUBLIC_URL } = settings;
const urls = { matters: MATTERS_URL, cases: CASES_URL, licenses: LICENSES_URL, seals: SEALS_URL };
const names = Object.keys(urls) as (keyof typeof urls)[];
const parsers = createParserPool(readParserLimits(settings));
const now = () => new Date();
const proof = { identity: openIdentity('gateway', privateKey), now } as const;
const issuer = readIssuerSettings(settings);
const { TOKEN_PRIVATE_KEY_FILE: own } = settings;
const { resolvePerson, resolvePlace, recordLogout } = registerOver(CASES_URL, proof);
const signIn =
  issuer && own
    ? createSignIn({ issuers: [issuer], resolvePerson, resolvePlace, ownKey: own.privateKey, demoKey: null, now })
    : undefined;
const tokenKey = signIn ? own?.publicKey : settings.TOKEN_PUBLIC_KEY;
// The table of variables asks for one or the other.
if (!tokenKey) throw new Error('neither an issuer nor a key of tokens');
const check = { tokenKey, signIn, now };
const app = await createGateway({
  sources: Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, { url: `${url}/graphql` }])),
  ...proof,
  ...check,
  parsers,
  trustedProxies: settings.TRUSTED_PROXIES,
  callerLimits: readHubLimits(settings),
  allowedOrigins: readAllowedOrigins(ALLOWED_ORIGINS, isProduction()),
  explorer: readExplorerSignIn(settings),
  publicUrl: PUBLIC_URL,
  readDeadlineMs: settings.READ_DEADLINE_MS,
  fileLinkSeconds: settings.FILE_LINK_SECONDS,
  limits: readCostLimits(settings),
  rootCertificate: rootCertificateOver(SEALS_URL, proof),
  mount: async (app) => {
    if (signIn) await addLogoutRoute(app, { ...signIn, recordLogout, now });
    for (const name of names) await passOn(app, name, urls[name], { ...proof, check });
  },
  checks: Object.fromEntries(names.map((name) => [name, () => isLive(urls[name], name, proof)])),
});
await app.listen({ host: HOST, port: PORT });

endAfter(async () => {
  await app.close();
  await parsers.stop();
});
