import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveSubgraph } from '../../subgraphs/kernel/http/serve.ts';
import { COUNTY } from '../seals/requests.ts';
import { openSealsFixture, type SealsFixture, signatureOf } from '../seals/seals-fixture.ts';
import { requireDemoPerson, tokenKeys } from '../support/actors.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { servicesOf } from '../support/services.ts';

/** openssl verifies timestamps and revocation lists. */

const DIGEST = createHash('sha256').update('林木采伐许可证').digest();

let fixture: SealsFixture;
let folder: string;
const filePath = (name: string) => join(folder, name);
const attimeArgs = () => ['-attime', String(Math.floor(fixture.clock().getTime() / 1000))];

beforeAll(async () => {
  fixture = await openSealsFixture();
  folder = mkdtempSync(join(tmpdir(), 'tongquan-timestamp-'));
  const rows = await fixture.sql`select id, certificate_pem as pem from seals.authority
    union all select seal_id, certificate_pem from seals.seal_certificate
    union all select seal_id || '-code', certificate_pem from seals.seal_code_key`;
  for (const { id, pem } of rows) writeFileSync(filePath(`${id}.pem`), pem);
  writeFileSync(filePath('chain.pem'), rows.map(({ pem }) => pem).join(''));
  writeFileSync(filePath('token'), await fixture.seals.stamp(DIGEST));
});
afterAll(async () => {
  await fixture.close();
  rmSync(folder, { recursive: true, force: true });
});

async function openssl(...args: string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)('openssl', args, { encoding: 'utf8' });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

const verifyToken = (token: string, digest: Uint8Array) =>
  openssl(
    ...[
      'ts',
      '-verify',
      '-in',
      filePath(token),
      '-token_in',
      '-digest',
      Buffer.from(digest).toString('hex'),
      ...attimeArgs(),
    ],
    ...['-CAfile', filePath('root.pem'), '-untrusted', filePath('issuing.pem')],
  );

describe('openssl ts -verify', () => {
  test('accepts a token and reads its time and policy', async () => {
    expect(await verifyToken('token', DIGEST)).toMatchObject({
      code: 0,
      output: expect.stringContaining('Verification: OK'),
    });
    const { output } = await openssl('ts', '-reply', '-in', filePath('token'), '-token_in', '-text');
    expect(output).toContain('Policy OID: 1.3.6.1.4.1.99999.1.1');
    expect(output).toContain('Jun  1 04:00:00 2026 GMT');
    expect(output).toContain('Nonce: unspecified');
  });
  test('accepts the token in a signature, over the signature value', async () => {
    const signature = Buffer.from(await signatureOf(fixture.seals, await fixture.request()));
    const attribute = Buffer.from('060b2a864886f70d010910020e31', 'hex');
    const place = signature.indexOf(attribute);
    // The set with the only value of the attribute has a length of two octets after 0x82.
    writeFileSync(filePath('within'), signature.subarray(place + attribute.length + 3));
    // The signature value has 384 octets. The header of the unsigned attributes follows it: [1], SEQUENCE.
    const value = signature.subarray(place - 8 - 384, place - 8);
    expect(await verifyToken('within', createHash('sha256').update(value).digest())).toMatchObject({ code: 0 });
  });
  test('refuses another digest and a changed token', async () => {
    const { readFile } = await import('node:fs/promises');
    expect((await verifyToken('token', createHash('sha256').update('x').digest())).code).not.toBe(0);
    const changedToken = await readFile(filePath('token'));
    const place = changedToken.indexOf(DIGEST);
    changedToken[place] = (changedToken[place] ?? 0) ^ 1;
    writeFileSync(filePath('changed'), changedToken);
    expect((await verifyToken('changed', DIGEST)).code).not.toBe(0);
  });
});

describe('openssl crl and verify -crl_check_all', () => {
  const fetchLists = async () => {
    const app = await serveSubgraph(fixture.seals, {
      tokenKey: tokenKeys.publicKey,
      services: servicesOf('seals'),
      now: fixture.clock,
    });
    for (const name of ['root', 'issuing']) {
      const { rawPayload } = await app.inject({ url: `/seals/${name}.crl` });
      writeFileSync(filePath(`${name}.crl`), rawPayload);
      const { output } = await openssl('crl', '-inform', 'DER', '-in', filePath(`${name}.crl`));
      writeFileSync(filePath(`${name}.crl.pem`), output);
    }
    await app.close();
  };
  const verifyCertificate = (file: string) =>
    openssl(
      ...['verify', '-x509_strict', '-crl_check_all', ...attimeArgs(), '-CAfile', filePath('root.pem')],
      ...[
        '-untrusted',
        filePath('issuing.pem'),
        '-CRLfile',
        filePath('root.crl.pem'),
        '-CRLfile',
        filePath('issuing.crl.pem'),
        filePath(file),
      ],
    );

  test('verify the lists, accept what is not revoked, and refuse both certificates of an ended seal', async () => {
    await fetchLists();
    for (const name of ['root', 'issuing']) {
      const list = [
        'crl',
        '-in',
        filePath(`${name}.crl`),
        '-inform',
        'DER',
        '-CAfile',
        filePath('chain.pem'),
        '-noout',
      ];
      expect((await openssl(...list)).output).toContain('verify OK');
    }
    const sealCertificates = [`${fixture.countySeal}.pem`, `${fixture.countySeal}-code.pem`];
    for (const file of [...sealCertificates, 'timestamp.pem', 'status.pem'])
      expect(await verifyCertificate(file)).toMatchObject({ code: 0 });

    const input = {
      seal: fixture.countySeal,
      reason: 'KEY_COMPROMISE',
      words: '密钥介质遗失',
      compromisedAt: fixture.clock(),
    };
    const askAs = (person: string, query: string, variables: object) =>
      fixture.ask(requireDemoPerson(person), query, { ...variables });
    const endInput = { ...input, compromisedAt: input.compromisedAt.toISOString() };
    await applyAndApprove(askAs, COUNTY, 'applyForSealEnd', endInput);
    await fetchLists();
    for (const file of sealCertificates)
      expect((await verifyCertificate(file)).output).toContain('certificate revoked');
    expect((await verifyCertificate(`${fixture.citySeal}.pem`)).code).toBe(0);
    const { output } = await openssl('crl', '-in', filePath('issuing.crl'), '-inform', 'DER', '-noout', '-text');
    expect(output.match(/Key Compromise/g)).toHaveLength(2);
    expect(output.match(/Invalidity Date/g)).toHaveLength(2);
    expect(output).toContain('Version 2 (0x1)');
    expect(output).toContain('X509v3 Authority Key Identifier');
    expect(output).toMatch(/CRL Number:\s+2/);
  });
});
