import { z } from 'zod';
import { base64Schema, parseRequest, recordSchema, STATES, sha256, wordSchema, writeCanonical } from '../protocol.ts';

/**
 * Version 2 of `docs/city-library.md`: statements of the register (登记声明). The library shares no code with the hub, so
 * it has the closed form of each statement itself. It collects no other text that the register's key may have signed.
 */

/** The version of the protocol that brought statements. */
export const STATEMENT_PROTOCOL = 2;
export const STATEMENT_TYP = 'register-statement+jwt';
/** Maximum length of a statement: the certificate in its header takes most of it. */
const MAX_STATEMENT_CHARS = 16_384;
const MAX_CHAIN_CERTIFICATES = 3;

const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);
const blankSchema = z.string().regex(/^[0-9A-Z]{1,12}\d{8}$/);
const versionSchema = z.int().min(1).max(999);

const organSchema = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/);
/** Members of every statement. `jti` is its id, `iat` is in seconds since 1970, `sub` names the license version. */
const commonClaims = {
  jti: z.uuid(),
  iat: z.int().nonnegative().max(253_402_300_799),
  sub: z.string().max(120),
  version: versionSchema,
  organ: organSchema,
};

/** 作废重打: a sheet was spoiled before it was handed over, and another takes its place. */
const spoiledSheet = z
  .strictObject({
    ...commonClaims,
    act: z.literal('SPOIL'),
    state: z.enum(STATES),
    reason: z.enum(['MISPRINT', 'DAMAGED', 'WRONG_BLANK', 'PRINTER_FAULT', 'UNCODED']),
    spoiled: blankSchema,
    replacement: blankSchema,
    /** SHA-256 of the id of the person who asked for it. */
    by: digestSchema,
  })
  .refine(({ spoiled, replacement }) => spoiled !== replacement, 'a sheet does not replace itself');

/** 失效: the last day `until` of the license has passed. */
const endedPeriod = z.strictObject({
  ...commonClaims,
  act: z.literal('LAPSE'),
  state: z.literal('LAPSED'),
  until: z.iso.date(),
});

/** 存量登记: a license on paper was entered from its issuer's ledger, which two persons of the issuer took over. */
const registeredPaper = z
  .strictObject({
    ...commonClaims,
    act: z.literal('REGISTER'),
    version: z.literal(1),
    state: z.literal('VALID'),
    /** SHA-256 of the record of the license, and of the ledger. */
    record: digestSchema,
    file: digestSchema,
    /** SHA-256 of the ids of the persons who approved and proposed the ledger. */
    by: digestSchema,
    preparedBy: digestSchema,
  })
  .refine(({ by, preparedBy }) => by !== preparedBy, 'nobody takes a ledger over alone');

/** Members of both statements on a renewal: the number of its case, and the last day that it holds off. */
const heldEnd = { ...commonClaims, until: z.iso.date(), case: z.string().regex(/^\d{19,24}$/) };

/** 视为准予延续: a renewal that was accepted in time holds off the last day of the license. */
const renewalHolds = z
  .strictObject({ ...heldEnd, act: z.literal('HOLD'), state: z.enum(['VALID', 'SUSPENDED']), accepted: z.iso.date() })
  .refine(({ accepted, until }) => accepted <= until, 'the renewal was not asked for in time');

/** 延续办结: it does so no longer. Another version renews the license, or none does. */
const renewalReleases = z.strictObject({
  ...heldEnd,
  act: z.literal('RELEASE'),
  state: z.enum(STATES),
  outcome: z.enum(['RENEWED', 'NOT_RENEWED']),
});

/** The closed form of each statement, by its act. */
export const claimsSchema = z.discriminatedUnion('act', [
  spoiledSheet,
  endedPeriod,
  registeredPaper,
  renewalHolds,
  renewalReleases,
]);
export type Claims = z.infer<typeof claimsSchema>;

const deliveryFields = {
  stream: wordSchema,
  revision: z.int().min(1).max(1_000_000),
  /** The revision of the license's own stream that the statement follows. 0: from paper, and no act yet. */
  follows: z.int().min(0).max(1_000_000),
  number: wordSchema,
  identifier: wordSchema,
  version: versionSchema,
  state: z.enum(STATES),
  statedAt: z.iso.datetime(),
  documentDigest: digestSchema,
  /** Compact JWS. */
  statement: z
    .string()
    .max(MAX_STATEMENT_CHARS)
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  /** Certificates between that of the signer and the root, DER. */
  chain: z.array(base64Schema).max(MAX_CHAIN_CERTIFICATES),
};

const statementDeliverySchema = z.discriminatedUnion('act', [
  z.strictObject({ ...deliveryFields, act: z.literal('SPOIL') }),
  z.strictObject({ ...deliveryFields, act: z.literal('LAPSE') }),
  z.strictObject({ ...deliveryFields, act: z.literal('HOLD') }),
  z.strictObject({ ...deliveryFields, act: z.literal('RELEASE') }),
  // The license has no document, so its record comes with the statement.
  z.strictObject({ ...deliveryFields, act: z.literal('REGISTER'), follows: z.literal(0), record: recordSchema }),
]);
export type StatementDelivery = z.infer<typeof statementDeliverySchema>;

/** Reads a delivery. Throws Fault REQUEST_MALFORMED. */
export const readStatementDelivery = (body: unknown): StatementDelivery => parseRequest(statementDeliverySchema, body);

/** Returns the SHA-256 over everything in a delivery but the chain, which proves it and says nothing. */
export function statementDigest({ chain: _, ...content }: StatementDelivery): string {
  return sha256(writeCanonical(content) ?? '');
}
