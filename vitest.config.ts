import { defineConfig } from 'vitest/config';

// Files of one worker share their modules (`isolate`): importing the hub for each file took a quarter of the processor time.
const shared = { testTimeout: 180_000, hookTimeout: 300_000, isolate: false };

/** Two projects: `unit` needs no database; `database` gets one PostgreSQL, started once for the run. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: { ...shared, name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/**/*.db.test.ts'] },
      },
      {
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
