import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/**
 * Standard Webhooks 1.0.0, symmetric: HMAC-SHA-256 over `id.timestamp.body`.
 * Written from the standard; it shares no code with the hub.
 */

const MAX_CLOCK_SKEW_SECONDS = 300;

/** Returns the 32 bytes after `whsec_`. Throws if the text is not such a secret. */
export function parseSecret(text: string): Buffer {
  const bytes = Buffer.from(text.replace(/^whsec_/, ''), 'base64');
  if (!text.startsWith('whsec_') || bytes.length !== 32) throw new Error('密钥须为 whsec_ 开头的 32 字节 base64');
  return bytes;
}

function computeMac(secret: Uint8Array, id: string, timestamp: string, body: string): Buffer {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest();
}

/** Returns the reason to reject a message, or null if it is genuine and fresh. */
export function findRejectionReason(
  secret: Uint8Array,
  headers: Record<string, string | string[] | undefined>,
  body: string,
  now: Date,
): string | null {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return '请求没有签名';
  const expected = computeMac(secret, id, timestamp, body);
  const isGenuine = signatures.split(' ').some((signature) => {
    const signatureBytes = Buffer.from(signature.startsWith('v1,') ? signature.slice(3) : '', 'base64');
    return signatureBytes.length === expected.length && timingSafeEqual(signatureBytes, expected);
  });
  if (!isGenuine) return '签名与报文不符';
  if (!(Math.abs(Number(timestamp) - now.getTime() / 1000) <= MAX_CLOCK_SKEW_SECONDS))
    return '签名时间与本机时间相差过大';
  return null;
}

/** Returns the headers of a signed outgoing message. `id` identifies the message in every attempt. */
export function buildSignedHeaders(
  webhook: string,
  secret: Uint8Array,
  body: string,
  now: Date,
  id: string = randomUUID(),
): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  return {
    'content-type': 'application/json',
    'tongquan-webhook': webhook,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${computeMac(secret, id, timestamp, body).toString('base64')}`,
  };
}
