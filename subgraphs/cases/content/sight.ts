import { type Actor, hasRole, STAFF_ROLES } from '../../kernel/actor.ts';
import type { Holder } from '../../kernel/events/events.ts';
import { isHeldBy, listOwners } from '../../kernel/identity/co-ownership.ts';
import { isPersonKind } from '../../kernel/identity/identity.ts';
import { changesHolder } from '../../kernel/license-acts.ts';
import { type AmendedLine, HOLDER_LABEL } from '../../kernel/license-type/changes.ts';
import type { PublishedLicenseType } from '../../kernel/license-type/type.ts';
import { maskName, publishLines } from '../../kernel/privacy/mask.ts';
import { actOf, type CaseFile, type LicenseFact } from '../case.ts';

/**
 * What a reader of a case may see of the license that stands (制证信息). A case names a license of somebody else if it
 * transfers one, or if the license was transferred meanwhile. Pure.
 */

/** The parts of a case that decide it. */
type Subject = Pick<CaseFile, 'act' | 'delegation' | 'applicant'>;

/** Returns the license of an application if it is the applicant's own, else null: no rule may ask for its lines. */
export function ownLicense(license: LicenseFact | null, applicantCode: string): LicenseFact | null {
  return license !== null && isHeldBy(license.license, applicantCode) ? license : null;
}

/** Whether somebody reads a case for an office, and not as its applicant. */
function readsForOffice({ applicant }: Pick<Subject, 'applicant'>, reader: Actor): boolean {
  if (hasRole(reader, 'AUDITOR')) return true;
  return reader.kind === 'person' && reader.holderCode !== applicant.code && hasRole(reader, ...STAFF_ROLES);
}

/**
 * Returns the license on which a case acts as a reader may see it. The applicant sees the own license. An office sees
 * that of a case that is recorded (`isStored`), so nothing by a rehearsal, and another's license only where the case
 * transfers it. Otherwise the lines that the type publishes remain, with a person's name masked.
 */
export function licenseFor(
  reader: Actor,
  subject: Subject,
  license: LicenseFact | null,
  { published, isStored }: { published: PublishedLicenseType | null; isStored: boolean },
): { license: LicenseFact | null; isWhole: boolean } {
  if (license === null) return { license, isWhole: true };
  const isOwn = ownLicense(license, subject.applicant.code) !== null;
  const isWhole = readsForOffice(subject, reader)
    ? isStored && (isOwn || changesHolder(actOf(subject)))
    : isOwn && reader.kind === 'person' && reader.holderCode === subject.applicant.code;
  return { license: isWhole ? license : toPublished(license, published), isWhole };
}

/** A license as everybody may see it. A line is public if every version of its type that has it publishes it. */
function toPublished(fact: LicenseFact, published: PublishedLicenseType | null): LicenseFact {
  const { holder, coOwnership, fields } = fact.license;
  const lines = (published?.versions ?? []).flatMap((version) => version.lines);
  const hidden = new Set(lines.flatMap((line) => (line.published ? [] : line.label)));
  const labels = new Set(lines.flatMap(({ label }) => (hidden.has(label) ? [] : label)));
  const hide = <Named extends Holder>(one: Named): Named =>
    isPersonKind(one.codeKind) ? { ...one, name: maskName(one.name) } : one;
  const persons = listOwners(fact.license).filter(({ codeKind }) => isPersonKind(codeKind));
  const shown = { holder: hide(holder), fields: publishLines(fields, labels, persons) };
  const others = coOwnership && { coOwnership: { ...coOwnership, coHolders: coOwnership.coHolders.map(hide) } };
  return { ...fact, license: { ...fact.license, ...shown, ...others } };
}

/**
 * Returns what a decision changed as a reader may see it. In a transfer the lines before it are of another holder: the
 * applicant learns who that was, and of each line what it says since.
 */
export function amendedFor(reader: Actor, subject: Subject, amended: readonly AmendedLine[]): AmendedLine[] {
  if (!changesHolder(actOf(subject)) || readsForOffice(subject, reader)) return [...amended];
  return amended.map((line) => (line.label === HOLDER_LABEL ? line : { ...line, before: null }));
}
