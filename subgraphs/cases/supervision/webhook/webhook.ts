import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { findUrlProblem, type Surroundings } from '../../../kernel/outgoing/address.ts';
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

/** Checks a URL that the hub posts to, as far as its text tells. Refuses WEBHOOK_URL_REFUSED. */
export function requireWebhookUrl(text: string, listedHosts: readonly string[], surroundings: Surroundings): URL {
  if (text.length > MAX_URL_CHARS) throw new Refusal('WEBHOOK_URL_REFUSED', 'url', `最多 ${MAX_URL_CHARS} 字`);
  const problem = findUrlProblem(text, { by: 'PERSON', listedHosts }, surroundings);
  if (problem !== null) throw new Refusal('WEBHOOK_URL_REFUSED', 'url', problem);
  return new URL(text);
}

/**
 * Returns the secret of a webhook, 32 bytes. It is derived from the key of cases and the registration.
 * Thus it is in no database, and each registration has another.
 */
export function secretOf(derivationKey: Uint8Array, webhookId: string): Uint8Array {
  return new Uint8Array(
    hkdfSync('sha256', derivationKey, '', `tongquan supervision webhook ${webhookId}`, SECRET_BYTES),
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
