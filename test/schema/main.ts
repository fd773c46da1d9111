import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, printSchema } from 'graphql';
import { buildApiSchema } from '../support/api-schema.ts';
import { compareChanges } from './changes.ts';

/**
 * `npm run schema-changes`: compares the graph with that of the last release (`docs/schema/<version>.graphql`). Ends
 * with 1 if something broke that the change log does not list. `--release` stores the graph for the version of
 * package.json instead.
 */

const ROOT = new URL('../../', import.meta.url);
const FOLDER = new URL('docs/schema/', ROOT);
const current = buildApiSchema();

function readLastRelease(): string {
  const [last] = readdirSync(FOLDER).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  if (last === undefined) throw new Error('docs/schema holds no release');
  return readFileSync(new URL(last, FOLDER), 'utf8');
}

if (process.argv.includes('--release')) {
  const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
  writeFileSync(new URL(`${version}.graphql`, FOLDER), `${printSchema(current)}\n`);
} else {
  const changelog = readFileSync(new URL('CHANGELOG.md', ROOT), 'utf8');
  const { unlisted, stale } = await compareChanges(buildSchema(readLastRelease()), current, changelog);
  for (const { path, message } of unlisted)
    console.error(`breaks the last release, not in CHANGELOG.md: ${path}: ${message}`);
  for (const pattern of stale) console.error(`CHANGELOG.md lists ${pattern}, but nothing of it broke`);
  if (unlisted.length + stale.length > 0) process.exitCode = 1;
}
