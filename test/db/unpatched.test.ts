import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { copyPublishedDriver } from '../support/published-driver.ts';

/** A process whose driver lacks the patch: it says so in one line and ends. */

const ROOT = new URL('../..', import.meta.url);
const LINE = /^node_modules\/postgres lacks [^\n]*npm ci[^\n]*$/;
const folder = mkdtempSync(join(tmpdir(), 'tongquan-unpatched-'));
const url = copyPublishedDriver(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a file of this project, with the published driver in place of the patched one. */
const runWithPublished = (file: string, ...options: string[]) => {
  const hook = join(folder, 'hook.mjs');
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) =>
      name === 'postgres' ? { url: '${url}', shortCircuit: true } : next(name, context) });`,
  );
  const env = { PATH: process.env.PATH, DATA_FOLDER: join(folder, 'data') };
  return spawnSync(process.execPath, ['--import', hook, file, ...options], { env, encoding: 'utf8', cwd: ROOT });
};

test('stops npm start before anything starts', () => {
  const { status, stderr, stdout } = runWithPublished('scripts/start.ts');
  expect({ status, stderr: stderr.trimEnd() }).toEqual({ status: 1, stderr: expect.stringMatching(LINE) });
  expect(stdout).not.toContain('ready');
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

test('stops the process of a subgraph when it connects', () => {
  const main = join(folder, 'main.mjs');
  const client = new URL('../../db/client.ts', import.meta.url).href;
  writeFileSync(main, `(await import('${client}')).connectOrExit('postgres://127.0.0.1:1/x', 'test');`);
  const { status, stderr } = runWithPublished(main);
  expect({ status, stderr: stderr.trimEnd() }).toEqual({ status: 1, stderr: expect.stringMatching(LINE) });
});
