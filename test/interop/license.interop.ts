import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  tamperAttachment,
  tamperCertificate,
  tamperPageContent,
  tamperSignedAttribute,
} from '../../scripts/demo/tamper.ts';
import { splitSignature } from '../../scripts/split.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { buildSealPng } from '../support/seal-png.ts';

/** Independent tools read and verify a license of this hub. */
describe('a license and openssl, poppler, qpdf, BouncyCastle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-interop-'));
  const path = (name: string) => join(folder, name);
  let hub: TestHub;
  let pdf: Buffer;
  beforeAll(async () => {
    hub = await createTestHub();
    const license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    const fetchFile = async (digest: string) => {
      const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
      return (await hub.hub.app.inject({ method: 'GET', url: `/files/${digest}`, headers })).rawPayload;
    };
    pdf = await fetchFile(license.document.digest);
    writeParts('license', pdf);
    const pictureInput = {
      seal: 'yudu-lyj-license-seal',
      picture: buildSealPng().toString('base64'),
      reason: '启用新印模',
    };
    await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealPicture', pictureInput);
    const licenseWithPicture = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 2);
    writeParts('own', await fetchFile(licenseWithPicture.document.digest));
    writeFileSync(path('root.pem'), await hub.hub.seals.rootCertificate());
  });
  afterAll(async () => {
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Writes the file, and its parts for tools that cannot read PDF. */
  const writeParts = (name: string, file: Buffer) => {
    const { covered, cms } = splitSignature(file);
    writeFileSync(path(`${name}.pdf`), file);
    writeFileSync(path(`${name}.covered`), covered);
    writeFileSync(path(`${name}.p7s`), cms);
  };
  const opensslStatus = (name: string) => {
    const [content, p7s, root] = [path(`${name}.covered`), path(`${name}.p7s`), path('root.pem')];
    const args = `cms -verify -cades -binary -inform DER -in ${p7s} -content ${content} -CAfile ${root} -purpose any -out /dev/null`;
    return spawnSync('openssl', args.split(' '), { encoding: 'utf8' }).status;
  };
  /** Output of poppler with the given NSS database, which contains the trusted root or is empty. */
  const pdfsigOutput = (name: string, database: string) =>
    execFileSync('pdfsig', ['-nssdir', path(database), path(`${name}.pdf`)], { encoding: 'utf8' });

  test('openssl accepts the covered bytes, and refuses changed bytes and signatures', () => {
    expect(opensslStatus('license')).toBe(0);
    const covered = Buffer.from(pdf);
    covered.write('Tj', pdf.indexOf('stream') + 40, 'latin1');
    for (const [name, forged] of Object.entries({
      covered,
      attribute: tamperSignedAttribute(pdf),
      certificate: tamperCertificate(pdf),
    })) {
      writeParts(name, forged);
      expect(opensslStatus(name), name).not.toBe(0);
    }
  });

  test('pdfsig reports valid, trusted only with the root, and detects changed and appended bytes', () => {
    for (const database of ['trusting', 'empty']) {
      mkdirSync(path(database));
      execFileSync('certutil', ['-N', '-d', path(database), '--empty-password']);
    }
    execFileSync('certutil', ['-A', '-d', path('trusting'), '-n', 'root', '-t', 'CT,CT,CT', '-i', path('root.pem')]);
    const trustedOutput = pdfsigOutput('license', 'trusting');
    expect(trustedOutput).toContain('Signature Validation: Signature is Valid.');
    expect(trustedOutput).toContain('Certificate Validation: Certificate is Trusted.');
    expect(trustedOutput).toContain('Total document signed');
    expect(trustedOutput).toContain('ETSI.CAdES.detached');
    expect(pdfsigOutput('own', 'trusting')).toContain('Signature is Valid.');
    expect(pdfsigOutput('own', 'trusting')).toContain('Total document signed');
    const untrustedOutput = pdfsigOutput('license', 'empty');
    expect(untrustedOutput).toContain('Signature is Valid.');
    expect(untrustedOutput).not.toContain('Certificate is Trusted');
    writeParts('appended', tamperPageContent(pdf));
    writeParts('attached', tamperAttachment(pdf));
    for (const name of ['appended', 'attached']) {
      expect(pdfsigOutput(name, 'trusting'), name).toContain('Not total document signed');
    }
    expect(pdfsigOutput('covered', 'trusting')).not.toContain('Signature is Valid.');
  });

  test('poppler reads the page and the attachment, qpdf reports no problem', () => {
    expect(execFileSync('pdftotext', [path('license.pdf'), '-'], { encoding: 'utf8' })).toContain('林木采伐许可证');
    execFileSync('pdfdetach', ['-save', '1', '-o', path('metadata.json'), path('license.pdf')]);
    expect(existsSync(path('metadata.json'))).toBe(true);
    for (const name of ['license.pdf', 'own.pdf']) {
      expect(execFileSync('qpdf', ['--check', path(name)], { encoding: 'utf8' })).not.toMatch(/WARNING|ERROR/);
    }
    // poppler finds the office's own picture with its transparency mask.
    expect(execFileSync('pdfimages', ['-list', path('own.pdf')], { encoding: 'utf8' })).toMatch(
      /image\s+240\s+240\s+rgb[\s\S]*smask\s+240\s+240\s+gray/,
    );
    expect(execFileSync('pdfinfo', [path('license.pdf')], { encoding: 'utf8' })).toMatch(
      /PDF subtype:\s+PDF\/A-3B|PDF version:\s+1\.7/,
    );
  });

  test('BouncyCastle verifies the signature, attributes in DER order', () => {
    writeFileSync(path('Check.java'), JAVA);
    const jars = ['bcprov', 'bcpkix', 'bcutil']
      .map((name) => `/usr/share/java/${name}.jar`)
      .filter((jar) => existsSync(jar));
    const run = (covered: string) =>
      spawnSync('java', ['-cp', jars.join(':'), path('Check.java'), path(covered), path('license.p7s')], {
        encoding: 'utf8',
      });
    const validRun = run('license.covered');
    expect(validRun.stdout.trim(), validRun.stderr).toBe('verified');
    expect(run('root.pem').stdout.trim()).not.toBe('verified');
  });
});

const JAVA = `
import java.nio.file.*;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;

public class Check {
  public static void main(String[] args) throws Exception {
    CMSSignedData cms = new CMSSignedData(new CMSProcessableByteArray(Files.readAllBytes(Path.of(args[0]))), Files.readAllBytes(Path.of(args[1])));
    SignerInformation signer = cms.getSignerInfos().getSigners().iterator().next();
    X509CertificateHolder holder = (X509CertificateHolder) cms.getCertificates().getMatches(signer.getSID()).iterator().next();
    System.out.println(signer.verify(new JcaSimpleSignerInfoVerifierBuilder().build(holder)) ? "verified" : "refused");
  }
}
`;
