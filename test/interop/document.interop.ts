import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  tamperAttachment,
  tamperCertificate,
  tamperPageContent,
  tamperSignedAttribute,
} from '../../scripts/demo/tamper.ts';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import type { SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { readCertificate } from '../../subgraphs/licenses/verify/format/certificate.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { createSeal, type IssuedCertificate, sha256 } from '../support/pki-builder.ts';
import { sampleRecord } from '../support/record.ts';

/** poppler and qpdf read our documents. Our verifier reads certificates, revocation lists and signatures of openssl. */

const folder = mkdtempSync(join(tmpdir(), 'tongquan-document-'));
const path = (name: string) => join(folder, name);
const run = (tool: string, ...args: string[]) =>
  execFileSync(tool, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const render = (name: string, changes: Partial<SealedRecord> = {}) => {
  const pdf = Buffer.from(renderLicense({ ...sampleRecord, ...changes }));
  writeFileSync(path(name), pdf);
  return pdf;
};

describe('a document in poppler and qpdf', () => {
  test('shows every field of the record, embeds its fonts and attaches the record', () => {
    render('short.pdf', { KZ_NR: [{ label: '经营场所', text: '于都县贡江镇 #示范路$1$号' }] });
    const pageText = run('pdftotext', '-raw', 'short.pdf', '-').replace(/\s/g, '');
    for (const text of [
      sampleRecord.ZZMC,
      sampleRecord.ZZBH,
      sampleRecord.CZZT,
      sampleRecord.CZZTDM,
      sampleRecord.ZZBFJG,
      sampleRecord.ZZBS,
      sampleRecord.ZZQZMC,
    ]) {
      expect(pageText).toContain(text);
    }
    expect(pageText).toContain('于都县贡江镇#示范路$1$号');
    expect(pageText).toContain('2026年11月23日至2031年11月22日');
    const fonts = run('pdffonts', 'short.pdf').trim().split('\n').slice(2);
    expect(fonts.length).toBeGreaterThan(0);
    for (const font of fonts) expect(font).toMatch(/NotoSerifSC-\w+ .*yes yes yes/);
    expect(run('qpdf', '--check', 'short.pdf')).not.toMatch(/WARNING|ERROR/);
    run('pdfdetach', '-save', '1', '-o', path('metadata.json'), 'short.pdf');
    expect(readFileSync(path('metadata.json'), 'utf8')).toContain('于都县贡江镇 #示范路$1$号');
  });

  test('keeps a long text without spaces on the page, up to the last character', () => {
    const text = Array.from({ length: 500 }, (_, i) => String.fromCharCode(33 + (i % 94))).join('');
    render('long.pdf', { KZ_NR: [{ label: 'W'.repeat(12), text }], ZZMC: '证'.repeat(60) });
    const pageText = run('pdftotext', '-raw', 'long.pdf', '-').replace(/\s/g, '');
    expect(pageText).toContain(text);
    const boxes = run('pdftotext', '-bbox', 'long.pdf', '-').matchAll(/xMin="([\d.]+)".*?xMax="([\d.]+)".*?>(.*?)</g);
    const words = [...boxes].map(([, from, to, word]) => ({ from: Number(from), to: Number(to), word }));
    // A4 is 595 pt wide. The inner edge of the frame is 45 pt from each side. The column of texts begins at 198 pt.
    expect(words.filter(({ from, to }) => from < 45 || to > 550)).toEqual([]);
    const label = words.filter(({ word }) => /^W+$/.test(word ?? ''));
    expect(label.length).toBeGreaterThan(0);
    expect(label.filter(({ to }) => to > 198)).toEqual([]);
  });
});

describe('the verifier and openssl', () => {
  const NAMES = {
    root: '/C=CN/O=Test/OU=仅供测试，不具法律效力/CN=Root',
    issuing: '/C=CN/O=Test/OU=仅供测试，不具法律效力/CN=Issuing',
    seal: `/C=CN/O=${sampleRecord.ZZBFJG}/OU=仅供测试，不具法律效力/CN=审批专用章`,
  };
  const EXTENSIONS = `
[root]
basicConstraints = critical, CA:TRUE, pathlen:1
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[seal]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[encipher]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
[constrained]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
nameConstraints = permitted;DNS:example
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = lists
[lists]
database = index.txt
default_md = sha256
default_crl_days = 30
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
`;
  let pdf: Buffer;

  beforeAll(() => {
    writeFileSync(path('x509.cnf'), EXTENSIONS);
    certify('root', 'root', 'root');
    certify('issuing', 'issuing', 'root');
    certify('seal', 'seal', 'issuing');
    writeFileSync(path('index.txt'), '');
    for (const name of ['root', 'issuing']) {
      const issuerArgs = ['-keyfile', `${name}.key`, '-cert', `${name}.pem`];
      run('openssl', 'ca', '-gencrl', '-config', 'x509.cnf', ...issuerArgs, '-out', `${name}.crl.pem`);
      run('openssl', 'crl', '-in', `${name}.crl.pem`, '-outform', 'DER', '-out', `${name}.crl`);
    }
    pdf = render('license.pdf');
  });

  function certify(name: string, profile: string, issuer: string, subject = NAMES[profile as keyof typeof NAMES]) {
    const request = ['req', '-config', 'x509.cnf', '-utf8', '-newkey', 'rsa:3072', '-nodes', '-subj', subject];
    run('openssl', ...request, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const issuerArgs =
      issuer === name ? ['-signkey', `${name}.key`] : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`];
    const validityArgs = ['-sha256', '-days', '30', '-set_serial', `0x${Buffer.from(name).toString('hex')}`];
    const extensions = ['-extfile', 'x509.cnf', '-extensions', profile];
    run(
      'openssl',
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...issuerArgs,
      ...validityArgs,
      ...extensions,
      '-out',
      `${name}.pem`,
    );
  }

  /** Reads a certificate that openssl made, with its key, to sign with it. */
  function readIssued(name: string): IssuedCertificate {
    const privateKey = createPrivateKey(readFileSync(path(`${name}.key`)));
    const { raw, subject, serial } = readCertificate(new X509Certificate(readFileSync(path(`${name}.pem`))).raw);
    const pair = { privateKey, publicKey: createPublicKey(privateKey) };
    return { pair, certificate: raw, name: subject, serial, keyId: Buffer.alloc(0) };
  }

  const sign = (name: string) =>
    createSeal({
      ...{ signer: readIssued(name), issuer: readIssued('issuing') },
      ...{ digest: sha256(pdf), signingTime: new Date() },
    });

  function signByOpenssl(...extraArgs: string[]): Buffer {
    const signer = ['-signer', 'seal.pem', '-inkey', 'seal.key', '-certfile', 'issuing.pem'];
    const formArgs = ['-cades', '-binary', '-md', 'sha256', '-outform', 'DER', '-nosmimecap'];
    run('openssl', 'cms', '-sign', ...formArgs, '-in', 'license.pdf', ...signer, ...extraArgs, '-out', 'openssl.p7s');
    return readFileSync(path('openssl.p7s'));
  }

  const isAcceptedByOpenssl = (file: Buffer, signature: Buffer) => {
    writeFileSync(path('judged.pdf'), file);
    writeFileSync(path('judged.p7s'), signature);
    const args =
      'cms -verify -cades -binary -inform DER -in judged.p7s -content judged.pdf -CAfile root.pem -purpose any';
    return spawnSync('openssl', [...args.split(' '), '-out', 'out'], { cwd: folder }).status === 0;
  };
  const verdictOf = (file: Buffer, signature: Buffer) => {
    const roots = [readFileSync(path('root.pem'))];
    const revocation = ['root.crl', 'issuing.crl'].map((name) => readFileSync(path(name)));
    const { verdict, subIndication } = verify({ file, signature, roots, revocation }, new Date());
    return subIndication ?? verdict;
  };

  test('agree on a signature under openssl’s certificates and lists', () => {
    const signature = sign('seal');
    expect(isAcceptedByOpenssl(pdf, signature)).toBe(true);
    expect(verdictOf(pdf, signature)).toBe('TOTAL_PASSED');
  });

  test('both refuse four tampered copies that poppler can still open', () => {
    const signature = sign('seal');
    const forgeries: [string, Buffer, Buffer, string][] = [
      ['page', tamperPageContent(pdf), signature, 'HASH_FAILURE'],
      ['attachment', tamperAttachment(pdf), signature, 'HASH_FAILURE'],
      ['attribute', pdf, tamperSignedAttribute(signature), 'HASH_FAILURE'],
      ['certificate', pdf, tamperCertificate(signature), 'NO_SIGNING_CERTIFICATE_FOUND'],
    ];
    for (const [name, file, forged, expected] of forgeries) {
      expect(verdictOf(file, forged), name).toBe(expected);
      expect(isAcceptedByOpenssl(file, forged), name).toBe(false);
      writeFileSync(path('forged.p7s'), forged);
      run('openssl', 'cms', '-cmsout', '-print', '-inform', 'DER', '-in', 'forged.p7s', '-out', 'printed');
      writeFileSync(path(`${name}.pdf`), file);
      expect(run('qpdf', '--check', `${name}.pdf`)).not.toMatch(/WARNING|ERROR/);
    }
    const drawPage = (name: string) => run('pdftoppm', '-r', '40', '-png', `${name}.pdf`, name);
    for (const name of ['license', 'page', 'attachment']) drawPage(name);
    const readDrawing = (name: string) => readFileSync(path(`${name}-1.png`));
    expect(readDrawing('page').equals(readDrawing('license'))).toBe(false);
    expect(readDrawing('attachment').equals(readDrawing('license'))).toBe(true);
    run('pdfdetach', '-save', '1', '-o', path('forged.json'), 'attachment.pdf');
    const forged = readFileSync(path('forged.json'), 'utf8');
    expect(forged).not.toBe(toCanonicalJson(sampleRecord));
    expect(JSON.parse(forged)).toMatchObject({ ...sampleRecord, CZZT: expect.any(String) });
  });

  test.each([
    ['encipher', 'CHAIN_CONSTRAINTS_FAILURE'],
    ['constrained', 'CHAIN_CONSTRAINTS_FAILURE'],
  ])('a certificate of profile %s is refused: %s', (profile, expected) => {
    certify(profile, profile, 'issuing', NAMES.seal);
    const signature = sign(profile);
    expect(verdictOf(pdf, signature)).toBe(expected);
  });

  test.each<[string, string[], string]>([
    ['rsaEncryption as its algorithm, as openssl writes it', [], 'CRYPTO_CONSTRAINTS_FAILURE'],
    ['SHA-384', ['-md', 'sha384'], 'CRYPTO_CONSTRAINTS_FAILURE'],
    ['RSASSA-PSS', ['-keyopt', 'rsa_padding_mode:pss'], 'CRYPTO_CONSTRAINTS_FAILURE'],
    ['the file embedded', ['-nodetach'], 'FORMAT_FAILURE'],
    ['the signer named by key identifier', ['-keyid'], 'FORMAT_FAILURE'],
  ])('a signature with %s is refused', (_, options, expected) => {
    expect(verdictOf(pdf, signByOpenssl(...options))).toBe(expected);
  });
});
