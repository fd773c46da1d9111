import type { Database } from '../../../db/client.ts';
import { type Day, isWithin } from '../../kernel/day.ts';
import type { DelegationFact } from '../../kernel/events/events.ts';
import { readLicenseIdentifier } from '../../kernel/identifier.ts';
import { endsInMark } from '../../kernel/license-type/license-key.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findMatter, findNamedLicenses, listPrinted } from '../fact/store.ts';
import { pickLicense } from './license-name.ts';
import type { Request } from './request.ts';

/** From the number that a person typed to the key of the license. */

interface MatterInForce {
  matter: MatterFact;
  delegation: DelegationFact;
}

/**
 * Returns what names a license by its number as printed, or by the identifier of any of its versions, with its key
 * instead. Text that names none stays as it is. Refuses LICENSE_NUMBER_AMBIGUOUS, and LICENSE_UNKNOWN for a key.
 */
export async function resolveLicense<Naming extends { licenseNumber: string | null }>(
  db: Database,
  naming: Naming,
  of: MatterInForce,
): Promise<Naming> {
  const { licenseNumber: named } = naming;
  if (named === null) return naming;
  return { ...naming, licenseNumber: (await findKey(db, named, of)) ?? named };
}

async function findKey(db: Database, named: string, of: MatterInForce): Promise<string | null> {
  if (endsInMark(named)) throw new Refusal('LICENSE_UNKNOWN', 'licenseNumber');
  const isIdentifier = readLicenseIdentifier(named).verdict === 'VALID';
  const fact = isIdentifier
    ? (await findNamedLicenses(db, [named])).get(named)
    : pickLicense(await listPrinted(db, named), of);
  return fact?.number ?? null;
}

/** Returns a request with the key of the license that it names. A later rule judges its matter. */
export async function resolveRequest(db: Database, request: Request, today: Day): Promise<Request> {
  const { application, matterId } = request;
  if (application.licenseNumber === null) return request;
  const matter = await findMatter(db, matterId, today);
  const delegation = matter?.delegations.find(({ validFrom, validTo }) => isWithin(today, validFrom, validTo));
  if (!matter || !delegation) return request;
  return { ...request, application: await resolveLicense(db, application, { matter, delegation }) };
}
