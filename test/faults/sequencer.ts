import { connect } from '../../db/client.ts';
import { createSeals } from '../../subgraphs/seals/index.ts';

/** The seals subgraph in a process of its own that kills itself once a checkpoint is committed; `log.test.ts` starts it. */
interface Orders {
  databaseUrl: string;
  keyEncryptionKey: string;
  folder: string;
}

process.once('message', (message) => {
  const { databaseUrl, keyEncryptionKey, folder } = message as Orders;
  const { db } = connect(databaseUrl, 'test-sequencer');
  const key = Buffer.alloc(32);
  const seals = createSeals({
    db,
    now: () => new Date(),
    keyEncryptionKey: Buffer.from(keyEncryptionKey, 'hex'),
    authorisationKeys: { cases: key, licenses: key },
    send: { licenses: async () => {} },
    log: { folder, onCommitted: () => process.kill(process.pid, 'SIGKILL') },
    pollMs: 10,
  });
  seals.start();
});

process.once('disconnect', () => process.exit());
