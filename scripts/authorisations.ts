import { parseArgs } from 'node:util';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { UsageError } from './evidence-files.ts';
import { listKnown, readKnownFile, writeKnownFile } from './hub/known-authorisations.ts';
import { findHubDatabase } from './hub/running-database.ts';

/**
 * `npm run authorisations -- FILE`: lists the authorisations that wait for their seal, for the signer
 * (`KNOWN_AUTHORISATIONS_FILE`). Run it before the key of cases or licenses ends (docs/operations.md). It verifies each
 * by SERVICE_PUBLIC_KEYS, or by the keys of release 0.4; what FILE lists already stays while it waits. Finds the
 * database as `npm run audit` does.
 */

const USAGE = '用法 usage: npm run authorisations -- FILE [--database URL]';

function readArguments(): { file: string; database: string | undefined } {
  try {
    const options = { database: { type: 'string' } } as const;
    const { positionals, values } = parseArgs({ options, allowPositionals: true });
    const [file, ...rest] = positionals;
    if (file !== undefined && rest.length === 0) return { file, database: values.database };
  } catch {
    // An option that it does not have: the usage says which there are.
  }
  throw new UsageError(USAGE);
}

async function main(): Promise<void> {
  const settings = readEnvironment('authorisations');
  const { AUTHORISATION_KEY_CASES: cases, AUTHORISATION_KEY_LICENSES: licenses, SERVICE_PUBLIC_KEYS } = settings;
  const { file, database: option } = readArguments();
  const database = findHubDatabase(option, settings.DATABASE_URL, settings.DATA_FOLDER);
  const shared = { ...(cases && { cases }), ...(licenses && { licenses }) };
  const known = await listKnown(database, { shared, services: SERVICE_PUBLIC_KEYS, known: readKnownFile(file) });
  writeKnownFile(file, known);
  console.log(`${known.digests.length} 份用印授权待用印，已列入 authorisations wait and are listed: ${file}`);
  if (known.refused === 0) return;
  console.error(`${known.refused} 份用印授权无法验证，未列入 verify by none of these keys and are not listed`);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
