import type { Rule, Sources } from './sources.ts';

/** What the names of test files promise: `*.test.ts` needs no database, `*.db.test.ts` gets one. */

/** Tests that start a whole hub as a process, which starts a database of its own. */
const HUB_PROCESSES = new Set(['test/faults/secrets.db.test.ts']);

/**
 * Whether a file, or one that it loads, takes what the run provides (`inject` of vitest): the database. So does a test
 * that starts PostgreSQL itself.
 */
function needsDatabase(path: string, sources: Sources, seen = new Set<string>()): boolean {
  if (seen.has(path)) return false;
  seen.add(path);
  const imports = sources.get(path)?.imports.filter(({ kind }) => kind !== 'type') ?? [];
  return imports.some(({ target, names }) => {
    if (path.startsWith('test/') && target === 'db/embedded.ts') return true;
    if (target === 'vitest') return names.includes('inject') || names.includes('*');
    return target !== null && needsDatabase(target, sources, seen);
  });
}

const DATABASE_SUPPORT = "import { inject } from 'vitest';\nexport const url = () => inject('postgresUrl');";
const SUPPORT = 'test/support/database.ts';
const THROUGH_SUPPORT = "export * from './database.ts';";

export const testRules: Rule[] = [
  {
    name: 'a test that needs PostgreSQL is named *.db.test.ts, and no other',
    findViolations: ({ path }, sources) => {
      if (!path.endsWith('.test.ts') || HUB_PROCESSES.has(path)) return [];
      const needed = needsDatabase(path, sources);
      if (needed === path.endsWith('.db.test.ts')) return [];
      return [needed ? 'needs a database: name it *.db.test.ts' : 'needs no database: name it *.test.ts'];
    },
    planted: {
      'a unit test that asks for the database': { 'test/x.test.ts': DATABASE_SUPPORT },
      'a unit test that loads the support': {
        'test/x.test.ts': "import { url } from './support/database.ts';\nurl();",
        [SUPPORT]: DATABASE_SUPPORT,
      },
      'a unit test that loads the support through another file': {
        'test/x.test.ts': "import { url } from './support/hub.ts';\nurl();",
        'test/support/hub.ts': THROUGH_SUPPORT,
        [SUPPORT]: DATABASE_SUPPORT,
      },
      'a unit test that loads the support while it runs': {
        'test/x.test.ts': "export const url = () => import('./support/database.ts');",
        [SUPPORT]: DATABASE_SUPPORT,
      },
      'a unit test that starts PostgreSQL': {
        'test/x.test.ts': "import { startEmbedded } from '../db/embedded.ts';\nstartEmbedded();",
      },
      'a database test that needs no database': { 'test/x.db.test.ts': "import { test } from 'vitest';\ntest('x');" },
      'a database test that takes a type only': {
        'test/x.db.test.ts': "import type { Url } from './support/database.ts';\nexport const url: Url = '';",
        [SUPPORT]: DATABASE_SUPPORT,
      },
    },
  },
];
