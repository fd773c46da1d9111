import type postgres from 'postgres';
import { type LicenseIdentifierParts, readLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import type { LostLeaf } from './log-files.ts';

/** What a hub that was set back has lost, by what the log and the other schemas have seen. */

/** A use of a seal, or a statement of the register, whose act, document or row is lost. */
export interface LostUse {
  kind: 'SEAL_USE' | 'CODE_USE' | 'ATTESTATION';
  issuanceId: string;
  caseId: string | null;
  organ: string;
  act: string;
  identifier: string;
  blankNumber: string | null;
  /** Blanks of the duplicates of the sheet. */
  duplicateBlanks: string[];
  at: string;
}

/** A receipt of the city library for an event that the database has lost. */
export interface LostReceipt {
  stream: string;
  revision: number;
}

export interface Lost {
  leaves: readonly LostLeaf[];
  /** Uses that only the log has. */
  uses: LostUse[];
  /** Uses that seals have, and neither licenses nor cases. */
  orphanUses: LostUse[];
  sealEvents: { serial: number; sealId: string; event: string }[];
  receipts: LostReceipt[];
}

/** Lists what is lost. Only reads. */
export async function listLost(sql: postgres.Sql, leaves: readonly LostLeaf[]): Promise<Lost> {
  const contentsOf = (kind: LostLeaf['kind']) =>
    leaves.filter((leaf) => leaf.kind === kind).map(({ content }) => content);
  // A statement on states has no issuance: it concerns no act.
  const uses = (['SEAL_USE', 'CODE_USE', 'ATTESTATION'] as const).flatMap((kind) =>
    contentsOf(kind)
      .filter(({ issuanceId }) => issuanceId !== undefined)
      .map((content) => toLostUse(kind, content)),
  );
  const orphans = await sql<LostUse[]>`
    select 'SEAL_USE' as kind, issuance_id as "issuanceId", case_id as "caseId", organ, act, identifier,
      blank_number as "blankNumber", coalesce(duplicate_blanks, '{}') as "duplicateBlanks", at::text
    from seals.seal_use u where not exists (select from licenses.act a where a.id = u.issuance_id)
      and not exists (select from cases.notice n where n.id = u.issuance_id)
    union all select 'ATTESTATION', id, null, entry->>'organ', entry->>'act', entry->>'identifier',
      entry->>'blankNumber', '{}', at::text
    from (select r.id, r.at, l.entry::jsonb as entry from seals.register_statement r join seals.log_leaf l
      on l.kind = 'ATTESTATION' and l.subject = encode(sha256(convert_to(r.text, 'UTF8')), 'hex')) stated
    where not exists (select from licenses.act a where a.id = stated.id) order by "at"`;
  const sealEvents = contentsOf('SEAL_EVENT').map(({ serial, sealId, event }) => ({
    ...{ serial: Number(serial), sealId: String(sealId), event: String(event) },
  }));
  const receipts = contentsOf('RECEIPT').map(({ subject, revision }) => ({
    stream: String(subject).split(' ')[0] ?? '',
    revision: Number(revision),
  }));
  return { leaves, uses, orphanUses: [...orphans], sealEvents, receipts };
}

function toLostUse(kind: LostUse['kind'], content: LostLeaf['content']): LostUse {
  const { issuanceId, caseId = null, organ, act, identifier, blankNumber = null, duplicateBlanks = [], at } = content;
  return {
    ...{ kind, issuanceId: String(issuanceId), caseId: caseId === null ? null : String(caseId), organ: String(organ) },
    ...{
      act: String(act),
      identifier: String(identifier),
      blankNumber: blankNumber === null ? null : String(blankNumber),
      duplicateBlanks: (duplicateBlanks as unknown[]).map(String),
    },
    at: String(at),
  };
}

/** A license version by its identifier. */
export interface SeenVersion {
  identifier: string;
  parts: LicenseIdentifierParts;
}

/** Returns the license versions that lost uses name, each once. Numbers of decision documents are left out. */
export function listSeenVersions({ uses, orphanUses }: Lost): SeenVersion[] {
  const identifiers = new Set([...uses, ...orphanUses].map(({ identifier }) => identifier));
  return [...identifiers].flatMap((identifier) => {
    const { parts } = readLicenseIdentifier(identifier);
    return parts ? [{ identifier, parts }] : [];
  });
}
