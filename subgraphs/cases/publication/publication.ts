import type { Day } from '../../kernel/day.ts';
import type { GrantContent } from '../../kernel/events/events.ts';
import { type Held, listOwners } from '../../kernel/identity/co-ownership.ts';
import { type HolderCodeKind, isPersonKind } from '../../kernel/identity/identity.ts';
import { type LicenseAction, makesVersion, type ValidityState } from '../../kernel/license-acts.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { stateOn } from '../../kernel/period/validity.ts';
import { maskCodes, maskName, publishLines } from '../../kernel/privacy/mask.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { addDays, addWorkingDays, type Calendar, tryWithCalendar } from '../calendar/working-day.ts';
import type { LicenseFact } from '../case.ts';
import { currentOn } from '../fact/license.ts';

/**
 * Publication of granted licenses (行政许可信息公示, 双公示). Pure. 行政许可法 art. 40 opens decisions that grant a 行政许可 and
 * no others; art. 5 and 政府信息公开条例 art. 14 and 15 close the three kinds below.
 */

/** Why a decision is not published: 国家秘密, 商业秘密, 个人隐私. */
export const PUBLICATION_EXEMPTIONS = ['STATE_SECRET', 'BUSINESS_SECRET', 'PERSONAL_PRIVACY'] as const;
export type PublicationExemption = (typeof PUBLICATION_EXEMPTIONS)[number];

/** Working days from the decision to its publication. The day of the decision does not count. */
const PUBLICATION_DAYS = 7;

/** 行政相对人类别: 法人及非法人组织, 个体工商户, 自然人. */
export type CounterpartKind = 'ORGANISATION' | 'INDIVIDUAL_BUSINESS' | 'NATURAL_PERSON';

/** Why a decision that was published shows no content any more: corrected, voided, or erased on an order. */
export type PublicationWithdrawal = 'CORRECTED' | 'VOIDED' | 'ERASED';

/** Whether the law publishes a decision: it grants, and the matter is a 行政许可 (not 确认, 备案 or another power). */
function isPublishedByLaw({ powerType }: Pick<MatterFact, 'powerType'>, decision: 'GRANTED' | 'REJECTED') {
  return decision === 'GRANTED' && powerType === 'LICENSE';
}

/** Returns what a decision keeps of its publication, or null if it is none of those that the law publishes. */
export function publicationOf(
  matter: Pick<MatterFact, 'powerType'>,
  { decision, withheld }: { decision: 'GRANTED' | 'REJECTED'; withheld: PublicationExemption | null },
): { withheld: PublicationExemption | null } | null {
  return isPublishedByLaw(matter, decision) ? { withheld } : null;
}

/** Refuses FIELD_MALFORMED for a reason not to publish what is not published anyway. */
export function requireWithholdable(
  matter: Pick<MatterFact, 'powerType'>,
  { decision, withheld }: { decision: 'GRANTED' | 'REJECTED'; withheld: PublicationExemption | null },
): void {
  if (withheld !== null && !isPublishedByLaw(matter, decision))
    throw new Refusal('FIELD_MALFORMED', 'withheld', '此决定不属于公示范围');
}

/** Returns the last day on which a decision is published in time, or null if a calendar is missing. */
export function publicationDueOn(calendar: Calendar, decidedOn: Day): Day | null {
  return tryWithCalendar(() => addWorkingDays(calendar, decidedOn, PUBLICATION_DAYS)).value;
}

/**
 * Returns the first day whose decisions may still be published in time today: those of every day before are overdue.
 * Nothing is overdue that a missing calendar leaves open.
 */
export function publicationOverdueBefore(calendar: Calendar, today: Day): Day {
  let day = today;
  for (let left = MAX_OPEN_DAYS; left > 0; left--) {
    const dueOn = publicationDueOn(calendar, addDays(day, -1));
    if (dueOn !== null && dueOn < today) return day;
    day = addDays(day, -1);
  }
  return day;
}

/** More calendar days than seven working days ever take, the longest holidays included. */
const MAX_OPEN_DAYS = 40;

/** An act of a case on a license, once the license was made. */
export interface LicenseStep {
  caseId: string;
  act: LicenseAction;
}

/** A granted decision that is sealed, with what the list shows of it. */
export interface SealedDecision {
  caseId: string;
  document: { title: string; number: string; matterName: string; organ: { id: string; name: string } };
  organCode: string | null;
  /** The holders if no license follows. An erasure empties the code. */
  applicant: Held;
  isVoided: boolean;
  decidedOn: Day;
  publishedOn: Day;
}

/** What the list shows of the license that a decision grants. */
export interface GrantedLicense {
  grant: GrantContent;
  type: LicenseTypeVersion | null;
  /** The license as it is now. Null before it is made. */
  fact: LicenseFact | null;
  /** Every act of cases on the license, in the order in which they were done. */
  steps: readonly LicenseStep[];
}

export type PublicDecision = ReturnType<typeof publishDecision>;

/** Returns a decision as everybody may see it. One that is withdrawn keeps the number of its document and its days. */
export function publishDecision(
  decision: SealedDecision,
  license: GrantedLicense | null,
  { calendar, today }: { calendar: Calendar; today: Day },
) {
  const { caseId, document, organCode, decidedOn, publishedOn } = decision;
  const dueOn = publicationDueOn(calendar, decidedOn);
  const withdrawal = withdrawalOf(decision, license?.steps ?? []);
  const content = withdrawal === null ? contentOf(decision, license, caseId, today) : NO_CONTENT;
  return {
    ...content,
    documentName: document.title,
    documentNumber: document.number,
    matterName: document.matterName,
    organId: document.organ.id,
    organName: document.organ.name,
    organCode,
    decidedOn,
    dueOn,
    publishedOn,
    isLate: dueOn === null ? null : publishedOn > dueOn,
    withdrawal,
  };
}

/** A correction takes the place of the act right before it. A later act replaces the license and withdraws nothing. */
function withdrawalOf(
  { caseId, applicant, isVoided }: SealedDecision,
  steps: readonly LicenseStep[],
): PublicationWithdrawal | null {
  if (applicant.holder.code === '') return 'ERASED';
  if (isVoided) return 'VOIDED';
  const own = steps.findIndex((step) => step.caseId === caseId);
  return own >= 0 && steps[own + 1]?.act === 'CORRECT' ? 'CORRECTED' : null;
}

interface PublishedContent {
  counterpartName: string | null;
  counterpartKind: CounterpartKind | null;
  counterpartCode: string | null;
  legalRepresentative: string | null;
  licenseName: string | null;
  licenseKey: string | null;
  content: string | null;
  validFrom: Day | null;
  validUntil: Day | null;
  state: ValidityState | null;
}

const NO_CONTENT: PublishedContent = {
  ...{ counterpartName: null, counterpartKind: null, counterpartCode: null, legalRepresentative: null },
  ...{ licenseName: null, licenseKey: null, content: null, validFrom: null, validUntil: null, state: null },
};

function contentOf(
  { applicant, document }: SealedDecision,
  license: GrantedLicense | null,
  caseId: string,
  today: Day,
): PublishedContent {
  // A decision without a license is in force: the hub knows no act that ends it.
  if (license === null)
    return { ...NO_CONTENT, ...counterpartOf(applicant, []), content: document.matterName, state: 'VALID' };
  const { grant, type, fact } = license;
  const term = makesVersion(grant.action) ? { validFrom: grant.validFrom, validUntil: grant.validUntil } : {};
  return {
    ...{ ...NO_CONTENT, ...counterpartOf(grant, grant.fields), ...term },
    licenseName: grant.licenseName,
    licenseKey: fact?.number ?? null,
    content: printLines(grant, type) || document.matterName,
    state: stateOf(license, caseId, today),
  };
}

const LEGAL_REPRESENTATIVE = '法定代表人';

/** Returns the holders: a person's name is masked, without a code; an organisation has its USCC and representative. */
function counterpartOf(held: Held, fields: readonly { label: string; text: string }[]) {
  const { codeKind, code } = held.holder;
  const names = listOwners(held).map((owner) => (isPersonKind(owner.codeKind) ? maskName(owner.name) : owner.name));
  const isPerson = isPersonKind(codeKind);
  return {
    counterpartName: maskCodes(names.join('、')),
    counterpartKind: counterpartKindOf(codeKind, code),
    counterpartCode: codeKind === 'USCC' ? code : null,
    legalRepresentative: isPerson ? null : (fields.find(({ label }) => label === LEGAL_REPRESENTATIVE)?.text ?? null),
  };
}

/** GB 32100: 9 is the register of enterprises, 2 there an individual business (个体工商户). */
const INDIVIDUAL_BUSINESS = '92';

function counterpartKindOf(kind: HolderCodeKind, code: string): CounterpartKind {
  if (isPersonKind(kind)) return 'NATURAL_PERSON';
  return kind === 'USCC' && code.startsWith(INDIVIDUAL_BUSINESS) ? 'INDIVIDUAL_BUSINESS' : 'ORGANISATION';
}

/** Returns the lines that the type of the license publishes, as its public page does. */
function printLines(grant: GrantContent, type: LicenseTypeVersion | null): string {
  const labels = new Set(type?.lines.flatMap((line) => (line.published ? line.label : [])));
  const persons = listOwners(grant).filter(({ codeKind }) => isPersonKind(codeKind));
  const lines = publishLines(grant.fields, labels, persons).map(({ label, text }) => `${label}：${text}`);
  return maskCodes(lines.join('；'), grant.holder.codeKind === 'USCC' ? grant.holder.code : null);
}

/** Returns the state of what the decision granted: that of the license until a later act makes another version. */
function stateOf({ fact, steps }: GrantedLicense, caseId: string, today: Day): ValidityState | null {
  if (fact === null) return null;
  const own = steps.findIndex((step) => step.caseId === caseId);
  const laterVersions = steps.slice(own + 1).filter(({ act }) => makesVersion(act)).length;
  if (laterVersions === 0) return stateOn(fact.state, fact.license, today);
  const isRunning = laterVersions === 1 && fact.earlier !== null && today < fact.license.validFrom;
  return isRunning ? currentOn(fact, today).state : 'SUPERSEDED';
}
