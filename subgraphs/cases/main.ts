import { createPublicKey } from 'node:crypto';
import { connect } from '../../db/client.ts';
import { createEventSender, readPictureOverHttp, serveSubgraph, signOverHttp } from '../kernel/serve.ts';
import { createCases } from './index.ts';
import { scanByClamd } from './material/clamd-client.ts';

/** Runs the cases subgraph as its own process. SECURITY.md lists its environment variables. */
const {
  DATABASE_URL = '',
  PORT = '4002',
  TOKEN_PUBLIC_KEY = '',
  SERVICE_KEY = '',
  AUTHORISATION_KEY_CASES = '',
  LICENSES_URL = '',
  PUBLIC_URL = '',
  SEALS_URL = '',
  CLAMD = '',
  WEBHOOK_PRIVATE_HOSTS = '',
} = process.env;

const now = () => new Date();
const serviceKey = Buffer.from(SERVICE_KEY, 'base64url');
const { db, close } = connect(DATABASE_URL, 'tongquan-cases');
const cases = createCases({
  db,
  now,
  publicUrl: PUBLIC_URL,
  webhookHosts: WEBHOOK_PRIVATE_HOSTS.split(',').filter((host) => host !== ''),
  authorisationKey: Buffer.from(AUTHORISATION_KEY_CASES, 'base64url'),
  send: { licenses: createEventSender(LICENSES_URL, 'cases', serviceKey, now) },
  sign: signOverHttp(SEALS_URL, 'cases', serviceKey, now),
  picture: readPictureOverHttp(SEALS_URL, 'cases', serviceKey, now),
  scan: createScanner(CLAMD),
  onError: console.error,
});
const app = await serveSubgraph(cases, { tokenKey: createPublicKey(TOKEN_PUBLIC_KEY), serviceKey, now });
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
cases.start();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await app.close();
    await cases.stop();
    await close();
  });
}

/**
 * Returns a scanner for the clamd at `host:port`, or undefined to use the built-in scanner. Throws if the address is
 * malformed.
 */
function createScanner(address: string) {
  if (address === '') return undefined;
  const [, host, port] = /^([\w.-]+):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined) throw new Error(`CLAMD is not host:port: ${address}`);
  return scanByClamd(host, Number(port));
}
