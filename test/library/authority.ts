import { createHash, generateKeyPairSync, type KeyObject, randomInt, sign as rsaSign } from 'node:crypto';

/** A small authority for tests of the city library. It writes DER itself, so that tests can corrupt each octet. */

export interface Keys {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export interface IssuedCertificate extends Keys {
  certificate: Uint8Array;
  name: Buffer;
  serial: Buffer;
}

function makeKeys(): Keys {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const octets =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x10000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), content]);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let remaining = arc >>> 7; remaining > 0; remaining >>>= 7) groups.unshift((remaining & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Buffer.from(octets));
}

const encodeInteger = (value: number) => der(0x02, Buffer.from([value]));
const derNull = der(0x05);
const rsaSha256 = der(0x30, oid('1.2.840.113549.1.1.11'), derNull);
const sha256Algorithm = der(0x30, oid('2.16.840.1.101.3.4.2.1'), derNull);
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest();

function encodeTime(at: Date): Buffer {
  const text = at.toISOString().replace(/[-:T]|\.\d+/g, '');
  return at.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

function writeName(organization: string, common: string): Buffer {
  const part = (type: string, text: string) => der(0x31, der(0x30, oid(type), der(0x0c, Buffer.from(text))));
  return der(0x30, part('2.5.4.10', organization), part('2.5.4.3', common));
}

export interface CertificateOptions {
  organization: string;
  common: string;
  /** Null for a self-signed root. */
  issuer: IssuedCertificate | null;
  isCa?: boolean;
  pathLength?: number;
  keyUsage?: number;
  validFrom?: Date;
  validUntil?: Date;
  keys?: Keys;
  /** Complete extensions to append. */
  extra?: readonly Uint8Array[];
}

export function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return der(0x30, oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));
}

export function issueCertificate(options: CertificateOptions): IssuedCertificate {
  const { organization, common, issuer, isCa = false, pathLength, keyUsage, extra = [] } = options;
  const keys = options.keys ?? makeKeys();
  const name = writeName(organization, common);
  const serial = Buffer.from([0x01, ...Array.from({ length: 7 }, () => randomInt(256))]);
  const from = options.validFrom ?? new Date('2020-01-01T00:00:00Z');
  const until = options.validUntil ?? new Date('2060-01-01T00:00:00Z');
  const usage = keyUsage ?? (isCa ? 0x06 : 0xc0);
  const constraints = isCa
    ? der(0x30, der(0x01, Buffer.from([0xff])), ...(pathLength === undefined ? [] : [encodeInteger(pathLength)]))
    : der(0x30);
  const tbs = der(
    0x30,
    der(0xa0, encodeInteger(2)),
    der(0x02, serial),
    rsaSha256,
    issuer?.name ?? name,
    der(0x30, encodeTime(from), encodeTime(until)),
    name,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      der(
        0x30,
        extension('2.5.29.19', true, constraints),
        extension('2.5.29.15', true, der(0x03, Buffer.from([isCa ? 1 : 6, usage]))),
        ...extra,
      ),
    ),
  );
  const signature = rsaSign('sha256', tbs, (issuer ?? keys).privateKey);
  const certificate = der(0x30, tbs, rsaSha256, der(0x03, Buffer.from([0]), signature));
  return { ...keys, certificate, name, serial };
}

export function pem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

export interface SealOptions {
  signer: IssuedCertificate;
  issuer: IssuedCertificate;
  /** Enclosed certificates. Default: the signer's and its issuer's. */
  enclose?: readonly Uint8Array[];
  signingTime?: Date;
  /** Changes the attributes before they are signed. */
  attributes?: (sorted: Buffer[]) => Buffer[];
  /** The certificate that signing-certificate-v2 names. Default: the signer's. */
  bound?: Uint8Array;
}

/** A detached CAdES B-B signature over `document`. */
export function seal(document: Uint8Array, options: SealOptions): Uint8Array {
  const { signer, issuer } = options;
  const attribute = (id: string, value: Uint8Array) => der(0x30, oid(id), der(0x31, value));
  const issuerSerial = der(0x30, der(0x30, der(0xa4, issuer.name)), der(0x02, signer.serial));
  const essCert = der(0x30, der(0x04, sha256(options.bound ?? signer.certificate)), issuerSerial);
  const sorted = [
    attribute('1.2.840.113549.1.9.3', oid('1.2.840.113549.1.7.1')),
    attribute('1.2.840.113549.1.9.4', der(0x04, sha256(document))),
    attribute('1.2.840.113549.1.9.16.2.47', der(0x30, der(0x30, essCert))),
    ...(options.signingTime ? [attribute('1.2.840.113549.1.9.5', encodeTime(options.signingTime))] : []),
  ].sort(Buffer.compare);
  const attributes = options.attributes?.(sorted) ?? sorted;
  const value = rsaSign('sha256', der(0x31, ...attributes), signer.privateKey);
  const signerInfo = der(
    0x30,
    encodeInteger(1),
    der(0x30, issuer.name, der(0x02, signer.serial)),
    sha256Algorithm,
    der(0xa0, ...attributes),
    der(0x30, oid('1.2.840.113549.1.1.1'), derNull),
    der(0x04, value),
  );
  const enclosed = options.enclose ?? [signer.certificate, issuer.certificate];
  const signedData = der(
    0x30,
    encodeInteger(1),
    der(0x31, sha256Algorithm),
    der(0x30, oid('1.2.840.113549.1.7.1')),
    der(0xa0, ...enclosed),
    der(0x31, signerInfo),
  );
  return der(0x30, oid('1.2.840.113549.1.7.2'), der(0xa0, signedData));
}
