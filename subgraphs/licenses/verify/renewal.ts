import { createHash } from 'node:crypto';
import { z } from 'zod';
import { toCanonicalJson } from '../../kernel/events/events.ts';
import { parseForeignJson } from '../../kernel/foreign/json.ts';
import { isAhead } from '../../kernel/period/freshness.ts';
import { type ArchiveStamp, type Bundle, MAX_BUNDLE_BYTES } from './evidence.ts';
import { type Certificate, readCertificates } from './format/certificate.ts';
import { type Grounds, readToken, requireToken, type Token } from './format/timestamp.ts';
import { readLists } from './revocation.ts';
import { Failure, formatTime } from './verdict.ts';

const MAX_CERTIFICATES = 16;
const MAX_STAMPS = 32;
const base64 = z.string().refine((text) => Buffer.from(text, 'base64').toString('base64') === text && text !== '');
const material = {
  certificates: z.array(base64).max(MAX_CERTIFICATES),
  revocation: z.array(base64).max(MAX_CERTIFICATES),
};
const loggedUseForm = z.strictObject({ entry: z.record(z.string(), z.unknown()), proof: z.string() });
const bundleForm = z.strictObject({
  format: z.literal('tongquan-evidence-1'),
  identifier: z.string(),
  document: z.string().regex(/^[0-9a-f]{64}$/),
  ...material,
  status: z.string().nullable(),
  log: loggedUseForm.optional(),
  stamps: z.array(z.strictObject({ ...material, token: base64 })).max(MAX_STAMPS),
  latest: z
    .strictObject({ revocation: material.revocation, status: z.string(), log: loggedUseForm.optional() })
    .optional(),
});

/**
 * Reads a bundle (证据包). Throws Failure NO_POE: an unreadable bundle proves nothing, and is no evidence against a
 * signature.
 */
export function readBundle(bytes: Uint8Array): Bundle {
  if (bytes.length > MAX_BUNDLE_BYTES) throw new Failure('NO_POE', `证据包超过 ${MAX_BUNDLE_BYTES} 字节`);
  try {
    return bundleForm.parse(parseForeignJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    throw new Failure('NO_POE', '证据包不是规定的形式');
  }
}

/** Returns the SHA-256 that the archive stamp at `index` must cover. */
export function stampImprint(bundle: Bundle, index: number): Buffer {
  const { token: _, ...material } = bundle.stamps[index] ?? { token: '' };
  const stamps = [...bundle.stamps.slice(0, index), material];
  const { latest: _latest, ...bundleToStamp } = bundle;
  return createHash('sha256')
    .update(toCanonicalJson({ ...bundleToStamp, stamps }))
    .digest();
}

/** A token and the material for judging it: all certificates, and the lists of its time or newer. */
interface Link {
  name: string;
  token: Token;
  grounds: Grounds;
}

/** Since when a signature is proven to exist, and the material for judging the signer's certificate. */
export interface Proof {
  /** The time of the oldest token, or null if there is none. */
  provenAt: Date | null;
  /** The material for judging the signature's own certificate. */
  grounds: Grounds;
  /** The time of the oldest archive stamp, or null. The content of the bundle existed at that time. */
  stampedAt: Date | null;
}

/** The trusted roots, the bundle, and the material that the verifier obtained itself. */
export interface TrustSources {
  roots: readonly Certificate[];
  /** Certificates and lists from outside the bundle. */
  certificates: readonly Uint8Array[];
  revocation: readonly Uint8Array[];
  bundle: Bundle | null;
}

/**
 * Reads the archive stamps of a bundle. Throws Failure NO_POE if one is not a valid token or does not cover everything
 * before it.
 */
export function readStamps(bundle: Bundle): Token[] {
  return bundle.stamps.map(({ token }, i) => {
    try {
      return readToken(Buffer.from(token, 'base64'), stampImprint(bundle, i));
    } catch (error) {
      const reason = error instanceof Failure ? error.message : '无法解析';
      throw new Failure('NO_POE', `第 ${i + 1} 个存档时间戳不能证明什么：${reason}`);
    }
  });
}

/**
 * Gathers the material as of stamp `from` (0: the bundle itself): every certificate, and the lists of that time or
 * newer.
 */
function groundsFrom({ roots, certificates, revocation, bundle }: TrustSources, from: number): Grounds {
  const layers: Pick<ArchiveStamp, 'certificates' | 'revocation'>[] = bundle ? [bundle, ...bundle.stamps] : [];
  const bytes = (texts: readonly string[]) => texts.map((text) => Buffer.from(text, 'base64'));
  const candidates = readCertificates([...layers.flatMap((layer) => bytes(layer.certificates)), ...certificates]);
  const laterLayers = [...layers.slice(from), ...(bundle?.latest ? [bundle.latest] : [])];
  const lists = readLists([...laterLayers.flatMap((layer) => bytes(layer.revocation)), ...revocation]);
  return { roots, candidates, lists };
}

/**
 * Judges the tokens from the newest to the oldest: the newest at the time of the verification, each older one at the
 * time of the next newer one. A stamp made while the previous one was valid preserves its validity (ETSI EN 319 102-1
 * §5.6). Throws Failure: TIMESTAMP_ORDER_FAILURE, NO_POE, or the reason why a token is not valid.
 */
export function requireRenewal(
  sources: TrustSources,
  signatureToken: Token | null,
  stamps: readonly Token[],
  now: Date,
): Proof {
  const links: Link[] = stamps.map((token, i) => ({
    name: `第 ${i + 1} 个存档时间戳`,
    token,
    grounds: groundsFrom(sources, i + 1),
  }));
  const grounds = groundsFrom(sources, 0);
  if (signatureToken) links.unshift({ name: '签名时间戳', token: signatureToken, grounds });
  else if (stamps.length > 0) throw new Failure('NO_POE', '签名没有时间戳，存档时间戳不能证明签名的时间');
  requireOrderOf(links, now);
  for (let i = links.length - 1; i >= 0; i--) {
    const [link, newer] = [links[i], links[i + 1]];
    if (!link) continue;
    const at = newer?.token.genTime ?? now;
    try {
      requireToken(link.token, link.grounds, { at, now, proven: newer !== undefined });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      throw new Failure(error.subIndication, `${link.name}：${error.message}`);
    }
  }
  return { provenAt: signatureToken?.genTime ?? null, grounds, stampedAt: stamps[0]?.genTime ?? null };
}

function requireOrderOf(links: readonly Link[], now: Date): void {
  links.forEach(({ name, token }, i) => {
    const newer = links[i + 1];
    const time = formatTime(token.genTime);
    if (newer && newer.token.genTime < token.genTime) {
      throw new Failure('TIMESTAMP_ORDER_FAILURE', `${newer.name}早于${name} ${time}`);
    }
    if (!newer && isAhead(token.genTime, now)) {
      throw new Failure('TIMESTAMP_ORDER_FAILURE', `${name} ${time} 在将来`);
    }
  });
}
