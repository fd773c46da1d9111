import { openKeyFile } from './key-file.ts';
import { createSigner } from './signer.ts';
import { serveSigner } from './signer-routes.ts';

/**
 * The signer as a process of its own: the hub's child, or a separate service. SECURITY.md lists its environment. Its
 * key-encryption keys come from a file, which it creates if there is none, or from the environment, newest first.
 */
const {
  HOST = '127.0.0.1',
  PORT = '4005',
  SERVICE_KEY = '',
  KEY_ENCRYPTION_KEY_FILE = '',
  KEY_ENCRYPTION_KEY = '',
  AUTHORISATION_KEY_CASES = '',
  AUTHORISATION_KEY_LICENSES = '',
} = process.env;

const decodeKey = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
const now = () => new Date();
const ring =
  KEY_ENCRYPTION_KEY_FILE === '' ? KEY_ENCRYPTION_KEY.split(',').map(decodeKey) : openKeyFile(KEY_ENCRYPTION_KEY_FILE);
const authorisationKeys = {
  cases: decodeKey(AUTHORISATION_KEY_CASES),
  licenses: decodeKey(AUTHORISATION_KEY_LICENSES),
};
const app = serveSigner(createSigner({ ring, authorisationKeys, now }), { serviceKey: decodeKey(SERVICE_KEY), now });
const url = await app.listen({ host: HOST, port: Number(PORT) });
// A child sends its address to its parent, and exits when the parent disconnects for any reason.
process.send?.({ url });
if (process.connected) process.once('disconnect', () => process.exit());
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void app.close().finally(() => process.exit()));
