import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ENVIRONMENT, type ProcessName, type Variable } from '../../subgraphs/kernel/environment/variables.ts';

/** `npm start` honours what the separate processes honour, with the same defaults. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROCESSES: readonly ProcessName[] = ['gateway', 'matters', 'cases', 'licenses', 'seals', 'signer'];

/** Variables that a hub in one process has no use for, and why. */
const NOT_OF_START: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['MATTERS_URL', 'CASES_URL', 'LICENSES_URL', 'SEALS_URL', 'SIGNER_URL'].map((name) => [
      name,
      'it knows where its own parts are',
    ]),
  ),
  ...Object.fromEntries(
    [
      ...['TOKEN_PUBLIC_KEY', 'TOKEN_PRIVATE_KEY_FILE', 'SERVICE_PRIVATE_KEY', 'SERVICE_PUBLIC_KEYS'],
      ...['DERIVATION_KEY', 'KEY_ENCRYPTION_KEY_FILE', 'KEY_ENCRYPTION_KEY'],
    ].map((name) => [name, 'it makes its keys and keeps them in DATA_FOLDER, or in memory']),
  ),
  LOG_FOLDER: 'the log is published in DATA_FOLDER',
  VERIFIER_FILE: 'it builds the file from its own sources',
  KNOWN_AUTHORISATIONS_FILE: 'the file is in DATA_FOLDER, beside the keys of the signer',
  PERSON_KEY_FILE: 'the file is in DATA_FOLDER, beside the keys of the signer',
};

const VARIABLES = Object.entries(ENVIRONMENT as Record<string, Variable>);
const OF_PROCESSES = VARIABLES.filter(([, { uses }]) => PROCESSES.some((name) => uses[name] !== undefined));

test.each(OF_PROCESSES)('%s', (name, { uses }) => {
  const reason = NOT_OF_START[name];
  if (reason !== undefined) return expect([name, uses.start]).toEqual([name, undefined]);
  expect([name, uses.start]).not.toEqual([name, undefined]);
  if (name === 'PORT') return;
  for (const process of PROCESSES.filter((one) => uses[one]?.default !== undefined))
    expect([name, process, uses.start?.default]).toEqual([name, process, uses[process]?.default]);
});

test('each exception is of a variable that exists', () => {
  const names = new Set(OF_PROCESSES.map(([name]) => name));
  expect(Object.keys(NOT_OF_START).filter((name) => !names.has(name))).toEqual([]);
});

test('each variable of npm start is taken by its script or by a reader that it calls', () => {
  const script = readFileSync(join(ROOT, 'scripts/start.ts'), 'utf8');
  const readers = [...script.matchAll(/\bread\w+(?=\(settings\))/g)].map(([reader]) => reader);
  const sources = ['gateway', 'subgraphs'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(ROOT, folder, file), 'utf8')),
  );
  const called = sources.filter((source) => readers.some((reader) => source.includes(`export function ${reader}(`)));
  // Node reads its own, and `readEnvironment` the mode.
  const elsewhere = ['NODE_EXTRA_CA_CERTS', 'NODE_ENV'];
  const unread = VARIABLES.filter(([, { uses }]) => uses.start !== undefined)
    .map(([name]) => name)
    .filter((name) => !elsewhere.includes(name) && ![script, ...called].some((text) => text.includes(name)));
  expect(unread).toEqual([]);
});
