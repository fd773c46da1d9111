import { createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { Refusal } from '../refusal.ts';
import { personSignature, sealStatement } from './person-signature.ts';
import type { ServicePublicKeys } from './service-keys.ts';
import type { ServiceIdentity } from './service-token.ts';
import type { AuthorisedUse } from './sign.ts';

/**
 * Statements of persons who authorise a seal (用印授权), signed by the process in which they act. The process signs with
 * its own key, which nobody else has: who verifies a statement can make none.
 */

/** The statement of a person who authorises a seal, with the person's own signature if there is one. */
export const sealAuthorisation = sealStatement.extend({ signature: personSignature.optional() });
export type SealAuthorisation = z.infer<typeof sealAuthorisation>;

/** The subgraphs in which persons authorise a seal. */
export const AUTHORISING_SUBGRAPHS = ['cases', 'licenses'] as const;
export type AuthorisingSubgraph = (typeof AUTHORISING_SUBGRAPHS)[number];
export type AuthorisationKeys = Pick<ServicePublicKeys, AuthorisingSubgraph>;

/** A statement, and the process that signed it. */
export interface VerifiedAuthorisation {
  subgraph: AuthorisingSubgraph;
  statement: SealAuthorisation;
}

/** No token of a process has this type, so that none is read as a statement, and no statement as a token. */
const TYPE = 'tongquan-seal-authorisation+jwt';

/** Signs a statement as a JWS with EdDSA. `kid` is the thumbprint of the process's key (RFC 7638). */
export async function writeAuthorisation(
  { service, privateKey }: ServiceIdentity,
  statement: SealAuthorisation,
): Promise<string> {
  const kid = await computeThumbprint(createPublicKey(privateKey));
  return new SignJWT({ ...statement })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid })
    .setIssuer(service)
    .sign(privateKey);
}

function computeThumbprint(key: KeyObject): Promise<string> {
  return calculateJwkThumbprint(key.export({ format: 'jwk' }));
}

/**
 * Verifies and reads a statement. Refuses SEAL_AUTHORISATION_INVALID when it is forged or altered, when the process
 * that it names may not make one or no longer has that key, or when it does not say in whose place the person decides.
 */
export async function readAuthorisation(keys: AuthorisationKeys, jws: string): Promise<VerifiedAuthorisation> {
  try {
    const named = readUnverified(jws);
    const { kid } = decodeProtectedHeader(jws);
    for (const key of keys[named.subgraph]) {
      if ((await computeThumbprint(key)) !== kid) continue;
      await jwtVerify(jws, key, { algorithms: ['EdDSA'], typ: TYPE, issuer: named.subgraph });
      if (named.statement.decider) return named;
    }
  } catch {}
  throw new Refusal('SEAL_AUTHORISATION_INVALID');
}

/**
 * Reads a statement without verification: one that is known by its digest, because it was verified and waited for its
 * seal when keys changed. Refuses SEAL_AUTHORISATION_INVALID when it is none.
 */
export function readKnownAuthorisation(jws: string): VerifiedAuthorisation {
  try {
    return readUnverified(jws);
  } catch {
    throw new Refusal('SEAL_AUTHORISATION_INVALID');
  }
}

const issuer = z.object({ iss: z.enum(AUTHORISING_SUBGRAPHS) });

function readUnverified(jws: string): VerifiedAuthorisation {
  const claims = decodeJwt(jws);
  return { subgraph: issuer.parse(claims).iss, statement: sealAuthorisation.parse(claims) };
}

/** The person whom a statement names. */
export type NamedAuthoriser = Pick<AuthorisedUse, 'personId' | 'decider' | 'authorisedAt'> & { name: string };

const authoriser = sealAuthorisation.pick({ actor: true, actorName: true, authorisedAt: true, decider: true });

/**
 * Returns the person whom a statement names, and for whom that person decides, without verification. Only the signer
 * can verify it.
 * Refuses SEAL_AUTHORISATION_INVALID when it names nobody.
 */
export function readUnverifiedAuthoriser(jws: string): NamedAuthoriser {
  try {
    const { actor: personId, actorName: name, authorisedAt, decider = null } = authoriser.parse(decodeJwt(jws));
    return { personId, name, authorisedAt, decider };
  } catch {
    throw new Refusal('SEAL_AUTHORISATION_INVALID');
  }
}
