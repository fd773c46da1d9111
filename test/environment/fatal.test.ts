import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import { encodePrivateKey, identities, servicePublicKeys } from '../support/services.ts';

/** An error that nobody caught: one redacted line in the log, then the process ends as it would at a signal. */

const ROOT = join(import.meta.dirname, '../..');
/** It reaches the child as a variable, because calls in the log name the child's code. */
const HOSTILE = '罗德福 11010519491231002X \u202e "}\n{"level":"error"} \u001b[31mZhangsan';

const newKey = () => randomBytes(32).toString('base64url');
const tokenKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
const url = 'http://127.0.0.1:9';
/** Processes that start without a database, with their environment. */
const MAINS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'subgraphs/seals/signer/main.ts': {
    KEY_ENCRYPTION_KEY: newKey(),
    SERVICE_PUBLIC_KEYS: writePublicKeys(servicePublicKeys),
  },
  'gateway/main.ts': {
    ...{ MATTERS_URL: url, CASES_URL: url, LICENSES_URL: url, SEALS_URL: url },
    ...{
      TOKEN_PUBLIC_KEY: tokenKey,
      SERVICE_PRIVATE_KEY: encodePrivateKey(identities.gateway),
      PUBLIC_URL: url,
    },
  },
};

/** Runs Node with `code` before the main file. Returns its exit code and both outputs. */
async function run(main: string, code: string, env: Readonly<Record<string, string>> = {}) {
  const before = `data:text/javascript,${encodeURIComponent(code)}`;
  const child = spawn(process.execPath, ['--import', before, main], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', HOSTILE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const exitCode = await new Promise((resolve) => child.once('close', resolve));
  return { exitCode, out, lines: err.split('\n').filter((line) => line !== '') };
}

function expectOneFault(lines: readonly string[]): void {
  const entries = lines.map((line) => JSON.parse(line));
  const incident = expect.stringMatching(/^[0-9a-f-]{36}$/);
  expect(entries.filter(({ event }) => event === 'fault')).toMatchObject([{ level: 'error', ends: true, incident }]);
  for (const part of ['罗德福', '11010519491231002X', 'Zhangsan', '\u202e', '\u001b'])
    expect(lines.join()).not.toContain(part);
}

const WAYS = {
  'a promise that nobody awaits': 'Promise.reject(new Error(process.env.HOSTILE))',
  'a value that is no error': 'Promise.reject(process.env.HOSTILE)',
  'an error in a callback':
    '(() => { throw new Error(process.env.HOSTILE, { cause: new Error(process.env.HOSTILE) }); })()',
};
const listening = (fail: string) => `
  const timer = setInterval(() => {
    if (!process.getActiveResourcesInfo().includes('TCPServerWrap')) return;
    clearInterval(timer);
    ${fail};
  }, 20);`;

test.each(Object.keys(MAINS).flatMap((main) => Object.entries(WAYS).map(([way, fail]) => [main, way, fail] as const)))(
  '%s, %s',
  async (main, _way, fail) => {
    const { exitCode, lines } = await run(main, listening(fail), MAINS[main]);
    expectOneFault(lines);
    expect(exitCode).toBe(1);
  },
);

const STOP = JSON.stringify(new URL('../../subgraphs/kernel/environment/stop.ts', import.meta.url).href);

test('an error while a process starts ends it too', async () => {
  const start = `import(${STOP}).then(({ startProcess }) => {
    startProcess({ service: 'test', level: 'info' });
    ${WAYS['an error in a callback']};
  });
  setInterval(() => {}, 1000);`;
  const { exitCode, lines } = await run('gateway/cors.ts', start);
  expectOneFault(lines);
  expect(exitCode).toBe(1);
});

test('what the process holds is closed first', async () => {
  const stop = `import(${STOP}).then(({ endAfter }) => {
    endAfter(async () => console.log('stopped'));
    ${WAYS['an error in a callback']};
  });
  setInterval(() => {}, 1000);`;
  const { exitCode, out } = await run('gateway/cors.ts', stop);
  expect([exitCode, out]).toEqual([1, 'stopped\n']);
});

test('every process that writes a log starts it so', () => {
  const callers = (call: string) =>
    globSync('{db,gateway,scripts,subgraphs}/**/*.ts', { cwd: ROOT })
      .filter((file) => readFileSync(join(ROOT, file), 'utf8').includes(`${call}(`))
      .sort();
  // `scripts/start.ts` and the commands with a hub of their own call `endAfter` before they open its log.
  const homes = ['scripts/hub/log.ts', 'subgraphs/kernel/environment/log.ts', 'subgraphs/kernel/environment/stop.ts'];
  expect(callers('startLog')).toEqual(homes);
  const servers = callers('.listen').filter((file) => file.endsWith('/main.ts'));
  expect(servers).toContain('subgraphs/seals/main.ts');
  expect(callers('startProcess')).toEqual(expect.arrayContaining(servers));
});
