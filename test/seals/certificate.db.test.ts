import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireDemoPerson } from '../support/actors.ts';
import { applyAndApprove, decideApplication, submitApplication } from '../support/seal-applications.ts';
import { CITY, COUNTY, statementRequest } from './requests.ts';
import { openSealsFixture, type SealsFixture, signatureOf } from './seals-fixture.ts';

/** A seal's certificate from an external certificate authority (CA). openssl plays the CA. */

const folder = mkdtempSync(join(tmpdir(), 'tq-authority-'));
const pathOf = (name: string) => join(folder, name);
/** Validity around the fixture's clock, which stands still on 2026-06-01. */
const VALID_PERIOD = ['20260101000000Z', '20300101000000Z'] as const;
const LEAF_EXTENSIONS = 'keyUsage=critical,digitalSignature,nonRepudiation\nbasicConstraints=critical,CA:false\n';
const CA_EXTENSIONS = 'keyUsage=critical,keyCertSign,cRLSign\nbasicConstraints=critical,CA:true\n';
const ORGAN = '/C=CN/O=于都县林业局/CN=于都县林业局证照专用章';

/** A minimal CA configuration for `openssl ca`. Only that command can set the validity dates of a certificate. */
const AUTHORITY = `[ca]\ndefault_ca=a\n[a]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\nunique_subject=no\npolicy=p\npreserve=yes\n[p]
countryName=optional\norganizationName=optional\norganizationalUnitName=optional\ncommonName=optional\n`;

const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
const readPem = (name: string) => readFileSync(pathOf(`${name}.pem`), 'utf8');

function makeAuthority(name: string, issuer: string | null): void {
  openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-utf8',
    '-subj',
    `/C=CN/O=某电子认证服务机构/CN=${name}`,
  );
  sign(name, issuer, CA_EXTENSIONS);
}

/** Signs a certificate request. It is self-signed if `issuer` is null. */
function sign(
  name: string,
  issuer: string | null,
  extensions = LEAF_EXTENSIONS,
  period: readonly [string, string] = VALID_PERIOD,
  subject: string | null = null,
): string {
  writeFileSync(pathOf('extensions'), extensions);
  writeFileSync(pathOf('index'), '');
  writeFileSync(pathOf('authority.cnf'), AUTHORITY);
  const issuerArguments =
    issuer === null
      ? ['-selfsign', '-keyfile', `${name}.key`]
      : ['-cert', `${issuer}.pem`, '-keyfile', `${issuer}.key`];
  const subjectArguments = subject === null ? [] : ['-subj', subject];
  openssl(
    ...[
      'ca',
      '-batch',
      '-config',
      'authority.cnf',
      '-notext',
      '-utf8',
      '-md',
      'sha256',
      '-in',
      `${name}.csr`,
      ...issuerArguments,
    ],
    ...[
      '-out',
      `${name}.pem`,
      '-extfile',
      'extensions',
      '-startdate',
      period[0],
      '-enddate',
      period[1],
      ...subjectArguments,
    ],
  );
  return readPem(name);
}

let fixture: SealsFixture;
let fixtureWithoutAuthorities: SealsFixture;
beforeAll(async () => {
  makeAuthority('root', null);
  makeAuthority('between', 'root');
  makeAuthority('stranger', null);
  fixture = await openSealsFixture(undefined, [readPem('root')]);
  fixtureWithoutAuthorities = await openSealsFixture();
});
afterAll(async () => {
  await Promise.all([fixture.close(), fixtureWithoutAuthorities.close()]);
  rmSync(folder, { recursive: true });
});

const ask = (person: string, query: string, variables: Record<string, unknown>) =>
  fixture.ask(requireDemoPerson(person), query, variables);
const readCertificateRequest = async (person: string, source = fixture) =>
  (await source.ask(requireDemoPerson(person), `{ seal(id: "${source.countySeal}") { certificateRequest } }`)).data.seal
    .certificateRequest;
const enterCertificate = (certificates: string, input: object = {}) =>
  applyAndApprove(ask, COUNTY, 'enterSealCertificate', { seal: fixture.countySeal, certificates, ...input });

describe('a certificate request', () => {
  test('is verified by openssl, names the organ, and contains the public key that signs', async () => {
    writeFileSync(pathOf('seal.csr'), await readCertificateRequest(`${COUNTY}.keeper`));
    const requestText = openssl('req', '-in', 'seal.csr', '-verify', '-noout', '-text', '-nameopt', 'utf8');
    expect(requestText).toContain('O=于都县林业局');
    const { data } = await fixture.ask(
      requireDemoPerson('auditor'),
      `{ seal(id: "${fixture.countySeal}") { certificate } }`,
    );
    const publicKey = openssl('req', '-in', 'seal.csr', '-pubkey', '-noout');
    const sealPem = new X509Certificate(data.seal.certificate).publicKey.export({ type: 'spki', format: 'pem' });
    expect(publicKey.trim()).toBe(String(sealPem).trim());
  });
  test('is visible only to the keeper and the seal approver of its organ', async () => {
    expect(await readCertificateRequest(`${COUNTY}.sealapprover`)).toContain('BEGIN CERTIFICATE REQUEST');
    for (const person of [`${COUNTY}.approver`, `${CITY}.keeper`, 'auditor', 'administrator', 'applicant-company']) {
      expect(await readCertificateRequest(person)).toBeNull();
    }
  });
});

describe('a certificate is refused', () => {
  const leaf = (extensions?: string, period?: readonly [string, string], subject: string = ORGAN) =>
    sign('seal', 'between', extensions, period, subject);

  test('if no authority is trusted', async () => {
    const entryInput = { seal: fixtureWithoutAuthorities.countySeal, certificates: readPem('root') };
    const askWithoutAuthorities = (person: string, query: string, variables: Record<string, unknown>) =>
      fixtureWithoutAuthorities.ask(requireDemoPerson(person), query, variables);
    expect(
      (await applyAndApprove(askWithoutAuthorities, COUNTY, 'enterSealCertificate', entryInput)).refusal,
    ).toMatchObject({
      ...{ code: 'AUTHORITY_NOT_TRUSTED', field: 'certificates' },
    });
  });
  test.each<[string, () => string, string]>([
    ['that is no certificate', () => 'nonsense', 'CERTIFICATE_MALFORMED'],
    [
      'that is malformed',
      () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'CERTIFICATE_MALFORMED',
    ],
    ['with a chain of six', () => readPem('root').repeat(6), 'CERTIFICATE_MALFORMED'],
    ['of another key', () => readPem('between'), 'CERTIFICATE_UNFIT'],
    [
      'of another organ',
      () => leaf(LEAF_EXTENSIONS, VALID_PERIOD, '/C=CN/O=于都县水利局/CN=x') + readPem('between'),
      'CERTIFICATE_UNFIT',
    ],
    [
      'that has expired',
      () => leaf(LEAF_EXTENSIONS, ['20250101000000Z', '20260101000000Z']) + readPem('between'),
      'CERTIFICATE_UNFIT',
    ],
    [
      'that is not yet valid',
      () => leaf(LEAF_EXTENSIONS, ['20270101000000Z', '20290101000000Z']) + readPem('between'),
      'CERTIFICATE_UNFIT',
    ],
    [
      'without a key usage',
      () => leaf('basicConstraints=critical,CA:false\n') + readPem('between'),
      'CERTIFICATE_UNFIT',
    ],
    [
      'whose key usage excludes signatures',
      () => leaf('keyUsage=critical,keyEncipherment\n') + readPem('between'),
      'CERTIFICATE_UNFIT',
    ],
    ['of an authority', () => leaf(`${CA_EXTENSIONS}`) + readPem('between'), 'CERTIFICATE_UNFIT'],
    ['without its issuer certificate', () => leaf(), 'AUTHORITY_NOT_TRUSTED'],
    ['with another issuer certificate', () => leaf() + readPem('stranger'), 'CERTIFICATE_UNFIT'],
    [
      'too large for a document',
      () => leaf(`${LEAF_EXTENSIONS}nsComment=${'x'.repeat(7_000)}\n`) + readPem('between'),
      'CERTIFICATE_UNFIT',
    ],
    [
      'of an untrusted authority',
      () => sign('seal', 'stranger', LEAF_EXTENSIONS, VALID_PERIOD, ORGAN) + readPem('stranger'),
      'AUTHORITY_NOT_TRUSTED',
    ],
  ])('%s', async (_, certificates, code) => {
    expect((await enterCertificate(certificates())).refusal).toMatchObject({ code, field: 'certificates' });
    expect(await fixture.sql`select 1 from seals.seal_application`).toHaveLength(0);
  });
});

test('a valid certificate is entered by two persons, and later signatures carry its chain', async () => {
  writeFileSync(pathOf('seal.csr'), await readCertificateRequest(`${COUNTY}.keeper`));
  const sealPem = sign('seal', 'between', LEAF_EXTENSIONS, VALID_PERIOD, ORGAN);
  const input = {
    seal: fixture.countySeal,
    certificates: sealPem + readPem('between') + readPem('root'),
    reason: '换发正式证书',
  };
  const first = await submitApplication(ask, `${COUNTY}.keeper`, 'enterSealCertificate', input);
  expect(first.application.state).toBe('WAITING');
  expect(
    (await decideApplication(ask, `${COUNTY}.keeper`, { application: first.application.id, approve: true })).refusal
      ?.code,
  ).toBe('ROLE_NOT_ALLOWED');
  const decisionResult = await decideApplication(ask, `${COUNTY}.sealapprover`, {
    application: first.application.id,
    approve: true,
  });
  expect([decisionResult.refusal, decisionResult.seal.state]).toEqual([null, 'IN_USE']);
  const signature = Buffer.from(await signatureOf(fixture.seals, await fixture.request()));
  // With the largest chain that is accepted, the signature fits into the 12,000 bytes that a document reserves.
  const chain = [sealPem, readPem('between')].map((certificatePem) => new X509Certificate(certificatePem).raw.length);
  expect(signature.length - chain.reduce((sum, length) => sum + length, 0)).toBeLessThan(5_000);
  for (const certificatePem of [sealPem, readPem('between')])
    expect(signature.includes(new X509Certificate(certificatePem).raw)).toBe(true);
  expect(signature.includes(new X509Certificate(readPem('root')).raw)).toBe(false);
  const { data } = await fixture.ask(
    requireDemoPerson('auditor'),
    `{ seal(id: "${fixture.countySeal}") { certificate validUntil } }`,
  );
  expect(data.seal).toMatchObject({ certificate: sealPem, validUntil: new Date('2030-01-01T00:00:00Z') });
  const [event] = await fixture.sql`select event from seals.seal_event order by serial desc limit 1`;
  expect(event).toEqual({ event: 'CERTIFICATE_ENTERED' });
  // openssl verifies a signature with only the authority's root certificate.
  const statement = statementRequest();
  const authorisation = await fixture.authorise(statement);
  writeFileSync(pathOf('signature'), await signatureOf(fixture.seals, { ...statement, authorisation }));
  writeFileSync(pathOf('statement'), statement.document);
  const timeArguments = ['-attime', String(fixture.clock().getTime() / 1000)];
  const verifyArguments = [
    '-inform',
    'DER',
    '-in',
    'signature',
    '-content',
    'statement',
    '-binary',
    '-CAfile',
    'root.pem',
  ];
  openssl('cms', '-verify', ...verifyArguments, '-purpose', 'any', ...timeArguments, '-out', 'proved');
  expect(readFileSync(pathOf('proved'))).toEqual(Buffer.from(statement.document));
  expect((await enterCertificate(sealPem + readPem('between'))).refusal).toMatchObject({ code: 'CERTIFICATE_UNFIT' });
  // The hub revokes only the certificates that it issued. The external authority revokes its own.
  const end = { seal: fixture.countySeal, reason: 'CESSATION_OF_OPERATION', words: '撤并' };
  await applyAndApprove(ask, COUNTY, 'applyForSealEnd', end);
  const revoked = await fixture.sql`select serial from seals.revocation`;
  expect(revoked).toHaveLength(2);
  expect(revoked.map(({ serial }) => serial)).not.toContain(new X509Certificate(sealPem).serialNumber.toLowerCase());
});
