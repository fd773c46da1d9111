import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from '../../db/client.ts';
import { createEventSender, serveSubgraph } from '../kernel/serve.ts';
import { parseChain } from './certificate/certificate.ts';
import { createSeals } from './index.ts';
import { parseWitnesses } from './log/witness-client.ts';
import { addPortRoutes } from './port-routes.ts';
import { awaitSigner, connectSigner } from './signer/signer-client.ts';

/** The seals subgraph as a process of its own; SECURITY.md lists its environment. */
const {
  DATABASE_URL = '',
  PORT = '4004',
  TOKEN_PUBLIC_KEY = '',
  SERVICE_KEY = '',
  SIGNER_URL = '',
  LICENSES_URL = '',
  SEAL_AUTHORITIES = '',
  LOG_FOLDER = '',
  LOG_ORIGIN,
  LOG_WITNESSES = '',
} = process.env;

const now = () => new Date();
const serviceKey = Buffer.from(SERVICE_KEY, 'base64url');
const options = { tokenKey: createPublicKey(TOKEN_PUBLIC_KEY), serviceKey, now };
const { db, close } = connect(DATABASE_URL, 'tongquan-seals');
const seals = createSeals({
  db,
  now,
  signer: connectSigner(() => SIGNER_URL, serviceKey, now),
  send: { licenses: createEventSender(LICENSES_URL, 'seals', serviceKey, now) },
  trustedAuthorities: SEAL_AUTHORITIES === '' ? [] : parseChain(readFileSync(SEAL_AUTHORITIES, 'utf8')),
  log: { origin: LOG_ORIGIN, folder: LOG_FOLDER || null, witnesses: parseWitnesses(LOG_WITNESSES) },
  onError: console.error,
});
await awaitSigner(SIGNER_URL);
await seals.prepare();
const app = await serveSubgraph(seals, options, (routes) => addPortRoutes(routes, seals, options));
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
seals.start();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await app.close();
    await seals.stop();
    await close();
  });
}
