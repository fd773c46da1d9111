import type { Database, Transaction } from '../../../db/client.ts';
import { type Actor, hasRole } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { buildReading } from '../../kernel/privacy/reading.ts';
import { addReading } from '../../kernel/privacy/reading-store.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { LicenseFact } from '../case.ts';
import { findLicenses, findNamedLicenses } from '../fact/store.ts';
import type { SubmittedMaterial } from '../material/material.ts';
import { reading } from '../reading/tables.ts';
import { type IntakeLimits, startOfIntake } from './intake.ts';
import { lockHolderChecks } from './store.ts';

/** What a request names: an applicant's code, and licenses that the answer compares it with. */
export interface NamedLicenses {
  applicantCode: string;
  licenseNumber: string | null;
  materials: readonly Pick<SubmittedMaterial, 'license'>[];
}

/** Returns the licenses that a request names, by number. */
async function findNamed(
  tx: Transaction,
  { licenseNumber, materials }: NamedLicenses,
): Promise<Map<string, LicenseFact>> {
  const identifiers = materials.flatMap(({ license }) => license ?? []);
  const named = [...(await findNamedLicenses(tx, identifiers)).values()];
  const byNumber = await findLicenses(tx, licenseNumber === null ? [] : [licenseNumber]);
  return new Map([...byNumber, ...named.map((fact): [string, LicenseFact] => [fact.number, fact])]);
}

/**
 * Records each license whose holder's code a clerk states wrongly: the answer tells that it is wrong, in a rehearsal
 * too, so that without a limit a masked code could be guessed. The record is committed before the answer, and the
 * holder sees it. Must be called before the transaction of the request. Refuses HOLDER_CHECKS_TOO_MANY, whether the
 * code is right or wrong.
 */
export async function recordHolderChecks(
  { db, now, intake }: { db: Database; now: Clock; intake: IntakeLimits },
  actor: Actor,
  named: NamedLicenses,
): Promise<void> {
  const { applicantCode } = named;
  if (actor.kind !== 'person' || !hasRole(actor, 'WINDOW_CLERK') || actor.holderCode === applicantCode) return;
  if (named.licenseNumber === null && named.materials.every(({ license }) => !license)) return;
  await db.transaction(async (tx) => {
    const at = now();
    const wrongChecks = await lockHolderChecks(tx, actor.id, startOfIntake(at));
    if (wrongChecks >= intake.holderChecks) throw new Refusal('HOLDER_CHECKS_TOO_MANY', 'applicant.code');
    for (const [number, { license }] of await findNamed(tx, named)) {
      const { code } = license.holder;
      if (code === applicantCode) continue;
      const subject = { subject: number, number, holderCode: code };
      const object = { object: 'HOLDER_CHECK' as const, objectId: number, at };
      await addReading(tx, reading, buildReading(actor, { purpose: 'EXAMINATION', remark: null }, subject, object));
    }
  });
}
