import type { Database } from '../../../db/client.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import { requireLicenseIdentifier } from '../../kernel/identifier.ts';
import { describeOwnership, listOwners, readHeld } from '../../kernel/identity/co-ownership.ts';
import { isPersonKind, isPersonRecord } from '../../kernel/identity/identity.ts';
import { findTypeVersion, type PublishedLicenseType } from '../../kernel/license-type/type.ts';
import { maskName, publishLines } from '../../kernel/privacy/mask.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { hasSalt } from '../../kernel/sealing/salt.ts';
import type { LicenseRecord } from '../act/record.ts';
import type { LostSheet } from '../paper/lost-store.ts';
import { isRegistered, requireSealed } from '../registration/record.ts';
import { viewRegistration } from '../registration/view.ts';
import { findVersions, stateOfVersion } from '../store.ts';
import { listDeemed, listRenewals } from '../validity/renewal-store.ts';
import { isRenewed, viewRenewal } from '../validity/view.ts';

/** The parent value of LicenseStatus resolvers. @public by codegen.ts */
export type PublicStatus = NonNullable<Awaited<ReturnType<typeof findPublicStatus>>>;

/** Returns the public data of a license version on a day, or null if no version has this identifier. */
export async function findPublicStatus(db: Database, identifier: string, day: Day) {
  try {
    requireLicenseIdentifier(identifier, 'identifier');
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
  const [row] = await findVersions(db, 'identifier', [identifier], null);
  if (!row) return null;
  const { record, number, version, documentDigest, signedAt } = row.version;
  const state = stateOfVersion(row, day);
  const isNext = isRenewed(row, day);
  const renewals = (await listRenewals(db, [number])).get(number) ?? [];
  const { isRenewalGranted, deemedRenewedSince } = viewRenewal(row, renewals, day);
  return {
    record,
    identifier,
    /** Not a field of the schema. */
    key: number,
    number: record.ZZBH,
    version,
    state,
    name: record.ZZMC,
    holderName: isPersonRecord(record.CZZTDMLX) ? maskName(record.CZZT) : record.CZZT,
    owners: describeOwners(record),
    issuerName: record.ZZBFJG,
    issuedOn: record.ZZBFRQ,
    validFrom: record.ZZYXQQSRQ,
    validUntil: endDay(record.ZZYXQJZRQ),
    unprinted: record.KZ_BYX?.length ?? 0,
    // Whoever names it has the file. It opens the bundle of a record that has no random element.
    documentDigest: hasSalt(record) ? documentDigest : null,
    fileDigest: documentDigest,
    origin: isRegistered(record) ? ('REGISTERED' as const) : ('ISSUED' as const),
    registration: viewRegistration(record),
    sealName: isRegistered(record) ? null : requireSealed(record).ZZQZMC,
    sealedAt: isRegistered(record) ? null : signedAt,
    supersededBy: state === 'SUPERSEDED' ? row.license.headIdentifier : null,
    nextVersion: isNext ? row.license.headIdentifier : null,
    nextFrom: isNext ? row.license.headFrom : null,
    ...{ isRenewalGranted, deemedRenewedSince },
    deemedRenewals: await listDeemed(db, number, renewals, day),
  };
}

/**
 * Returns the lines of a record that everybody may see: those that its type publishes. None without the version of the
 * type that the record names. Names and numbers of natural persons who hold it are masked in them.
 */
export function listPublished(record: LicenseRecord, published: PublishedLicenseType | null): LicenseRecord['KZ_NR'] {
  const { KZ_NR, KZ_LXBB } = record;
  const type = findTypeVersion(published, KZ_LXBB);
  const labels = new Set(type?.lines.flatMap((line) => (line.published ? line.label : [])));
  const persons = listOwners(readHeld(record)).filter(({ codeKind }) => isPersonKind(codeKind));
  return publishLines(KZ_NR, labels, persons);
}

/** Returns all holders in one line, natural persons masked. Null for a sole holder. */
function describeOwners(record: LicenseRecord): string | null {
  const { holder, coOwnership } = readHeld(record);
  if (!coOwnership) return null;
  return describeOwnership({ holder, coOwnership }, ({ name, codeKind }) =>
    isPersonKind(codeKind) ? maskName(name) : name,
  );
}

/** A lost sheet as the public sees it: nothing of a person. */
export function viewLostPaper({ blankNumber, kind, record, lostAt, recalledAt }: LostSheet) {
  const names = { licenseName: record.ZZMC, issuerName: record.ZZBFJG };
  return {
    blankNumber,
    kind,
    licenseNumber: record.ZZBH,
    ...names,
    lostOn: dayOf(lostAt),
    isReturned: recalledAt !== null,
  };
}

/** Converts the end of validity from the record to GraphQL: 长期 (no end) becomes null. */
export function endDay(text: string): string | null {
  return text === '长期' ? null : text;
}
