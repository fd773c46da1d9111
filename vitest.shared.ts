import { createRequire } from 'node:module';

/** What all runs of tests share: `npm test`, `test:interop` and `test:security`. */

/** As Node resolves: otherwise tests load the ESM build of graphql beside the CommonJS build of the Apollo packages. */
export const resolve = {
  alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql') }],
};

/** Without the set-up file a test would run as production does, which takes no demo tokens. */
export const inDevelopment = { testTimeout: 180_000, setupFiles: ['test/support/development.ts'] };

export const withDatabase = { globalSetup: ['test/support/postgres-setup.ts'] };
