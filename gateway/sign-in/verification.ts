import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { parseStrictJson } from '../../subgraphs/kernel/foreign/json.ts';
import { TOKEN_LEEWAY_SECONDS, TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import { findTextProblem } from '../../subgraphs/kernel/text.ts';
import { IssuerAway } from './issuer-keys.ts';

/** What all tokens of an OpenID Connect issuer have in common (RFC 7519, RFC 8725). */

/** No algorithm with a shared secret, and not `none`. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const MAX_TOKEN_CHARS = 8_192;

/** What one kind of token must be like, beside its own claims. */
interface Verification {
  issuer: string;
  /** One of the token's audiences must be among them. */
  audiences: readonly string[];
  requiredClaims: readonly string[];
  /** Time since `iat` after which a token counts no more. */
  maxAgeSeconds: number;
  findKey: JWTVerifyGetKey;
  now: Date;
}

/** A text of a token that is kept: one line of printable characters, not empty. */
export const lineSchema = (maxChars: number) =>
  z.string().refine((text) => text !== '' && findTextProblem(text, { form: 'LINE', maxChars }) === null);
/** Seconds since 1970 (RFC 7519, NumericDate). */
export const secondsSchema = z.number().int().nonnegative();
export const toDate = (seconds: number) => new Date(seconds * 1000);

/** Returns whether a token's header names one of these types. Without a type it is a JWT, of whatever kind. */
export function isOfType(headerType: string | undefined, types: readonly string[]): boolean {
  return types.includes((headerType ?? 'jwt').toLowerCase());
}

/**
 * Verifies form, signature, issuer, audience and times of a token, and returns what `read` makes of its claims and of
 * `typ` of its header. Throws TokenError, TOKEN_INVALID also for whatever `read` throws.
 */
export async function verifyToken<Result>(
  token: string,
  { issuer, audiences, requiredClaims, maxAgeSeconds, findKey, now }: Verification,
  read: (claims: JWTPayload, headerType: string | undefined) => Result,
): Promise<Result> {
  try {
    requireStrictForm(token);
    const { payload, protectedHeader } = await jwtVerify(token, findKey, {
      ...{ issuer, audience: [...audiences], requiredClaims: [...requiredClaims] },
      algorithms: ALGORITHMS,
      clockTolerance: TOKEN_LEEWAY_SECONDS,
      maxTokenAge: maxAgeSeconds,
      currentDate: now,
    });
    return read(payload, protectedHeader.typ);
  } catch (error) {
    if (error instanceof TokenError) throw error;
    if (error instanceof IssuerAway) throw new TokenError('ISSUER_AWAY');
    throw new TokenError(error instanceof errors.JWTExpired ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID');
  }
}

/** Throws unless header and claims are JSON that every parser reads in the same way, and of bounded length. */
function requireStrictForm(token: string): void {
  const parts = token.split('.');
  if (token.length > MAX_TOKEN_CHARS || parts.length !== 3) throw new TokenError('TOKEN_INVALID');
  const [header, claims] = parts.map((part) => parseStrictJson(Buffer.from(part, 'base64url')));
  if (header === undefined || claims === undefined) throw new TokenError('TOKEN_INVALID');
}

/** Returns the issuer that a token names, without verification: it only chooses who verifies. */
export function readUnverifiedIssuer(token: string): string | null {
  if (token.length > MAX_TOKEN_CHARS) return null;
  try {
    decodeProtectedHeader(token);
    const claims = parseStrictJson(Buffer.from(token.split('.')[1] ?? '', 'base64url')) as JWTPayload | undefined;
    return typeof claims?.iss === 'string' ? claims.iss : null;
  } catch {
    return null;
  }
}
