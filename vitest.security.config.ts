import { defineConfig } from 'vitest/config';
import { inDevelopment, resolve, withDatabase } from './vitest.shared.ts';

/** Attacks on a whole hub: see docs/security.md. One at a time, because each counts what the hub does. */
export default defineConfig({
  resolve,
  test: {
    ...{ ...inDevelopment, ...withDatabase, hookTimeout: 180_000 },
    include: ['test/security/**/*.security.ts'],
    maxWorkers: 1,
    fileParallelism: false,
    sequence: { concurrent: false },
  },
});
