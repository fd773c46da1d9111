import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';

/** Facts that flow between subgraphs: each is a snapshot, so a consumer that knows only the newest is right. */

export const MODES = ['DIRECT', 'SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD'] as const;
export const LICENSE_ACTIONS = ['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'RETAIN', 'TRANSFER', 'CANCEL'] as const;
export const POWER_TYPES = ['LICENSE', 'CONFIRMATION', 'FILING', 'OTHER'] as const;
/** Forms in which a material is handed in: 原件, 复印件, 原件核验后退回, 电子件. */
export const MATERIAL_FORMS = ['ORIGINAL', 'COPY', 'ORIGINAL_SEEN', 'ELECTRONIC'] as const;
export const RUNNING_CASES = ['FOLLOW', 'STAY'] as const;
export const OUTCOME_KINDS = ['LICENSE', 'CERTIFICATE', 'FILING_CERTIFICATE', 'DECISION'] as const;
/** Acts on a license (DOMAIN: operations and endings); `Act` in GraphQL. */
export const ACTS = [
  'ISSUE',
  'CHANGE',
  'RENEW',
  'REISSUE',
  'RETAIN',
  'TRANSFER',
  'SUSPEND',
  'RESTORE',
  'LAPSE',
  'RESCIND',
  'WITHDRAW',
  'REVOKE',
  'CANCEL',
] as const;
export const LICENSE_STATES = [
  'VALID',
  'SUSPENDED',
  'SUPERSEDED',
  'LAPSED',
  'RESCINDED',
  'WITHDRAWN',
  'REVOKED',
  'CANCELLED',
] as const;

export type Mode = (typeof MODES)[number];
export type RunningCases = (typeof RUNNING_CASES)[number];
export type PowerType = (typeof POWER_TYPES)[number];
export type LicenseAction = (typeof LICENSE_ACTIONS)[number];

export type Act = (typeof ACTS)[number];
export type LicenseState = (typeof LICENSE_STATES)[number];

const day = z.iso.date();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string();
const said = text.nullable();
const data = z.record(z.string(), z.unknown()).nullable();

const organ = z.object({
  id: z.string(),
  name: z.string(),
  level: z.enum(['CITY', 'COUNTY']),
  divisionCode: z.string().length(6),
  uscc: z.string().length(18),
});
export type OrganFact = z.infer<typeof organ>;

const assignment = z.object({
  /** Organ id, or null where `reason` says why none is named. */
  organ: z.string().nullable(),
  /** A second organ with an equal right, or with a share of its own. */
  second: z.string().nullable(),
  /** Whether the first organ does this at the integrated window (综合受理窗口). */
  window: z.boolean(),
  reason: z.string().nullable(),
});
export type Assignment = z.infer<typeof assignment>;

const outcome = z.object({
  kind: z.enum(OUTCOME_KINDS),
  /** Name of what the case ends in (证照名称), for instance 第三类医疗器械经营许可证. */
  name: z.string(),
  /** Type code (电子证照类型代码): USCC of the defining organ and 3 digits; null where the outcome is no license. */
  licenseType: z.string().length(21).nullable(),
  /** Months for which the license stands, or null where it has no end. */
  validityMonths: z.number().int().positive().nullable(),
});
export type OutcomeFact = z.infer<typeof outcome>;

/** A delegation for as long as nothing in it changes: neither mode nor organs, industry organs or outcome. */
const delegation = z.object({
  mode: z.enum(MODES),
  validFrom: day.nullable(),
  validTo: day.nullable(),
  cityOrgan: z.string(),
  countyOrgan: z.string(),
  /** Industry organ (行业主管部门) of each level, or null where the office has yet to name it. */
  industry: z.object({ city: z.string().nullable(), county: z.string().nullable() }),
  /** Whether cases that run when this period begins go over to its organs, or stay with theirs; their mode stays either way. */
  runningCases: z.enum(RUNNING_CASES),
  /** What a case accepted in this period does to a license, and what it ends in. */
  licenseAction: z.enum(LICENSE_ACTIONS).nullable(),
  outcome,
  accepts: assignment,
  examines: assignment,
  decides: assignment,
  seals: assignment,
  liable: assignment,
  supervises: assignment,
});
export type DelegationFact = z.infer<typeof delegation>;

const holder = z.object({
  name: z.string().min(1),
  codeKind: z.enum(['USCC', 'CITIZEN_NUMBER']),
  code: z.string(),
});
export type Holder = z.infer<typeof holder>;

/** What the decider sees and authorises, and the license then says, word for word. */
export const grantContent = z.object({
  matterId: z.string(),
  action: z.enum(LICENSE_ACTIONS),
  /** The license acted on, or null where one is newly issued. */
  licenseNumber: z.string().nullable(),
  licenseName: z.string(),
  licenseType: z.string().length(21),
  holder,
  /** Label and text of each line of the license, in order (KZ_* extensions of GB/T 36903). */
  fields: z.array(z.object({ label: z.string(), text: z.string() })),
  validFrom: day,
  validUntil: day.nullable(),
});
export type GrantContent = z.infer<typeof grantContent>;

const guideMaterial = z.object({
  /** Stable within the guide, for instance `M01`. */
  code: z.string(),
  name: z.string(),
  form: z.enum(MATERIAL_FORMS),
  copies: z.number().int().nonnegative(),
  required: z.boolean(),
  /** Type code of an electronic license that may stand in for it (免提交), or null. */
  licenseType: z.string().length(21).nullable(),
});
/** What a case is accepted under: the part of a service guide (办事指南) that the approval work is checked against. */
const guide = z.object({
  materials: z.array(guideMaterial),
  /** Steps in order; `limitDays` in working days, or null where the guide sets none for the step. */
  steps: z.array(z.object({ name: z.string(), limitDays: z.number().int().positive().nullable() })),
  /** Statutory (法定) and promised (承诺) limits in working days from acceptance; null: the guide names none. */
  statutoryDays: z.number().int().positive().nullable(),
  promisedDays: z.number().int().positive().nullable(),
});
export type GuideMaterialFact = z.infer<typeof guideMaterial>;
export type GuideFact = z.infer<typeof guide>;

export const SEAL_STATES = ['MADE', 'ON_FILE', 'IN_USE', 'SUSPENDED', 'ENDED'] as const;

const sealGrant = z.object({
  matter: z.string(),
  /** Who may authorise the seal for it; null: whoever decides the matter. */
  person: said,
  /** First and last day in Asia/Shanghai; null: open. */
  from: day.nullable(),
  to: day.nullable(),
});
/** For what, by whom and when a seal may be used (用印授权范围). */
export type SealGrant = z.infer<typeof sealGrant>;

/** A seal as a release before 0.4 told of it: with matters alone, each granted to everybody and for ever. */
function withGrants(told: unknown): unknown {
  const old = z.looseObject({ matters: z.array(z.string()), grants: z.undefined().optional() }).safeParse(told);
  if (!old.success) return told;
  const grants = old.data.matters.map((matter) => ({ matter, person: null, from: null, to: null }));
  return { ...old.data, grants };
}

export const payloads = {
  /**
   * A matter through time: periods oldest first, at most one on any day, none while the matter is not delegated, and the
   * organs these name. A change that takes effect later is a period already: its day brings no event.
   */
  DelegationChanged: z.object({
    matterId: z.string(),
    mainItem: z.string(),
    subItem: z.string().nullable(),
    name: z.string(),
    powerType: z.enum(POWER_TYPES),
    delegations: z.array(delegation),
    organs: z.array(organ),
  }),
  /**
   * The versions of a matter's service guide that are in force or to come; a county's is the city's with its overlay
   * applied, from the day on which that begins until its next one, or the version's end.
   */
  GuideChanged: z.object({
    matterId: z.string(),
    versions: z.array(
      z.object({
        version: z.number().int().positive(),
        validFrom: day,
        validTo: day.nullable(),
        city: guide,
        counties: z.array(z.object({ divisionCode: z.string().length(6), validFrom: day, guide })),
      }),
    ),
  }),
  /** A case decided GRANTED that ends in a license act; opens a certificate task. */
  CaseGranted: z.object({
    caseId: z.string(),
    caseNumber: z.string(),
    content: grantContent,
    contentDigest: digest,
    /** The decider's seal authorisation, a JWS that only the seals subgraph reads. */
    authorisation: z.string(),
    /** The organ whose seal stands on the outcome and which is the issuer (证照颁发机构). */
    issuer: organ,
    /** The organs that handle the case and may see the license, the issuer among them. */
    parties: z.array(z.string()),
    /** Organs whose counters print, hand over and take back its paper: the issuer, and the one that accepted. Supervisors see, but do nothing of it. */
    counters: z.array(z.string()),
    /** Division code of the county that handled the case. */
    handledBy: z.string().length(6),
    decidedAt: z.iso.datetime(),
  }),
  /** One act on a license, done on document and paper alike. */
  LicenseChanged: z.object({
    act: z.enum(ACTS),
    number: z.string(),
    /** Of the version that is current after the act. */
    identifier: z.string(),
    version: z.number().int().positive(),
    state: z.enum(LICENSE_STATES),
    caseId: z.string().nullable(),
    /** The supervisor's order that the act carries out, or null. */
    orderId: z.string().nullable().default(null),
    /** SHA-256 of the file that the act produced: a PDF, or a sealed statement in JSON. */
    documentDigest: digest,
    signatureDigest: digest,
    changedAt: z.iso.datetime(),
    /** The license as it stands after the act. */
    license: z.object({
      matterId: z.string(),
      licenseName: z.string(),
      licenseType: z.string(),
      holder,
      fields: z.array(z.object({ label: z.string(), text: z.string() })),
      validFrom: day,
      validUntil: day.nullable(),
    }),
  }),
  /** The paper certificate of a version reached its holder (送达). */
  CertificateDelivered: z.object({
    number: z.string(),
    identifier: z.string(),
    caseId: z.string().nullable(),
    deliveredAt: z.iso.datetime(),
  }),
  /** A granted case whose act on a license will not be done: its task was voided (作废) by the organ that decided. */
  TaskVoided: z.object({
    caseId: z.string(),
    actor: z.string(),
    organ: z.string(),
    reason: z.string(),
    voidedAt: z.iso.datetime(),
  }),
  /** A supervisor's finding that demands an act on a license (监管反馈): the issuing organ's approver has to answer it. */
  SupervisionOrdered: z.object({
    orderId: z.string(),
    number: z.string(),
    act: z.enum(['SUSPEND', 'RESTORE', 'REVOKE']),
    /** The supervisor's sentence. */
    reason: z.string(),
    supervisor: organ,
    orderedAt: z.iso.datetime(),
  }),
  /** What became of an order: carried out by an act, or answered with the reason why not. */
  OrderAnswered: z.object({
    orderId: z.string(),
    answer: z.enum(['CARRIED_OUT', 'DECLINED', 'OVERTAKEN']),
    reason: z.string().nullable(),
    actor: z.string(),
    answeredAt: z.iso.datetime(),
  }),
  /** Something about a license that waits for a person, or no longer does. */
  DutyChanged: z.object({
    /** Stable: one per duty. */
    dutyId: z.string(),
    kind: z.enum(['RECALL_OPEN', 'SEAL_WAITING', 'COLLECTION_REFUSED', 'ORDER_OPEN']),
    /** Identifier of the license version concerned. */
    identifier: z.string(),
    name: z.string(),
    /** Organs that have to see to it. */
    organs: z.array(z.string()),
    divisionCode: z.string().length(6),
    reason: z.string().nullable(),
    openedAt: z.iso.datetime(),
    closedAt: z.iso.datetime().nullable(),
  }),
  /** A case at a city organ that works on an approval platform of its own (审批平台), as it stands after each step from 转报 on. */
  ForwardedCaseChanged: z.object({
    platformId: z.string(),
    caseId: z.string(),
    caseNumber: z.string(),
    /** The city organ that decides. */
    organ: z.string(),
    matterId: z.string(),
    matterName: z.string(),
    mode: z.enum(MODES),
    applicant: holder,
    fields: z.array(z.object({ label: z.string(), text: z.string() })),
    licenseNumber: z.string().nullable(),
    /** Position and result of the case, as `Case.step` and `Case.result` name them. */
    step: z.string(),
    result: z.string().nullable(),
    /** Every step so far, oldest first; `data` is what one carries beside its note: a pause with its papers, a transfer. */
    steps: z.array(
      z.object({ step: text, at: z.iso.datetime(), actor: text, organ: said, finding: said, note: said, data }),
    ),
  }),
  /** An approval result pushed to a supervisor (双推送), or that a grant was given up; the webhook's body. */
  ApprovalPushed: z.object({
    pushId: z.string(),
    supervisor: z.string(),
    caseId: z.string(),
    caseNumber: z.string(),
    matterId: z.string(),
    matterName: z.string(),
    decision: z.enum(['GRANTED', 'REJECTED', 'VOIDED']),
    applicantName: z.string(),
    decidedBy: z.string(),
    decidedAt: z.iso.datetime(),
    /** Last day by which it has to reach the supervisor: the third working day after the decision; null where the calendar has no such year. */
    dueOn: day.nullable(),
  }),
  /** A seal as it stands, with what it may be used for. */
  SealChanged: z.preprocess(
    withGrants,
    z.object({
      sealId: z.string(),
      name: z.string(),
      kind: z.enum(['UNIT_SEAL', 'APPROVAL_SEAL', 'LICENSE_SEAL']),
      organ: z.string(),
      state: z.enum(SEAL_STATES),
      validFrom: z.iso.datetime(),
      validUntil: z.iso.datetime(),
      grants: z.array(sealGrant),
    }),
  ),
} as const;

export type EventType = keyof typeof payloads;
export type EventPayload<Type extends EventType> = z.infer<(typeof payloads)[Type]>;

/** An event on its way: `revision` counts from 1 within `stream`, without a gap. */
export type Envelope = {
  [Type in EventType]: {
    type: Type;
    stream: string;
    revision: number;
    occurredAt: string;
    payload: EventPayload<Type>;
  };
}[EventType];

const envelope = z.object({
  type: z.enum(Object.keys(payloads) as [EventType, ...EventType[]]),
  stream: z.string().min(1).max(128),
  revision: z.number().int().positive(),
  occurredAt: z.iso.datetime(),
  payload: z.unknown(),
});

/** Reads an envelope that came over a wire or out of a table. Throws ZodError. */
export function readEnvelope(value: unknown): Envelope {
  const read = envelope.parse(value);
  return { ...read, payload: payloads[read.type].parse(read.payload) } as Envelope;
}

/** The canonical text of a value: JSON by RFC 8785 (JCS). */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

/** SHA-256 of bytes or UTF-8 text, lower-case hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The digest that a seal authorisation carries: SHA-256 over the canonical text of the content. */
export function contentDigest(content: unknown): string {
  return sha256(canonical(content));
}
