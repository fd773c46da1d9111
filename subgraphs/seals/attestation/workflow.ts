import {
  type AttestActsRequest,
  type AttestRequest,
  attestActsRequest,
  attestRequest,
  REGISTER_TYP,
  type RegisterStatement,
} from '../../kernel/sealing/attest.ts';
import { ensureAuthorities, toCertifiedKey } from '../certification/certification-workflow.ts';
import { insertLeaves } from '../log/store.ts';
import { requireLog, type UseDependencies } from '../use/workflow.ts';
import { buildAttestationLeaf, isSameStatement } from './attestation.ts';
import { insertStatements, lockStatements } from './store.ts';

/**
 * Signs a statement with the register's key (状态声明、登记声明). Returns a compact JWS (RFC 7515, ES256) of the requested
 * type, with the certificates below the root in `x5c`. Throws ZodError unless the claims have the closed form of it.
 */
export async function attest(deps: UseDependencies, rawRequest: AttestRequest): Promise<string> {
  deps.halt.requireActing();
  const request = attestRequest.parse(rawRequest);
  if (request.typ === REGISTER_TYP) return (await attestActs(deps, { statements: [request.claims] }))[0] as string;
  const { status } = await ensureAuthorities(deps);
  const key = toCertifiedKey(status);
  const jws = await deps.signer.attest({ key, request });
  await insertLeaves(deps.db, [buildAttestationLeaf(request, jws, deps.now())]);
  return jws;
}

/**
 * States acts, each once: the same claims always return the same bytes, and other claims of the same act are a fault of
 * the caller. Statements and leaves are written in one transaction, so that no statement is unrecorded. Returns a
 * compact JWS for each, in their order. Throws ZodError unless all have the closed form, and an Error if two statements
 * are of one act.
 */
export async function attestActs(deps: UseDependencies, rawRequest: AttestActsRequest): Promise<string[]> {
  deps.halt.requireActing();
  const { statements } = attestActsRequest.parse(rawRequest);
  const ids = statements.map(({ jti }) => jti);
  if (new Set(ids).size < ids.length) throw new Error('two statements are of one act');
  const { status } = await ensureAuthorities(deps);
  const key = toCertifiedKey(status);
  return deps.db.transaction(async (tx) => {
    await requireLog(tx, deps);
    const known = await lockStatements(tx, ids);
    for (const claims of statements) requireSameStatement(known.get(claims.jti), claims);
    const missing = statements.filter(({ jti }) => !known.has(jti));
    if (missing.length > 0) {
      const texts = await deps.signer.attestActs({ key, request: { statements: missing } });
      const at = deps.now();
      const rows = missing.map(({ jti: id }, i) => ({ id, text: texts[i] ?? '', at }));
      const leaves = missing.map((claims, i) =>
        buildAttestationLeaf({ typ: REGISTER_TYP, claims }, texts[i] ?? '', at),
      );
      await insertStatements(tx, rows, leaves);
      for (const { id, text } of rows) known.set(id, text);
    }
    return ids.map((id) => known.get(id) as string);
  });
}

function requireSameStatement(previous: string | undefined, claims: RegisterStatement): void {
  if (previous !== undefined && !isSameStatement(previous, claims))
    throw new Error(`the register has stated otherwise of ${claims.jti}`);
}
