import { Refusal } from '../../../subgraphs/kernel/refusal.ts';
import { sealAuthorisation } from '../../../subgraphs/kernel/sealing/authorisation.ts';
import { requirePersonSignature } from '../../../subgraphs/seals/signer/person/credential.ts';
import { type AuditInput, buildFinding, type Finding, streamRows } from '../finding.ts';
import { decodeStatement } from '../uses.ts';

/**
 * Audits the persons' own signatures on the authorisations of seals (本人签名), by the rule of the signer as of the time of
 * each use. The auditor brings the signer's file of persons' keys. Without it, signatures are only counted.
 */
export async function* auditSignatures({ sql, personKeys = null, onNote }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<{ object: string; act: string; authorisation: string; at: Date }[]>`
    select 'use:' || issuance_id as object, act, authorisation, at from seals.seal_use
    union all select 'code:' || issuance_id, act, authorisation, at from seals.seal_code`;
  let signed = 0;
  for await (const { object, act, authorisation, at } of streamRows(rows)) {
    const statement = sealAuthorisation.safeParse(decodeStatement(authorisation));
    // What cannot be read is a finding of `auditUses`.
    if (!statement.success) continue;
    if (statement.data.signature) signed++;
    if (personKeys === null) continue;
    try {
      requirePersonSignature(personKeys, statement.data, { act, at });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      yield buildFinding(error.code, object, `授权人 ${statement.data.actor}：${error.message}`);
    }
  }
  if (personKeys === null && signed > 0)
    onNote?.(`有 ${signed} 项用印授权带有本人签名，没有给出签名机的凭据文件（--person-keys），未核对`);
}
