import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireDemoPerson } from '../support/actors.ts';
import { applyAndApprove, decideApplication, submitApplication } from '../support/seal-applications.ts';
import { CITY, COUNTY, statementRequest } from './requests.ts';
import { openWorkshop, signatureOf, type Workshop } from './workshop.ts';

/** A seal's certificate from an external certificate authority (CA). openssl plays the CA. */

const folder = mkdtempSync(join(tmpdir(), 'tq-authority-'));
const at = (name: string) => join(folder, name);
/** Validity around the fixture's clock, which stands still on 2026-06-01. */
const VALID = ['20260101000000Z', '20300101000000Z'] as const;
const LEAF = 'keyUsage=critical,digitalSignature,nonRepudiation\nbasicConstraints=critical,CA:false\n';
const ABOVE = 'keyUsage=critical,keyCertSign,cRLSign\nbasicConstraints=critical,CA:true\n';
const ORGAN = '/C=CN/O=于都县林业局/CN=于都县林业局证照专用章';

/** A minimal CA configuration for `openssl ca`. Only that command can set the validity dates of a certificate. */
const AUTHORITY = `[ca]\ndefault_ca=a\n[a]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\nunique_subject=no\npolicy=p\npreserve=yes\n[p]
countryName=optional\norganizationName=optional\norganizationalUnitName=optional\ncommonName=optional\n`;

const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
const pem = (name: string) => readFileSync(at(`${name}.pem`), 'utf8');

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
  sign(name, issuer, ABOVE);
}

/** Signs a certificate request. It is self-signed if `issuer` is null. */
function sign(
  name: string,
  issuer: string | null,
  extensions = LEAF,
  times: readonly [string, string] = VALID,
  subject: string | null = null,
): string {
  writeFileSync(at('extensions'), extensions);
  writeFileSync(at('index'), '');
  writeFileSync(at('authority.cnf'), AUTHORITY);
  const by =
    issuer === null
      ? ['-selfsign', '-keyfile', `${name}.key`]
      : ['-cert', `${issuer}.pem`, '-keyfile', `${issuer}.key`];
  const named = subject === null ? [] : ['-subj', subject];
  openssl(
    ...['ca', '-batch', '-config', 'authority.cnf', '-notext', '-utf8', '-md', 'sha256', '-in', `${name}.csr`, ...by],
    ...['-out', `${name}.pem`, '-extfile', 'extensions', '-startdate', times[0], '-enddate', times[1], ...named],
  );
  return pem(name);
}

let shop: Workshop;
let bare: Workshop;
beforeAll(async () => {
  makeAuthority('root', null);
  makeAuthority('between', 'root');
  makeAuthority('stranger', null);
  shop = await openWorkshop(undefined, [pem('root')]);
  bare = await openWorkshop();
});
afterAll(async () => {
  await Promise.all([shop.close(), bare.close()]);
  rmSync(folder, { recursive: true });
});

const ask = (person: string, query: string, variables: Record<string, unknown>) =>
  shop.ask(requireDemoPerson(person), query, variables);
const request = async (person: string, of = shop) =>
  (await of.ask(requireDemoPerson(person), `{ seal(id: "${of.countySeal}") { certificateRequest } }`)).data.seal
    .certificateRequest;
const enter = (certificates: string, input: object = {}) =>
  applyAndApprove(ask, COUNTY, 'enterSealCertificate', { seal: shop.countySeal, certificates, ...input });

describe('a certificate request', () => {
  test('is verified by openssl, names the organ, and contains the public key that signs', async () => {
    writeFileSync(at('seal.csr'), await request(`${COUNTY}.keeper`));
    const said = openssl('req', '-in', 'seal.csr', '-verify', '-noout', '-text', '-nameopt', 'utf8');
    expect(said).toContain('O=于都县林业局');
    const { data } = await shop.ask(requireDemoPerson('auditor'), `{ seal(id: "${shop.countySeal}") { certificate } }`);
    const publicKey = openssl('req', '-in', 'seal.csr', '-pubkey', '-noout');
    const own = new X509Certificate(data.seal.certificate).publicKey.export({ type: 'spki', format: 'pem' });
    expect(publicKey.trim()).toBe(String(own).trim());
  });
  test('is visible only to the keeper and the seal approver of its organ', async () => {
    expect(await request(`${COUNTY}.sealapprover`)).toContain('BEGIN CERTIFICATE REQUEST');
    for (const person of [`${COUNTY}.approver`, `${CITY}.keeper`, 'auditor', 'administrator', 'applicant-company']) {
      expect(await request(person)).toBeNull();
    }
  });
});

describe('a certificate is refused', () => {
  const leaf = (extensions?: string, times?: readonly [string, string], subject: string = ORGAN) =>
    sign('seal', 'between', extensions, times, subject);

  test('if no authority is trusted', async () => {
    const asked = { seal: bare.countySeal, certificates: pem('root') };
    const barely = (person: string, query: string, variables: Record<string, unknown>) =>
      bare.ask(requireDemoPerson(person), query, variables);
    expect((await applyAndApprove(barely, COUNTY, 'enterSealCertificate', asked)).refusal).toMatchObject({
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
    ['with a chain of six', () => pem('root').repeat(6), 'CERTIFICATE_MALFORMED'],
    ['of another key', () => pem('between'), 'CERTIFICATE_UNFIT'],
    ['of another organ', () => leaf(LEAF, VALID, '/C=CN/O=于都县水利局/CN=x') + pem('between'), 'CERTIFICATE_UNFIT'],
    [
      'that has expired',
      () => leaf(LEAF, ['20250101000000Z', '20260101000000Z']) + pem('between'),
      'CERTIFICATE_UNFIT',
    ],
    [
      'that is not yet valid',
      () => leaf(LEAF, ['20270101000000Z', '20290101000000Z']) + pem('between'),
      'CERTIFICATE_UNFIT',
    ],
    ['without a key usage', () => leaf('basicConstraints=critical,CA:false\n') + pem('between'), 'CERTIFICATE_UNFIT'],
    [
      'whose key usage excludes signatures',
      () => leaf('keyUsage=critical,keyEncipherment\n') + pem('between'),
      'CERTIFICATE_UNFIT',
    ],
    ['of an authority', () => leaf(`${ABOVE}`) + pem('between'), 'CERTIFICATE_UNFIT'],
    ['without its issuer certificate', () => leaf(), 'AUTHORITY_NOT_TRUSTED'],
    ['with another issuer certificate', () => leaf() + pem('stranger'), 'CERTIFICATE_UNFIT'],
    [
      'too large for a document',
      () => leaf(`${LEAF}nsComment=${'x'.repeat(7_000)}\n`) + pem('between'),
      'CERTIFICATE_UNFIT',
    ],
    [
      'of an untrusted authority',
      () => sign('seal', 'stranger', LEAF, VALID, ORGAN) + pem('stranger'),
      'AUTHORITY_NOT_TRUSTED',
    ],
  ])('%s', async (_, certificates, code) => {
    expect((await enter(certificates())).refusal).toMatchObject({ code, field: 'certificates' });
    expect(await shop.sql`select 1 from seals.seal_application`).toHaveLength(0);
  });
});

test('a valid certificate is entered by two persons, and later signatures carry its chain', async () => {
  writeFileSync(at('seal.csr'), await request(`${COUNTY}.keeper`));
  const own = sign('seal', 'between', LEAF, VALID, ORGAN);
  const input = { seal: shop.countySeal, certificates: own + pem('between') + pem('root'), reason: '换发正式证书' };
  const first = await submitApplication(ask, `${COUNTY}.keeper`, 'enterSealCertificate', input);
  expect(first.application.state).toBe('WAITING');
  expect(
    (await decideApplication(ask, `${COUNTY}.keeper`, { application: first.application.id, approve: true })).refusal
      ?.code,
  ).toBe('ROLE_NOT_ALLOWED');
  const done = await decideApplication(ask, `${COUNTY}.sealapprover`, {
    application: first.application.id,
    approve: true,
  });
  expect([done.refusal, done.seal.state]).toEqual([null, 'IN_USE']);
  const signature = Buffer.from(await signatureOf(shop.seals, await shop.request()));
  // With the largest chain that is accepted, the signature fits into the 12,000 bytes that a document reserves.
  const chain = [own, pem('between')].map((held) => new X509Certificate(held).raw.length);
  expect(signature.length - chain.reduce((sum, one) => sum + one, 0)).toBeLessThan(5_000);
  for (const held of [own, pem('between')]) expect(signature.includes(new X509Certificate(held).raw)).toBe(true);
  expect(signature.includes(new X509Certificate(pem('root')).raw)).toBe(false);
  const { data } = await shop.ask(
    requireDemoPerson('auditor'),
    `{ seal(id: "${shop.countySeal}") { certificate validUntil } }`,
  );
  expect(data.seal).toMatchObject({ certificate: own, validUntil: new Date('2030-01-01T00:00:00Z') });
  const [event] = await shop.sql`select event from seals.seal_event order by serial desc limit 1`;
  expect(event).toEqual({ event: 'CERTIFICATE_ENTERED' });
  // openssl verifies a signature with only the authority's root certificate.
  const statement = statementRequest();
  const authorisation = await shop.authorise(statement);
  writeFileSync(at('signature'), await signatureOf(shop.seals, { ...statement, authorisation }));
  writeFileSync(at('statement'), statement.document);
  const time = ['-attime', String(shop.clock().getTime() / 1000)];
  const proof = ['-inform', 'DER', '-in', 'signature', '-content', 'statement', '-binary', '-CAfile', 'root.pem'];
  openssl('cms', '-verify', ...proof, '-purpose', 'any', ...time, '-out', 'proved');
  expect(readFileSync(at('proved'))).toEqual(Buffer.from(statement.document));
  expect((await enter(own + pem('between'))).refusal).toMatchObject({ code: 'CERTIFICATE_UNFIT' });
  // The hub revokes only the certificates that it issued. The external authority revokes its own.
  const end = { seal: shop.countySeal, reason: 'CESSATION_OF_OPERATION', words: '撤并' };
  await applyAndApprove(ask, COUNTY, 'applyForSealEnd', end);
  const revoked = await shop.sql`select serial from seals.revocation`;
  expect(revoked).toHaveLength(2);
  expect(revoked.map(({ serial }) => serial)).not.toContain(new X509Certificate(own).serialNumber.toLowerCase());
});
