import { type Day, isWithin } from '../../kernel/day.ts';
import type { DelegationFact, Holder } from '../../kernel/events/events.ts';
import type { CoOwnership } from '../../kernel/identity/co-ownership.ts';
import { beginsPeriod, type LicenseAction, voidsLostSheets } from '../../kernel/license-acts.ts';
import { requireActFits } from '../../kernel/license-type/act-fit.ts';
import { type ReissuedSheet, requireSheetNames } from '../../kernel/license-type/reissued-sheet.ts';
import { needsLicense, situationLabel } from '../../kernel/license-type/situation.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll, checkEach } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import { actOf, type CaseFile, endsInLicenseAct } from '../case.ts';
import { requireChange, requireChangeable, requireFitting } from '../content/check.ts';
import { mayTakeOut } from '../content/content.ts';
import { requireCoOwnership } from '../content/owners.ts';
import { ownLicense } from '../content/sight.ts';
import { hasNextTerm, stateForActs } from '../fact/license.ts';
import { type Agent, type Contact, requireAgent, requireContact } from '../party/party.ts';
import { isEndHeld, type StandingLicense } from '../standing/standing.ts';
import { requireIdentity } from './name.ts';

const MAX_LABEL_CHARS = 20;
export const MAX_TEXT_CHARS = 500;
const MAX_FIELDS = 20;

export interface Application {
  applicant: Holder;
  /** The holders besides the applicant (共有人), or null. */
  coOwnership: CoOwnership | null;
  fields: readonly { label: string; text: string }[];
  licenseNumber: string | null;
  /** The situation (办理情形) that it names, or null: what the matter is for. */
  act: LicenseAction | null;
  /** The sheets that a reissue names as lost or damaged, or null. */
  reissuedSheets: readonly ReissuedSheet[] | null;
  /** Who acts for the applicant (代办人), or null: the applicant. */
  agent: Agent | null;
  /** Where papers reach the applicant (送达地址), or null: the applicant comes for them. */
  contact: Contact | null;
}

/** The parts of an application, or of a case, that decide which license it may name. */
type LicenseNaming = Pick<CaseFile, 'act' | 'delegation' | 'applicant' | 'licenseNumber'>;

/**
 * Checks an application (收件) before it is accepted.
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED, NAME_DOT_WRONG, HOLDER_CODE_INVALID, AGENT_NOT_AUTHORISED, and what
 * `requireSituation`, `requireFitting`, `requireLicenseFits`, `requireOwnMatter`, `requireChange` and
 * `requireChangeable` refuse.
 */
export function requireApplication(
  delegation: DelegationFact,
  application: Application,
  license: StandingLicense | null,
  facts: {
    type: LicenseTypeVersion | null;
    /** How many duplicates a license of the type can have, or null if the type is not known. */
    duplicates: number | null;
    offered: readonly LicenseAction[];
    today: Day;
    matterId: string;
    /** The matter by which the license that it names was made. */
    licenseMatter: MatterFact | null;
  },
): void {
  const { type, offered, today } = facts;
  const { applicant, coOwnership, fields } = application;
  // An answer about the lines of somebody else's license would tell them, one guess at a time.
  const own = ownLicense(license, applicant.code);
  checkAll(
    () => requireSituation({ ...application, delegation }, offered),
    () => requireIdentity(applicant, 'applicant', today),
    () =>
      checkEach(coOwnership?.coHolders ?? [], (one, i) => requireIdentity(one, `coOwnership.coHolders[${i}]`, today)),
    () => requireCoOwnership({ ...application, delegation }, own, type),
    () => requireAgent(application.agent, applicant, today),
    () => {
      if (application.agent?.code === applicant.code)
        throw new Refusal('FIELD_MALFORMED', 'agent.code', '代办人不能是申请人本人');
    },
    () => requireContact(application.contact),
    () => requireReissued(actOf({ ...application, delegation }), application.reissuedSheets, facts.duplicates),
    () => requireFields(fields, mayTakeOut(actOf({ ...application, delegation })) ? 'AMENDMENT' : 'APPLICATION'),
    () => requireFitting(type, fields, own?.license.fields ?? []),
    () => requireLicenseFits({ ...application, delegation }, license, today),
    () => requireOwnMatter(delegation, facts),
    () => requireChange({ ...application, delegation }, own, type),
    () => requireChangeable({ ...application, delegation }, own, type),
  );
}

/** Refuses FIELD_MALFORMED for sheets that an act other than a reissue names, and as `requireSheetNames` does. */
function requireReissued(act: LicenseAction, sheets: Application['reissuedSheets'], duplicates: number | null): void {
  if (sheets === null) return;
  if (!voidsLostSheets(act))
    throw new Refusal('FIELD_MALFORMED', 'reissuedSheets', `${situationLabel(act)}不写明遗失、损毁的纸质证照`);
  requireSheetNames(sheets, 'reissuedSheets', duplicates);
}

/**
 * Refuses LICENSE_UNKNOWN for a license that another matter issues: an act by this one would move it here.
 * A sub-item of the plan that is for one act (延续、变更) takes the licenses of every matter of its type.
 */
function requireOwnMatter(
  { licenseAction }: DelegationFact,
  { matterId, licenseMatter, today }: { matterId: string; licenseMatter: MatterFact | null; today: Day },
): void {
  if (licenseAction !== 'ISSUE' || licenseMatter === null || licenseMatter.matterId === matterId) return;
  const isIssuing = licenseMatter.delegations.some(
    (period) => period.licenseAction === 'ISSUE' && isWithin(today, period.validFrom, period.validTo),
  );
  if (isIssuing) throw new Refusal('LICENSE_UNKNOWN', 'licenseNumber', '此证照由另一事项核发，请在该事项办理');
}

/**
 * Returns the situation that an application is for: the one that it names, else what the matter is for. Null for a
 * matter whose cases end in a decision document. Refuses SITUATION_NOT_OFFERED unless the matter offers it that day.
 */
export function requireSituation(
  application: Pick<CaseFile, 'act' | 'delegation'>,
  offered: readonly LicenseAction[],
): LicenseAction | null {
  const isForLicense = endsInLicenseAct(application.delegation);
  if (!isForLicense && application.act === null) return null;
  if (!isForLicense) throw new Refusal('SITUATION_NOT_OFFERED', 'situation', '此事项以决定文书办结');
  const act = actOf(application);
  if (offered.includes(act)) return act;
  const labels = offered.map((offeredAct) => situationLabel(offeredAct)).join('、');
  throw new Refusal('SITUATION_NOT_OFFERED', 'situation', labels === '' ? undefined : `可办理${labels}`);
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
export function requireLicenseFits(application: LicenseNaming, license: StandingLicense | null, day: Day): void {
  const { delegation } = application;
  if (!endsInLicenseAct(delegation)) return;
  const action = actOf(application);
  if (!needsLicense(action)) return;
  if (application.licenseNumber === null) throw new Refusal('LICENSE_NOT_NAMED', 'licenseNumber');
  if (license === null) throw new Refusal('LICENSE_UNKNOWN', 'licenseNumber');
  requireActFits(
    { action, licenseType: delegation.outcome.licenseType, applicantCode: application.applicant.code },
    {
      licenseType: license.license.licenseType,
      held: license.license,
      state: stateForActs(license, day, isEndHeld(license)),
    },
    'licenseNumber',
  );
  // What waits for its first day is not renewed again, whatever act has joined both periods since.
  if (beginsPeriod(action) && hasNextTerm(license, day))
    throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'licenseNumber', '已准予延续，新的有效期尚未开始');
}
