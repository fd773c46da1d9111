import { sha256, toCanonicalJson } from '../../kernel/events/events.ts';
import { type AttestRequest, REGISTER_TYP, type RegisterStatement } from '../../kernel/sealing/attest.ts';
import { buildLeaf, type Leaf } from '../log/leaf.ts';

/** What the register's key signed, as the log and the ledger of statements keep it. */

/**
 * Builds the leaf of a statement (状态声明、登记声明). The leaf of a register statement also says of which act and which
 * blank, so that a hub that was set back knows what it has stated.
 */
export function buildAttestationLeaf(request: AttestRequest, jws: string, at: Date): Leaf {
  const digest = sha256(jws);
  const about = request.typ === REGISTER_TYP ? describeAct(request.claims) : {};
  return buildLeaf('ATTESTATION', digest, { typ: request.typ, digest, ...about }, at);
}

function describeAct(claims: RegisterStatement) {
  const { jti: issuanceId, organ, act, sub: identifier } = claims;
  const about = { issuanceId, organ, act, identifier };
  return claims.act === 'SPOIL' ? { ...about, blankNumber: claims.replacement } : about;
}

/** Whether a stored statement says exactly this. It does not verify the statement. */
export function isSameStatement(jws: string, claims: RegisterStatement): boolean {
  return readClaimsText(jws) === toCanonicalJson(claims);
}

/** Returns the claims of a compact JWS as text. It does not verify the JWS. */
export function readClaimsText(jws: string): string {
  return Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8');
}
