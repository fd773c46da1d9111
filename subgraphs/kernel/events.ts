import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';

/** Facts that flow between subgraphs: each is a snapshot, so a consumer that knows only the newest is right. */

export const MODES = ['DIRECT', 'SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD'] as const;
export const LICENSE_ACTIONS = ['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'RETAIN', 'TRANSFER', 'CANCEL'] as const;
export const OUTCOME_KINDS = ['LICENSE', 'CERTIFICATE', 'FILING_CERTIFICATE', 'DECISION'] as const;
/** Acts on a license (DOMAIN: operations and endings); `Act` in GraphQL. */
export const ACTS = [
  'ISSUE',
  'CHANGE',
  'RENEW',
  'REISSUE',
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
export type LicenseAction = (typeof LICENSE_ACTIONS)[number];

export type Act = (typeof ACTS)[number];
export type LicenseState = (typeof LICENSE_STATES)[number];

const day = z.iso.date();
const digest = z.string().regex(/^[0-9a-f]{64}$/);

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

const delegation = z.object({
  mode: z.enum(MODES),
  validFrom: day.nullable(),
  validTo: day.nullable(),
  accepts: assignment,
  examines: assignment,
  decides: assignment,
  seals: assignment,
  liable: assignment,
  supervises: assignment,
});
export type DelegationFact = z.infer<typeof delegation>;

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

const holder = z.object({
  name: z.string().min(1),
  codeKind: z.enum(['USCC', 'CITIZEN_NUMBER']),
  code: z.string(),
});
export type Holder = z.infer<typeof holder>;

/** What the decider sees and authorises, and the license then says, word for word. */
const grantContent = z.object({
  matterId: z.string(),
  action: z.enum(['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'TRANSFER', 'CANCEL']),
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

export const payloads = {
  /** A matter as it stands, with every delegation period and the organs these name. */
  DelegationChanged: z.object({
    matterId: z.string(),
    mainItem: z.string(),
    subItem: z.string().nullable(),
    name: z.string(),
    licenseAction: z.enum(LICENSE_ACTIONS).nullable(),
    outcome,
    cityOrgan: z.string(),
    countyOrgan: z.string(),
    delegations: z.array(delegation),
    organs: z.array(organ),
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
  /** A seal as it stands, with the matters it is granted for. */
  SealChanged: z.object({
    sealId: z.string(),
    name: z.string(),
    kind: z.enum(['UNIT_SEAL', 'APPROVAL_SEAL', 'LICENSE_SEAL']),
    organ: z.string(),
    state: z.enum(['IN_USE', 'SUSPENDED', 'ENDED']),
    validFrom: z.iso.datetime(),
    validUntil: z.iso.datetime(),
    matters: z.array(z.string()),
  }),
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

/** The one synchronous call between subgraphs, `licenses → seals.sign`: everything the seal's keeper must know to judge it. */
export const signRequest = z.object({
  /** Same id, same signature, for ever: a repeated call answers what the first one made. */
  issuanceId: z.uuid(),
  /** The organ that seals; seals picks its seal granted for the matter. */
  organ: z.string(),
  matterId: z.string(),
  caseId: z.string().nullable(),
  act: z.enum(ACTS).or(z.literal('SPOIL')),
  /** Identifier of the license version sealed, or whose act is sealed. */
  identifier: z.string(),
  /** SHA-256 of the file that is sealed. */
  documentDigest: digest,
  /** SHA-256 of the canonical content; must equal the one in the authorisation. */
  contentDigest: digest,
  /** The person's seal authorisation, a JWS. */
  authorisation: z.string(),
});
export type SignRequest = z.infer<typeof signRequest>;

/** Either a signature, or PENDING where a remote signer has not answered yet. A refusal is thrown. */
export type SignAnswer =
  | {
      state: 'SIGNED';
      /** CMS SignedData, DER, detached, CAdES B-B. */
      signature: Uint8Array;
      sealId: string;
      sealName: string;
      signedAt: string;
    }
  | { state: 'PENDING'; reason: string };

export type Sign = (request: SignRequest) => Promise<SignAnswer>;
