import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const runToken = (folder: string, person: string) =>
  spawnSync(process.execPath, ['scripts/token.ts', person], {
    encoding: 'utf8',
    env: { ...process.env, DATA_FOLDER: folder },
  });

test('a token is not printed from a folder without a hub, and no secrets are made there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-token-'));
  const { status, stdout, stderr } = runToken(folder, 'auditor');
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toContain('secrets.json');
  expect(existsSync(join(folder, 'secrets.json'))).toBe(false);
  rmSync(folder, { recursive: true });
});

test('a person who does not exist is answered with those who do', () => {
  const { status, stderr } = runToken(tmpdir(), 'nobody');
  expect(status).toBe(1);
  expect(stderr).toContain('administrator-deputy');
});
