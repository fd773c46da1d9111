import { createPublicKey } from 'node:crypto';
import { createHub, type HubConfig } from '../../gateway/hub.ts';
import { createParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import '../support/development.ts';

/**
 * Options of a hub in its own process, which kills itself at step `crashAt`. The tests in this folder start it.
 */
interface StartOptions {
  config: Omit<HubConfig, 'tokenKey' | 'onStep' | 'signer' | 'parsers'>;
  tokenKeyPem: string;
  keys: Record<'keyEncryptionKey' | 'cases' | 'licenses', string>;
  crashAt: string | null;
}

process.once('message', async (message) => {
  const { config, tokenKeyPem, keys, crashAt } = message as StartOptions;
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  const authorisationKeys = { cases: bytes(keys.cases), licenses: bytes(keys.licenses) };
  const ring = [bytes(keys.keyEncryptionKey)];
  const hub = await createHub({
    ...config,
    tokenKey: createPublicKey(tokenKeyPem),
    parsers: createParserPool(),
    signer: createSigner({ ring, authorisationKeys, now: () => new Date() }),
    authorisationKeys,
    onFault: () => {},
    onStep: (step) => {
      if (step === crashAt) process.kill(process.pid, 'SIGKILL');
    },
  });
  process.send?.({ url: await hub.app.listen({ host: '127.0.0.1', port: 0 }) });
});

// Exit when the parent process is gone, so that no hub is left running.
process.once('disconnect', () => process.exit());
