import { z } from 'zod';
import { type Day, dayOf } from '../../kernel/day.ts';
import type { ValidityState } from '../../kernel/license-acts.ts';
import { decodeBase64Url } from '../verify/jws/jws.ts';

/** Statements about the state of a license version (状态声明), as the hub signs them and uses them again. */

const HOUR_MS = 3_600_000;
const STATEMENT_VALIDITY_MS = 7 * 24 * HOUR_MS;

/** What a statement says. */
export interface VersionState {
  identifier: string;
  version: number;
  state: ValidityState;
  /** First day of the version that takes its place, if that one waits for it. Null or absent: none does. */
  supersededFrom?: Day | null;
}

const claimsForm = z.object({
  ...{ sub: z.string(), version: z.number(), state: z.string(), iat: z.number() },
  superseded_from: z.string().optional(),
});

/** What a statement about a version tells, as one text. */
export function toStatementKey({ identifier, version, state, supersededFrom = null }: VersionState): string {
  return [identifier, version, state, ...(supersededFrom === null ? [] : [supersededFrom])].join(' ');
}

/** Returns the claims of a statement that is made at `at`. */
export function buildStatementClaims(about: VersionState, at: Date) {
  const { identifier, version, state, supersededFrom = null } = about;
  const iat = Math.floor(at.getTime() / 1_000);
  const exp = iat + STATEMENT_VALIDITY_MS / 1_000;
  const takeover = supersededFrom === null ? {} : { superseded_from: supersededFrom };
  return { sub: identifier, state, version, iat, exp, ...takeover };
}

/**
 * Returns whether a statement says this of the version and may be used again. Does not verify it. It is used for the
 * rest of its day in Asia/Shanghai unless the state changes, however many requests ask for it: every statement is a
 * permanent leaf of the log. One from before a midnight says nothing of a license whose last day that ended.
 */
export function isCurrentStatement(text: string, about: VersionState, at: Date): boolean {
  const claims = claimsForm.safeParse(parsePayload(text)).data;
  if (claims === undefined) return false;
  const { sub: identifier, version, state, superseded_from: supersededFrom = null } = claims;
  if (toStatementKey({ identifier, version, state: state as ValidityState, supersededFrom }) !== toStatementKey(about))
    return false;
  const iatMs = claims.iat * 1_000;
  return iatMs <= at.getTime() && dayOf(new Date(iatMs)) === dayOf(at);
}

function parsePayload(text: string): unknown {
  try {
    return JSON.parse(String(decodeBase64Url(text.split('.')[1] ?? '')));
  } catch {
    return null;
  }
}
