import { type AttestRequest, attestRequest, REGISTER_TYP } from '../../kernel/sealing/attest.ts';
import { ensureAuthorities, toCertifiedKey } from '../certification/certification-workflow.ts';
import { insertLeaves } from '../log/store.ts';
import type { CertifiedKey } from '../signer/signer.ts';
import { requireLog, type UseDependencies } from '../use/workflow.ts';
import { buildAttestationLeaf, isSameStatement } from './attestation.ts';
import { insertStatement, lockStatement } from './store.ts';

type RegisterRequest = Extract<AttestRequest, { typ: typeof REGISTER_TYP }>;

/**
 * Signs a statement with the register's key (状态声明、登记声明). Returns a compact JWS (RFC 7515, ES256) of the requested
 * type, with the certificates below the root in `x5c`. Throws ZodError unless the claims have the closed form of it.
 */
export async function attest(deps: UseDependencies, rawRequest: AttestRequest): Promise<string> {
  const request = attestRequest.parse(rawRequest);
  const { status } = await ensureAuthorities(deps);
  const key = toCertifiedKey(status);
  if (request.typ === REGISTER_TYP) return attestAct(deps, key, request);
  const jws = await deps.signer.attest({ key, request });
  await insertLeaves(deps.db, [buildAttestationLeaf(request, jws, deps.now())]);
  return jws;
}

/**
 * States an act once: the same claims always return the same bytes, and other claims of the same act are a fault of the
 * caller. Statement and leaf are written in one transaction, so that no statement is unrecorded.
 */
function attestAct(deps: UseDependencies, key: CertifiedKey, request: RegisterRequest): Promise<string> {
  const { jti: id } = request.claims;
  return deps.db.transaction(async (tx) => {
    await requireLog(tx, deps);
    const previous = await lockStatement(tx, id);
    if (previous !== null) {
      if (!isSameStatement(previous, request.claims)) throw new Error(`the register has stated otherwise of ${id}`);
      return previous;
    }
    const text = await deps.signer.attest({ key, request });
    const at = deps.now();
    await insertStatement(tx, { id, text, at }, buildAttestationLeaf(request, text, at));
    return text;
  });
}
