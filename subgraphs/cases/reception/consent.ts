import { hasRole, type Person } from '../../kernel/actor.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import { type Delivery, readParty } from '../../kernel/delivery/delivery.ts';
import type { Holder } from '../../kernel/events/events.ts';
import { type Held, listOwners } from '../../kernel/identity/co-ownership.ts';
import { changesHolder, type LicenseAction } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';

/** The consent of the holder to whom a license belongs, when it is applied for by another one (转让). Pure. */

/** How holders consent: 转让双方共同申请, 原持证人同意书. */
export const CONSENT_FORMS = ['JOINT_APPLICATION', 'WRITTEN_CONSENT'] as const;
export type ConsentForm = (typeof CONSENT_FORMS)[number];

/** A consent as the clerk who saw it states it. */
export interface ConsentStatement {
  form: ConsentForm;
  /** The day of the joint application, or on the letter. */
  on: Day;
}

/** A consent as a step keeps it, with the holder of that day. Several holders consent together. */
export interface HolderConsent extends ConsentStatement {
  holder: Holder;
}

/** The steps of a case, as far as they keep a consent. */
interface ConsentSteps {
  steps: readonly { data: { consent?: HolderConsent } | null }[];
}

/** What decides whether a consent may be stated: who states it, the act, and the license as it stands. */
interface ConsentPlace {
  person: Person;
  act: LicenseAction;
  license: { license: Held } | null;
  at: Date;
}

/**
 * Returns what a step keeps of the consent that a clerk states with an application or a supplement, with the holders of
 * the license; null if none is stated. Refuses ROLE_NOT_ALLOWED for everybody but a clerk, FIELD_MALFORMED for a day to
 * come and for an act that needs no consent, LICENSE_UNKNOWN without a license.
 */
export function toConsentData(
  consent: ConsentStatement | null,
  { person, act, license: fact, at }: ConsentPlace,
): { consent: HolderConsent } | null {
  if (consent === null) return null;
  const { form, on } = consent;
  if (!hasRole(person, 'WINDOW_CLERK'))
    throw new Refusal('ROLE_NOT_ALLOWED', 'holderConsent', '原持证人的同意由窗口人员核验后登记');
  if (!changesHolder(act)) throw new Refusal('FIELD_MALFORMED', 'holderConsent', '只有转让须原持证人同意');
  if (on > dayOf(at)) throw new Refusal('FIELD_MALFORMED', 'holderConsent.on', '同意的日期不能晚于今天');
  if (fact === null) throw new Refusal('LICENSE_UNKNOWN', 'licenseNumber');
  const { license } = fact;
  const { codeKind, code } = license.holder;
  const name = listOwners(license)
    .map((owner) => owner.name)
    .join('、');
  return { consent: { form, on, holder: { name, codeKind, code } } };
}

/** Returns the newest consent that a case has, or null. */
export function consentOf({ steps }: ConsentSteps): HolderConsent | null {
  return steps.findLast(({ data }) => data?.consent)?.data?.consent ?? null;
}

/**
 * Refuses HOLDER_CONSENT_MISSING for an act that gives the license of `license` to another holder, unless its holders
 * of today consented.
 */
export function requireConsent(subject: ConsentSteps, act: LicenseAction, license: Held | null): void {
  if (!changesHolder(act)) return;
  const consent = consentOf(subject);
  if (consent === null) throw new Refusal('HOLDER_CONSENT_MISSING', 'holderConsent');
  // The license went to somebody else since: whoever consented has no say in it any more.
  if (license && license.holder.code !== consent.holder.code)
    throw new Refusal('HOLDER_CONSENT_MISSING', 'holderConsent', '同意的不是现持证人');
}

/**
 * Returns a delivery with that to the former holder: a decision on a transfer is served on both parties. What the
 * counter does not say is the usual, as for the applicant: the holder who consented, in person.
 */
export function addFormerHolder(subject: ConsentSteps, act: LicenseAction | null, delivery: Delivery): Delivery {
  const consent = consentOf(subject);
  if (act === null || !changesHolder(act) || consent === null || delivery.formerHolder) return delivery;
  return { ...delivery, formerHolder: readParty({}, consent.holder.name) };
}
