import { inflateSync } from 'node:zlib';
import { z } from 'zod';
import { type Day, dayOf } from '../../kernel/day.ts';
import { daySchema } from '../../kernel/day-schema.ts';
import { isLive, type LicenseState, VALIDITY_STATES, type ValidityState } from '../../kernel/license-acts.ts';
import { isAhead } from '../../kernel/period/freshness.ts';
import { hasEnded, stateOn, type ValidityPeriod } from '../../kernel/period/validity.ts';
import { readCertificate } from './format/certificate.ts';
import type { Grounds } from './format/timestamp.ts';
import { decodeBase64Url, isSignedBy, readJws, requireHeader } from './jws/jws.ts';
import { findPath, STATUS, type ValidationTime } from './path.ts';
import { Failure, formatTime, readOrFail } from './verdict.ts';

/** The known state of a license (证照状态), independent of the verdict on its signature. */
export interface LicenseStatus {
  state: ValidityState | 'UNKNOWN';
  /** Time of the statement or list, RFC 3339, or null if there is none. */
  asOf: string | null;
  /** The source: a statement about this license, the status list, its own dates, or null if there is none. */
  source: 'STATEMENT' | 'STATUS_LIST' | 'PERIOD' | null;
  /** Why the state is unknown, or null. */
  reason: string | null;
}

/** The license version whose state is requested. */
export interface StatusSubject {
  identifier: string;
  version: number;
  /** Index in the status list, or undefined if the license has none. */
  index: number | undefined;
  /** The period that the license itself states, or null if the file states none: a statement of a later act. */
  period: ValidityPeriod | null;
}

const seconds = z.int().nonnegative().max(253_402_300_799);
const statementForm = z.strictObject({
  sub: z.string(),
  state: z.enum(VALIDITY_STATES),
  version: z.int().positive(),
  iat: seconds,
  exp: seconds,
  /** First day of the version that takes its place then. */
  superseded_from: daySchema.optional(),
});
const listForm = z.strictObject({
  iat: seconds,
  exp: seconds,
  sub: z.string(),
  ttl: seconds.optional(),
  status_list: z.strictObject({ bits: z.literal(4), lst: z.string() }),
});
const chainForm = z.tuple([z.string()]);
/** States in the order of their values in the list. No value ever moves. The value 15 marks an unused index. */
export const LIST_STATES: readonly ValidityState[] = [
  ...(['VALID', 'SUSPENDED', 'SUPERSEDED', 'LAPSED'] as const),
  ...(['RESCINDED', 'WITHDRAWN', 'REVOKED', 'CANCELLED'] as const),
  'NOT_YET_VALID',
];
const MAX_LIST_BYTES = 4_194_304;

/** The status without any word on it. */
export const UNKNOWN_STATUS: LicenseStatus = {
  state: 'UNKNOWN',
  asOf: null,
  source: null,
  reason: '没有状态声明或状态列表',
};

/** The sources of the state, each a compact JWS. */
export interface Sources {
  /** Status statements (状态声明), each with the time at which it provably existed, or null. */
  statements: readonly { text: string; provenAt: Date | null }[];
  /** Status list (状态列表, IETF Token Status List), or null. */
  list: string | null;
}

/** Returns the status of a license, or UNKNOWN with the reason. Never throws. */
export function readStatus(subject: StatusSubject, sources: Sources, grounds: Grounds, now: Date): LicenseStatus {
  const { supersededFrom, ...word } = readNewest(subject, sources, grounds, now);
  return applyPeriod(word, subject.period && { ...subject.period, supersededFrom }, now);
}

/**
 * Applies the dates on the license to the newest signed word. Where they differ, a word dated after the last day wins,
 * else the period: a word from before a midnight does not know what begins and ends at it.
 */
function applyPeriod(word: LicenseStatus, period: ValidityPeriod | null, now: Date): LicenseStatus {
  if (period === null) return word;
  const wordDay = word.asOf === null ? null : dayOf(new Date(word.asOf));
  if (wordDay !== null && hasEnded(period, wordDay)) return word;
  const stored: LicenseState = word.state === 'NOT_YET_VALID' || word.state === 'UNKNOWN' ? 'VALID' : word.state;
  const state = stateOn(stored, period, dayOf(now));
  // Without a word, nobody knows what the acts made of a license within its period.
  if (word.state === 'UNKNOWN' && state === 'VALID') return word;
  return state === word.state ? word : { state, asOf: word.asOf, source: 'PERIOD', reason: null };
}

/**
 * Whether a license counts as renewed (视为准予延续, 行政许可法第五十条) by a signed word: one from after its last day says that
 * it is in force.
 */
export function isDeemedRenewed({ state, asOf, source }: LicenseStatus, period: ValidityPeriod | null): boolean {
  const isWord = source !== 'PERIOD' && asOf !== null && state !== 'UNKNOWN' && isLive(state);
  return isWord && period !== null && hasEnded(period, dayOf(new Date(asOf)));
}

/** Returns the newest usable word on the state, or UNKNOWN with the reason. */
function readNewest(subject: StatusSubject, { statements, list }: Sources, grounds: Grounds, now: Date): Word {
  const answers = [
    ...statements.map(({ text, provenAt }) =>
      readOrUnknown('STATEMENT', () => readStatement(text, subject, grounds, now, provenAt)),
    ),
    ...(list === null ? [] : [readOrUnknown('STATUS_LIST', () => readListEntry(list, subject, grounds, now))]),
  ];
  const newest = (all: Word[]) =>
    all.reduce((newestSoFar, status) => ((status.asOf ?? '') > (newestSoFar.asOf ?? '') ? status : newestSoFar));
  const usableAnswers = answers.filter(({ state }) => state !== 'UNKNOWN');
  if (usableAnswers.length > 0) return newest(usableAnswers);
  return answers.length > 0 ? newest(answers) : { ...UNKNOWN_STATUS, supersededFrom: null };
}

/** A signed word on the state. A statement may name the day from which another version takes the place of this one. */
type Word = LicenseStatus & { supersededFrom: Day | null };

interface StateClaim {
  state: ValidityState;
  superseded_from?: Day | undefined;
  iat: number;
  exp: number;
}

function readOrUnknown(source: 'STATEMENT' | 'STATUS_LIST', read: () => Word): Word {
  try {
    return { ...read(), source };
  } catch (error) {
    const reason = error instanceof Failure ? error.message : '无法解析';
    return { state: 'UNKNOWN', asOf: null, source, reason: reason, supersededFrom: null };
  }
}

function readStatement(text: string, subject: StatusSubject, grounds: Grounds, now: Date, provenAt: Date | null): Word {
  const claims = readAttested(text, 'license-status+jwt', statementForm, grounds, now, provenAt);
  if (claims.sub !== subject.identifier || claims.version !== subject.version) {
    throw new Failure('SIG_CONSTRAINTS_FAILURE', '状态声明说的是另一证照');
  }
  return toLicenseStatus(claims, now);
}

function readListEntry(text: string, { index }: StatusSubject, grounds: Grounds, now: Date): Word {
  if (index === undefined) throw new Failure('SIG_CONSTRAINTS_FAILURE', '登记数据没有状态列表序号');
  const { status_list: list, ...claims } = readAttested(text, 'statuslist+jwt', listForm, grounds, now, null);
  const packed = decodeBase64Url(list.lst);
  if (!packed) throw new Failure('FORMAT_FAILURE', '状态列表编码不正确');
  const bytes = readOrFail('FORMAT_FAILURE', '状态列表无法解压', () =>
    inflateSync(packed, { maxOutputLength: MAX_LIST_BYTES }),
  );
  const octet = bytes[Math.floor(index / 2)];
  if (octet === undefined) throw new Failure('FORMAT_FAILURE', `状态列表没有第 ${index} 项`);
  const state = LIST_STATES[index % 2 === 0 ? octet & 0x0f : octet >> 4];
  if (!state) throw new Failure('FORMAT_FAILURE', `状态列表第 ${index} 项没有状态`);
  return toLicenseStatus({ ...claims, state }, now);
}

/**
 * Reads and verifies a status JWS. Its certificate must serve only status signing, below a trusted root, and be valid
 * at `provenAt` or, if that is null, now. Throws Failure.
 */
function readAttested<Claims extends { iat: number; exp: number }>(
  text: string,
  typ: string,
  form: z.ZodType<Claims>,
  { roots, candidates, lists }: Grounds,
  now: Date,
  provenAt: Date | null,
): Claims {
  const jws = readJws(text);
  requireHeader(jws, typ, ['x5c']);
  const chain = chainForm.safeParse(jws.header.x5c);
  const claims = form.safeParse(jws.payload);
  if (!chain.success || !claims.success) throw new Failure('FORMAT_FAILURE', '状态声明不是规定的形式');
  const certificate = readCertificate(Buffer.from(chain.data[0], 'base64'));
  if (!isSignedBy(jws, certificate.key)) throw new Failure('SIG_CRYPTO_FAILURE', '状态声明的签名不正确');
  const { iat, exp } = claims.data;
  if (isAhead(new Date(iat * 1000), now) || exp < iat) {
    throw new Failure('SIG_CONSTRAINTS_FAILURE', '状态声明的时间不正确');
  }
  const validationTime: ValidationTime = {
    at: provenAt ?? now,
    proven: provenAt !== null,
    now,
    claimed: new Date(iat * 1000),
  };
  findPath({
    certificate,
    candidates,
    roots,
    lists,
    moment: validationTime,
    purpose: STATUS,
  });
  return claims.data;
}

/** Converts a claim to a status. An expired claim does not show the current state, so it gives UNKNOWN. */
function toLicenseStatus(claim: StateClaim, now: Date): Word {
  const { state, iat, exp, superseded_from: supersededFrom = null } = claim;
  const asOf = formatTime(new Date(iat * 1000));
  if (exp * 1000 >= now.getTime()) return { state, asOf, source: null, reason: null, supersededFrom };
  const until = formatTime(new Date(exp * 1000));
  return {
    state: 'UNKNOWN',
    asOf,
    source: null,
    supersededFrom,
    reason: `状态声明已于 ${until} 过期，当时为 ${state}`,
  };
}
