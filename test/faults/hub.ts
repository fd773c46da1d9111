import { createPublicKey } from 'node:crypto';
import { createHub, type HubConfig } from '../../gateway/hub.ts';
import { buildServiceKeys } from '../../scripts/hub/secrets.ts';
import { createParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import '../support/development.ts';

/**
 * Options of a hub in its own process, which kills itself at step `crashAt`. The tests in this folder start it.
 */
interface StartOptions {
  config: Omit<HubConfig, 'tokenKey' | 'onStep' | 'signer' | 'parsers' | 'serviceKeys' | 'derivationKey'>;
  tokenKeyPem: string;
  /** The first two in hex, the keys of the processes as secrets store them. */
  keys: Record<'keyEncryptionKey' | 'derivationKey' | 'cases' | 'licenses', string>;
  crashAt: string | null;
}

process.once('message', async (message) => {
  const { config, tokenKeyPem, keys, crashAt } = message as StartOptions;
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  const [cases, licenses] = [Buffer.from(keys.cases, 'base64'), Buffer.from(keys.licenses, 'base64')];
  const serviceKeys = buildServiceKeys({ cases, licenses });
  const ring = [bytes(keys.keyEncryptionKey)];
  const hub = await createHub({
    ...config,
    tokenKey: createPublicKey(tokenKeyPem),
    parsers: createParserPool(),
    signer: createSigner({ ring, publicKeys: serviceKeys.publicKeys, now: () => new Date() }),
    ...{ serviceKeys, derivationKey: bytes(keys.derivationKey) },
    onFault: () => {},
    onStep: (step) => {
      if (step === crashAt) process.kill(process.pid, 'SIGKILL');
    },
  });
  process.send?.({ url: await hub.app.listen({ host: '127.0.0.1', port: 0 }) });
});

// Exit when the parent process is gone, so that no hub is left running.
process.once('disconnect', () => process.exit());
