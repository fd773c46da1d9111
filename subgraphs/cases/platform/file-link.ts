import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { UUID_PATTERN } from '../../kernel/identifier.ts';

/** Signed links by which a platform fetches a file that the hub has listed for it (protocol 2). */

/** How long a link serves: a platform fetches at once, and asks for another list later. */
export const LINK_SECONDS = 300;
export const FILES_PATH = '/cases/platform/v2/files';

/** A file of an upload, as it was listed in the answer to a message. */
export interface FileLink {
  platformId: string;
  /** The message that asked. It names the person and the purpose. */
  messageId: string;
  upload: string;
  /** First moment at which it no longer serves, in seconds since 1970. */
  until: number;
}

/** Returns the key that signs links, from the key of cases. */
export function deriveLinkKey(derivationKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', derivationKey, '', 'tongquan approval platform file links', 32));
}

/** Returns a link as a path with its query. */
export function writeFileLink(key: Uint8Array, link: FileLink): string {
  const { platformId, messageId, upload, until } = link;
  const signature = sign(key, link).toString('base64url');
  const query = new URLSearchParams({ platform: platformId, message: messageId, until: String(until), signature });
  return `${FILES_PATH}/${upload}?${query}`;
}

/** Returns what a link names, or null if the hub did not sign it or it no longer serves. */
export function readFileLink(
  key: Uint8Array,
  upload: string,
  query: Readonly<Record<string, unknown>>,
  now: Date,
): FileLink | null {
  const [platformId, messageId, until, signature] = ['platform', 'message', 'until', 'signature'].map((name) =>
    typeof query[name] === 'string' ? query[name] : '',
  ) as [string, string, string, string];
  const isFormed = [platformId, messageId, upload].every((id) => UUID_PATTERN.test(id)) && /^\d{1,12}$/.test(until);
  if (!isFormed) return null;
  const link = { platformId, messageId, upload, until: Number(until) };
  const [expected, claimed] = [sign(key, link), Buffer.from(signature, 'base64url')];
  const isGenuine = claimed.length === expected.length && timingSafeEqual(claimed, expected);
  return isGenuine && now.getTime() < link.until * 1000 ? link : null;
}

function sign(key: Uint8Array, { platformId, messageId, upload, until }: FileLink): Buffer {
  return createHmac('sha256', key).update([platformId, messageId, upload, until].join('\n')).digest();
}
