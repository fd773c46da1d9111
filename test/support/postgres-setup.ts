import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../db/embedded.ts';
import { ensureDatabase, migrateDatabase, toDatabaseUrl } from '../../db/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser's URL of the run's one PostgreSQL, database `postgres`. */
    postgresUrl: string;
    /** Key for the role passwords, hex. */
    databaseKey: string;
    /** A folder that is removed after the run. */
    runFolder: string;
    /** What long walks try in this run: see `sampleCases`. */
    sampleSeed: number;
  }
}

/** Name of the migrated database that every test file clones. */
export const TEMPLATE = 'tongquan_template';

const SAMPLE_SEED = Number(process.env.TEST_SEED ?? randomInt(1_000_000));

/** Starts one PostgreSQL for the whole run and migrates one template database. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-test-'));
  chmodSync(folder, 0o711);
  const server = await startEmbedded({
    folder: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    password: randomBytes(16).toString('hex'),
    durable: false,
  });
  const teardown = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const databaseKey = randomBytes(32);
    await ensureDatabase(server.url, TEMPLATE);
    await migrateDatabase(toDatabaseUrl(server.url, TEMPLATE), databaseKey);
    project.provide('postgresUrl', server.url);
    project.provide('databaseKey', databaseKey.toString('hex'));
    project.provide('runFolder', folder);
    project.provide('sampleSeed', SAMPLE_SEED);
    console.log(`TEST_SEED=${SAMPLE_SEED} chooses the same samples again, TEST_SAMPLE=all tries everything.`);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
