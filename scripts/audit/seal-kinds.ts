import type { SealKind } from '../../subgraphs/kernel/events/seal-grant.ts';
import type { SealedAct } from '../../subgraphs/kernel/license-acts.ts';
import { sealAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import { type OrganLevel, pickSealsFor } from '../../subgraphs/kernel/sealing/seal-kind.ts';
import { type AuditInput, buildFinding, type Finding, streamRows } from './finding.ts';
import { decodeStatement } from './uses.ts';

/** A use of a seal with the level of its organ: null if matters do not know the organ. */
interface KindUse {
  object: string;
  sealId: string;
  organ: string;
  act: SealedAct;
  authorisation: string;
  level: OrganLevel | null;
}

/**
 * Audits that each document bears the right kind of seal: of the kinds that could serve when the use was authorised.
 * The day from which a kind is required is that of the seal (`required_since`).
 */
export async function* auditSealKinds({ sql }: AuditInput): AsyncGenerator<Finding> {
  const seals = await sql<{ id: string; organ: string; kind: SealKind; requiredSince: Date | null }[]>`
    select id, organ, kind, required_since as "requiredSince" from seals.seal`;
  const byOrgan = Map.groupBy(seals, (seal) => seal.organ);
  const rows = sql<KindUse[]>`select u.object, u.seal_id as "sealId", u.organ, u.act, u.authorisation, o.level
    from (select 'use:' || issuance_id as object, seal_id, organ, act, authorisation from seals.seal_use
      union all select 'code:' || issuance_id, seal_id, organ, act, authorisation from seals.seal_code) u
    left join matters.organ o on o.id = u.organ`;
  for await (const { object, sealId, organ, act, authorisation, level } of streamRows(rows)) {
    const statement = sealAuthorisation.safeParse(decodeStatement(authorisation));
    // What cannot be read is a finding of `auditUses`.
    if (!statement.success || level === null) continue;
    const { authorisedAt } = statement.data;
    const fitting = pickSealsFor(byOrgan.get(organ) ?? [], { act, level, authorisedAt });
    if (!fitting.some(({ id }) => id === sealId))
      yield buildFinding('SEAL_KIND_WRONG', object, `此类文书自授权之日起不用印章 ${sealId}`);
  }
}
