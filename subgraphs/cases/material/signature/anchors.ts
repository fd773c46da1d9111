import { X509Certificate } from 'node:crypto';

/** Certificates of authorities whose signatures on other authorities' licenses the office trusts. */

const MAX_ANCHORS = 100;
const PEM = /-----BEGIN CERTIFICATE-----[\w+/=\s]+-----END CERTIFICATE-----/g;

/** Returns the certificates of a PEM file. Throws an error if it has none, too many, or one that is no authority. */
export function parseAnchors(text: string): string[] {
  const anchors = text.match(PEM) ?? [];
  if (anchors.length === 0 || anchors.length > MAX_ANCHORS) throw new Error(`须有 1 至 ${MAX_ANCHORS} 张证书`);
  for (const pem of anchors) if (!new X509Certificate(pem).ca) throw new Error('其中有证书不是签发机构的证书');
  return anchors;
}
