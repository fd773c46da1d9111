import type { Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { SealedAct } from '../../kernel/license-acts.ts';
import type { Decider } from '../../kernel/sealing/person-signature.ts';
import type { LicenseHead } from '../license.ts';
import type { SealUse } from './seal.ts';
import { listSealFacts } from './store.ts';

/** The use of a seal on the issuing organ's own authority. */

/** Whoever authorises a seal on the organ's own authority, with the organ that the person belongs to. */
export interface Authoriser extends Pick<Person, 'id' | 'name'> {
  organ: string;
}

/** On the organ's own authority, its own people decide: no exception lets others do it. */
export const toDecider = (head: LicenseHead, { organ }: Authoriser): Decider => ({
  organ,
  decides: head.issuer.id,
  exception: null,
});

/** Loads the use of a seal that a person authorises on the issuing organ's own authority. */
export async function loadOwnSealUse(
  tx: Transaction,
  head: LicenseHead,
  person: Authoriser,
  { act, at }: { act: SealedAct; at: Date },
): Promise<SealUse> {
  const seals = await listSealFacts(tx, [head.issuer.id]);
  const { id: organ, level } = head.issuer;
  const use = { organ, level, act, matterId: head.record.KZ_SX, personId: person.id };
  const authorised = { ...use, decider: toDecider(head, person), authorisedAt: at.toISOString() };
  return { seals, authorised, at };
}
