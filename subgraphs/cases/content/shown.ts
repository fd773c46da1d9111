import type { Actor } from '../../kernel/actor.ts';
import type { GrantContent } from '../../kernel/events/events.ts';
import type { LicenseTypeVersion, PublishedLicenseType } from '../../kernel/license-type/type.ts';
import { checkAll, listRefusals } from '../../kernel/refusals/collector.ts';
import { type Case, hasEnded, type LicenseFact } from '../case.ts';
import { linesOf, listChanges, requireChange, requireContent, requireFitting } from './check.ts';
import { changeLines } from './content.ts';
import { amendedFor, licenseFor } from './sight.ts';

/** What the content of a case depends on, besides the case and its reader. */
export interface ContentFacts {
  /** The license that the case names, from its newest event. */
  license: LicenseFact | null;
  /** All versions of the license type. */
  published: PublishedLicenseType | null;
  /** The version that the case keeps. */
  type: LicenseTypeVersion | null;
  /** What the decision granted, once it is recorded. */
  grant: GrantContent | null;
  /** Whether the case is recorded: that of a rehearsal is not. */
  isStored: boolean;
}

/**
 * Returns the content of a license (制证信息) that a case leads to, as `reader` may see it: from the decision on what was
 * granted, whatever becomes of the license afterwards. A case that ended without a grant leads to none: its own lines.
 */
export function showContent(reader: Actor, subject: Case, facts: ContentFacts) {
  const { license, published, type, grant, isStored } = facts;
  const decision = subject.steps.find(({ step }) => step === 'DECIDED');
  const decided = amendedFor(reader, subject, decision?.data?.amended ?? []);
  const typeVersion = type?.version ?? null;
  if (grant)
    return { fields: grant.fields, changes: decided, problems: [], typeVersion: grant.typeVersion ?? typeVersion };
  if (decision?.finding === 'REJECTED' || hasEnded(subject))
    return { fields: subject.fields, changes: decided, problems: [], typeVersion };
  const { license: visible, isWhole } = licenseFor(reader, subject, license, { published, isStored });
  // What is missing, and which line stays as it is, depends on lines that the reader may not see.
  const refusals = listRefusals(() => {
    if (!isWhole) return requireFitting(type, changeLines([], subject.fields), []);
    checkAll(
      () => requireContent(subject, visible, type),
      () => requireChange(subject, visible, type),
    );
  });
  return {
    fields: linesOf(subject, visible, type),
    changes: decision ? decided : listChanges(subject, visible, type),
    problems: refusals.map(({ code, message, field }) => ({ code, message, field, path: [] })),
    typeVersion,
  };
}
