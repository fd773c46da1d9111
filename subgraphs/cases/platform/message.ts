import { createPublicKey } from 'node:crypto';
import { flattenedVerify } from 'jose';
import { z } from 'zod';
import type { Person } from '../../kernel/actor.ts';
import { daySchema, offsetInstantSchema } from '../../kernel/day-schema.ts';
import { sha256 } from '../../kernel/events/events.ts';
import { parseStrictJson } from '../../kernel/foreign/json.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { PAUSE_KINDS } from '../case.ts';
import { PUBLICATION_EXEMPTIONS } from '../publication/publication.ts';

/** A platform's message to the hub and the signature on it. `docs/approval-platform.md` describes the protocol. */

/** Header that carries the detached JWS (RFC 7515 appendix F), in both directions. */
export const SIGNATURE_HEADER = 'x-jws-signature';
/** Largest message that is read. */
export const MAX_MESSAGE_BYTES = 65_536;
/** Longest accepted value of the signature header. */
const MAX_SIGNATURE_CHARS = 2_048;
/** Largest difference between `iat` and the hub's clock, in both directions. */
export const MAX_CLOCK_SKEW_SECONDS = 300;

const jwsHeaderSchema = z.strictObject({
  alg: z.literal('EdDSA'),
  /** JWK thumbprint of the key, RFC 7638. */
  kid: z.string().regex(/^[\w-]{43}$/),
  /** When it was signed, in seconds since 1970. */
  iat: z.number().int().nonnegative(),
  /** The hub's address for messages. A message for another county's hub is not valid here. */
  aud: z.string(),
});

/** A received signature with its parsed header, not verified yet. */
export interface ClaimedSignature extends z.infer<typeof jwsHeaderSchema> {
  /** The complete detached JWS. */
  jws: string;
}

export interface PlatformKey {
  kid: string;
  /** Public key, Ed25519: `x` of the JWK. */
  x: string;
  validFrom: Date;
  /** First moment at which it is no longer valid, or null. */
  validTo: Date | null;
}

/** Reads the signature header. Refuses SIGNATURE_MISSING, SIGNATURE_MALFORMED. */
export function parseSignature(header: string | string[] | undefined): ClaimedSignature {
  if (header === undefined || header === '') throw new Refusal('SIGNATURE_MISSING');
  if (typeof header !== 'string' || header.length > MAX_SIGNATURE_CHARS || !/^[\w-]+\.\.[\w-]+$/.test(header)) {
    throw new Refusal('SIGNATURE_MALFORMED');
  }
  const result = jwsHeaderSchema.safeParse(parseStrictJson(Buffer.from(header.split('.')[0] ?? '', 'base64url')));
  if (!result.success) throw new Refusal('SIGNATURE_MALFORMED');
  return { ...result.data, jws: header };
}

/**
 * Verifies a signature over the exact bytes of a body.
 * Refuses, in this order: KEY_UNKNOWN, KEY_NOT_IN_FORCE, SIGNATURE_INVALID, AUDIENCE_WRONG, TIMESTAMP_NOT_FRESH.
 */
export async function requireValidSignature(
  claimed: ClaimedSignature,
  key: PlatformKey | null,
  body: Uint8Array,
  { audience, now }: { audience: string; now: Date },
): Promise<void> {
  if (key === null || key.kid !== claimed.kid) throw new Refusal('KEY_UNKNOWN');
  if (!isKeyInForce(key, now)) throw new Refusal('KEY_NOT_IN_FORCE');
  const [header = '', , signature = ''] = claimed.jws.split('.');
  try {
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.x }, format: 'jwk' });
    const payload = Buffer.from(body).toString('base64url');
    await flattenedVerify({ protected: header, payload, signature }, publicKey, { algorithms: ['EdDSA'] });
  } catch {
    throw new Refusal('SIGNATURE_INVALID');
  }
  if (claimed.aud !== audience) throw new Refusal('AUDIENCE_WRONG');
  if (Math.abs(claimed.iat - now.getTime() / 1000) > MAX_CLOCK_SKEW_SECONDS) throw new Refusal('TIMESTAMP_NOT_FRESH');
}

/** Whether a key is valid at `at`. */
function isKeyInForce(key: PlatformKey, at: Date): boolean {
  return key.validFrom <= at && (key.validTo === null || at < key.validTo);
}

const messageFields = {
  /** A repeated message has the same id, and gets the same answer as the first one. */
  id: z.string().regex(UUID_PATTERN),
  /** The hub's number of the case (办件编号). A platform creates no cases. */
  caseNumber: z.string().regex(/^[0-9A-Za-z-]{1,40}$/),
  /** The organ that works on the platform. */
  organ: z.string().min(1).max(64),
  /** When it happened at the platform. */
  at: offsetInstantSchema,
  /** Who did it there. */
  by: z.strictObject({ id: z.string().regex(/^[\w.-]{1,64}$/), name: z.string().min(1).max(64) }),
};
/** The messages of protocol 1. */
const MESSAGES_V1 = [
  /** 签收: the platform shows the case. The case does not move. */
  z.strictObject({ type: z.literal('RECEIVED'), ...messageFields }),
  /** 退回补充审查, to the organ that examined. */
  z.strictObject({ type: z.literal('SENT_BACK'), ...messageFields, reason: z.string() }),
  /** 特别程序: the clock stops. `papers` are the numbers (文号) of the papers that it is based on. */
  z.strictObject({
    type: z.literal('PAUSED'),
    ...messageFields,
    kind: z.enum(PAUSE_KINDS),
    reason: z.string(),
    papers: z.array(z.string()),
  }),
  /** 恢复计时. */
  z.strictObject({ type: z.literal('RESUMED'), ...messageFields, note: z.string().nullable().default(null) }),
  /** 决定, and with it the authorisation of the seal (授权用印). */
  z.strictObject({
    type: z.literal('DECIDED'),
    ...messageFields,
    decision: z.enum(['GRANTED', 'REJECTED']),
    reason: z.string().nullable().default(null),
    validFrom: daySchema.nullable().default(null),
    validUntil: daySchema.nullable().default(null),
    authoriseSeal: z.boolean(),
    /** Why the decision is not published, or null: then it is, if the law publishes it. */
    withheld: z.enum(PUBLICATION_EXEMPTIONS).nullable().default(null),
  }),
] as const;
/** Protocol 2: the hub lists the materials of the case, with a link to each file. The case does not move. */
const materialsSchema = z.strictObject({
  type: z.literal('MATERIALS'),
  ...messageFields,
  /** For which the person in `by` reads the files (用途). */
  purpose: z.enum(['EXAMINATION', 'DECISION', 'VERIFICATION']),
});
const schemaV1 = z.discriminatedUnion('type', MESSAGES_V1);
const schemaV2 = z.discriminatedUnion('type', [...MESSAGES_V1, materialsSchema]);
export type MaterialsMessage = z.infer<typeof materialsSchema>;
export type PlatformMessage = z.infer<typeof schemaV2>;
export type MessageType = PlatformMessage['type'];
/** The outcome of a message. */
export type Verdict = 'DONE' | 'REFUSED';

/** Parses a body of protocol 1 whose signature is verified. Refuses MESSAGE_MALFORMED, with the path of the fault. */
export function parseMessage(body: Uint8Array): PlatformMessage {
  return parseBy(schemaV1, body);
}

/** The same for protocol 2, which has every message of protocol 1. */
export function parseMessageV2(body: Uint8Array): PlatformMessage {
  return parseBy(schemaV2, body);
}

function parseBy<Message>(schema: z.ZodType<Message>, body: Uint8Array): Message {
  const value = parseStrictJson(body);
  if (value === undefined) throw new Refusal('MESSAGE_MALFORMED');
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Refusal('MESSAGE_MALFORMED', result.error.issues[0]?.path.join('.') || null);
}

/** Returns the SHA-256 of a message's bytes, in hex. It distinguishes a repetition from a conflict. */
export function digestOf(body: Uint8Array): string {
  return sha256(body);
}

/** Returns the person whom a message names, in the form that steps and seal authorisations use. */
export function personOf(platformId: string, organ: string, { by, type }: PlatformMessage): Person {
  return {
    kind: 'person',
    id: `platform:${platformId}/${by.id}`,
    name: by.name,
    roles: [type === 'DECIDED' ? 'APPROVER' : 'REVIEWER'],
    organ,
    window: null,
    holderCode: null,
  };
}
