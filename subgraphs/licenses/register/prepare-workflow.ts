import type { Transaction } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { computeContentDigest } from '../../kernel/events/events.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import type { SpoilReason } from '../../kernel/sealing/attest.ts';
import { findPreparedActs, insertAct, type PreparedAct } from '../act/act-store.ts';
import { lockCurrentVersion, type PrepareDependencies } from '../act/prepare-workflow.ts';
import { succeedStock } from '../organ/store.ts';
import { lockBlanks, moveBlanks } from '../paper/blank-store.ts';
import { requireFitting } from '../paper/paper.ts';
import { lockSheet } from '../paper/store.ts';
import { LICENSES_POLICY } from '../policy.ts';
import * as store from '../store.ts';
import { buildSpoilStatement } from './statement.ts';

/** A clerk's request to print a version on another blank. */
export interface SpoilRequest {
  identifier: string;
  blankNumber: string;
  replacement: string;
  reason: Exclude<SpoilReason, 'UNCODED'>;
}

/**
 * Step ① for a sheet spoiled before delivery. The same version goes onto another blank, and the register states both
 * blanks and the reason by its code. Nobody decides it, so no seal is used. Returns the act.
 */
export async function prepareSpoil(
  tx: Transaction,
  deps: PrepareDependencies,
  actor: Actor,
  request: SpoilRequest,
): Promise<PreparedAct> {
  const { blankNumber: spoiled, replacement, reason } = request;
  const [id, at] = [crypto.randomUUID(), deps.now()];
  const today = dayOf(at);
  const head = store.toHead(await lockCurrentVersion(tx, request.identifier, today), today);
  const clerk = requireAllowed(LICENSES_POLICY.spoilBlank, { head }, actor);
  const blanks = await lockBlanks(tx, [spoiled, replacement]);
  const sheet = await lockSheet(tx, { blankNumber: spoiled, identifier: head.identifier }, today);
  const [prepared = null] = await findPreparedActs(tx, [head.number]);
  const { organ, blanks: stock } = await succeedStock(
    tx,
    { organ: head.issuer.id, matterId: head.record.KZ_SX, blanks },
    today,
  );
  const need = { organ, licenseType: head.record.ZZLXDM };
  checkAll(
    () => {
      if (blanks.get(spoiled)?.state === 'SPOILED') throw new Refusal('BLANK_SPOILED', 'blankNumber');
      requireAllowed(LICENSES_POLICY.spoilBlank, { head, sheet, prepared }, actor);
    },
    () => requireFitting(stock.get(replacement) ?? null, need, 'replacement'),
  );
  const { number, identifier, version, storedState: state, issuer } = head;
  const sheets = { spoiled, replacement, personId: clerk.id, at };
  const record = buildSpoilStatement({ id, identifier, version, state, organ: issuer.id, ...sheets }, reason);
  const preparedAct = await insertAct(tx, {
    ...{ id, act: 'SPOIL', number, identifier, version, caseId: null, stateAfter: state, record, reason },
    ...{ contentDigest: computeContentDigest(record), authorisation: null, organ: issuer, matterId: head.record.KZ_SX },
    ...{ blankNumber: replacement, spoiledBlank: spoiled, actorId: clerk.id, actor: clerk.name, preparedAt: at },
  });
  await moveBlanks(tx, [replacement], 'ASSIGNED', { identifier, actId: id, actor: clerk.name, at });
  return { ...preparedAct, authorised: preparedAct.record };
}
