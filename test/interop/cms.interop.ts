import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitSignature } from '../../scripts/split.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { CITY, CITY_MATTER, newRequest } from '../seals/requests.ts';
import { openSealsFixture, type SealsFixture, signatureOf } from '../seals/seals-fixture.ts';

/** openssl and BouncyCastle (Debian: openssl, libbcpkix-java) verify signatures and certificates of seals. */

/** Two PDFs with a detached signature, and one with an embedded signature. */
const REQUESTS = {
  county: newRequest({ profile: 'CADES' }),
  city: newRequest({ organ: CITY, matterId: CITY_MATTER, profile: 'CADES' }),
  pdf: newRequest(),
};
const COVERED = {
  county: Buffer.from(REQUESTS.county.document),
  city: Buffer.from(REQUESTS.city.document),
  pdf: splitSignature(Buffer.from(REQUESTS.pdf.document)).covered,
};
const CLASSPATH = ['bcprov', 'bcutil', 'bcpkix'].map((name) => `/usr/share/java/${name}.jar`).join(':');
const VERIFY_CMS = fileURLToPath(new URL('VerifyCms.java', import.meta.url));

let fixture: SealsFixture;
let folder: string;
const filePath = (name: string) => join(folder, name);
const clockSeconds = () => String(Math.floor(fixture.clock().getTime() / 1000));

beforeAll(async () => {
  fixture = await openSealsFixture();
  folder = mkdtempSync(join(tmpdir(), 'tongquan-cms-'));
  for (const [name, unsignedRequest] of Object.entries(REQUESTS)) {
    const request = { ...unsignedRequest, authorisation: await fixture.authorise(unsignedRequest) };
    writeFileSync(filePath(`${name}.p7s`), await signatureOf(fixture.seals, request));
  }
  for (const [name, covered] of Object.entries(COVERED)) writeFileSync(filePath(name), covered);
  const otherWorkshop = await openSealsFixture();
  writeFileSync(filePath('stranger.pem'), await otherWorkshop.seals.rootCertificate());
  await otherWorkshop.close();
  const rows = await fixture.sql`select seal_id as id, certificate_pem as pem from seals.seal_certificate
    union all select id, certificate_pem from seals.authority
    union all select seal_id || '-code', certificate_pem from seals.seal_code_key`;
  for (const { id, pem } of rows) writeFileSync(filePath(`${id}.pem`), pem);
  writeFileSync(filePath('changed'), Buffer.concat([COVERED.county, Buffer.from(' ')]));
});
afterAll(async () => {
  await fixture.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a tool. Returns its exit code and its complete output. */
async function run(tool: string, args: string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(tool, args, { encoding: 'utf8' });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number | string; stdout: string; stderr: string };
    if (typeof code !== 'number') throw error;
    return { code, output: stdout + stderr };
  }
}

const openssl = (document: string, signature: string, root = 'root.pem') =>
  run('openssl', [
    ...[
      'cms',
      '-verify',
      '-cades',
      '-binary',
      '-inform',
      'DER',
      '-in',
      filePath(signature),
      '-content',
      filePath(document),
    ],
    ...['-CAfile', filePath(root), '-attime', clockSeconds(), '-x509_strict', '-out', filePath('out')],
  ]);

const bouncyCastle = (document: string, signature: string, root = 'root.pem') =>
  run('java', ['-cp', CLASSPATH, VERIFY_CMS, filePath(document), filePath(signature), filePath(root)]);

describe.each([
  ['openssl cms -verify -cades', openssl],
  ['BouncyCastle', bouncyCastle],
])('%s', (_, verify) => {
  test.each(['county', 'city', 'pdf'])('accepts the seal of the %s', async (seal) => {
    const { code, output } = await verify(seal, `${seal}.p7s`);
    expect(code, output).toBe(0);
  });
  test('refuses another document, another root and a changed signature', async () => {
    const bytes = Buffer.from(await signedBytes('county.p7s'));
    const digest = bytes.indexOf(Buffer.from(sha256(COVERED.county), 'hex'));
    bytes[digest] = (bytes[digest] ?? 0) ^ 1;
    writeFileSync(filePath('changed.p7s'), bytes);
    expect((await verify('changed', 'county.p7s')).code).not.toBe(0);
    expect((await verify('city', 'county.p7s')).code).not.toBe(0);
    expect((await verify('county', 'county.p7s', 'stranger.pem')).code).not.toBe(0);
    expect((await verify('county', 'changed.p7s')).code).not.toBe(0);
  });
});

test('BouncyCastle reads the Chinese name and the signing time', async () => {
  const { output } = await run('java', [
    ...['-Dstdout.encoding=UTF-8', '-Dfile.encoding=UTF-8', '-Dsun.stdout.encoding=UTF-8'],
    ...['-cp', CLASSPATH, VERIFY_CMS, filePath('county'), filePath('county.p7s'), filePath('root.pem')],
  ]);
  expect(output).toContain(`verified ${fixture.clock().toISOString().slice(0, 19)}Z`);
  expect(output).toContain('CN=于都县林业局证照专用章（测试）');
});

test('openssl verifies the chain strictly and for signing', async () => {
  const { code, output } = await run('openssl', [
    ...['verify', '-x509_strict', '-check_ss_sig', '-purpose', 'smimesign', '-attime', clockSeconds()],
    ...['-CAfile', filePath('root.pem'), '-untrusted', filePath('issuing.pem'), filePath(`${fixture.countySeal}.pem`)],
  ]);
  expect(code, output).toBe(0);
});

test.each([
  ['timestamp', 'timestampsign'],
  ['status', 'any'],
  ['code', 'any'],
])('openssl verifies the certificate for %s, with a key on P-256', async (name, purpose) => {
  const file = name === 'code' ? `${fixture.countySeal}-code.pem` : `${name}.pem`;
  const { code, output } = await run('openssl', [
    ...['verify', '-x509_strict', '-check_ss_sig', '-purpose', purpose, '-attime', clockSeconds()],
    ...['-CAfile', filePath('root.pem'), '-untrusted', filePath('issuing.pem'), filePath(file)],
  ]);
  expect(code, output).toBe(0);
  const certificateText = await run('openssl', ['x509', '-in', filePath(file), '-noout', '-text', '-nameopt', 'utf8']);
  expect(certificateText.output).toContain('NIST CURVE: P-256');
  expect(certificateText.output).toContain('测试');
  // The purpose of status certificates is an OID of the test arc, so openssl has no name for it.
  expect(certificateText.output.match(/Extended Key Usage: critical\n\s+(.+)/)?.[1]).toBe(
    { timestamp: 'Time Stamping', status: '1.3.6.1.4.1.99999.1.2' }[name],
  );
});

test('openssl reads names in UTF-8, a 127-bit serial, RSA-3072 and SHA-256 in each certificate', async () => {
  for (const id of ['root', 'issuing', fixture.countySeal, fixture.citySeal]) {
    const { output } = await run('openssl', [
      'x509',
      '-in',
      filePath(`${id}.pem`),
      '-noout',
      '-text',
      '-nameopt',
      'utf8',
    ]);
    expect(output).toContain('测试');
    expect(output).toContain('Public-Key: (3072 bit)');
    expect(output.match(/Signature Algorithm: (\S+)/)?.[1]).toBe('sha256WithRSAEncryption');
    expect(output).toContain('Subject Key Identifier');
    expect(output).toContain('Authority Key Identifier');
    expect(output).not.toContain('(Negative)');
  }
});

async function signedBytes(name: string): Promise<Buffer> {
  const { readFile } = await import('node:fs/promises');
  return readFile(filePath(name));
}
