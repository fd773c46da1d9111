import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { buildPdf } from './files.ts';

/** Signed PDFs of another authority, made by another library. */

export interface Issued {
  certificate: forge.pki.Certificate;
  key: forge.pki.rsa.PrivateKey;
}

/** Issues a certificate; without an issuer it signs itself. */
export function issue(name: string, issuer: Issued | null, { isCa = false, until = '2030-01-01' } = {}): Issued {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = forge.pki.privateKeyFromPem(pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date('2020-01-01T00:00:00Z');
  certificate.validity.notAfter = new Date(`${until}T00:00:00Z`);
  const subject = [{ name: 'commonName', value: name }];
  certificate.setSubject(subject);
  certificate.setIssuer(issuer?.certificate.subject.attributes ?? subject);
  certificate.setExtensions([{ name: 'basicConstraints', cA: isCa, critical: true }]);
  certificate.sign(issuer?.key ?? key, forge.md.sha256.create());
  return { certificate, key };
}

/** The PEM of a certificate. */
export function toPem({ certificate }: Issued): string {
  return forge.pki.certificateToPem(certificate);
}

const VALUE_CHARS = 12_000;

/** Signs a PDF as programs do: the value stands between the two ranges that it covers. */
export function signPdf(by: Issued, chain: readonly Issued[], digest = forge.pki.oids.sha256 as string): Buffer {
  const gap = `<${'0'.repeat(VALUE_CHARS)}>`;
  const numbers = (at: number, end: number) =>
    [0, at, at + gap.length, end - at - gap.length].map((n) => String(n).padStart(10, '0')).join(' ');
  const draft = buildPdf('license', `<< /Type /Sig /ByteRange [${numbers(0, 0)}] /Contents ${gap} >>`);
  const at = draft.indexOf(gap);
  const text = draft.toString('latin1').replace(/\[0{10} [^\]]*\]/, `[${numbers(at, draft.length)}]`);
  const p7 = forge.pkcs7.createSignedData();
  p7.content = forge.util.createBuffer(text.slice(0, at) + text.slice(at + gap.length));
  for (const { certificate } of chain) p7.addCertificate(certificate);
  const { contentType, messageDigest, data } = forge.pki.oids as Record<string, string>;
  p7.addSigner({
    key: by.key,
    certificate: by.certificate,
    digestAlgorithm: digest,
    authenticatedAttributes: [
      { type: contentType as string, value: data as string },
      { type: messageDigest as string },
    ],
  });
  p7.sign({ detached: true });
  const value = Buffer.from(forge.asn1.toDer(p7.toAsn1()).getBytes(), 'latin1').toString('hex');
  return Buffer.from(text.replace(gap, `<${value.padEnd(VALUE_CHARS, '0')}>`), 'latin1');
}
