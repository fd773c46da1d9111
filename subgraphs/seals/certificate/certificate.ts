import { X509Certificate } from 'node:crypto';
import { Refusal } from '../../kernel/refusal.ts';
import { KEY_USAGE, keyUsageOf } from '../signer/pki.ts';

/** Seal certificates issued by an authority other than the hub's own (电子认证服务机构签发的印章证书). Pure functions. */

/** Maximum of certificates in a chain, and of characters in its text. */
const CHAIN_MOST = 5;
const CHAIN_LENGTH = 40_000;
/** Maximum of DER bytes of a chain. It must fit into the space that a document reserves for its signature. */
const CHAIN_BYTES_MOST = 7_000;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** Parses the certificates in a PEM text, in its order. Refuses CERTIFICATE_MALFORMED. */
export function readChain(text: string): string[] {
  const blocks = text.length <= CHAIN_LENGTH ? (text.match(PEM) ?? []) : [];
  if (blocks.length === 0 || blocks.length > CHAIN_MOST) throw malformed();
  return blocks.map((block) => readOne(block).toString());
}

const malformed = () => new Refusal('CERTIFICATE_MALFORMED', 'certificates');

function readOne(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw malformed();
  }
}

/** What a seal's certificate is checked against. */
export interface Expected {
  /** The seal's certificates, PEM, newest last. The newest has the key that signs. */
  own: readonly string[];
  organName: string;
  /** Authorities that the hub trusts, PEM. */
  trusted: readonly string[];
}

/**
 * Verifies the chain of a seal's certificate. It must have the seal's key and organ, be in force, allow signatures, and
 * lead to a trusted authority. Returns the chain without that authority, PEM, the seal's own certificate first. Refuses
 * AUTHORITY_NOT_TRUSTED, CERTIFICATE_UNFIT, CERTIFICATE_MALFORMED.
 */
export function requireChain(chain: readonly string[], { own, organName, trusted }: Expected, at: Date): string[] {
  if (trusted.length === 0) {
    throw new Refusal('AUTHORITY_NOT_TRUSTED', 'certificates', '本枢纽没有配置任何印章证书签发机构');
  }
  const [first, ...above] = chain.map(readOne);
  const newest = own.at(-1);
  if (!first || newest === undefined) throw malformed();
  if (!sameKey(first, readOne(newest))) throw unfit('公钥不是此印章的公钥');
  if (own.some((pem) => readOne(pem).raw.equals(first.raw))) throw unfit('此印章已有这份证书');
  if (first.ca) throw unfit('签发机构的证书不能作为印章证书');
  const { O: organisation } = first.toLegacyObject().subject as { O?: string | string[] };
  if (organisation !== organName) throw unfit(`证书中的机构名称不是“${organName}”`);
  const usage = keyUsageOf(first.raw);
  const signs = KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation;
  if (usage === null || (usage & signs) !== signs) throw unfit('密钥用途须含数字签名和抗抵赖');
  const authorities = trusted.map(readOne);
  const between = above.filter((one) => !authorities.some(({ raw }) => raw.equals(one.raw)));
  const path = [first, ...between];
  requirePath(path, authorities, at);
  const bytes = path.reduce((sum, { raw }) => sum + raw.length, 0);
  if (bytes > CHAIN_BYTES_MOST) throw unfit('证书链过大，放不进签名位置');
  return path.map((one) => one.toString());
}

/** Requires that each certificate is issued by the next and the last by an authority. All of them must be in force. */
function requirePath(path: readonly X509Certificate[], authorities: readonly X509Certificate[], at: Date): void {
  path.forEach((one, place) => {
    if (at < one.validFromDate || at > one.validToDate) throw unfit('证书不在有效期内');
    const next = path[place + 1];
    const issuers = next
      ? [next]
      : authorities.filter(({ validFromDate, validToDate }) => validFromDate <= at && at <= validToDate);
    if (issuers.some((issuer) => issued(issuer, one))) return;
    if (next) throw unfit('证书链各级之间不能验证');
    throw new Refusal('AUTHORITY_NOT_TRUSTED', 'certificates');
  });
}

function issued(issuer: X509Certificate, one: X509Certificate): boolean {
  const usage = keyUsageOf(issuer.raw);
  const may = issuer.ca && (usage === null || (usage & KEY_USAGE.keyCertSign) !== 0);
  return may && one.checkIssued(issuer) && one.verify(issuer.publicKey);
}

function sameKey(one: X509Certificate, other: X509Certificate): boolean {
  return one.publicKey.equals(other.publicKey);
}

const unfit = (why: string) => new Refusal('CERTIFICATE_UNFIT', 'certificates', why);
