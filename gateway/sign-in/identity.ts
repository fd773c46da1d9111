import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { type Identity, MAX_SUBJECT_CHARS } from '../../subgraphs/kernel/actor.ts';
import { isHolderCode } from '../../subgraphs/kernel/identity/identity.ts';
import { TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import { isOfType, lineSchema, secondsSchema, toDate, verifyToken } from './verification.ts';

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
  /** The claim with the code (`IDENTITY_KINDS`) under which a person holds licenses, or undefined. */
  holderClaim?: string | undefined;
  /** A token with a longer life is refused. */
  maxLifeSeconds: number;
}

/** An identity, and when its token ends. */
export interface VerifiedIdentity {
  identity: Identity;
  expiresAt: Date;
}

const MAX_NAME_CHARS = 64;

/** `typ` of the header, in lower case. Absent or JWT says nothing: then the claims tell (RFC 8725, 3.11). */
const HEADER_TYPES = { access: ['jwt', 'at+jwt', 'application/at+jwt'], id: ['jwt'] } as const;
/** `typ` of the claims, as Keycloak writes it. */
const CLAIM_TYPES = { access: ['Bearer'], id: ['ID'] } as const;
/** Claims that only an ID token has. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash'];

const claimSchema = z.looseObject({
  sub: lineSchema(MAX_SUBJECT_CHARS),
  exp: secondsSchema,
  iat: secondsSchema,
  auth_time: secondsSchema.nullish(),
  sid: lineSchema(MAX_SUBJECT_CHARS).nullish(),
  name: lineSchema(MAX_NAME_CHARS).nullish(),
  azp: z.string().nullish(),
  client_id: z.string().nullish(),
});

/** Returns who a token is of. Throws TokenError. The claims' texts are checked; the register decides what they mean. */
export function readIdentity(
  token: string,
  rules: TokenRules,
  findKey: JWTVerifyGetKey,
  now: Date,
): Promise<VerifiedIdentity> {
  const { issuer, audience, maxLifeSeconds: maxAgeSeconds } = rules;
  const requiredClaims = ['exp', 'iat', 'sub'];
  const verification = { issuer, audiences: [audience], requiredClaims, maxAgeSeconds, findKey, now };
  return verifyToken(token, verification, (claims, headerType) => {
    requirePurpose(claims, headerType, rules);
    return toIdentity(claims, rules);
  });
}

/** Throws unless the token is of the kind that the hub takes, and for one of the clients (RFC 8725, 3.11 and 3.12). */
function requirePurpose(claims: JWTPayload, headerType: string | undefined, { kind, audience, clients }: TokenRules) {
  const isOfKind =
    isOfType(headerType, HEADER_TYPES[kind]) &&
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
  if (typeof value === 'string' && isHolderCode(value)) return value;
  throw new TokenError('TOKEN_INVALID');
}
