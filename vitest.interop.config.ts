import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

/**
 * Tests against independent tools: openssl, poppler-utils, qpdf, BouncyCastle.
 * Needs apt packages; see `.ci/run`.
 */
export default defineConfig({
  // One graphql, as Node resolves it: see vitest.config.ts.
  resolve: { alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql') }] },
  test: {
    include: ['test/interop/**/*.interop.ts'],
    globalSetup: ['test/support/postgres-setup.ts'],
    setupFiles: ['test/support/development.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 1,
    sequence: { concurrent: false },
  },
});
