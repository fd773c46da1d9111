import type { Day } from '../../kernel/day.ts';
import type { DelegationFact, Holder } from '../../kernel/events/events.ts';
import { requireHolderCode } from '../../kernel/identifier.ts';
import { requireActFits } from '../../kernel/license-acts.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { stateOn } from '../../kernel/period/validity.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll, checkEach } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import { actionOf, endsInLicenseAct, type LicenseFact } from '../case.ts';
import { requireFitting } from '../content/check.ts';
import { mayTakeOut } from '../content/content.ts';

export const MAX_NAME_CHARS = 100;
const MAX_LABEL_CHARS = 20;
export const MAX_TEXT_CHARS = 500;
const MAX_FIELDS = 20;

export interface Application {
  applicant: Holder;
  fields: readonly { label: string; text: string }[];
  licenseNumber: string | null;
}

/**
 * Checks an application (收件) before it is accepted.
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED, HOLDER_CODE_INVALID, and what `requireFitting` and
 * `requireLicenseFits` refuse.
 */
export function requireApplication(
  delegation: DelegationFact,
  application: Application,
  license: LicenseFact | null,
  { type, today }: { type: LicenseTypeVersion | null; today: Day },
): void {
  const { applicant, fields } = application;
  checkAll(
    () => requireLine(applicant.name, MAX_NAME_CHARS, 'applicant.name'),
    () => requireHolderCode(applicant.codeKind, applicant.code, 'applicant.code'),
    () => requireFields(fields, mayTakeOut(actionOf(delegation)) ? 'AMENDMENT' : 'APPLICATION'),
    () => requireFitting(type, fields, license?.license.fields ?? []),
    () => requireLicenseFits(delegation, application, license, today),
  );
}

/**
 * Checks lines by themselves. An AMENDMENT may take lines out, by an empty text.
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED, also for a label that occurs twice.
 */
export function requireFields(fields: Application['fields'], of: 'APPLICATION' | 'AMENDMENT'): void {
  if (fields.length > MAX_FIELDS) throw new Refusal('FIELD_TOO_LONG', 'fields', `最多 ${MAX_FIELDS} 项`);
  checkEach(fields, ({ label, text }, i) =>
    checkAll(
      () => requireLine(label, MAX_LABEL_CHARS, `fields[${i}].label`),
      () => {
        if (fields.findIndex((field) => field.label === label) < i)
          throw new Refusal('FIELD_MALFORMED', `fields[${i}].label`, `“${label}”重复`);
      },
      () => (text === '' && of === 'AMENDMENT') || requireLine(text, MAX_TEXT_CHARS, `fields[${i}].text`),
    ),
  );
}

/**
 * Checks the license that an application names, in its state on a day. Asked when the application is received, accepted
 * and granted, because the license may change in between, or end. Refuses LICENSE_NOT_NAMED, LICENSE_UNKNOWN, and as
 * `requireActFits` does.
 */
export function requireLicenseFits(
  delegation: DelegationFact,
  application: Pick<Application, 'applicant' | 'licenseNumber'>,
  license: LicenseFact | null,
  day: Day,
): void {
  if (!endsInLicenseAct(delegation)) return;
  const action = actionOf(delegation);
  if (action === 'ISSUE') return;
  if (application.licenseNumber === null) throw new Refusal('LICENSE_NOT_NAMED', 'licenseNumber');
  if (license === null) throw new Refusal('LICENSE_UNKNOWN', 'licenseNumber');
  const { licenseType, holder } = license.license;
  requireActFits(
    { action, licenseType: delegation.outcome.licenseType, holderCode: application.applicant.code },
    { licenseType, holderCode: holder.code, state: stateOn(license.state, license.license, day) },
    'licenseNumber',
  );
}
