import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tamperPageContent } from '../../scripts/demo/tamper.ts';
import { buildVerifier } from '../../scripts/verifier/build.ts';
import { pem } from '../library/authority.ts';
import { issueRevocationList, packStates, signJws } from '../support/pki-builder.ts';
import { copySources } from '../support/planted-copy.ts';
import { sampleRecord } from '../support/record.ts';
import { buildEvidence, PDF, renderPdf, VALID_AUTHORITIES } from '../support/sealed-evidence.ts';
import { buildCodeText, withStatement } from '../support/vectors.ts';

/** Runs the script of `npm run verify` as a user does, and the file that `npm run verifier` makes of it. */

const SCRIPT = new URL('../../scripts/verify.ts', import.meta.url).pathname;
/** A Node of the system, perhaps an older one. */
const SYSTEM_NODE = ['/usr/local/bin/node', '/usr/bin/node'].find((path) => existsSync(path));
const folder = mkdtempSync(join(tmpdir(), 'tongquan-verify-'));
const path = (name: string) => join(folder, name);
/** The verifier as one file lies in a folder of its own, with nothing beside it. */
const verifier = join(mkdtempSync(join(tmpdir(), 'tongquan-verifier-')), 'verify.mjs');
let program = [process.execPath, SCRIPT];
const run = (...args: string[]) => {
  const [command = '', ...rest] = program;
  const { status, stdout, stderr } = spawnSync(command, [...rest, ...args], {
    encoding: 'utf8',
    cwd: dirname(verifier),
    env: {},
  });
  return { status, stdout, stderr };
};
const AT_OPTION = ['--at', '2026-11-25T00:00:00Z'];
const ROOT_OPTION = ['--root', path('root.pem'), ...AT_OPTION];
const toSeconds = (text: string) => Date.parse(text) / 1000;

beforeAll(async () => {
  writeFileSync(verifier, (await buildVerifier()).bytes);
  const indexedPdf = renderPdf({ KZ_ZTXH: 3 });
  const sealedEvidence = buildEvidence({ detached: true, content: indexedPdf });
  const write = (name: string, bytes: Uint8Array | string | null | undefined) => writeFileSync(path(name), bytes ?? '');
  write('root.pem', pem(VALID_AUTHORITIES.root.certificate));
  write('root.der', VALID_AUTHORITIES.root.certificate);
  for (const name of ['a.pdf', 'b.pdf']) write(name, indexedPdf);
  write('a.p7s', sealedEvidence.signature);
  write('a.evidence.json', sealedEvidence.bundle);
  write('b.pdf.p7s', sealedEvidence.signature);
  write('b.pdf.evidence.json', sealedEvidence.bundle);
  write('alone.pdf', PDF);
  write('tampered.pdf', tamperPageContent(indexedPdf));
  const statementEvidence = buildEvidence(withStatement());
  write('act.json', statementEvidence.file);
  write('act.p7s', statementEvidence.signature);
  write('act.evidence.json', statementEvidence.bundle);
  const lists = [issueRevocationList(VALID_AUTHORITIES.root), issueRevocationList(VALID_AUTHORITIES.issuing)];
  write('root.crl', lists[0]);
  write('issuing.crl', `-----BEGIN X509 CRL-----\n${lists[1]?.toString('base64')}\n-----END X509 CRL-----\n`);
  write('code.pem', pem(VALID_AUTHORITIES.code.certificate) + pem(VALID_AUTHORITIES.issuing.certificate));
  const x5c = [VALID_AUTHORITIES.status.certificate.toString('base64')];
  const claims = {
    iat: toSeconds('2026-11-24T00:00:00Z'),
    exp: toSeconds('2026-11-26T00:00:00Z'),
    sub: 'https://example.cn/s/1',
  };
  const status_list = { bits: 4, lst: packStates([0, 0, 0, 1]) };
  write(
    'list.jwt',
    `${signJws({ typ: 'statuslist+jwt', x5c }, { ...claims, status_list }, VALID_AUTHORITIES.status)}\n`,
  );
  write('empty', '');
  write('garbage', randomBytes(10_000));
  mkdirSync(path('folder'));
  mkdirSync(path('export/below'), { recursive: true });
  for (const name of ['a.pdf', 'a.p7s', 'a.evidence.json']) cpSync(path(name), path(`export/${name}`));
  for (const name of ['act.json', 'act.p7s', 'act.evidence.json']) cpSync(path(name), path(`export/below/${name}`));
});
afterAll(() => {
  for (const used of [folder, dirname(verifier)]) rmSync(used, { recursive: true, force: true });
});

describe.each([
  ['npm run verify', [process.execPath, SCRIPT]],
  ['node verify.mjs', [process.execPath, verifier]],
  ['verify.mjs by the Node of the system', [SYSTEM_NODE ?? process.execPath, verifier]],
])('%s', (_, used) => {
  beforeAll(() => {
    program = used;
  });

  test('passes a license: exit 0, prints the steps, the verdict and, separately, the unknown state', () => {
    const { status, stdout, stderr } = run(path('a.pdf'), ...ROOT_OPTION);
    expect(stderr).toBe('');
    expect(stdout).toContain('✓ 验证签名值');
    expect(stdout).toContain('签名结论 signature: 通过（TOTAL_PASSED）');
    expect(stdout).toContain('证照状态 license status: 未知');
    expect(stdout).toContain('时间戳证明不晚于 2026-11-23T01:02:05Z');
    expect(stdout).toContain(sampleRecord.KZ_HYDZ);
    expect(status).toBe(0);
  });
  test('finds signature and evidence next to a file, uses others if they are named, and reads a root in DER', () => {
    expect(run(path('b.pdf'), '--root', path('root.der'), ...AT_OPTION).status).toBe(0);
    const fileOptions = ['--signature', path('a.p7s'), '--evidence', path('a.evidence.json')];
    cpSync(path('a.pdf'), path('folder.pdf'));
    expect(run(path('folder.pdf'), ...fileOptions, ...ROOT_OPTION).status).toBe(0);
  });
  test('accepts revocation lists in DER or PEM instead of a bundle', () => {
    const lists = ['--crl', path('root.crl'), '--crl', path('issuing.crl')];
    expect(run(path('folder.pdf'), '--signature', path('a.p7s'), ...lists, ...ROOT_OPTION).status).toBe(0);
    const { status, stdout } = run(path('folder.pdf'), '--signature', path('a.p7s'), ...ROOT_OPTION);
    expect(stdout).toContain('INDETERMINATE，TRY_LATER');
    expect(status).toBe(2);
  });
  test('prints the state from a status list', () => {
    const { status, stdout } = run(path('a.pdf'), ...ROOT_OPTION, '--status-list', path('list.jwt'));
    expect(stdout).toContain(
      '证照状态 license status: SUSPENDED（截至 as of 2026-11-24T00:00:00Z，24 小时前 hours ago）',
    );
    expect(status).toBe(0);
  });
  test('refuses a state that is older than the caller takes', () => {
    const options = [path('a.pdf'), ...ROOT_OPTION, '--status-list', path('list.jwt'), '--max-status-age'];
    expect(run(...options, '24').stdout).toContain('SUSPENDED（截至');
    const refused = run(...options, '23').stdout;
    expect(refused).toContain('未知 unknown（截至 2026-11-24T00:00:00Z 为 SUSPENDED，已超过 23 小时）');
    expect(refused).toContain('TOTAL_PASSED');
    for (const wrong of ['-1', 'x', '1.5', '']) expect(run(...options, wrong).status, wrong).toBe(2);
  });
  test('fails a tampered copy: exit 1', () => {
    const { status, stdout } = run(path('tampered.pdf'), '--signature', path('a.p7s'), ...ROOT_OPTION);
    expect(stdout).toContain('✗ 核对文件摘要');
    expect(stdout).toContain('不通过（TOTAL_FAILED，HASH_FAILURE）');
    expect(status).toBe(1);
  });
  test('gives no verdict without a signature or without a file: exit 2', () => {
    for (const name of ['alone.pdf', 'a.p7s']) {
      const { status, stdout } = run(path(name), ...ROOT_OPTION);
      expect(stdout).toContain('无法判定（INDETERMINATE，SIGNED_DATA_NOT_FOUND）');
      expect(status).toBe(2);
    }
  });
  test('passes a statement of a later act', () => {
    const { status, stdout } = run(path('act.json'), ...ROOT_OPTION);
    expect(stdout).toContain('声明 SUSPEND');
    expect(status).toBe(0);
  });
  test('prints the report as JSON with --json', () => {
    const { stdout } = run(path('a.pdf'), ...ROOT_OPTION, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'TOTAL_PASSED',
      provenAt: '2026-11-23T01:02:05Z',
      status: { state: 'UNKNOWN' },
      record: { ZZBS: sampleRecord.ZZBS },
    });
  });
  test('verifies a folder: prints a line per document and a count, exits by the worst verdict', () => {
    const goodRun = run(path('export'), ...ROOT_OPTION);
    expect(goodRun.stdout).toContain('共 2 份 documents：通过 TOTAL_PASSED 2，');
    expect(goodRun.status).toBe(0);
    cpSync(path('tampered.pdf'), path('export/below/t.pdf'));
    cpSync(path('a.p7s'), path('export/below/t.p7s'));
    cpSync(path('a.p7s'), path('export/below/orphan.p7s'));
    const badRun = run(path('export'), ...ROOT_OPTION, '--json');
    const lines = badRun.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.subIndication)).toEqual([null, null, 'SIGNED_DATA_NOT_FOUND', 'HASH_FAILURE']);
    expect(badRun.stderr).toBe('');
    expect(badRun.status).toBe(1);
    rmSync(path('export/below/t.pdf'));
    expect(run(path('export'), path('a.pdf'), ...ROOT_OPTION).status).toBe(2);
    for (const name of ['t.p7s', 'orphan.p7s']) rmSync(path(`export/below/${name}`));
  });
  test('verifies the text of a QR code', () => {
    const text = `${sampleRecord.KZ_HYDZ}#${buildCodeText(VALID_AUTHORITIES)}`;
    const listOptions = ['--crl', path('root.crl'), '--crl', path('issuing.crl')];
    const codeOptions = ['--qr', text, '--certificates', path('code.pem')];
    const { status, stdout } = run(...codeOptions, ...ROOT_OPTION, ...listOptions);
    expect(stdout).toContain('签名结论 signature: 通过（TOTAL_PASSED）');
    expect(stdout).toContain(sampleRecord.ZZBS);
    expect(status).toBe(0);
    const { origin } = new URL(sampleRecord.KZ_HYDZ);
    const runAt = (address: string) => run(...codeOptions, ...ROOT_OPTION, ...listOptions, '--address', address);
    expect(runAt(`${origin}/`).status).toBe(0);
    expect(runAt('https://evil.example')).toMatchObject({ status: 2, stdout: expect.stringContaining(origin) });
    expect(run(...codeOptions, ...ROOT_OPTION)).toMatchObject({
      ...{ status: 2, stdout: expect.stringContaining('TRY_LATER') },
    });
    expect(run(...codeOptions, ...ROOT_OPTION, '--crl', path('root.crl')).stdout).toContain('TRY_LATER');
    expect(run('--qr', `${text}x`, '--certificates', path('code.pem'), ...ROOT_OPTION).status).toBe(1);
    expect(run('--qr', text, ...ROOT_OPTION).stdout).toContain('NO_SIGNING_CERTIFICATE_FOUND');
  });
  test.each<[string, string[]]>([
    ['no arguments', []],
    ['no root', ['a.pdf']],
    ['an unknown option', ['a.pdf', '--root', 'root.pem', '--trust-me']],
    ['a file that is not there', ['none.pdf', '--root', 'root.pem']],
    ['an empty folder', ['folder', '--root', 'root.pem']],
    ['a signature for two files', ['a.pdf', 'b.pdf', '--root', 'root.pem', '--signature', 'a.p7s']],
    ['a signature for a folder', ['export', '--root', 'root.pem', '--signature', 'a.p7s']],
    ['a root that is not there', ['a.pdf', '--root', 'none.pem']],
    ['a root that is no certificate', ['a.pdf', '--root', 'garbage']],
    ['a signature that is not there', ['a.pdf', '--root', 'root.pem', '--signature', 'none.p7s']],
    ['evidence that is not there', ['a.pdf', '--root', 'root.pem', '--evidence', 'none.json']],
    ['a file without certificates', ['a.pdf', '--root', 'root.pem', '--certificates', 'empty']],
    ['a certificate instead of a revocation list', ['a.pdf', '--root', 'root.pem', '--crl', 'root.pem']],
    ['a status list that is not there', ['a.pdf', '--root', 'root.pem', '--status-list', 'none.jwt']],
    ['a code and a file', ['a.pdf', '--root', 'root.pem', '--qr=x']],
    ['an invalid time', ['a.pdf', '--root', 'root.pem', '--at=yesterday']],
  ])('%s: exit 2 and a clear message', (_, args) => {
    const { status, stdout, stderr } = run(...args.map((arg) => (arg.startsWith('--') ? arg : path(arg))));
    expect(stdout).toBe('');
    expect(stderr).toMatch(/用法 usage|无法读取|不是证书|不是能用的吊销列表|没有文件可核验|not a time/);
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
    const { status, stderr } = run(path(file), '--signature', path(signature), ...ROOT_OPTION);
    expect(stderr).toBe('');
    expect([1, 2]).toContain(status);
  });
  test.each(['garbage', 'empty', 'a.pdf'])('evidence that is %s is refused without a stack trace', (name) => {
    const { status, stderr } = run(path('a.pdf'), '--evidence', path(name), ...ROOT_OPTION);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect([1, 2]).toContain(status);
  });
});

describe('the verifier as one file', () => {
  test('is small, holds no path, and imports nothing but Node', async () => {
    const text = Buffer.from((await buildVerifier()).bytes).toString('utf8');
    expect(text.length).toBeLessThan(1_000_000);
    expect(text).not.toMatch(/node_modules|#region|file:\/\//);
    const imports = [...text.matchAll(/^import .* from "(.*)";$/gm)].map(([, from]) => from ?? '');
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter((from) => !from.startsWith('node:'))).toEqual([]);
    expect(text).not.toMatch(/\bimport\(|\brequire\(/);
  });

  test('has the same bytes from a copy of the sources in another folder', async () => {
    const copy = copySources();
    const script = `import { buildVerifier } from './scripts/verifier/build.ts';
      process.stdout.write((await buildVerifier()).bytes);`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: copy.folder });
    copy.remove();
    expect(stdout.equals((await buildVerifier()).bytes)).toBe(true);
  });
});
