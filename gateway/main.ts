import { createPublicKey } from 'node:crypto';

// Read by @apollo/gateway when it is built: the hub calls nobody it was not told to call.
process.env.APOLLO_TELEMETRY_DISABLED = '1';

const { createGateway } = await import('./gateway.ts');
const { fileOver, isLive, passOn, rootCertificateOver } = await import('./remote.ts');

/** The gateway as a process of its own; SECURITY.md lists its environment. */
const {
  HOST = '127.0.0.1',
  PORT = '4000',
  TOKEN_PUBLIC_KEY = '',
  MATTERS_URL = '',
  CASES_URL = '',
  LICENSES_URL = '',
  SEALS_URL = '',
} = process.env;

const urls = { matters: MATTERS_URL, cases: CASES_URL, licenses: LICENSES_URL, seals: SEALS_URL };
for (const [name, url] of Object.entries(urls)) {
  if (!URL.canParse(url)) throw new Error(`${name.toUpperCase()}_URL is no URL: ${url}`);
}
const app = await createGateway({
  sources: Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, { url: `${url}/graphql` }])),
  tokenKey: createPublicKey(TOKEN_PUBLIC_KEY),
  now: () => new Date(),
  file: fileOver(LICENSES_URL),
  rootCertificate: rootCertificateOver(SEALS_URL),
  mount: async (app) => {
    for (const [name, url] of Object.entries(urls)) await passOn(app, name, url);
  },
  checks: Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, () => isLive(url)])),
});
await app.listen({ host: HOST, port: Number(PORT) });

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close());
