import type { KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { MAX_SUBJECT_CHARS, type Person, ROLES } from '../actor.ts';
import { isProduction } from '../environment/mode.ts';
import { placeSchema } from '../organ/place.ts';
import { findTextProblem } from '../text.ts';

/** Signed statements of who calls. */

export const TOKEN_ISSUER = 'tongquan';
const TOKEN_AUDIENCE = 'tongquan-hub';
/** Maximum accepted clock difference between the hub and the identity provider. */
export const TOKEN_LEEWAY_SECONDS = 30;

const MAX_CLAIM_CHARS = 64;
/** Stored with each act, and a name is printed. An identity provider is outside the hub, so its texts are checked. */
const line = (maxChars: number = MAX_CLAIM_CHARS) =>
  z
    .string()
    .min(1)
    .max(maxChars)
    .refine((text) => findTextProblem(text, { form: 'LINE', maxChars }) === null);

/** Life of a token by which a gateway tells subgraphs who asks. In production none lives longer. */
export const OWN_TOKEN_SECONDS = 60;

const claims = z
  .object({
    iat: z.number().optional(),
    exp: z.number(),
    sub: line(MAX_SUBJECT_CHARS),
    name: line(),
    roles: z.array(z.enum(ROLES)),
    organ: line().nullish(),
    window: line(6).nullish(),
    holderCode: line(18).nullish(),
    inherits: placeSchema.shape.inherits.optional(),
    ended: placeSchema.shape.ended.optional(),
  })
  // Only people of an organ that has ended have no role.
  .refine(({ roles, ended }) => roles.length > 0 || ended != null);

/** Why the person of a token is not let in, with HTTP status (RFC 6750, 3.1) and sentence. */
const TOKEN_ERRORS = {
  TOKEN_EXPIRED: { status: 401, message: '令牌已过期。' },
  TOKEN_INVALID: { status: 401, message: '令牌无效。' },
  /** The person has signed out, or somebody has ended the session. */
  SESSION_ENDED: { status: 401, message: '本次登录已结束，请重新登录。' },
  /** The issuer knows the person, and the hub's register does not. */
  PERSON_UNKNOWN: { status: 403, message: '您已登录，但人员名册中没有您的岗位。请联系本单位的管理员。' },
  /** The issuer's keys cannot be read, so nothing can be said of the token. */
  ISSUER_AWAY: { status: 503, message: '登录服务暂时不可用，请稍后再试。' },
} as const;
export type TokenErrorCode = keyof typeof TOKEN_ERRORS;
export const TOKEN_ERROR_CODES = Object.keys(TOKEN_ERRORS) as readonly TokenErrorCode[];

/** Thrown when a token is not accepted. The edge answers with `statusCode` or `extensions.code`. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: TokenErrorCode;
  readonly statusCode: number;

  constructor(code: TokenErrorCode) {
    super(TOKEN_ERRORS[code].message);
    this.code = code;
    this.statusCode = TOKEN_ERRORS[code].status;
  }
}

/** Signs a token of the hub's own for a person: a JWT with EdDSA, which `readToken` reads. */
export function writeToken(person: Person, key: KeyObject, now: Date, lifeSeconds: number): Promise<string> {
  const seconds = Math.floor(now.getTime() / 1000);
  const { id, name, roles, organ, window, holderCode, inherits, ended } = person;
  return new SignJWT({ name, roles: [...roles], organ, window, holderCode, inherits, ended })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setSubject(id)
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + lifeSeconds)
    .sign(key);
}

/**
 * Reads a person's token: a JWT signed with EdDSA by the key pair whose public half is `key`.
 * In production it must be one of a gateway, by its life. Throws TokenError TOKEN_EXPIRED or TOKEN_INVALID.
 */
export async function readToken(token: string, key: KeyObject, now: Date): Promise<Person> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['EdDSA'],
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      clockTolerance: TOKEN_LEEWAY_SECONDS,
      requiredClaims: ['exp', 'sub'],
      currentDate: now,
    });
    const parsedClaims = claims.parse(payload);
    const { iat = 0, exp } = parsedClaims;
    if (isProduction() && exp - iat > OWN_TOKEN_SECONDS) throw new TokenError('TOKEN_INVALID');
    return {
      kind: 'person',
      id: parsedClaims.sub,
      name: parsedClaims.name,
      roles: parsedClaims.roles,
      organ: parsedClaims.organ ?? null,
      window: parsedClaims.window ?? null,
      holderCode: parsedClaims.holderCode ?? null,
      ...(parsedClaims.inherits ? { inherits: parsedClaims.inherits } : {}),
      ...(parsedClaims.ended ? { ended: parsedClaims.ended } : {}),
    };
  } catch (error) {
    throw new TokenError(error instanceof errors.JWTExpired ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID');
  }
}
