import { connect } from '../../db/client.ts';
import { createParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { createSeals } from '../../subgraphs/seals/index.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import '../support/development.ts';

/**
 * Options of the seals subgraph in its own process. The process kills itself after a checkpoint commits. Used by
 * `log.db.test.ts`.
 */
interface StartOptions {
  databaseUrl: string;
  keyEncryptionKey: string;
  folder: string;
}

process.once('message', (message) => {
  const { databaseUrl, keyEncryptionKey, folder } = message as StartOptions;
  const { db } = connect(databaseUrl, 'test-sequencer');
  const { publicKeys } = generateServiceKeys();
  const ring = [Buffer.from(keyEncryptionKey, 'hex')];
  const seals = createSeals({
    db,
    now: () => new Date(),
    parsers: createParserPool(),
    signer: createSigner({ ring, publicKeys, now: () => new Date() }),
    send: { licenses: async () => [], cases: async () => [] },
    log: { folder, onCommitted: () => process.kill(process.pid, 'SIGKILL') },
    pollMs: 10,
  });
  seals.start();
});

process.once('disconnect', () => process.exit());
