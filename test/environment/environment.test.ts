import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { toLocalUrl } from '../../scripts/hub/address.ts';
import { parseEnvironment, variablesOf } from '../../subgraphs/kernel/environment/parse.ts';
import {
  ENVIRONMENT,
  PROCESSES,
  type ProcessName,
  type Variable,
} from '../../subgraphs/kernel/environment/variables.ts';
import { writePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import { encodePrivateKey, identities, servicePublicKeys } from '../support/services.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMES = Object.keys(PROCESSES) as ProcessName[];
const KEY = Buffer.alloc(32, 7).toString('base64url');
const PEM = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** A right value for each variable that some process requires. */
const RIGHT: Record<string, string> = {
  ...{ MATTERS_URL: 'http://matters.test:1', CASES_URL: 'http://cases.test:2', LICENSES_URL: 'http://licenses.test:3' },
  ...{ SEALS_URL: 'http://seals.test:4', SIGNER_URL: 'http://signer.test:5', PUBLIC_URL: 'https://hub.test' },
  ...{ DATABASE_URL: 'postgres://role:pass@db.test/hub', TOKEN_PUBLIC_KEY: PEM },
  ...{
    SERVICE_PRIVATE_KEY: encodePrivateKey(identities.cases),
    SERVICE_PUBLIC_KEYS: writePublicKeys(servicePublicKeys),
  },
  ...{ DERIVATION_KEY: KEY, KEY_ENCRYPTION_KEY: `${KEY},${KEY}` },
  ...{ SUPERVISOR_WEBHOOK: '7b8c0c1e-4a52-4d0c-8a52-0d3c3c1b5d11', SUPERVISOR_SECRET: 'x', WITNESS_LOGS: 'a,b' },
};

describe.each(NAMES)('%s', (name) => {
  const variables = variablesOf(name);
  const needed = variables.filter(([, , use]) => use.required || use.unless).map(([variable]) => variable);

  test('an empty environment: every required variable is named in a line of its own, and nothing else', () => {
    const { problems, hints } = parseEnvironment(name, {});
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual(needed);
    for (const problem of problems) expect(problem).toMatch(/^[A-Z_]+: is missing.*; expected .+$/);
    expect(hints).toEqual([]);
  });

  test('with the required variables it starts, and empty ones take their default', () => {
    const empty = Object.fromEntries(variables.map(([variable]) => [variable, '']));
    const { TOKEN: _, ...texts } = { ...empty, ...Object.fromEntries(needed.map((one) => [one, RIGHT[one] ?? ''])) };
    const { settings, problems } = parseEnvironment(name, texts);
    expect(problems).toEqual([]);
    for (const [variable, , use] of variables.filter(([, , { default: value }]) => value))
      expect([variable, String(settings[variable as never])]).toEqual([variable, use.default]);
  });

  test('a wrong value is named, and shown only if it is not secret', () => {
    const bad = 'S3cret wr\r\nong\u2028value';
    for (const [variable, { isSecret }] of variables) {
      const { problems } = parseEnvironment(name, { [variable]: bad });
      const own = problems.filter((problem) => problem.startsWith(`${variable}: `));
      expect(problems.every((problem) => /^[^\p{Cc}\u2028\u2029]+$/u.test(problem))).toBe(true);
      if (isSecret) expect(problems.join()).not.toContain('S3cret');
      else if (own.length > 0) expect(own[0]).toContain('got "S3cret wr\\r\\nong');
    }
  });

  test('the process that runs reads this part of the table', () => {
    const commands = PROCESSES[name].command.split(', ').map((command) => /^npm (?:run )?(\S+)$/.exec(command)?.[1]);
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const files = commands.map((script) =>
      String(script ? scripts[script] : PROCESSES[name].command)
        .split(' ')
        .at(-1),
    );
    for (const file of files)
      expect(readFileSync(join(ROOT, file ?? ''), 'utf8')).toContain(`readEnvironment('${name}'`);
  });
});

test.each([
  ['gateway', { PORT: 'abc' }, 'PORT: expected a number from 0 to 65535, got "abc"'],
  ['gateway', { PORT: '65536' }, 'PORT: expected a number from 0 to 65535, got "65536"'],
  ['gateway', { PORT: '4e3' }, 'PORT: expected a number from 0 to 65535, got "4e3"'],
  ['start', { PORT: '0' }, 'PORT: expected a number from 1 to 65535, got "0"'],
  [
    'start',
    { HOST: 'http://x' },
    'HOST: expected a host name or IP address to listen on, without scheme and port, got "http://x"',
  ],
  ['gateway', { SEALS_URL: 'seals:4004' }, 'SEALS_URL: expected a URL such as http://127.0.0.1:4000, got "seals:4004"'],
  ['cases', { CLAMD: 'clamd' }, 'CLAMD: expected host:port, got "clamd"'],
  [
    'cases',
    { DERIVATION_KEY: 'c2hvcnQ' },
    'DERIVATION_KEY: expected at least 32 random bytes in base64url, got a value of 7 characters',
  ],
  [
    'cases',
    { SERVICE_PRIVATE_KEY: 'c2hvcnQ=' },
    'SERVICE_PRIVATE_KEY: expected an Ed25519 private key, PKCS #8 in base64, got a value of 8 characters',
  ],
  [
    'signer',
    { SERVICE_PUBLIC_KEYS: '{}' },
    'SERVICE_PUBLIC_KEYS: expected a JWK Set of Ed25519 public keys whose kid names the process, got "{}"',
  ],
  ['seals', { TOKEN_PUBLIC_KEY: 'x' }, 'TOKEN_PUBLIC_KEY: expected an Ed25519 public key in PEM, got "x"'],
  [
    'licenses',
    { LIBRARY_URL: 'http://l.test' },
    'LIBRARY_CLIENT_ID: is missing (needed with LIBRARY_URL); expected a text',
  ],
  [
    'gateway',
    { NODE_ENV: 'production' },
    'OIDC_ISSUER: is missing (needed with NODE_ENV=production); expected a URL such as https://login.office.example/realms/staff, without query and fragment; http only at a loopback address',
  ],
  [
    'gateway',
    { OIDC_ISSUER: 'https://login.office.example' },
    'TOKEN_PRIVATE_KEY_FILE: is missing (needed with OIDC_ISSUER); expected a path',
  ],
  ['import', { TOKEN: '' }, 'TOKEN: is empty; expected a token: three parts in base64url, separated by dots'],
  [
    'seals',
    { DATABSE_URL: 'postgres://u:pw@h/d' },
    'DATABASE_URL: is missing; expected a URL postgres://role:password@host:port/database; did you mean it by DATABSE_URL?',
  ],
] as const)('%s with %o', (name, texts, line) => {
  expect(parseEnvironment(name, texts as Record<string, string>).problems).toContain(line);
});

const SECRETS = Object.entries(ENVIRONMENT as Record<string, Variable>).filter(([, { isSecret }]) => isSecret);

/** Keys of release 0.4, which only `npm run authorisations` reads. */
const SHARED = { AUTHORISATION_KEY_CASES: KEY, AUTHORISATION_KEY_LICENSES: KEY };

test.each(SECRETS)('the secret %s takes no line break, and is not shown', (name, { uses, kind }) => {
  // A driver or a header that got such a value would print it.
  const right = {
    ...RIGHT,
    TOKEN: 'a.b.c',
    LIBRARY_HUB_TOKEN: 'a.b.c',
    LIBRARY_DATABASE_URL: RIGHT.DATABASE_URL,
    ...SHARED,
  };
  const value = (right as Record<string, string | undefined>)[name] ?? 'secret';
  expect(kind.schema.safeParse(value).success).toBe(true);
  for (const wrong of ['\n', '\r', '\t', '\u2028', '张'].map((odd) => `${value}${odd}SECRET`))
    for (const process of Object.keys(uses) as ProcessName[]) {
      const own = parseEnvironment(process, { [name]: wrong }).problems.filter((line) => line.startsWith(`${name}: `));
      if (kind === ENVIRONMENT.DATABASE_URL.kind && wrong.includes('张')) expect(own).toEqual([]);
      else
        expect([wrong, own]).toEqual([
          wrong,
          [`${name}: expected ${kind.expected}, got a value of ${wrong.length} characters`],
        ]);
    }
});

test.each(['TOKEN', 'LIBRARY_HUB_TOKEN'] as const)('%s takes only the form of a token', (name) => {
  for (const wrong of ['abc', 'a.b', 'a b.c.d', 'a.b.c.d', 'Bearer a.b.c', 'a.b.c:'])
    expect([wrong, ENVIRONMENT[name].kind.schema.safeParse(wrong).success]).toEqual([wrong, false]);
});

test.each(SECRETS.filter(([name]) => name.endsWith('DATABASE_URL')))(
  '%s takes no escape that cannot be decoded',
  (name, { uses }) => {
    for (const process of Object.keys(uses) as ProcessName[])
      for (const url of ['postgres://u:p%ZZ@h/d', 'postgres://u%:p@h/d', 'postgres://u:p@h/%d', 'postgres://u:%ff@h/d'])
        expect(parseEnvironment(process, { [name]: url }).problems.join()).toContain(
          `${name}: expected a URL postgres://role:password@host:port/database, got a value of ${url.length} characters`,
        );
  },
);

test('an unread name that resembles an absent variable is a hint; one of another process or far off is none', () => {
  const hintsOf = (texts: Record<string, string>) => parseEnvironment('start', texts).hints;
  expect(hintsOf({ LOG_WITNESES: 'x' })).toEqual(['LOG_WITNESES: is not read; did you mean LOG_WITNESSES?']);
  expect(hintsOf({ PROT: '4000' })).toEqual(['PROT: is not read; did you mean PORT?']);
  expect(hintsOf({ data_folder: 'x' })).toEqual(['data_folder: is not read; did you mean DATA_FOLDER?']);
  expect(hintsOf({ HOSTNAME: 'x', PATH: 'x', PWD: 'x', TERM: 'x', CASES_URL: 'x', LANG: 'x' })).toEqual([]);
  expect(hintsOf({ PROT: '4000', PORT: '4001' })).toEqual([]);
});

test('a reader replaces the value, and its error is one line', () => {
  const readers = { LOG_WITNESSES: (text: string) => text.split(' ') };
  expect(parseEnvironment('start', { LOG_WITNESSES: 'a b' }, readers).settings.LOG_WITNESSES).toEqual(['a', 'b']);
  const failing = {
    LOG_ORIGIN: () => {
      throw new Error('line one\nline two');
    },
  };
  expect(parseEnvironment('start', { LOG_ORIGIN: 'x' }, failing).problems).toEqual([
    'LOG_ORIGIN: cannot use "x": line one line two',
  ]);
});

test.each([
  ['gateway/main.ts', 1],
  ['subgraphs/seals/signer/main.ts', 1],
  ['scripts/start.ts', 1],
  ['scripts/audit/main.ts', 2],
])('%s names what is wrong, one line each, without a stack', (file, exitCode) => {
  const env = { PATH: process.env.PATH, PORT: 'abc', DATABASE_URL: 'x', SERVICE_PRIVATE_KEY: 'top-secret' };
  const run = spawnSync(process.execPath, [file], { cwd: ROOT, env, encoding: 'utf8' });
  expect([run.status, run.stdout]).toEqual([exitCode, '']);
  const lines = run.stderr.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).toMatch(/^[A-Z_]+: (expected|is missing|is not read)/);
  expect(run.stderr).not.toContain('top-secret');
});

test('each variable is used by a process, and HOST by every process that listens', () => {
  for (const [name, { uses }] of Object.entries(ENVIRONMENT as Record<string, Variable>))
    expect([name, Object.keys(uses).length]).not.toEqual([name, 0]);
  const listening = ['start', 'gateway', 'matters', 'cases', 'licenses', 'seals', 'signer', 'library', 'platform'];
  for (const name of [...listening, 'supervisor', 'witness'] as ProcessName[])
    expect(variablesOf(name).map(([variable]) => variable)).toContain('HOST');
});

test('a server on all addresses is reached at the loopback address', () => {
  expect(toLocalUrl('0.0.0.0', 1)).toBe('http://127.0.0.1:1');
  expect(toLocalUrl('::', 2)).toBe('http://[::1]:2');
  expect(toLocalUrl('hub.test', 3)).toBe('http://hub.test:3');
});

test('a read is given up before the database ends its statement', () => {
  const problemsOf = (value: string) =>
    parseEnvironment('start', { READ_DEADLINE_MS: value }).problems.filter((line) => line.includes('READ_DEADLINE_MS'));
  expect(problemsOf('14000')).toEqual([]);
  expect(problemsOf('15000')).toHaveLength(1);
  expect(problemsOf('0')).toHaveLength(1);
});
