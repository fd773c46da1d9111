import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tamperAttachment, tamperCertificate, tamperPageContent, tamperSignedAttribute } from '../../scripts/tamper.ts';
import { grantCase, issue, ROUTES } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';

/** A license of this hub in the hands of tools that are not ours. */
describe('a license and openssl, poppler, qpdf, BouncyCastle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-interop-'));
  const path = (name: string) => join(folder, name);
  let hub: TestHub;
  let pdf: Buffer;
  let signature: Buffer;
  beforeAll(async () => {
    hub = await testHub();
    const license = await issue(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    const file = async (digest: string) => {
      const headers = { authorization: `Bearer ${await hub.token('auditor')}` };
      return (await hub.hub.app.inject({ method: 'GET', url: `/files/${digest}`, headers })).rawPayload;
    };
    pdf = await file(license.document.digest);
    signature = await file(license.document.signature.digest);
    writeFileSync(path('license.pdf'), pdf);
    writeFileSync(path('license.p7s'), signature);
    writeFileSync(path('root.pem'), await hub.hub.seals.rootCertificate());
  });
  afterAll(async () => {
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const openssl = (pdfFile: string, p7sFile: string) => {
    const [content, p7s, root] = [path(pdfFile), path(p7sFile), path('root.pem')];
    const args = `cms -verify -cades -binary -inform DER -in ${p7s} -content ${content} -CAfile ${root} -purpose any -out /dev/null`;
    return spawnSync('openssl', args.split(' '), { encoding: 'utf8' }).status;
  };

  test('openssl accepts it, and refuses four tampered copies', () => {
    expect(openssl('license.pdf', 'license.p7s')).toBe(0);
    const forgeries = {
      page: [tamperPageContent(pdf), signature],
      json: [tamperAttachment(pdf), signature],
      attribute: [pdf, tamperSignedAttribute(signature)],
      certificate: [pdf, tamperCertificate(signature)],
    };
    for (const [name, [forgedPdf, forgedSignature]] of Object.entries(forgeries)) {
      writeFileSync(path(`${name}.pdf`), forgedPdf ?? '');
      writeFileSync(path(`${name}.p7s`), forgedSignature ?? '');
      expect(openssl(`${name}.pdf`, `${name}.p7s`), name).not.toBe(0);
      expect(execFileSync('pdfinfo', [path(`${name}.pdf`)], { encoding: 'utf8' }), name).toContain(
        'Pages:           1',
      );
    }
  });

  test('poppler reads the page and the attachment, qpdf is silent', () => {
    expect(execFileSync('pdftotext', [path('license.pdf'), '-'], { encoding: 'utf8' })).toContain('林木采伐许可证');
    execFileSync('pdfdetach', ['-save', '1', '-o', path('metadata.json'), path('license.pdf')]);
    expect(existsSync(path('metadata.json'))).toBe(true);
    expect(execFileSync('qpdf', ['--check', path('license.pdf')], { encoding: 'utf8' })).not.toMatch(/WARNING|ERROR/);
    expect(execFileSync('pdfinfo', [path('license.pdf')], { encoding: 'utf8' })).toMatch(
      /PDF subtype:\s+PDF\/A-3B|PDF version:\s+1\.7/,
    );
  });

  test('BouncyCastle verifies the signature, attributes in DER order', () => {
    writeFileSync(path('Check.java'), JAVA);
    const jars = ['bcprov', 'bcpkix', 'bcutil']
      .map((name) => `/usr/share/java/${name}.jar`)
      .filter((jar) => existsSync(jar));
    const run = (pdfFile: string) =>
      spawnSync('java', ['-cp', jars.join(':'), path('Check.java'), path(pdfFile), path('license.p7s')], {
        encoding: 'utf8',
      });
    const good = run('license.pdf');
    expect(good.stdout.trim(), good.stderr).toBe('verified');
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
