import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

// Files of one worker share their modules (`isolate`): importing the hub for each file took a quarter of the processor
// time.
const shared = {
  testTimeout: 180_000,
  hookTimeout: 300_000,
  isolate: false,
  setupFiles: ['test/support/development.ts'],
};

/** As Node resolves: otherwise tests load the ESM build of graphql beside the CommonJS build of the Apollo packages. */
const resolve = { alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql') }] };

/**
 * Three projects: `unit` needs neither a database nor a compiler; `compiler` compiles copies of the sources in which a
 * mistake is planted; `database` gets one PostgreSQL, started once for the run.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        resolve,
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{compiler,db}.test.ts'],
        },
      },
      { resolve, test: { ...shared, name: 'compiler', include: ['test/**/*.compiler.test.ts'] } },
      {
        resolve,
        test: {
          ...shared,
          name: 'database',
          include: ['test/**/*.db.test.ts'],
          globalSetup: ['test/support/postgres-setup.ts'],
        },
      },
    ],
  },
});
