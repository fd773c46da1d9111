import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readToken } from '../../subgraphs/licenses/verify/format/timestamp.ts';
import { pem } from '../library/authority.ts';
import { issueRevocationList, issueTimestamp, sha256 } from '../support/pki-builder.ts';
import { buildEvidence, SIGNED_AT, VALID_AUTHORITIES, VERIFIED_AT } from '../support/sealed-evidence.ts';
import { buildEntry } from '../support/vectors.ts';

/** openssl accepts the evidence that the tests make. A vector that is wrong by accident would prove nothing. */

const folder = mkdtempSync(join(tmpdir(), 'tongquan-evidence-'));
const path = (name: string) => join(folder, name);
const DATA = Buffer.from('数据');
const ATTIME = ['-attime', String(VERIFIED_AT.getTime() / 1000)];

beforeAll(() => {
  const { file, signature } = buildEvidence({ detached: true });
  const files = {
    'root.pem': pem(VALID_AUTHORITIES.root.certificate),
    'issuing.pem': pem(VALID_AUTHORITIES.issuing.certificate),
    'timestamp.pem': pem(VALID_AUTHORITIES.timestamp.certificate),
    'timestamp.key': VALID_AUTHORITIES.timestamp.pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    'a.pdf': file ?? '',
    'a.p7s': signature ?? '',
    data: DATA,
    token: issueTimestamp(sha256(DATA), { signer: VALID_AUTHORITIES.timestamp, issuer: VALID_AUTHORITIES.issuing }),
    list: issueRevocationList(VALID_AUTHORITIES.issuing, {
      entries: [buildEntry(VALID_AUTHORITIES.seal, VERIFIED_AT, { reason: 1, invalidityDate: SIGNED_AT })],
    }),
    serial: '01',
    'ts.cnf': `[tsa]
default_tsa = one
[one]
serial = serial
signer_cert = timestamp.pem
signer_key = timestamp.key
certs = issuing.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
`,
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path(name), bytes);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
};

test('openssl accepts a signature with its timestamp', () => {
  const formArgs = ['-cades', '-binary', '-inform', 'DER', '-purpose', 'any', '-out', 'out'];
  const files = ['-in', 'a.p7s', '-content', 'a.pdf', '-CAfile', 'root.pem'];
  const { status, output } = openssl('cms', '-verify', ...formArgs, ...files, ...ATTIME);
  expect(status, output).toBe(0);
});
test('openssl accepts a timestamp token', () => {
  const files = ['-data', 'data', '-in', 'token', '-token_in', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem'];
  const { status, output } = openssl('ts', '-verify', ...files, ...ATTIME);
  expect(status, output).toBe(0);
});
test('openssl accepts a revocation list', () => {
  const { status, output } = openssl(
    'crl',
    '-inform',
    'DER',
    '-in',
    'list',
    '-CAfile',
    'issuing.pem',
    '-noout',
    '-text',
  );
  expect(status, output).toBe(0);
  expect(output).toContain('verify OK');
  expect(output).toMatch(/Key Compromise[\s\S]*Nov 23 01:02:03 2026/);
});
test('a token of openssl is refused for the NULL in its digest algorithm, a second encoding of the same', () => {
  openssl('ts', '-query', '-data', 'data', '-sha256', '-cert', '-out', 'query');
  openssl('ts', '-reply', '-config', 'ts.cnf', '-queryfile', 'query', '-token_out', '-out', 'other');
  expect(() => readToken(readFileSync(path('other')), sha256(DATA))).toThrow('摘要算法参数不正确');
});
