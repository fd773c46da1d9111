import { createHash } from 'node:crypto';
import { z } from 'zod';
import { instantSchema } from '../day-schema.ts';
import { toCanonicalJson } from '../events/events.ts';

/** A person's own signature on the authorisation of a seal (本人签名), and the texts that persons sign. */

/** Longest credential id of WebAuthn: 1,023 bytes. */
const MAX_CREDENTIAL_CHARS = 1364;
/** RSA-4096 makes the longest signature that is accepted: 512 bytes. */
const MAX_SIGNATURE_CHARS = 683;
const MAX_AUTHENTICATOR_DATA_CHARS = 1366;
const MAX_CLIENT_DATA_CHARS = 4000;

const base64url = (maxChars: number) =>
  z
    .string()
    .max(maxChars)
    .regex(/^[A-Za-z0-9_-]+$/);

/** A signature of one credential over one text. Bytes are base64url without padding. */
export const personSignature = z.strictObject({
  /** Id of the credential. For a registrar: the registrar's id. */
  credential: z.string().min(1).max(MAX_CREDENTIAL_CHARS),
  signature: base64url(MAX_SIGNATURE_CHARS),
  /** Only of a WebAuthn assertion: the bytes that it covers besides the challenge. */
  webauthn: z
    .strictObject({
      authenticatorData: base64url(MAX_AUTHENTICATOR_DATA_CHARS),
      clientDataJson: base64url(MAX_CLIENT_DATA_CHARS),
    })
    .optional(),
});
export type PersonSignature = z.infer<typeof personSignature>;

/** In whose place a person decides: what a grant "to whoever decides the matter" is compared with. */
export const decider = z.object({
  /** The organ that the person belongs to. */
  organ: z.string(),
  /** The organ that decides the case on the day of the authorisation. Without a case: the issuer of the license. */
  decides: z.string(),
  /** Id of the recorded exception by which a person of another organ decides (SECOND_PERSON), or null. */
  exception: z.string().nullable(),
  /** Division code of the integrated window for which the person did the step. Only on notices. */
  window: z.string().optional(),
});
export type Decider = z.infer<typeof decider>;

/** Whether a person decides for `organ`: as one of its own, or by an exception that cases have recorded. */
function decidesFor(organ: string, { organ: own, decides, exception }: Decider): boolean {
  return decides === organ && (own === organ || exception !== null);
}

/**
 * Whether a person acts for `organ` in an act. A notice is authorised by whoever did its step for the organ: one of its
 * own people, or one at the window through which it accepts. Everything else is decided.
 */
export function authorisesFor(organ: string, decider: Decider, act: string): boolean {
  if (act !== 'NOTICE') return decidesFor(organ, decider);
  // The organ accepts through the window, whichever organ its people belong to.
  return decidesFor(organ, { ...decider, exception: decider.window ?? decider.exception });
}

/**
 * Whether an act on behalf of an organ whose persons sign themselves needs the person's own signature (本人签名). A notice
 * decides nothing and an acceptance seal goes onto nothing else, so the recorded step of the clerk authorises it.
 */
export function needsPersonSignature(act: string): boolean {
  return act !== 'NOTICE';
}

/** The statement of a person who authorises a seal (用印授权): who, for which act, over which content. */
export const sealStatement = z.object({
  actor: z.string(),
  actorName: z.string(),
  organ: z.string(),
  matter: z.string(),
  /** The decided case, or null if the act needs no case (suspension, restoration, an ending). */
  caseId: z.string().nullable(),
  /** The act on the license, with the name that `LicenseAct.act` uses. */
  act: z.string(),
  /** SHA-256, hex, of the canonical content (RFC 8785) that the person saw. */
  contentDigest: z.string().regex(/^[0-9a-f]{64}$/),
  /** The same of the decision document (决定书) that a granted license comes with. Absent if there is none besides. */
  decisionDigest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  authorisedAt: instantSchema,
  /** Absent only in statements of releases up to 0.4. */
  decider: decider.optional(),
});
export type SealStatement = z.infer<typeof sealStatement>;

/**
 * Whether a statement covers a content under an act. One statement covers an act on a license, and the decision
 * document that comes with it.
 */
export function authorisesContent(
  { act: ownAct, contentDigest, decisionDigest }: Readonly<Partial<Record<keyof SealStatement, unknown>>>,
  act: string,
  digest: string,
): boolean {
  if (act === ownAct) return contentDigest === digest;
  // A statement that nobody need sign in person covers nothing that somebody must.
  return act === 'DECISION' && ownAct !== 'NOTICE' && decisionDigest === digest;
}

/** First lines of the texts that are signed. A signature over one kind of text is none over another kind. */
const TEXT_KINDS = {
  authorisation: 'tongquan seal authorisation 1',
  registration: 'tongquan credential registration 1',
} as const;

/** Returns the text that is signed: its kind, a line feed, and the canonical JSON (RFC 8785) of what is stated. */
export function writeSignedText(kind: keyof typeof TEXT_KINDS, content: object): string {
  return `${TEXT_KINDS[kind]}\n${toCanonicalJson(content)}`;
}

/** Returns the text by which a person authorises a seal. A field that is no part of the statement is left out. */
export function writeAuthorisationText(statement: SealStatement): string {
  return writeSignedText('authorisation', sealStatement.parse(statement));
}

/** Returns the statement of a text that a rehearsal returned, or null if it is none. */
export function readAuthorisationText(text: string): SealStatement | null {
  const head = `${TEXT_KINDS.authorisation}\n`;
  if (!text.startsWith(head)) return null;
  try {
    const statement = sealStatement.parse(JSON.parse(text.slice(head.length)));
    return writeAuthorisationText(statement) === text ? statement : null;
  } catch {
    return null;
  }
}

/** Returns the WebAuthn challenge for a text, base64url: its SHA-256. */
export function computeChallenge(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** How a credential signs. KEY: a bare key, which a signer accepts only if its file says so (development). */
export const CREDENTIAL_KINDS = ['WEBAUTHN', 'CERTIFICATE', 'KEY'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/**
 * Request of `seals.personSigning`, called by cases and licenses: what a person signs with, and whether a given
 * signature counts.
 */
export const personSigningRequest = z.object({
  /** Null if no person acts: an approval platform's message, or a caller without a person. */
  person: z.string().min(1).max(200).nullable(),
  signed: z.object({ statement: sealStatement, signature: personSignature }).nullable(),
});
export type PersonSigningRequest = z.infer<typeof personSigningRequest>;

/** Answer of `seals.personSigning`. */
export const personSigningAnswer = z.object({
  /** Organs whose authorisations need the person's own signature. */
  organs: z.array(z.string()),
  /** The WebAuthn relying party, or null if the signer accepts no assertions. */
  rpId: z.string().nullable(),
  /** Credentials of the person that may sign now. */
  credentials: z.array(z.object({ id: z.string(), kind: z.enum(CREDENTIAL_KINDS), organ: z.string() })),
});
export type PersonSigningAnswer = z.infer<typeof personSigningAnswer>;
/** Refuses PERSON_CREDENTIAL_UNFIT and PERSON_SIGNATURE_INVALID if the given signature does not count. */
export type ReadPersonSigning = (request: PersonSigningRequest) => Promise<PersonSigningAnswer>;
