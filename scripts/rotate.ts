import { connect } from '../db/client.ts';
import { ensureDatabase, migrateDatabase } from '../db/migrate.ts';
import { deriveRolePassword, toRoleUrl } from '../db/roles.ts';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { rewrapKeys } from '../subgraphs/seals/certification/certification-workflow.ts';
import { addKey, forgetOldKeys } from '../subgraphs/seals/signer/key-file.ts';
import { HUB_DATABASE } from './hub/check/database-state.ts';
import { openChecked } from './hub/check/open.ts';
import type { OpenDatabase } from './hub/database.ts';
import { BootError, lockFolder } from './hub/folder.ts';
import { locateSignerKeyFile } from './hub/secrets.ts';
import { startSigner } from './hub/signer.ts';

/**
 * `npm run rotate`: gives the signer a new key-encryption key (密钥加密密钥轮换). Wraps every private key under the new
 * key, then deletes the old keys. The hub must be stopped. An interrupted run can be repeated: the file holds both keys
 * until every private key is wrapped under the new one. Uses DATA_FOLDER and DATABASE_URL like `npm start`.
 */
async function rotateKey(): Promise<void> {
  const { DATABASE_URL, DATA_FOLDER } = readEnvironment('rotate');
  const releaseFolder = lockFolder(DATA_FOLDER);
  const keyFile = locateSignerKeyFile(DATA_FOLDER);
  let openDatabase: OpenDatabase | null = null;
  try {
    const { database, secrets } = await openChecked({
      dataFolder: DATA_FOLDER,
      databaseUrl: DATABASE_URL ?? null,
      onOpen: (server) => {
        openDatabase = server;
      },
      onFirstStart: async () => {
        throw new BootError(`${DATA_FOLDER} 中没有系统 — there is no hub in this data folder`);
      },
    });
    const adminUrl = await ensureDatabase(database.url, HUB_DATABASE);
    await migrateDatabase(adminUrl, secrets.databaseKey);
    addKey(keyFile);
    const signer = await startSigner(keyFile, secrets);
    const pool = connect(
      toRoleUrl(adminUrl, 'tq_seals', deriveRolePassword(secrets.databaseKey, 'tq_seals')),
      'tongquan-rotate',
    );
    try {
      const count = await rewrapKeys({ db: pool.db, now: () => new Date(), signer: signer.signer });
      forgetOldKeys(keyFile);
      console.log(`${count} 把私钥已改由新的密钥加密密钥保护 — private keys are now under a new key-encryption key`);
    } finally {
      await pool.close();
      await signer.stop();
    }
  } finally {
    await (openDatabase as OpenDatabase | null)?.stop();
    await releaseFolder();
  }
}

try {
  await rotateKey();
} catch (error) {
  const { cause = error } = error as { cause?: unknown };
  console.error(cause instanceof BootError ? cause.message : cause);
  process.exitCode = 1;
}
process.exit();
