import type { Database } from '../../../db/client.ts';
import { requireLicenseIdentifier } from '../../kernel/identifier.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findVersions } from '../store.ts';

/** What the public may know of a license version, or null where there is none of that identifier. */
export async function publicStatus(db: Database, identifier: string) {
  try {
    requireLicenseIdentifier(identifier, 'identifier');
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
  const [found] = await findVersions(db, 'identifier', [identifier], null);
  if (!found) return null;
  const { record, number, version, state, documentDigest, signedAt } = found.version;
  return {
    identifier,
    number,
    version,
    state,
    name: record.ZZMC,
    holderName: record.CZZTDMLX === '111' ? maskName(record.CZZT) : record.CZZT,
    issuerName: record.ZZBFJG,
    issuedOn: record.ZZBFRQ,
    validFrom: record.ZZYXQQSRQ,
    validUntil: endDay(record.ZZYXQJZRQ),
    documentDigest,
    sealName: record.ZZQZMC,
    sealedAt: signedAt,
    supersededBy: state === 'SUPERSEDED' ? found.license.headIdentifier : null,
  };
}

/** The record writes 长期 where a license has no end; GraphQL has null. */
export function endDay(text: string): string | null {
  return text === '长期' ? null : text;
}

/** A natural person's name for the public: the family name and how many characters follow. */
function maskName(name: string): string {
  const [first = '', ...rest] = [...name];
  return first + '*'.repeat(rest.length);
}
