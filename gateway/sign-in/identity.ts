import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Identity } from '../../subgraphs/kernel/actor.ts';
import { parseStrictJson } from '../../subgraphs/kernel/foreign/json.ts';
import { isCitizenNumber, isUscc } from '../../subgraphs/kernel/identifier.ts';
import { TOKEN_LEEWAY_SECONDS, TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import { findTextProblem } from '../../subgraphs/kernel/text.ts';
import { IssuerAway } from './issuer-keys.ts';

/** Verifies a token of an OpenID Connect issuer (RFC 7519, RFC 8725, RFC 9068, OpenID Connect Core). */

/** What a token of the issuer must be like. */
export interface TokenRules {
  issuer: string;
  /** One of the token's audiences: the hub's name at the issuer. */
  audience: string;
  /** `access`: access tokens only. `id`: ID tokens only, for an issuer whose access tokens are not JWT. */
  kind: 'access' | 'id';
  /** Clients through which people may come (`azp`, `client_id`). Empty: every client with tokens of this audience. */
  clients: readonly string[];
  /** The claim with the USCC or citizen number under which a person holds licenses, or undefined. */
  holderClaim?: string | undefined;
  /** A token with a longer life is refused. */
  maxLifeSeconds: number;
}

/** An identity, and when its token ends. */
export interface VerifiedIdentity {
  identity: Identity;
  expiresAt: Date;
}

/** No algorithm with a shared secret, and not `none`. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const MAX_TOKEN_CHARS = 8_192;
/** OpenID Connect Core, 2. */
const MAX_SUBJECT_CHARS = 255;
const MAX_NAME_CHARS = 64;

/** `typ` of the header, in lower case. Absent or JWT says nothing: then the claims tell (RFC 8725, 3.11). */
const HEADER_TYPES = { access: ['jwt', 'at+jwt', 'application/at+jwt'], id: ['jwt'] } as const;
/** `typ` of the claims, as Keycloak writes it. */
const CLAIM_TYPES = { access: ['Bearer'], id: ['ID'] } as const;
/** Claims that only an ID token has. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash'];

const line = (maxChars: number) =>
  z.string().refine((text) => text !== '' && findTextProblem(text, { form: 'LINE', maxChars }) === null);
const seconds = z.number().int().nonnegative();
const claimSchema = z.looseObject({
  sub: line(MAX_SUBJECT_CHARS),
  exp: seconds,
  iat: seconds,
  auth_time: seconds.nullish(),
  sid: line(MAX_SUBJECT_CHARS).nullish(),
  name: line(MAX_NAME_CHARS).nullish(),
  azp: z.string().nullish(),
  client_id: z.string().nullish(),
});

/** Returns who a token is of. Throws TokenError. The claims' texts are checked; the register decides what they mean. */
export async function readIdentity(
  token: string,
  rules: TokenRules,
  findKey: JWTVerifyGetKey,
  now: Date,
): Promise<VerifiedIdentity> {
  try {
    requireStrictForm(token);
    const { payload, protectedHeader } = await jwtVerify(token, findKey, {
      algorithms: ALGORITHMS,
      issuer: rules.issuer,
      audience: rules.audience,
      clockTolerance: TOKEN_LEEWAY_SECONDS,
      requiredClaims: ['exp', 'iat', 'sub'],
      maxTokenAge: rules.maxLifeSeconds,
      currentDate: now,
    });
    requirePurpose(payload, protectedHeader.typ, rules);
    return toIdentity(payload, rules);
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

/** Throws unless the token is of the kind that the hub takes, and for one of the clients (RFC 8725, 3.11 and 3.12). */
function requirePurpose(claims: JWTPayload, headerType: string | undefined, { kind, audience, clients }: TokenRules) {
  const isOfKind =
    HEADER_TYPES[kind].some((type) => type === (headerType ?? 'jwt').toLowerCase()) &&
    (claims.typ === undefined || CLAIM_TYPES[kind].some((type) => type === claims.typ)) &&
    // A logout token and other security events (RFC 8417).
    claims.events === undefined &&
    (kind === 'id' || ID_TOKEN_CLAIMS.every((claim) => claims[claim] === undefined));
  const client = claims.azp ?? claims.client_id;
  // An ID token is for the client that has asked for it (OpenID Connect Core, 3.1.3.7).
  const isAlone = !Array.isArray(claims.aud) || claims.aud.length === 1;
  const isOwn = kind === 'access' || (client === undefined ? isAlone : client === audience);
  const isListed = clients.length === 0 || clients.some((listed) => listed === client);
  if (!isOfKind || !isOwn || !isListed) throw new TokenError('TOKEN_INVALID');
}

function toIdentity(payload: JWTPayload, { issuer, holderClaim, maxLifeSeconds }: TokenRules): VerifiedIdentity {
  const claims = claimSchema.parse(payload);
  const { sub: subject, exp, iat, auth_time: authTime, sid } = claims;
  if (exp <= iat || exp - iat > maxLifeSeconds) throw new TokenError('TOKEN_INVALID');
  const identity: Identity = {
    issuer,
    subject,
    holderCode: readHolderCode(holderClaim === undefined ? undefined : payload[holderClaim]),
    name: claims.name ?? null,
    issuedAt: toDate(iat),
    authTime: typeof authTime === 'number' ? toDate(authTime) : null,
    session: sid ?? null,
  };
  return { identity, expiresAt: toDate(exp) };
}

/** Returns a holder's code, or null if the issuer names none. Throws TokenError for one that no holder can have. */
function readHolderCode(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && (isUscc(value) || isCitizenNumber(value))) return value;
  throw new TokenError('TOKEN_INVALID');
}

const toDate = (seconds: number) => new Date(seconds * 1000);

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
