import type { Database, Transaction } from '../../../db/client.ts';
import { type Actor, hasRole } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { isHeldBy } from '../../kernel/identity/co-ownership.ts';
import { changesHolder, type LicenseAction } from '../../kernel/license-acts.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { buildReading } from '../../kernel/privacy/reading.ts';
import { addReading } from '../../kernel/privacy/reading-store.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { LicenseFact } from '../case.ts';
import { findLicense, findNamedLicenses } from '../fact/store.ts';
import type { SubmittedMaterial } from '../material/material.ts';
import { reading } from '../reading/tables.ts';
import { type IntakeLimits, startOfIntake } from './intake.ts';
import { lockHolderChecks } from './store.ts';

/** What a request names: an applicant's code, and licenses that the answer compares it with. */
export interface NamedLicenses {
  applicantCode: string;
  /** Codes of the other holders that it states. */
  coHolderCodes: readonly string[];
  /** The act for which it names a license by its number. */
  act: LicenseAction;
  licenseNumber: string | null;
  materials: readonly Pick<SubmittedMaterial, 'license'>[];
}

/** A license of somebody else that a request names. */
interface NamedLicense {
  license: LicenseFact;
  object: 'HOLDER_CHECK' | 'LICENSE_NAMED';
}

/**
 * Returns the licenses of other holders that a request names. The answer tells that the stated code is wrong
 * (HOLDER_CHECK), unless the act gives the license to another holder, as the applicant is then (LICENSE_NAMED).
 */
async function listForeign(tx: Transaction, named: NamedLicenses): Promise<NamedLicense[]> {
  const { licenseNumber, materials, act, applicantCode, coHolderCodes } = named;
  const identifiers = materials.flatMap(({ license }) => license ?? []);
  const asMaterial = [...(await findNamedLicenses(tx, identifiers)).values()];
  const byNumber = licenseNumber === null ? null : await findLicense(tx, licenseNumber);
  const object = changesHolder(act) ? 'LICENSE_NAMED' : 'HOLDER_CHECK';
  const all: NamedLicense[] = [
    ...asMaterial.map((license) => ({ license, object: 'HOLDER_CHECK' as const })),
    ...(byNumber === null ? [] : [{ license: byNumber, object } as const]),
  ];
  const isCompared = ({ license }: NamedLicense) => license.number === byNumber?.number && !changesHolder(act);
  const isForeign = (one: NamedLicense) =>
    [applicantCode, ...(isCompared(one) ? coHolderCodes : [])].some((code) => !isHeldBy(one.license.license, code));
  const foreign = all.filter(isForeign);
  // One that a request names twice is one.
  return [...new Map(foreign.map((each) => [`${each.object} ${each.license.number}`, each])).values()];
}

/** Whether the answer to a request tells of a code whether it is a holder's. */
function comparesCode({ act, licenseNumber, materials }: NamedLicenses): boolean {
  return materials.some(({ license }) => license) || (licenseNumber !== null && !changesHolder(act));
}

/**
 * Records each license of another holder that a clerk or an applicant names, in a rehearsal too: the answer tells that
 * the stated code is wrong, so that without a limit a masked code could be guessed. Of a transfer it tells what the
 * license is. The record is committed before the answer, and the holder sees it. Must be called before the transaction
 * of the request. Refuses HOLDER_CHECKS_TOO_MANY, whether the code is right or wrong: after the day's wrong codes, and
 * after as many transfers of licenses for an applicant, or of one license for a clerk, who handles those of many.
 */
export async function recordHolderChecks(
  { db, now, intake }: { db: Database; now: Clock; intake: IntakeLimits },
  actor: Actor,
  named: NamedLicenses,
): Promise<void> {
  if (named.licenseNumber === null && named.materials.every(({ license }) => !license)) return;
  if (actor.kind !== 'person') return;
  const isClerk = hasRole(actor, 'WINDOW_CLERK');
  // Whoever is neither clerk nor applicant is refused before anything is compared.
  if (!isClerk && actor.holderCode !== named.applicantCode) return;
  await db.transaction(async (tx) => {
    const at = now();
    const earlier = await lockHolderChecks(tx, actor.id, startOfIntake(at));
    const refuseAfter = (count: number) => {
      if (count >= intake.holderChecks) throw new Refusal('HOLDER_CHECKS_TOO_MANY', 'applicant.code');
    };
    if (comparesCode(named)) refuseAfter(earlier.filter(({ object }) => object === 'HOLDER_CHECK').length);
    for (const { license, object } of await listForeign(tx, named)) {
      const { number } = license;
      const { code } = license.license.holder;
      const isCounted = (row: { object: string; subject: string }) =>
        row.object === 'LICENSE_NAMED' && (!isClerk || row.subject === number);
      if (object === 'LICENSE_NAMED') refuseAfter(earlier.filter(isCounted).length);
      const subject = { subject: number, number: printedNumber(number), holderCode: code };
      const read = { object, objectId: number, at };
      await addReading(tx, reading, buildReading(actor, { purpose: 'EXAMINATION', remark: null }, subject, read));
    }
  });
}
