import { verify } from 'node:crypto';
import { parseForeignJson } from '../../../kernel/foreign/json.ts';
import type { PublicKey } from '../format/certificate.ts';
import { TAG } from '../format/der.ts';
import { Failure } from '../verdict.ts';

/** A parsed compact JWS (RFC 7515). Its signature has not been checked yet. */
export interface Jws {
  header: Record<string, unknown>;
  payload: unknown;
  signed: Buffer;
  signature: Buffer;
}

const SIGNATURE_BYTES = 64;
/** Maximum length of a JWS. A status list with 100,000 entries has about 70 kB. */
const MAX_JWS_CHARS = 4_194_304;

const formatFailure = (detail: string) => new Failure('FORMAT_FAILURE', detail);

/** Parses a compact JWS with an ES256 signature. Throws Failure FORMAT_FAILURE. */
export function readJws(text: string): Jws {
  const parts = text.length > MAX_JWS_CHARS ? [] : text.split('.');
  const [header, payload, signature] = parts.map(decodeBase64Url);
  if (parts.length !== 3 || !header || !payload || !signature) throw formatFailure('不是三段式 JWS');
  if (signature.length !== SIGNATURE_BYTES) throw formatFailure('JWS 签名长度不正确');
  const signed = Buffer.from(text.slice(0, text.lastIndexOf('.')), 'latin1');
  const headerValue = parseJson(header);
  if (typeof headerValue !== 'object' || headerValue === null || Array.isArray(headerValue))
    throw formatFailure('JWS 头部不是对象');
  return { header: headerValue as Record<string, unknown>, payload: parseJson(payload), signed, signature };
}

/** Refuses FORMAT_FAILURE unless the header has `alg` ES256, this `typ`, and otherwise exactly the given members. */
export function requireHeader({ header }: Jws, typ: string, members: readonly string[]): void {
  const names = Object.keys(header).sort().join();
  if (header.alg !== 'ES256' || header.typ !== typ || names !== ['alg', 'typ', ...members].sort().join()) {
    throw formatFailure(`JWS 头部不是 ES256 的 ${typ}`);
  }
}

/** Returns whether the key (P-256) made the signature. */
export function isSignedBy({ signed, signature }: Jws, { kind, object }: PublicKey): boolean {
  if (kind !== 'P256' || !object) return false;
  return verify('sha256', signed, object, toDerSignature(signature));
}

/** Encodes r and s (RFC 7518 §3.4) as DER. Measured: node:crypto is nearly twice as slow if it converts them itself. */
function toDerSignature(signature: Buffer): Buffer {
  const half = SIGNATURE_BYTES / 2;
  const numbers = [signature.subarray(0, half), signature.subarray(half)].flatMap((integer) => {
    const first = integer.findIndex((octet) => octet !== 0);
    const digits = integer.subarray(first < 0 ? half - 1 : first);
    const padding = (digits[0] ?? 0) >= 0x80 ? [0] : [];
    return [Buffer.from([TAG.integer, padding.length + digits.length, ...padding]), digits];
  });
  const body = Buffer.concat(numbers);
  return Buffer.concat([Buffer.from([TAG.sequence, body.length]), body]);
}

/** Decodes canonical base64url without padding. Returns null for any other text. */
export function decodeBase64Url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : null;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return parseForeignJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw formatFailure('JWS 内容不是 JSON');
  }
}
