import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

/** Attacks on a whole hub: see docs/security.md. One at a time, because each counts what the hub does. */
export default defineConfig({
  // One graphql, as Node resolves it: see vitest.config.ts.
  resolve: { alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql') }] },
  test: {
    include: ['test/security/**/*.security.ts'],
    globalSetup: ['test/support/postgres-setup.ts'],
    setupFiles: ['test/support/development.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 1,
    fileParallelism: false,
    sequence: { concurrent: false },
  },
});
