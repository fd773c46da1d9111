import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { listExposures } from '../../subgraphs/kernel/environment/exposure.ts';
import { issuer, issuerKeys } from '../../subgraphs/kernel/environment/kinds.ts';
import { ENVIRONMENT, type ProcessName, type Variable } from '../../subgraphs/kernel/environment/variables.ts';

/** Production does not start on secrets that other accounts of the machine reach, nor on an issuer without TLS. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'tongquan-exposure-'));
const folder = join(base, 'folder');
const file = join(folder, 'file');
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o711 });
  writeFileSync(file, 'x', { mode: 0o600 });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const VARIABLES = Object.entries(ENVIRONMENT as Record<string, Variable>);
const PATHS = VARIABLES.filter(([, { kind }]) => kind.expected === 'a path');

test('every path says what it holds, and files of keys hold secrets', () => {
  expect(PATHS.filter(([, { kind }]) => kind.holds === undefined)).toEqual([]);
  expect(
    VARIABLES.filter(([name]) => /_(FILE|FOLDER|PEM)$/.test(name) && !PATHS.some(([path]) => path === name)),
  ).toEqual([]);
  const secret = PATHS.filter(([, { kind }]) => kind.holds === 'SECRET').map(([name]) => name);
  expect(secret.sort()).toEqual(['KEY_ENCRYPTION_KEY_FILE', 'TOKEN_PRIVATE_KEY_FILE']);
});

/** Modes of file and folder, and which of them a kind of path refuses, with the command that mends it. */
const CASES = [
  { file: 0o600, folder: 0o711, refused: {} },
  { file: 0o640, folder: 0o750, refused: {} },
  { file: 0o604, folder: 0o711, refused: { SECRET: `chmod o= ${file}` } },
  { file: 0o602, folder: 0o711, refused: { SECRET: `chmod o= ${file}`, TRUSTED: `chmod o= ${file}` } },
  {
    ...{ file: 0o600, folder: 0o713 },
    refused: Object.fromEntries(['SECRET', 'TRUSTED', 'SECRETS_FOLDER'].map((kind) => [kind, `chmod o-w ${folder}`])),
  },
  {
    file: 0o600,
    folder: 0o1777,
    refused: { SECRET: `chmod o-w ${folder}`, TRUSTED: `chmod o-w ${folder}`, SECRETS_FOLDER: `chmod o-w ${folder}` },
  },
] as { file: number; folder: number; refused: Record<string, string> }[];

test.each(PATHS)('the permissions of %s are checked in every process that reads it', (name, { kind, uses }) => {
  const { holds = 'PUBLIC' } = kind;
  const path = holds === 'SECRETS_FOLDER' ? folder : file;
  for (const { refused, ...modes } of CASES) {
    chmodSync(file, modes.file);
    chmodSync(folder, modes.folder);
    for (const process of Object.keys(uses) as ProcessName[]) {
      const remedy = refused[holds];
      const lines = listExposures(process, { DATA_FOLDER: join(base, 'none'), WITNESS_FOLDER: 'none', [name]: path });
      expect(lines).toHaveLength(remedy ? 1 : 0);
      if (remedy) expect(lines[0]).toMatch(new RegExp(`^${name}: .* is open to other accounts .*: ${remedy}$`));
    }
  }
});

test('what does not exist yet, or is not set, is open to nobody', () => {
  expect(listExposures('signer', { KEY_ENCRYPTION_KEY_FILE: join(folder, 'new') })).toEqual([]);
  expect(listExposures('signer', {})).toEqual([]);
});

const SAFE = [
  'https://login.office.example/realms/staff',
  'https://10.1.2.3/',
  'http://127.0.0.1:8080',
  'http://[::1]/a',
];
const UNSAFE = [
  'http://login.office.example/realms/staff',
  'http://10.1.2.3/',
  'http://0.0.0.0/',
  'http://127.0.0.1.evil.example/',
];
test.each([issuer, issuerKeys])('an issuer is asked by TLS, or on this machine: $expected', ({ schema }) => {
  for (const url of SAFE) expect([url, schema.safeParse(url).success]).toEqual([url, true]);
  for (const url of UNSAFE) expect([url, schema.safeParse(url).success]).toEqual([url, false]);
});

const run = (environment: Record<string, string>) => {
  const env = { PATH: process.env.PATH, DATA_FOLDER: join(base, 'new'), OIDC_AUDIENCE: 'hub', ...environment };
  return spawnSync(process.execPath, ['scripts/start.ts'], { cwd: ROOT, env, encoding: 'utf8' });
};

test('npm start ends with one line on an issuer without TLS, and on a folder into which others may write', () => {
  const plain = run({ OIDC_ISSUER: 'http://login.office.example' });
  expect([plain.status, plain.stdout]).toEqual([1, '']);
  expect(plain.stderr).toMatch(/^OIDC_ISSUER: expected a URL [^\n]*; http only at a loopback address, got [^\n]*\n$/);
  chmodSync(folder, 0o777);
  const open = run({ OIDC_ISSUER: 'https://login.office.example', DATA_FOLDER: folder });
  expect([open.status, open.stdout]).toEqual([1, '']);
  expect(open.stderr).toBe(`DATA_FOLDER: ${folder} is open to other accounts of this machine: chmod o-w ${folder}\n`);
});
