import { randomBytes, X509Certificate } from 'node:crypto';
import { fromBER } from 'asn1js';
import { BasicConstraints, Certificate, type Extension } from 'pkijs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { rewrapKeys } from '../../subgraphs/seals/certification/certification-workflow.ts';
import { createSeals } from '../../subgraphs/seals/index.ts';
import { createKeys } from '../../subgraphs/seals/signer/keys.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import { createTestDatabase } from '../support/database.ts';
import { testParsers } from '../support/parsers.ts';
import { waitUntil } from '../support/until.ts';
import { listByteTraces, listKeyTraces, openEnvelope, openPrivateKey, PARTS } from './envelopes.ts';
import { CITY, COUNTY } from './requests.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

let fixture: SealsFixture;
beforeAll(async () => {
  fixture = await openSealsFixture();
});
afterAll(() => fixture.close());

/**
 * AlgorithmIdentifier of rsaEncryption or P-256 followed by the head of an OCTET STRING, which only PKCS #8 contains.
 */
const PKCS8 = /06092a864886f70d01010105000482|06082a8648ce3d03010704/;

interface StoredKey {
  id: string;
  certificate_pem: string;
  encrypted_key: Buffer;
}

const listStoredKeys = () =>
  fixture.sql<StoredKey[]>`select id, certificate_pem, encrypted_key from seals.authority
    union all select seal_id, certificate_pem, encrypted_key from seals.seal_certificate
    union all select seal_id || ' code', certificate_pem, encrypted_key from seals.seal_code_key`;

/** Opens a key as anybody can who has both the database and the key-encryption key. */
const openStoredKey = ({ id, encrypted_key: envelope }: StoredKey, key: Uint8Array) =>
  openPrivateKey(id, envelope, key);

/** Returns every row of every table of the database as text. */
async function dumpDatabase(): Promise<string> {
  const tables = await fixture.sql`select schemaname as schema, tablename as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`;
  const texts: string[] = [];
  for (const table of tables) {
    const rows = await fixture.sql`select t::text as row from ${fixture.sql(`${table.schema}.${table.name}`)} t`;
    texts.push(...rows.map((row) => String(row.row)));
  }
  return texts.join('\n');
}

describe('keys at rest', () => {
  test('are RSA-3072 for authorities and seals, else P-256, each with its own nonce, and match their certificates', async () => {
    const keys = await listStoredKeys();
    const rsaIds = [fixture.citySeal, 'issuing', 'root', fixture.countySeal];
    const p256Ids = ['timestamp', 'status', `${fixture.citySeal} code`, `${fixture.countySeal} code`];
    expect(keys.map((key) => key.id).sort()).toEqual([...rsaIds, ...p256Ids].sort());
    const nonces = keys.flatMap(({ encrypted_key: envelope }) =>
      [PARTS.nonce, PARTS.innerNonce].map((at) => envelope.subarray(at, at + 12).toString('hex')),
    );
    expect(new Set(nonces).size).toBe(16);
    const own = keys.map((key) =>
      openEnvelope(key.id, key.encrypted_key, fixture.keyEncryptionKey).own.toString('hex'),
    );
    expect(new Set(own).size).toBe(8);
    for (const key of keys) {
      const opened = openStoredKey(key, fixture.keyEncryptionKey);
      const { modulusLength, namedCurve } = opened.asymmetricKeyDetails ?? {};
      expect(modulusLength ?? namedCurve).toBe(rsaIds.includes(key.id) ? 3072 : 'prime256v1');
      expect(new X509Certificate(key.certificate_pem).checkPrivateKey(opened)).toBe(true);
    }
  });

  test('do not occur in the database in plain form', async () => {
    await fixture.seals.sign(await fixture.request());
    const text = (await dumpDatabase()).toLowerCase();
    const keys = await listStoredKeys();
    // Prove that the search works: it finds the encrypted key.
    for (const key of keys) expect(text).toContain(key.encrypted_key.toString('hex'));
    expect(text).toContain('begin certificate');
    expect(text).not.toMatch(/private key/);
    for (const key of keys) {
      const opened = openStoredKey(key, fixture.keyEncryptionKey);
      expect(opened.export({ format: 'der', type: 'pkcs8' }).toString('hex')).toMatch(PKCS8);
      const { own } = openEnvelope(key.id, key.encrypted_key, fixture.keyEncryptionKey);
      for (const trace of [...listKeyTraces(opened), ...listByteTraces(own)]) {
        expect(text).not.toContain(trace.toLowerCase());
      }
    }
    expect(text).not.toMatch(PKCS8);
    for (const trace of listByteTraces(fixture.keyEncryptionKey)) expect(text).not.toContain(trace.toLowerCase());
  });

  test('do not open under another key-encryption key or id, or if altered', async () => {
    const [key] = await listStoredKeys();
    if (!key) throw new Error('no key');
    const data = Buffer.from('data');
    const { id, encrypted_key: envelope } = key;
    const keys = () => createKeys([fixture.keyEncryptionKey]);
    expect(keys().open(id, envelope)(data)).toHaveLength(384);
    expect(() => createKeys([randomBytes(32)]).open(id, envelope)).toThrow();
    expect(() => keys().open('another', envelope)).toThrow();
    for (const at of [...Object.values(PARTS), envelope.length - 1]) {
      const altered = Buffer.from(envelope);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(() => keys().open(id, altered), `octet ${at}`).toThrow();
    }
  });

  test('that do not open raise a fault and record no use', async () => {
    const before = await fixture.countUses();
    await expect(fixture.openCopy(randomBytes(32)).sign(await fixture.request())).rejects.not.toMatchObject({
      name: 'Refusal',
    });
    expect(await fixture.countUses()).toBe(before);
  });
});

describe('a new key-encryption key', () => {
  test('rewraps every private key, and the old one opens none of them', async () => {
    const before = await listStoredKeys();
    const newKey = randomBytes(32);
    const pool = connect(fixture.sealsUrl, 'test-rotate');
    const serviceKeys = generateServiceKeys();
    const signerOf = (...ring: Uint8Array[]) =>
      createSigner({ ring, publicKeys: serviceKeys.publicKeys, now: fixture.clock });
    const deps = { db: pool.db, now: fixture.clock, signer: signerOf(newKey, fixture.keyEncryptionKey) };
    // The log's key has no certificate, so it is not in the list.
    expect(await rewrapKeys(deps)).toBe(before.length + 1);
    expect(await rewrapKeys(deps)).toBe(0);
    for (const item of await listStoredKeys()) {
      expect(before.some((oldKey) => oldKey.encrypted_key.equals(item.encrypted_key))).toBe(false);
      expect(new X509Certificate(item.certificate_pem).checkPrivateKey(openStoredKey(item, newKey))).toBe(true);
      expect(() => openStoredKey(item, fixture.keyEncryptionKey)).toThrow();
    }
    await rewrapKeys({ ...deps, signer: signerOf(fixture.keyEncryptionKey, newKey) });
    await pool.close();
  });
});

describe('the test PKI', () => {
  const parse = (pem: string) =>
    new Certificate({ schema: fromBER(new Uint8Array(new X509Certificate(pem).raw).buffer).result });
  const extension = (certificate: Certificate, oid: string): Extension => {
    const match = certificate.extensions?.find((item) => item.extnID === oid);
    if (!match) throw new Error(`no extension ${oid}`);
    return match;
  };
  const octets = (item: Extension) => Buffer.from(item.extnValue.valueBlock.valueHexView);

  /** Extended key usage: critical, and with a single purpose. */
  const PURPOSES: Record<string, unknown> = {
    timestamp: [true, '300a06082b06010505070308'],
    status: [true, '300c060a2b06010401868d1f0102'],
  };

  test('has a root, an issuing CA and seals, each verified by the one above and marked as test certificates', async () => {
    const pems = new Map((await listStoredKeys()).map((key) => [key.id, key.certificate_pem]));
    const [root, issuing, seal] = ['root', 'issuing', fixture.countySeal].map(
      (id) => new X509Certificate(pems.get(id) ?? ''),
    );
    if (!root || !issuing || !seal) throw new Error('a certificate is missing');
    expect(root.verify(root.publicKey) && issuing.verify(root.publicKey) && seal.verify(issuing.publicKey)).toBe(true);
    expect(issuing.checkIssued(root) && seal.checkIssued(issuing)).toBe(true);
    expect([root.ca, issuing.ca, seal.ca]).toEqual([true, true, false]);
    expect(root.subject).toContain('CN=同权测试根证书 (TEST ROOT CA)');
    expect(issuing.subject).toContain('CN=同权测试印章签发证书 (TEST ISSUING CA)');
    expect(seal.subject).toContain('CN=于都县林业局证照专用章（测试）');
    expect(seal.subject).toContain('OU=仅供测试，不具法律效力');
    expect(await fixture.seals.rootCertificate()).toBe(pems.get('root'));
  });

  test('has the extensions of RFC 5280, and key identifiers that chain', async () => {
    const pems = new Map((await listStoredKeys()).map((key) => [key.id, key.certificate_pem]));
    const profile = [
      { id: 'root', above: 'root', pathLength: 1, usage: '03020106' },
      { id: 'issuing', above: 'root', pathLength: 0, usage: '03020106' },
      { id: fixture.countySeal, above: 'issuing', pathLength: undefined, usage: '030206c0' },
      ...[`${fixture.countySeal} code`, 'timestamp', 'status'].map((id) => ({
        ...{ id, above: 'issuing', pathLength: undefined, usage: '03020780' },
      })),
    ];
    for (const { id, above, pathLength, usage } of profile) {
      const own = parse(pems.get(id) ?? '');
      const constraints = extension(own, '2.5.29.19');
      expect(constraints.critical).toBe(true);
      const basicConstraints = new BasicConstraints({
        schema: fromBER(new Uint8Array(octets(constraints)).buffer).result,
      });
      expect([basicConstraints.cA, basicConstraints.pathLenConstraint]).toEqual([pathLength !== undefined, pathLength]);
      const keyUsage = extension(own, '2.5.29.15');
      expect([keyUsage.critical, octets(keyUsage).toString('hex')]).toEqual([true, usage]);
      const subjectKey = octets(extension(parse(pems.get(above) ?? ''), '2.5.29.14')).subarray(2);
      expect(octets(extension(own, '2.5.29.35')).subarray(-20)).toEqual(subjectKey);
      const purpose = own.extensions?.find((item) => item.extnID === '2.5.29.37');
      const extendedKeyUsage = purpose && [purpose.critical, octets(purpose).toString('hex')];
      expect(extendedKeyUsage).toEqual(PURPOSES[id]);
      const serial = own.serialNumber.valueBlock.valueHexView;
      expect([serial.length, (serial[0] ?? 0x80) < 0x80]).toEqual([16, true]);
    }
  });

  test('is created once by four concurrent starts on an empty database', async () => {
    const freshDatabase = await createTestDatabase();
    const pools = Array.from({ length: 4 }, () => connect(freshDatabase.urls.seals, 'test-seals'));
    const serviceKeys = generateServiceKeys();
    const signer = createSigner({ ring: [randomBytes(32)], publicKeys: serviceKeys.publicKeys, now: fixture.clock });
    const commonOptions = { now: fixture.clock, parsers: testParsers, signer };
    const send = { licenses: async () => [], cases: async () => [] };
    const copies = pools.map(({ db }) => createSeals({ db, ...commonOptions, send }));
    await expect(copies[0]?.rootCertificate()).rejects.toThrow('not prepared');
    await Promise.all(copies.map((copy) => copy.prepare()));
    const roots = await Promise.all(copies.map((copy) => copy.rootCertificate()));
    expect(new Set(roots).size).toBe(1);
    await copies[0]?.prepare();
    expect(await copies[1]?.rootCertificate()).toBe(roots[0]);
    await Promise.all(pools.map((pool) => pool.close()));
    await freshDatabase.drop();
  });

  test('creates a seal once for four concurrent requests, and a repeated request changes nothing', async () => {
    const before = await listStoredKeys();
    const copies = Array.from({ length: 4 }, () => fixture.openCopy());
    const existingSeal = {
      organ: COUNTY,
      organName: '于都县林业局',
      kind: 'LICENSE_SEAL',
      matters: ['yd2022-1-07'],
    } as const;
    const ids = await Promise.all(copies.map((copy) => copy.makeSeal(existingSeal)));
    expect(new Set(ids)).toEqual(new Set([fixture.countySeal]));
    expect(await listStoredKeys()).toEqual(before);

    const newSeal = { organ: CITY, organName: '赣州市行政审批局', kind: 'UNIT_SEAL', matters: [] } as const;
    let keyIds: Promise<string[]> = Promise.resolve([]);
    // Key generation takes varying time. The table lock makes all four wait, so that they really compete.
    await fixture.sql.begin(async (tx) => {
      await tx`lock table seals.seal in exclusive mode`;
      keyIds = Promise.all(copies.map((copy) => copy.makeSeal(newSeal)));
      await waitUntil('all four wait', async () => {
        const rows = await fixture.sql`select 1 from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and application_name = 'test-seals'`;
        return rows.length === 4;
      });
    });
    const [id = ''] = new Set(await keyIds);
    expect(await listStoredKeys()).toHaveLength(before.length + 2);
    const [row] = await fixture.sql`select count(*)::int as n from seals.seal_event where seal_id = ${id}`;
    expect(row?.n).toBe(3);
  });

  test('adds only grants that a seal never had; a withdrawn grant stays withdrawn', async () => {
    const newSeal = { organ: COUNTY, organName: '于都县林业局', kind: 'LICENSE_SEAL' } as const;
    await fixture.seals.makeSeal({ ...newSeal, matters: ['yd2022-1-07', 'yd2022-1-09'] });
    await fixture.sql`insert into seals.seal_grant_withdrawal select id, now() from seals.seal_grant where matter_id = 'yd2022-1-09'`;
    await fixture.seals.makeSeal({ ...newSeal, matters: ['yd2022-1-09'] });
    const rows =
      await fixture.sql`select matter_id from seals.seal_grant where seal_id = ${fixture.countySeal} order by 1`;
    expect(rows.map((row) => row.matter_id)).toEqual(['yd2022-1-07', 'yd2022-1-09']);
    const added = await fixture.sql`select 1 from seals.seal_event where matter_id = 'yd2022-1-09'`;
    expect(added).toHaveLength(1);
  });
});
