import { defineConfig } from 'vitest/config';

const limits = { testTimeout: 180_000, hookTimeout: 300_000 };

/** Two projects: `unit` needs no database; `database` gets one PostgreSQL, started once for the run. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: { ...limits, name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/**/*.db.test.ts'] },
      },
      {
        test: {
          ...limits,
          name: 'database',
          include: ['test/**/*.db.test.ts'],
          globalSetup: ['test/support/postgres-setup.ts'],
        },
      },
    ],
  },
});
