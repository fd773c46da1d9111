import { z } from 'zod';
import { startOfDay } from '../day.ts';
import { daySchema } from '../day-schema.ts';
import { readLicenseIdentifier } from '../identifier.ts';
import { IN_FORCE, LICENSE_STATES, VALIDITY_STATES } from '../license-acts.ts';

/**
 * Everything that the register's key signs (登记机关声明): one closed form for each `typ`. Values are bounded or come from
 * closed lists, so that nobody can make the register state free words. A new statement is a new row here.
 */

const DAY_MS = 86_400_000;
/** Seconds since 1970 (NumericDate of RFC 7519), before the year 10000. */
const seconds = z.int().nonnegative().max(253_402_300_799);
const identifier = z
  .string()
  .max(120)
  .refine((text) => readLicenseIdentifier(text).verdict === 'VALID', 'no identifier of a license (GB/T 36904)');
const version = z.int().min(1).max(999);
const state = z.enum(LICENSE_STATES);
const isOfVersion = (claims: { sub: string; version: number }) =>
  readLicenseIdentifier(claims.sub).parts?.version === claims.version;
const VERSION_DIFFERS = 'the identifier is of another version';

const MAX_URL_CHARS = 300;
/** Maximum length of a packed list of states: 2 MiB, of about three million licenses. */
const MAX_LIST_CHARS = 2_097_152;
const MAX_LIST_VALIDITY_SECONDS = 86_400;
const MAX_STATEMENT_VALIDITY_SECONDS = 604_800;
const isWithin =
  (maxSeconds: number) =>
  ({ iat, exp }: { iat: number; exp: number }) =>
    exp > iat && exp - iat <= maxSeconds;
const VALIDITY_TOO_LONG = 'valid for too long';

/** The claims of a status list (状态列表, IETF Token Status List). */
const statusList = z
  .strictObject({
    sub: z
      .url({ protocol: /^https?$/ })
      .max(MAX_URL_CHARS)
      .endsWith('/licenses/status-list'),
    iat: seconds,
    exp: seconds,
    ttl: z.int().positive().max(MAX_LIST_VALIDITY_SECONDS),
    status_list: z.strictObject({
      bits: z.literal(4),
      lst: z
        .string()
        .max(MAX_LIST_CHARS)
        // zlib (RFC 1950) at its highest level begins with these.
        .regex(/^eN[\w-]+$/),
    }),
  })
  .refine(isWithin(MAX_LIST_VALIDITY_SECONDS), VALIDITY_TOO_LONG);

/** The claims of a statement on the state of a license version (状态声明). */
const versionState = z
  .strictObject({
    ...{ sub: identifier, state: z.enum(VALIDITY_STATES), version, iat: seconds, exp: seconds },
    /** First day of the renewal that takes its place then. */
    superseded_from: daySchema.optional(),
  })
  .refine(isOfVersion, VERSION_DIFFERS)
  .refine(isWithin(MAX_STATEMENT_VALIDITY_SECONDS), VALIDITY_TOO_LONG);

/** Why a sheet is spoiled (作废原因), in the words of the counter. UNCODED: entered by a release that took free words. */
export const SPOIL_REASON_LABELS = {
  MISPRINT: '打印错误',
  DAMAGED: '破损污损',
  WRONG_BLANK: '用错空白证照',
  PRINTER_FAULT: '打印设备故障',
  UNCODED: '原登记未编码',
} as const;
export type SpoilReason = keyof typeof SPOIL_REASON_LABELS;
const SPOIL_REASONS = Object.keys(SPOIL_REASON_LABELS) as unknown as readonly [SpoilReason, ...SpoilReason[]];

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

/** Id of the issuing organ. */
const organ = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
  .max(64);

/** The number of a blank (空白证照): a prefix and one to nine digits. */
const blankNumber = z.string().regex(/^[0-9A-Z]{1,12}\d{1,9}$/);

/**
 * What the register states of a license (登记声明): who stated what of which version. `jti` is the id of the act, so a
 * statement cannot stand for another act. `by` is the SHA-256 of the id of the person who asked for it: it names nobody
 * outside, and the hub cannot put somebody else there later.
 */
const spoiledSheet = z
  .strictObject({
    jti: z.uuid(),
    iat: seconds,
    act: z.literal('SPOIL'),
    sub: identifier,
    version,
    /** The state of the version, which the act does not change. */
    state,
    /** The issuing organ, whose blanks they are. */
    organ,
    reason: z.enum(SPOIL_REASONS),
    spoiled: blankNumber,
    replacement: blankNumber,
    by: sha256Hex,
  })
  .refine(isOfVersion, VERSION_DIFFERS)
  .refine(({ spoiled, replacement }) => spoiled !== replacement, 'a sheet does not replace itself');

/**
 * What the register states when time has ended a license (失效). Nobody asks for it, so it names no person. `until` is
 * the last day: the register states no end before it has passed in Asia/Shanghai.
 */
const endedPeriod = z
  .strictObject({
    jti: z.uuid(),
    iat: seconds,
    act: z.literal('LAPSE'),
    sub: identifier,
    version,
    state: z.literal('LAPSED'),
    organ,
    until: daySchema,
  })
  .refine(isOfVersion, VERSION_DIFFERS)
  .refine(({ iat, until }) => iat * 1000 >= startOfDay(until).getTime() + DAY_MS, 'the last day has not passed');

/**
 * What the register states when a license on paper is entered from its issuer's ledger (存量登记). It says of no license
 * that it was decided here: only that two persons of the issuer took the line of this file over. `record` is the digest
 * of what was entered, which has a random element, `file` that of the ledger. `by` and `preparedBy` are SHA-256 of the
 * ids of the persons who approved and proposed it.
 */
const registeredPaper = z
  .strictObject({
    jti: z.uuid(),
    iat: seconds,
    act: z.literal('REGISTER'),
    sub: identifier,
    version: z.literal(1),
    state: z.literal('VALID'),
    organ,
    record: sha256Hex,
    file: sha256Hex,
    by: sha256Hex,
    preparedBy: sha256Hex,
  })
  .refine(isOfVersion, VERSION_DIFFERS)
  .refine(({ by, preparedBy }) => by !== preparedBy, 'nobody takes a ledger over alone');

/** Number of a case: division, day and a running number. */
const caseNumber = z.string().regex(/^\d{19,24}$/);

/** Members of both statements on the renewal of a license: its case, and the last day `until` that it is about. */
const heldEnd = { jti: z.uuid(), iat: seconds, sub: identifier, version, organ, until: daySchema, case: caseNumber };

/**
 * What the register states when a renewal that was asked for in time holds off the last day of a license (视为准予延续,
 * 行政许可法第五十条). Nobody decides it. The register states none of a renewal that was accepted after that day, or not yet.
 */
const renewalHolds = z
  .strictObject({
    ...heldEnd,
    act: z.literal('HOLD'),
    state: z.enum(IN_FORCE),
    /** The day on which the renewal was accepted. */
    accepted: daySchema,
  })
  .refine(isOfVersion, VERSION_DIFFERS)
  .refine(({ accepted, until }) => accepted <= until, 'the renewal was not asked for in time')
  .refine(({ accepted, iat }) => startOfDay(accepted).getTime() <= iat * 1000, 'the renewal is not accepted yet');

/** How a renewal ended: a version renews the license, or none does. */
export const RELEASE_OUTCOMES = ['RENEWED', 'NOT_RENEWED'] as const;
export type ReleaseOutcome = (typeof RELEASE_OUTCOMES)[number];

/** What the register states when a renewal no longer holds off the last day. The days of the license count again. */
const renewalReleases = z
  .strictObject({ ...heldEnd, act: z.literal('RELEASE'), state, outcome: z.enum(RELEASE_OUTCOMES) })
  .refine(isOfVersion, VERSION_DIFFERS);

export const registerStatement = z.discriminatedUnion('act', [
  spoiledSheet,
  endedPeriod,
  registeredPaper,
  renewalHolds,
  renewalReleases,
]);
export type RegisterStatement = z.infer<typeof registerStatement>;
export type SpoilStatement = z.infer<typeof spoiledSheet>;
export type LapseStatement = z.infer<typeof endedPeriod>;
export type RegistrationStatement = z.infer<typeof registeredPaper>;
export type HoldStatement = z.infer<typeof renewalHolds>;
export type ReleaseStatement = z.infer<typeof renewalReleases>;
export const REGISTER_TYP = 'register-statement+jwt';

/** Maximum of acts that one call states. */
export const MAX_STATED_ACTS = 100;
/** Request of `seals.attestActs`, called by licenses: statements of the register on different acts. */
export const attestActsRequest = z.object({ statements: z.array(registerStatement).min(1).max(MAX_STATED_ACTS) });
export type AttestActsRequest = z.infer<typeof attestActsRequest>;

/** Request of `seals.attest`, called by licenses. It signs with a key for only that. */
export const attestRequest = z.discriminatedUnion('typ', [
  z.strictObject({ typ: z.literal('statuslist+jwt'), claims: statusList }),
  z.strictObject({ typ: z.literal('license-status+jwt'), claims: versionState }),
  z.strictObject({ typ: z.literal(REGISTER_TYP), claims: registerStatement }),
]);
export type AttestRequest = z.infer<typeof attestRequest>;
