import { defineConfig } from 'vitest/config';
import { inDevelopment, resolve, withDatabase } from './vitest.shared.ts';

// Files of one worker share their modules (`isolate`): importing the hub for each file took a quarter of the processor
// time.
const shared = { ...inDevelopment, hookTimeout: 300_000, isolate: false };

/**
 * Three projects: `unit` needs neither a database nor a compiler; `compiler` compiles copies of the sources in which a
 * mistake is planted; `database` gets one PostgreSQL, started once for the run.
 */
export default defineConfig({
  test: {
    // One more than the cores of CI: a third of its time a file waits for processes, timers and disks.
    maxWorkers: 3,
    projects: [
      {
        resolve,
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{compiler,db}.test.ts', '**/node_modules/**'],
        },
      },
      { resolve, test: { ...shared, name: 'compiler', include: ['test/**/*.compiler.test.ts'] } },
      {
        resolve,
        test: {
          ...shared,
          name: 'database',
          ...withDatabase,
          include: ['test/**/*.db.test.ts'],
        },
      },
    ],
  },
});
