import type { Holder } from '../../kernel/events/events.ts';
import {
  CO_OWNERSHIP_LABELS,
  type CoOwnership,
  findOwner,
  type Held,
  listOwners,
  listOwnershipFaults,
} from '../../kernel/identity/co-ownership.ts';
import { changesHolder, changesLines } from '../../kernel/license-acts.ts';
import { needsLicense, situationLabel } from '../../kernel/license-type/situation.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll, checkEach } from '../../kernel/refusals/collector.ts';
import { actOf, type CaseFile, endsInLicenseAct, type LicenseFact } from '../case.ts';

/** Who holds a license after a case (持证主体、共有人). Pure. */

/** The parts of a case that decide it. */
type OwnerCase = Pick<CaseFile, 'act' | 'delegation' | 'applicant' | 'coOwnership' | 'fields'>;

/** Who holds a license. `coOwnership` is absent where there is one holder. */
export interface Owners {
  holder: Holder;
  coOwnership?: CoOwnership;
}

const toOwners = ({ holder, coOwnership }: Held): Owners => (coOwnership ? { holder, coOwnership } : { holder });

/**
 * Returns who holds the license after the act of a case. A new license, and one that is transferred, is held by the
 * applicant and whom the application names. Every other act keeps the holders in their order: it may correct the
 * applicant's name, and shares if the application states them.
 */
export function ownersAfter(subject: OwnerCase, license: LicenseFact | null): Owners {
  const stated = { holder: subject.applicant, coOwnership: subject.coOwnership };
  const action = actOf(subject);
  if (license === null || changesHolder(action)) return toOwners(stated);
  const standing = license.license;
  if (!changesLines(action)) return toOwners(standing);
  const source = stated.coOwnership === null ? withName(standing, subject.applicant) : stated;
  return inOrderOf(standing, source);
}

/** Returns holders with one of them under another name. */
function withName(held: Held, { name, code }: Holder): Held {
  const rename = <Named extends Holder>(one: Named): Named => (one.code === code ? { ...one, name } : one);
  const { holder, coOwnership } = held;
  if (!coOwnership) return { holder: rename(holder) };
  return { holder: rename(holder), coOwnership: { ...coOwnership, coHolders: coOwnership.coHolders.map(rename) } };
}

/** Returns holders in the order in which a license has them: the first one stays the first. */
function inOrderOf(standing: Held, held: Held): Owners {
  if (!held.coOwnership) return toOwners(held);
  const owners = listOwners(standing).map(({ code }) => findOwner(held, code));
  const [first, ...others] = owners.filter((owner) => owner !== null);
  if (!first || others.length !== held.coOwnership.coHolders.length) return toOwners(held);
  const { share, ...holder } = first;
  return { holder, coOwnership: { ...held.coOwnership, share, coHolders: others } };
}

/** Whether two licenses have the same holders with the same shares. */
export function hasSameOwners(one: Held, other: Held): boolean {
  const owners = listOwners(one);
  const isSame = owners.every(({ code, share }) => findOwner(other, code)?.share === share);
  return isSame && owners.length === listOwners(other).length && one.coOwnership?.kind === other.coOwnership?.kind;
}

/**
 * Checks the holders that an application states besides the applicant. `own`: the license that it acts on, if it is the
 * applicant's. Refuses CO_HOLDERS_NOT_TAKEN unless the type takes them, what `listOwnershipFaults` lists, and
 * FIELD_MALFORMED where the act cannot change them: only a transfer adds a holder or takes one out.
 */
export function requireCoOwnership(subject: OwnerCase, own: LicenseFact | null, type: LicenseTypeVersion | null): void {
  const { coOwnership, applicant } = subject;
  if (coOwnership === null) return;
  const faults = listOwnershipFaults({ holder: applicant, coOwnership });
  checkAll(
    () =>
      checkEach(faults, ({ code, member, words }) => {
        throw new Refusal(code, `coOwnership.${member}`, words);
      }),
    () => requireTaken(subject, type),
    () => requireSameHolders(subject, own),
    () => requireFittingLine(subject, type),
  );
}

/** Refuses what states other holders although the outcome, its type or the act has none. */
function requireTaken(subject: OwnerCase, type: LicenseTypeVersion | null): void {
  const act = actOf(subject);
  if (!endsInLicenseAct(subject.delegation) || type?.coHolders !== true)
    throw new Refusal('CO_HOLDERS_NOT_TAKEN', 'coOwnership');
  if (needsLicense(act) && !changesLines(act))
    throw new Refusal('FIELD_MALFORMED', 'coOwnership', `${situationLabel(act)}不改动共有情况`);
}

function requireSameHolders({ act, delegation, applicant, coOwnership }: OwnerCase, own: LicenseFact | null): void {
  const action = actOf({ act, delegation });
  if (own === null || !needsLicense(action) || changesHolder(action)) return;
  const codes = (held: Held) => new Set(listOwners(held).map(({ code }) => code));
  const [stated, standing] = [codes({ holder: applicant, coOwnership }), codes(own.license)];
  if (stated.size !== standing.size || [...stated].some((code) => !standing.has(code)))
    throw new Refusal('FIELD_MALFORMED', 'coOwnership.coHolders', '增减共有人须办理转让');
}

/** A line of the type that chooses between the kinds (共有情况) must choose the one that is stated. */
function requireFittingLine({ fields, coOwnership }: OwnerCase, type: LicenseTypeVersion | null): void {
  const words = coOwnership === null ? null : CO_OWNERSHIP_LABELS[coOwnership.kind];
  if (words === null || type === null) return;
  const labels = new Set(type.lines.flatMap(({ label, choices }) => (choices.includes(words) ? label : [])));
  checkEach(fields, ({ label, text }, i) => {
    if (labels.has(label) && text !== words)
      throw new Refusal('FIELD_MALFORMED', `fields[${i}].text`, `应为“${words}”`);
  });
}
