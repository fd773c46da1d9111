import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { Refusal } from '../../../kernel/refusal.ts';

/**
 * Messages between the hub and a supervisor's system. Both directions are signed as Standard Webhooks 1.0.0 specifies.
 * That is HMAC-SHA-256 over `id.timestamp.body` with the secret of the webhook.
 * `docs/supervision.md` describes the protocol.
 */

export const ID_HEADER = 'webhook-id';
export const TIMESTAMP_HEADER = 'webhook-timestamp';
export const SIGNATURE_HEADER = 'webhook-signature';
/** Names the webhook whose secret signs a message to the hub. */
export const WEBHOOK_HEADER = 'tongquan-webhook';
/** Largest difference between a timestamp and the hub's clock, in both directions. */
const MAX_CLOCK_SKEW_SECONDS = 300;

const MAX_URL_CHARS = 500;
const SECRET_BYTES = 32;
const LOOPBACK_HOSTS = ['127.0.0.1', '[::1]', 'localhost'];

/**
 * Checks a URL that the hub posts to: https, or http on this very machine, because a push names an applicant.
 * Refuses WEBHOOK_URL_REFUSED.
 */
export function requireWebhookUrl(text: string): URL {
  const url = text.length <= MAX_URL_CHARS ? URL.parse(text) : null;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK_HOSTS.includes(url.hostname));
  if (!url || !isSafe || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new Refusal('WEBHOOK_URL_REFUSED', 'url');
  }
  return url;
}

/** Addresses outside the public network, among them the hub's own neighbours. A registration must not reach these. */
const PRIVATE_NETWORKS = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE_NETWORKS.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE_NETWORKS.addSubnet(net, prefix, 'ipv6');
}

/**
 * Whether the hub may connect to `address` for `url`.
 * Allowed are public addresses, and loopback addresses if the URL itself names a loopback host.
 * Any address is allowed if the operator lists the host in `allowedHosts`, as a county's intranet needs.
 */
export function mayConnect(url: URL, address: string, allowedHosts: readonly string[]): boolean {
  if (allowedHosts.includes(url.hostname)) return true;
  const family = isIP(address);
  if (family === 0) return false;
  if (LOOPBACK_HOSTS.includes(url.hostname)) return address === '127.0.0.1' || address === '::1';
  // BlockList checks an IPv4-mapped IPv6 address by its IPv4 rules.
  return !PRIVATE_NETWORKS.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Returns the secret of a webhook, 32 bytes. It is derived from the key of cases and the registration.
 * Thus it is in no database, and each registration has another.
 */
export function secretOf(authorisationKey: Uint8Array, webhookId: string): Uint8Array {
  return new Uint8Array(
    hkdfSync('sha256', authorisationKey, '', `tongquan supervision webhook ${webhookId}`, SECRET_BYTES),
  );
}

/** A secret as it is shown once: `whsec_` and base64, the form that Standard Webhooks libraries take. */
export function showSecret(secret: Uint8Array): string {
  return `whsec_${Buffer.from(secret).toString('base64')}`;
}

/** The signed parts of a message: id, seconds since 1970, the exact body. */
export interface SignedMessage {
  id: string;
  timestamp: number;
  body: string;
}

/** `v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`. */
export function writeSignature(secret: Uint8Array, { id, timestamp, body }: SignedMessage): string {
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return `v1,${mac}`;
}

export interface ClaimedMessage extends SignedMessage {
  webhook: string;
  signatures: readonly string[];
}

const MESSAGE_ID = /^[\x21-\x2d\x2f-\x7e]{1,100}$/;
const MAX_SIGNATURES_CHARS = 1_000;

/** Parses the headers of a message without verifying them. Refuses SIGNATURE_MISSING, SIGNATURE_MALFORMED. */
export function parseHeaders(headers: Record<string, string | string[] | undefined>, body: string): ClaimedMessage {
  const [webhook, id, timestamp, signature] = [WEBHOOK_HEADER, ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER].map(
    (name) => headers[name],
  );
  if (signature === undefined || signature === '') throw new Refusal('SIGNATURE_MISSING');
  const isWellFormed =
    typeof webhook === 'string' &&
    typeof id === 'string' &&
    MESSAGE_ID.test(id) &&
    typeof timestamp === 'string' &&
    /^\d{1,12}$/.test(timestamp) &&
    typeof signature === 'string' &&
    signature.length <= MAX_SIGNATURES_CHARS;
  if (!isWellFormed) throw new Refusal('SIGNATURE_MALFORMED');
  return { webhook, id, timestamp: Number(timestamp), body, signatures: signature.split(' ') };
}

/**
 * Refuses SIGNATURE_INVALID, TIMESTAMP_NOT_FRESH unless a message was signed with `secret` within
 * MAX_CLOCK_SKEW_SECONDS.
 */
export function requireValidSignature(message: ClaimedMessage, secret: Uint8Array, now: Date): void {
  const expected = Buffer.from(writeSignature(secret, message));
  const isGenuine = message.signatures.some((signature) => {
    const actual = Buffer.from(signature);
    return actual.length === expected.length && timingSafeEqual(actual, expected);
  });
  if (!isGenuine) throw new Refusal('SIGNATURE_INVALID');
  if (Math.abs(message.timestamp - now.getTime() / 1000) > MAX_CLOCK_SKEW_SECONDS)
    throw new Refusal('TIMESTAMP_NOT_FRESH');
}
