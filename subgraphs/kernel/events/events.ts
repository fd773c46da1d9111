import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { daySchema, instantSchema } from '../day-schema.ts';
import { deliverySchema, serviceSchema } from '../delivery/delivery.ts';
import { coOwnershipSchema } from '../identity/co-ownership.ts';
import { ACTS, LICENSE_ACTIONS, LICENSE_STATES, ORDERED_ACTS, REGISTER_ACT_NAMES } from '../license-acts.ts';
import { reissuedSheet } from '../license-type/reissued-sheet.ts';
import { licenseTypeVersion } from '../license-type/type.ts';
import { organChangedSchema, organSchema } from '../organ/fact.ts';
import { announcementSchema } from '../proposal/announcement.ts';
import { type GrantContent, grantContent, type Holder, holder } from './grant-content.ts';
import { guideFact } from './guide-fact.ts';
import { SEAL_KINDS, SEAL_STATES, sealGrant, withGrants } from './seal-grant.ts';

/** Events between subgraphs. Each is a snapshot, so a consumer needs only the newest one. */

export { type GrantContent, grantContent, type Holder };

export const MODES = ['DIRECT', 'SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD'] as const;
export const POWER_TYPES = ['LICENSE', 'CONFIRMATION', 'FILING', 'OTHER'] as const;
export const RUNNING_CASES = ['FOLLOW', 'STAY'] as const;
export const OUTCOME_KINDS = ['LICENSE', 'CERTIFICATE', 'FILING_CERTIFICATE', 'DECISION'] as const;

export type Mode = (typeof MODES)[number];
export type RunningCases = (typeof RUNNING_CASES)[number];
export type PowerType = (typeof POWER_TYPES)[number];

const day = daySchema;
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string();
const nullableText = text.nullable();
const data = z.record(z.string(), z.unknown()).nullable();

const organ = organSchema;
export type OrganFact = z.infer<typeof organ>;

const assignment = z.object({
  /** Organ id, or null; then `reason` says why no organ is named. */
  organ: z.string().nullable(),
  /** A second organ with an equal right, or with its own share. */
  second: z.string().nullable(),
  /** Whether the first organ does this at the integrated window (综合受理窗口). */
  window: z.boolean(),
  reason: z.string().nullable(),
});
export type Assignment = z.infer<typeof assignment>;

const outcome = z.object({
  kind: z.enum(OUTCOME_KINDS),
  /** Name of the case's outcome (证照名称), for instance 第三类医疗器械经营许可证. */
  name: z.string(),
  /** Type code (电子证照类型代码): USCC of the defining organ and 3 digits. Null if the outcome is not a license. */
  licenseType: z.string().length(21).nullable(),
  /** Validity of the license in months, or null if it has no end. */
  validityMonths: z.number().int().positive().nullable(),
});
export type OutcomeFact = z.infer<typeof outcome>;

/** A period of a delegation in which nothing changes: mode, organs, industry organs, outcome. */
const delegation = z.object({
  mode: z.enum(MODES),
  validFrom: day.nullable(),
  validTo: day.nullable(),
  cityOrgan: z.string(),
  countyOrgan: z.string(),
  /** Industry organ (行业主管部门) of each level, or null if the office has not named it yet. */
  industry: z.object({ city: z.string().nullable(), county: z.string().nullable() }),
  /** Whether running cases go over to this period's organs when it begins, or stay with theirs. Their mode stays. */
  runningCases: z.enum(RUNNING_CASES),
  /** The action on a license of a case accepted in this period, or null. */
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

/** What the law says that a matter rests on (设定依据), for a time. `text` is null while none is entered. */
const legalBasis = z.object({ text: nullableText, validFrom: day.nullable(), validTo: day.nullable() });

const licenseChange = z.object({
  act: z.enum(ACTS),
  number: z.string(),
  /** Identifier of the version that is current after the act. */
  identifier: z.string(),
  version: z.number().int().positive(),
  state: z.enum(LICENSE_STATES),
  caseId: z.string().nullable(),
  /** The supervisor's order that the act executes, or null. */
  orderId: z.string().nullable().default(null),
  /** SHA-256 of the file that the act produced: a PDF or a sealed JSON statement. */
  documentDigest: digest,
  signatureDigest: digest,
  changedAt: instantSchema,
  /** The version in force until the first day of this one, which renews it early; with the same state. Or null. */
  earlier: z
    .object({ identifier: z.string(), version: z.number().int().positive(), validFrom: day })
    .nullable()
    .default(null),
  /** The license after the act. */
  license: z.object({
    matterId: z.string(),
    licenseName: z.string(),
    licenseType: z.string(),
    holder,
    /** The other holders (共有人). Absent if there is one holder. */
    coOwnership: coOwnershipSchema.optional(),
    fields: z.array(z.object({ label: z.string(), text: z.string() })),
    validFrom: day,
    validUntil: day.nullable(),
    /** First day of the term that was granted last. Null in events of releases up to 0.4.1. */
    termFrom: day.nullable().default(null),
    /** Version of the type that its record names. Absent if it names none, and in events of releases up to 0.4.1. */
    typeVersion: z.int().positive().optional(),
  }),
});

export const payloads = {
  /**
   * All periods of a matter, oldest first, and the organs that they name. A day has at most one period, and none while
   * the matter is not delegated. A future change is already a period here: no event follows on its first day.
   */
  DelegationChanged: z.object({
    matterId: z.string(),
    mainItem: z.string(),
    subItem: z.string().nullable(),
    name: z.string(),
    powerType: z.enum(POWER_TYPES),
    delegations: z.array(delegation),
    organs: z.array(organ),
    /** Absent in events of releases up to 0.4. */
    legalBases: z.array(legalBasis).optional(),
  }),
  /** An organ after a reform (机构改革), or one that took over from a former organ. A future day is already in it. */
  OrganChanged: organChangedSchema,
  /**
   * The current and future versions of a matter's service guide. A county's guide is the city's with the county's
   * overlay applied. It holds from the overlay's first day until the next overlay or the end of the version.
   */
  GuideChanged: z.object({
    matterId: z.string(),
    versions: z.array(
      z.object({
        version: z.number().int().positive(),
        validFrom: day,
        validTo: day.nullable(),
        city: guideFact,
        counties: z.array(z.object({ divisionCode: z.string().length(6), validFrom: day, guide: guideFact })),
      }),
    ),
  }),
  /** Every version of a license type (证照类型), oldest first: a case and a license keep the one that they began with. */
  LicenseTypeChanged: z.object({ code: z.string().length(21), versions: z.array(licenseTypeVersion) }),
  /** A case decided GRANTED that ends in a license act. It opens a certificate task (制证任务). */
  CaseGranted: z.object({
    ...{ caseId: text, caseNumber: text },
    content: grantContent,
    contentDigest: digest,
    /** The decider's seal authorisation, a JWS that only the seals subgraph verifies. */
    authorisation: z.string(),
    /** The organ that seals the outcome and is its issuer (证照颁发机构). */
    issuer: organ,
    /** The organs that handle the case and may see the license, including the issuer. */
    parties: z.array(z.string()),
    /** Organs that print, hand over and take back the paper: the issuer and the acceptor. Supervisors only see it. */
    counters: z.array(z.string()),
    /** Division code of the county that handled the case. */
    handledBy: z.string().length(6),
    /** Division code of the integrated window that accepted the case, or null. Events of releases up to 0.4 lack it. */
    window: z.string().length(6).nullish(),
    /** Whom the paper may reach besides the applicant. Absent if the application names nobody. */
    service: serviceSchema.optional(),
    decidedAt: instantSchema,
  }),
  /** A renewal (延续) that a case accepted runs, is granted and waits for its version, or is settled. */
  RenewalChanged: z.object({
    caseId: z.uuid(),
    caseNumber: z.string(),
    /** The day on which it was accepted. */
    acceptedOn: daySchema,
    /** Number of the license. */
    number: z.string(),
    isRunning: z.boolean(),
    isGranted: z.boolean().default(false),
    changedAt: instantSchema,
  }),
  /** One act on a license. It applies to both the document and the paper. */
  LicenseChanged: licenseChange,
  /** Licenses on paper that were entered from their issuer's ledger (存量登记), as many as one transaction enters. */
  LicensesRegistered: z.object({ registrationId: z.uuid(), licenses: z.array(licenseChange).min(1) }),
  /** What the register's key stated of a license (登记声明): a sheet was spoiled, or time has ended the license. */
  RegisterStated: z.object({
    /** Id of the act: the statement's `jti`. */
    actId: z.uuid(),
    act: z.enum(REGISTER_ACT_NAMES),
    number: z.string(),
    /** The version that it is about, and that version's state. */
    identifier: z.string(),
    version: z.number().int().positive(),
    state: z.enum(LICENSE_STATES),
    /** Revision in `license:<number>` that it follows: the newest one when it was entered. 0 if there is none yet. */
    follows: z.number().int().nonnegative(),
    /** SHA-256 of the statement, a compact JWS. */
    documentDigest: digest,
    statedAt: instantSchema,
  }),
  /** The paper certificate of a version reached its holder (送达). */
  CertificateDelivered: z.object({
    ...{ number: text, identifier: text, caseId: nullableText, deliveredAt: instantSchema },
    /** Absent in events of releases up to 0.4. */
    delivery: deliverySchema.optional(),
  }),
  /** The deciding organ voided (作废) the certificate task of a granted case. Its act on a license will not be done. */
  TaskVoided: z.object({
    caseId: z.string(),
    actor: z.string(),
    organ: z.string(),
    reason: z.string(),
    voidedAt: instantSchema,
  }),
  /** A supervisor's finding that demands an act on a license (监管反馈). The issuing organ's approver must answer it. */
  SupervisionOrdered: z.object({
    orderId: z.string(),
    number: z.string(),
    act: z.enum(ORDERED_ACTS),
    /** The supervisor's sentence. */
    reason: z.string(),
    supervisor: organ,
    orderedAt: instantSchema,
  }),
  /** The answer to an order: executed by an act, declined with a reason, or overtaken. */
  OrderAnswered: z.object({
    orderId: z.string(),
    answer: z.enum(['CARRIED_OUT', 'DECLINED', 'OVERTAKEN']),
    reason: z.string().nullable(),
    actor: z.string(),
    answeredAt: instantSchema,
  }),
  /** A duty (待办) about a license that waits for a person, or was closed. */
  DutyChanged: z.object({
    /** Stable id of the duty. */
    dutyId: z.string(),
    kind: z.enum([
      'RECALL_OPEN',
      'SEAL_WAITING',
      'COLLECTION_REFUSED',
      'ORDER_OPEN',
      'ACT_PROPOSED',
      'SWEEP_HELD',
      'NUMBERS_ENDING',
      'BLANKS_ENDING',
    ]),
    /** Identifier of the license version concerned, or null: it concerns what an organ has in stock. */
    identifier: z.string().nullable(),
    name: z.string(),
    /** Organs that must fulfil it. */
    organs: z.array(z.string()),
    /** Division whose window may fulfil it too, or null. */
    divisionCode: z.string().length(6).nullable(),
    reason: z.string().nullable(),
    openedAt: instantSchema,
    closedAt: instantSchema.nullable(),
  }),
  /** A proposal outside cases that waits for a second person, or waits no more. */
  ProposalChanged: announcementSchema,
  /** A case at a city organ with its own approval platform (审批平台), sent after each step from 转报 on. */
  ForwardedCaseChanged: z.object({
    platformId: z.string(),
    caseId: z.string(),
    caseNumber: z.string(),
    /** The deciding city organ. */
    organ: z.string(),
    matterId: z.string(),
    matterName: z.string(),
    mode: z.enum(MODES),
    applicant: holder,
    /** The holders besides the applicant that it names (共有人). Absent if it names none. */
    coOwnership: coOwnershipSchema.optional(),
    fields: z.array(z.object({ label: z.string(), text: z.string() })),
    licenseNumber: z.string().nullable(),
    /** The sheets that a reissue names as lost or damaged. Absent if it names none. */
    reissuedSheets: z.array(reissuedSheet).min(1).optional(),
    /** Step and result of the case, with the names of `Case.step` and `Case.result`. */
    step: z.string(),
    result: z.string().nullable(),
    /** Every step so far, oldest first. `data` is its data besides the note: a pause with its papers, a transfer. */
    steps: z.array(
      z.object({
        step: text,
        at: instantSchema,
        actor: text,
        organ: nullableText,
        finding: nullableText,
        note: nullableText,
        data,
      }),
    ),
  }),
  /** An approval result pushed to a supervisor (双推送), or a voided grant. It is also the webhook's body. */
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
    decidedAt: instantSchema,
    /**
     * Last day to reach the supervisor: the third working day after the decision. Null if the calendar lacks the year.
     */
    dueOn: day.nullable(),
  }),
  /** The current state of a seal and its grants. */
  SealChanged: z.preprocess(
    withGrants,
    z.object({
      sealId: z.string(),
      name: z.string(),
      kind: z.enum(SEAL_KINDS),
      organ: z.string(),
      state: z.enum(SEAL_STATES),
      validFrom: instantSchema,
      validUntil: instantSchema,
      grants: z.array(sealGrant),
      /** When its kind became required. Absent in events up to release 0.4. */
      requiredSince: instantSchema.nullable().optional(),
    }),
  ),
} as const;

export type EventType = keyof typeof payloads;
export type EventPayload<Type extends EventType> = z.infer<(typeof payloads)[Type]>;

/** An event in transit. `revision` counts from 1 in `stream`, without a gap. */
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
  occurredAt: instantSchema,
  payload: z.unknown(),
});

/** Reads an envelope from a network message or a table row. Throws ZodError. */
export function readEnvelope(value: unknown): Envelope {
  const rawEnvelope = envelope.parse(value);
  return { ...rawEnvelope, payload: payloads[rawEnvelope.type].parse(rawEnvelope.payload) } as Envelope;
}

/** Returns the canonical text of a value: JSON by RFC 8785 (JCS). Throws TypeError if it is not a JSON value. */
export function toCanonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

/** Returns SHA-256 of bytes or UTF-8 text, lower-case hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Returns the digest for a seal authorisation: SHA-256, hex, over the canonical text of the content. */
export function computeContentDigest(content: unknown): string {
  return sha256(toCanonicalJson(content));
}
