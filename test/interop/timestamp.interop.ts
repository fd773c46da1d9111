import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveSubgraph } from '../../subgraphs/kernel/serve.ts';
import { COUNTY } from '../seals/requests.ts';
import { openWorkshop, signatureOf, type Workshop } from '../seals/workshop.ts';
import { actor, tokenKeys } from '../support/actors.ts';
import { together } from '../support/dual.ts';

/** openssl verifies timestamps and revocation lists. */

const DIGEST = createHash('sha256').update('林木采伐许可证').digest();

let shop: Workshop;
let folder: string;
const at = (name: string) => join(folder, name);
const time = () => ['-attime', String(Math.floor(shop.clock().getTime() / 1000))];

beforeAll(async () => {
  shop = await openWorkshop();
  folder = mkdtempSync(join(tmpdir(), 'tongquan-timestamp-'));
  const rows = await shop.sql`select id, certificate_pem as pem from seals.authority
    union all select seal_id, certificate_pem from seals.seal_certificate
    union all select seal_id || '-code', certificate_pem from seals.seal_code_key`;
  for (const { id, pem } of rows) writeFileSync(at(`${id}.pem`), pem);
  writeFileSync(at('chain.pem'), rows.map(({ pem }) => pem).join(''));
  writeFileSync(at('token'), await shop.seals.stamp(DIGEST));
});
afterAll(async () => {
  await shop.close();
  rmSync(folder, { recursive: true, force: true });
});

async function openssl(...args: string[]): Promise<{ code: number; said: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)('openssl', args, { encoding: 'utf8' });
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, said: stdout + stderr };
  }
}

const verifyToken = (token: string, digest: Uint8Array) =>
  openssl(
    ...['ts', '-verify', '-in', at(token), '-token_in', '-digest', Buffer.from(digest).toString('hex'), ...time()],
    ...['-CAfile', at('root.pem'), '-untrusted', at('issuing.pem')],
  );

describe('openssl ts -verify', () => {
  test('accepts a token and reads its time and policy', async () => {
    expect(await verifyToken('token', DIGEST)).toMatchObject({
      code: 0,
      said: expect.stringContaining('Verification: OK'),
    });
    const { said } = await openssl('ts', '-reply', '-in', at('token'), '-token_in', '-text');
    expect(said).toContain('Policy OID: 1.3.6.1.4.1.99999.1.1');
    expect(said).toContain('Jun  1 04:00:00 2026 GMT');
    expect(said).toContain('Nonce: unspecified');
  });
  test('accepts the token in a signature, over the signature value', async () => {
    const signature = Buffer.from(await signatureOf(shop.seals, await shop.request()));
    const attribute = Buffer.from('060b2a864886f70d010910020e31', 'hex');
    const place = signature.indexOf(attribute);
    // The set with the only value of the attribute has a length of two octets after 0x82.
    writeFileSync(at('within'), signature.subarray(place + attribute.length + 3));
    // The signature value has 384 octets. The header of the unsigned attributes follows it: [1], SEQUENCE.
    const value = signature.subarray(place - 8 - 384, place - 8);
    expect(await verifyToken('within', createHash('sha256').update(value).digest())).toMatchObject({ code: 0 });
  });
  test('refuses another digest and a changed token', async () => {
    const { readFile } = await import('node:fs/promises');
    expect((await verifyToken('token', createHash('sha256').update('x').digest())).code).not.toBe(0);
    const changed = await readFile(at('token'));
    const place = changed.indexOf(DIGEST);
    changed[place] = (changed[place] ?? 0) ^ 1;
    writeFileSync(at('changed'), changed);
    expect((await verifyToken('changed', DIGEST)).code).not.toBe(0);
  });
});

describe('openssl crl and verify -crl_check_all', () => {
  const fetchLists = async () => {
    const app = await serveSubgraph(shop.seals, {
      tokenKey: tokenKeys.publicKey,
      serviceKey: new Uint8Array(32),
      now: shop.clock,
    });
    for (const name of ['root', 'issuing']) {
      const { rawPayload } = await app.inject({ url: `/seals/${name}.crl` });
      writeFileSync(at(`${name}.crl`), rawPayload);
      const { said } = await openssl('crl', '-inform', 'DER', '-in', at(`${name}.crl`));
      writeFileSync(at(`${name}.crl.pem`), said);
    }
    await app.close();
  };
  const check = (file: string) =>
    openssl(
      ...['verify', '-x509_strict', '-crl_check_all', ...time(), '-CAfile', at('root.pem')],
      ...['-untrusted', at('issuing.pem'), '-CRLfile', at('root.crl.pem'), '-CRLfile', at('issuing.crl.pem'), at(file)],
    );

  test('verify the lists, accept what is not revoked, and refuse both certificates of an ended seal', async () => {
    await fetchLists();
    for (const name of ['root', 'issuing']) {
      const list = ['crl', '-in', at(`${name}.crl`), '-inform', 'DER', '-CAfile', at('chain.pem'), '-noout'];
      expect((await openssl(...list)).said).toContain('verify OK');
    }
    const own = [`${shop.countySeal}.pem`, `${shop.countySeal}-code.pem`];
    for (const file of [...own, 'timestamp.pem', 'status.pem']) expect(await check(file)).toMatchObject({ code: 0 });

    const input = {
      seal: shop.countySeal,
      reason: 'KEY_COMPROMISE',
      words: '密钥介质遗失',
      compromisedAt: shop.clock(),
    };
    const ask = (person: string, query: string, variables: object) => shop.ask(actor(person), query, { ...variables });
    const told = { ...input, compromisedAt: input.compromisedAt.toISOString() };
    await together(ask, COUNTY, 'applyForSealEnd', told);
    await fetchLists();
    for (const file of own) expect((await check(file)).said).toContain('certificate revoked');
    expect((await check(`${shop.citySeal}.pem`)).code).toBe(0);
    const { said } = await openssl('crl', '-in', at('issuing.crl'), '-inform', 'DER', '-noout', '-text');
    expect(said.match(/Key Compromise/g)).toHaveLength(2);
    expect(said.match(/Invalidity Date/g)).toHaveLength(2);
    expect(said).toContain('Version 2 (0x1)');
    expect(said).toContain('X509v3 Authority Key Identifier');
    expect(said).toMatch(/CRL Number:\s+2/);
  });
});
