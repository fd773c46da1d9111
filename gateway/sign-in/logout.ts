import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { IssuerLogout } from '../../subgraphs/cases/person/register.ts';
import { MAX_SUBJECT_CHARS } from '../../subgraphs/kernel/actor.ts';
import { TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import type { TokenRules } from './identity.ts';
import { isOfType, lineSchema, secondsSchema, toDate, verifyToken } from './verification.ts';

/** Verifies by what an issuer says that it has ended sessions (OpenID Connect Back-Channel Logout 1.0). */

/** A logout token is sent at once, so that an older one is not the issuer's, whatever `exp` it has. */
const MAX_LOGOUT_SECONDS = 120;

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const HEADER_TYPES = ['jwt', 'logout+jwt', 'application/logout+jwt'];
const MAX_ID_CHARS = 255;

const claimSchema = z
  .looseObject({
    jti: lineSchema(MAX_ID_CHARS),
    iat: secondsSchema,
    sub: lineSchema(MAX_SUBJECT_CHARS).optional(),
    sid: lineSchema(MAX_SUBJECT_CHARS).optional(),
    events: z.looseObject({ [LOGOUT_EVENT]: z.looseObject({}) }),
    /** As Keycloak writes it. */
    typ: z.literal('Logout').optional(),
    /** It would be an ID token. */
    nonce: z.undefined().optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined);

/**
 * Returns what a logout token ends (2.4 and 2.6). Its audience is the hub or one of the hub's clients. Whether it was
 * sent before is for the record to find out. Throws TokenError.
 */
export function readLogout(
  token: string,
  { issuer, audience, clients }: TokenRules,
  findKey: JWTVerifyGetKey,
  now: Date,
): Promise<IssuerLogout> {
  const audiences = [audience, ...clients];
  const requiredClaims = ['iat', 'jti', 'events'];
  const verification = { issuer, audiences, requiredClaims, maxAgeSeconds: MAX_LOGOUT_SECONDS, findKey, now };
  return verifyToken(token, verification, (claims, headerType) => {
    if (!isOfType(headerType, HEADER_TYPES)) throw new TokenError('TOKEN_INVALID');
    return toLogout(issuer, claims);
  });
}

function toLogout(issuer: string, claims: JWTPayload): IssuerLogout {
  const { jti: id, iat, sub: subject = null, sid: session = null } = claimSchema.parse(claims);
  return { issuer, id, subject, session, endedAt: toDate(iat) };
}
