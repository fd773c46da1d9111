import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tamperPageContent } from '../../scripts/tamper.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { issue, pem, seal } from '../library/authority.ts';
import { record } from '../support/record.ts';

/** `npm run verify`, as a person runs it. */

const SCRIPT = new URL('../../scripts/verify.ts', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'tongquan-verify-'));
const path = (name: string) => join(folder, name);
const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

beforeAll(() => {
  const keys = () => generateKeyPairSync('rsa', { modulusLength: 3072 });
  const authority = { organization: '测试', isCa: true };
  const root = issue({ ...authority, common: '根', issuer: null, keys: keys() });
  const issuing = issue({ ...authority, common: '签发', issuer: root, keys: keys() });
  const signer = issue({ organization: record.ZZBFJG, common: '审批专用章', issuer: issuing, keys: keys() });
  const pdf = Buffer.from(renderLicense(record));
  // The computer's own clock judges here.
  const signature = seal(pdf, { signer, issuer: issuing, signingTime: new Date(Date.now() - 60_000) });
  writeFileSync(path('root.pem'), pem(root.certificate));
  writeFileSync(path('root.der'), root.certificate);
  writeFileSync(path('a.pdf'), pdf);
  writeFileSync(path('a.p7s'), signature);
  writeFileSync(path('b.pdf'), pdf);
  writeFileSync(path('b.pdf.p7s'), signature);
  writeFileSync(path('alone.pdf'), pdf);
  writeFileSync(path('tampered.pdf'), tamperPageContent(pdf));
  writeFileSync(path('empty'), '');
  writeFileSync(path('garbage'), randomBytes(10_000));
  mkdirSync(path('folder'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('npm run verify', () => {
  test('passes a license: exit 0, the steps, the verdict, and apart from it the unknown state', () => {
    const { status, stdout, stderr } = run(path('a.pdf'), '--root', path('root.pem'));
    expect(stderr).toBe('');
    expect(stdout).toContain('✓ 验证签名值');
    expect(stdout).toContain('签名结论 signature: 通过（TOTAL_PASSED）');
    expect(stdout).toContain('证照状态 license status: 未知');
    expect(stdout).toContain(record.KZ_HYDZ);
    expect(status).toBe(0);
  });
  test('finds X.p7s or X.pdf.p7s beside X.pdf, takes another where it is named, and a root in DER', () => {
    expect(run(path('b.pdf'), '--root', path('root.der')).status).toBe(0);
    expect(run(path('alone.pdf'), '--signature', path('a.p7s'), '--root', path('root.pem')).status).toBe(0);
  });
  test('fails a tampered copy: exit 1', () => {
    const { status, stdout } = run(path('tampered.pdf'), '--signature', path('a.p7s'), '--root', path('root.pem'));
    expect(stdout).toContain('✗ 核对文件摘要');
    expect(stdout).toContain('不通过（TOTAL_FAILED，HASH_FAILURE）');
    expect(status).toBe(1);
  });
  test('cannot say without a signature: exit 2', () => {
    const { status, stdout } = run(path('alone.pdf'), '--root', path('root.pem'));
    expect(stdout).toContain('无法判定（INDETERMINATE，SIGNED_DATA_NOT_FOUND）');
    expect(status).toBe(2);
  });
  test('tells machines the report', () => {
    const { stdout } = run(path('a.pdf'), '--root', path('root.pem'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'TOTAL_PASSED',
      status: 'UNKNOWN',
      record: { ZZBS: record.ZZBS },
    });
  });
  test.each<[string, string[]]>([
    ['no arguments', []],
    ['no root', ['a.pdf']],
    ['two files', ['a.pdf', 'b.pdf', '--root', 'root.pem']],
    ['an unknown option', ['a.pdf', '--root', 'root.pem', '--trust-me']],
    ['a file that is not there', ['none.pdf', '--root', 'root.pem']],
    ['a folder', ['folder', '--root', 'root.pem']],
    ['a root that is not there', ['a.pdf', '--root', 'none.pem']],
    ['a root that is no certificate', ['a.pdf', '--root', 'garbage']],
    ['a signature that is not there', ['a.pdf', '--root', 'root.pem', '--signature', 'none.p7s']],
  ])('%s: exit 2 and a clear line', (_, args) => {
    const { status, stdout, stderr } = run(...args.map((one) => (one.startsWith('--') ? one : path(one))));
    expect(stdout).toBe('');
    expect(stderr).toMatch(/用法 usage|无法读取|不是文件|不是证书/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(2);
  });
  test.each([
    ['empty', 'a.p7s'],
    ['garbage', 'a.p7s'],
    ['a.pdf', 'empty'],
    ['a.pdf', 'garbage'],
    ['a.pdf', 'a.pdf'],
    ['a.p7s', 'a.p7s'],
  ])('%s with signature %s is refused without a stack trace', (file, signature) => {
    const { status, stderr } = run(path(file), '--signature', path(signature), '--root', path('root.pem'));
    expect(stderr).toBe('');
    expect([1, 2]).toContain(status);
  });
});
