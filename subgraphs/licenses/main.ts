import { createPublicKey } from 'node:crypto';
import { connect } from '../../db/client.ts';
import {
  attestOverHttp,
  createEventSender,
  readMaterialOverHttp,
  readPictureOverHttp,
  recordReceiptOverHttp,
  serveSubgraph,
  signCodeOverHttp,
  signOverHttp,
  stampOverHttp,
} from '../kernel/serve.ts';
import { fileRoute } from './file-routes.ts';
import { createLicenses } from './index.ts';
import { createLibraryClient } from './library-client.ts';

/** The licenses subgraph as a process of its own; SECURITY.md lists its environment. */
const {
  DATABASE_URL = '',
  PORT = '4003',
  TOKEN_PUBLIC_KEY = '',
  SERVICE_KEY = '',
  AUTHORISATION_KEY_LICENSES = '',
  CASES_URL = '',
  SEALS_URL = '',
  PUBLIC_URL = '',
  LIBRARY_URL = '',
  LIBRARY_CLIENT_ID = '',
  LIBRARY_CLIENT_SECRET = '',
  LIBRARY_RECEIPT_KEY,
  LIBRARY_ID,
} = process.env;

const now = () => new Date();
const serviceKey = Buffer.from(SERVICE_KEY, 'base64url');
const options = { tokenKey: createPublicKey(TOKEN_PUBLIC_KEY), serviceKey, now };
const { db, close } = connect(DATABASE_URL, 'tongquan-licenses');
const client = {
  ...{ url: LIBRARY_URL, clientId: LIBRARY_CLIENT_ID, clientSecret: LIBRARY_CLIENT_SECRET, now },
  ...{ receiptKey: LIBRARY_RECEIPT_KEY || undefined, id: LIBRARY_ID || undefined },
};
const seals = [SEALS_URL, 'licenses', serviceKey, now] as const;
const licenses = createLicenses({
  db,
  now,
  authorisationKey: Buffer.from(AUTHORISATION_KEY_LICENSES, 'base64url'),
  sign: signOverHttp(...seals),
  signCode: signCodeOverHttp(...seals),
  picture: readPictureOverHttp(...seals),
  attest: attestOverHttp(...seals),
  stamp: stampOverHttp(...seals),
  material: readMaterialOverHttp(...seals),
  record: recordReceiptOverHttp(...seals),
  publicUrl: PUBLIC_URL,
  library: LIBRARY_URL === '' ? null : createLibraryClient(client),
  send: { cases: createEventSender(CASES_URL, 'licenses', serviceKey, now) },
  onError: console.error,
});
const app = await serveSubgraph(licenses, options, (routes) => fileRoute(routes, licenses, options));
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
licenses.start();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await app.close();
    await licenses.stop();
    await close();
  });
}
