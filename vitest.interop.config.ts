import { defineConfig } from 'vitest/config';
import { inDevelopment, resolve, withDatabase } from './vitest.shared.ts';

/**
 * Tests against independent tools: openssl, poppler-utils, qpdf, BouncyCastle.
 * Needs apt packages; see `.ci/run`.
 */
export default defineConfig({
  resolve,
  test: {
    ...{ ...inDevelopment, ...withDatabase, hookTimeout: 180_000 },
    include: ['test/interop/**/*.interop.ts'],
    maxWorkers: 1,
    sequence: { concurrent: false },
  },
});
