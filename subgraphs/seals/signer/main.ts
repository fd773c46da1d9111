import { readEnvironment } from '../../kernel/environment/read.ts';
import { endAfter, startProcess } from '../../kernel/environment/stop.ts';
import { readConnectionLimits } from '../../kernel/limits/limits.ts';
import { openKeyFile } from './key-file.ts';
import { openKnownFile } from './known-file.ts';
import { watchPersonKeys } from './person/person-file.ts';
import { createSigner } from './signer.ts';
import { serveSigner } from './signer-routes.ts';

/**
 * Runs the signer as its own process: the hub's child, or a separate service. docs/configuration.md lists its
 * environment variables. Its key-encryption keys come from a file, which it creates if there is none, or from the
 * environment.
 */
const { HOST, PORT, SERVICE_PUBLIC_KEYS: publicKeys, ...settings } = readEnvironment('signer');
const { KEY_ENCRYPTION_KEY_FILE, KEY_ENCRYPTION_KEY = [] } = settings;
startProcess({ service: 'signer', level: settings.LOG_LEVEL });

/** Shorter than the hub waits for its signer. */
const STOP_TIMEOUT_MS = 1_500;
const now = () => new Date();
const ring = KEY_ENCRYPTION_KEY_FILE === undefined ? KEY_ENCRYPTION_KEY : openKeyFile(KEY_ENCRYPTION_KEY_FILE);
const isKnownAuthorisation = openKnownFile(settings.KNOWN_AUTHORISATIONS_FILE);
const readPersonKeys = watchPersonKeys(settings.PERSON_KEY_FILE);
// A malformed file must end the start, not the first seal.
readPersonKeys();
const app = serveSigner(createSigner({ ring, publicKeys, isKnownAuthorisation, readPersonKeys, now }), {
  ...{ services: { receiver: 'signer', publicKeys }, now, connections: readConnectionLimits(settings) },
});
const url = await app.listen({ host: HOST, port: PORT });
// A child sends its address to its parent.
process.send?.({ url });
endAfter(() => app.close(), { timeoutMs: STOP_TIMEOUT_MS });
