import type { Transaction } from '../../../db/client.ts';
import type { SealKind } from '../../kernel/events/seal-grant.ts';
import type { PkiDependencies } from '../certification/certification-workflow.ts';
import { makeSeals } from '../certification/generation-workflow.ts';
import { listMadeByHub } from '../certification/grant-store.ts';
import { sealIdOf } from '../seal.ts';
import * as seals from '../store.ts';
import type { Particulars } from './application.ts';
import * as store from './store.ts';

/** Provides the seals that an organ needs, at the start. */

/** The seals that an organ needs, each with the matters for which it is granted. */
export interface NeededSeals {
  organ: string;
  organName: string;
  kinds: readonly { kind: SealKind; matters: readonly string[] }[];
}

/** Who applies for a seal that an earlier release did not have. No person has this id. */
const HUB_APPLICANT = { appliedById: 'hub', appliedBy: '系统（升级）' };

const UPGRADE_REASON = '升级：此类印章自本版起按文书种类使用，批准、备案、启用前沿用原有印章。';

/**
 * Makes all seals of an organ that has none. Where it has some, persons decide: the hub applies once for each missing
 * kind, and the application waits as any other. Seals that the hub made get grants for matters that are new. Returns
 * the number of the organ's seals of these kinds.
 */
export async function provideSeals(deps: PkiDependencies, { organ, organName, kinds }: NeededSeals): Promise<number> {
  const existing = new Set((await seals.listSealsOf(deps.db, organ)).map(({ seal }) => seal.id));
  const wanted = kinds.map(({ kind, matters }) => ({ id: sealIdOf(organ, kind), organ, organName, kind, matters }));
  if (existing.size === 0) return (await makeSeals(deps, wanted)).length;
  const ownIds = await listMadeByHub(deps.db, [...existing]);
  await makeSeals(
    deps,
    wanted.filter(({ id }) => ownIds.has(id)),
  );
  const missing = wanted.filter(({ id }) => !existing.has(id));
  if (missing.length > 0) {
    await deps.db.transaction(async (tx) => {
      await seals.lockApplications(tx, organ);
      for (const seal of missing) await applyOnce(tx, deps, seal);
    });
  }
  return wanted.length - missing.length;
}

/** Applies for a seal, unless somebody or the hub has done so before. */
async function applyOnce(
  tx: Transaction,
  { now }: PkiDependencies,
  seal: { id: string; organ: string; organName: string; kind: SealKind; matters: readonly string[] },
): Promise<void> {
  const { id: sealId, organ, organName, kind: sealKind, matters } = seal;
  if (await store.hasApplications(tx, sealId)) return;
  const [id, at] = [crypto.randomUUID(), now()];
  const particulars: Particulars = { kind: 'MAKE', sealKind, organName, matters: [...matters] };
  const application = { id, kind: particulars.kind, organ, sealId, particulars, reason: UPGRADE_REASON };
  await store.insertApplication(tx, { ...application, ...HUB_APPLICANT, at });
  const actor = { actorId: null, actor: HUB_APPLICANT.appliedBy };
  const act = { event: 'APPLIED_MAKE', matterId: null, ...actor, ...HUB_APPLICANT, applicationId: id } as const;
  await seals.insertEvents(tx, sealId, [{ ...act, reason: UPGRADE_REASON, at }]);
}
