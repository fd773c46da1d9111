import { z } from 'zod';
import { instantSchema } from '../../../kernel/day-schema.ts';
import { Refusal } from '../../../kernel/refusal.ts';
import type { SealAuthorisation } from '../../../kernel/sealing/authorisation.ts';
import {
  CREDENTIAL_KINDS,
  needsPersonSignature,
  type PersonSigningAnswer,
  type PersonSigningRequest,
  personSignature,
  type SealStatement,
  writeAuthorisationText,
  writeSignedText,
} from '../../../kernel/sealing/person-signature.ts';
import { isSignedBy, readKey, readValidity } from './assertion.ts';

/**
 * Credentials of persons (签名凭据) and the rules by which a signature of one counts. The signer has them from its
 * own file, so nothing that the hub says or leaves out changes them. Pure functions.
 */

const id = z.string().min(1).max(200);
const verificationKey = { kind: z.enum(CREDENTIAL_KINDS), key: z.string().max(16_384) };

/** What two registrars state about a credential. */
const registrationStatement = z.strictObject({
  /** WebAuthn: the credential's id, base64url. */
  credential: personSignature.shape.credential,
  person: id,
  /** The name that the authorisation prints. */
  name: id,
  /** The only organ for which it authorises seals. */
  organ: id,
  ...verificationKey,
  /** Authorisations from this moment on, and before this one. */
  validFrom: instantSchema,
  validTo: instantSchema,
  registeredAt: instantSchema,
});
export type RegistrationStatement = z.infer<typeof registrationStatement>;

/** A registration (登记): the statement with the signatures of the registrars. */
export const registration = z.strictObject({
  statement: registrationStatement,
  signatures: z.array(personSignature).max(2),
});
export type Registration = z.infer<typeof registration>;

const registrar = z.strictObject({
  /** The id of a person of the hub. */
  id,
  ...verificationKey,
  /** Registrations from this moment on do not count. Null while in office. */
  until: instantSchema.nullable(),
});

/** The signer's file of persons' keys. It says whose signatures count, and where one is needed. */
export const personKeys = z.strictObject({
  /** The WebAuthn relying party, or null if assertions are not accepted. */
  party: z.strictObject({ rpId: z.string().min(1), origins: z.array(z.url()).min(1) }).nullable(),
  /** Whether bare keys are accepted, as in development. */
  acceptsBareKeys: z.boolean(),
  /** Organs whose authorisations need the person's own signature, each from a moment of the signer's clock on. */
  organs: z.array(z.strictObject({ organ: id, from: instantSchema })),
  /** An authorisation of a person older than this is refused, so that an expired credential ends. */
  maxAgeDays: z.int().min(1).max(3650),
  registrars: z.array(registrar),
  registrations: z.array(registration),
  /** Authorisations from this moment on do not count (停用、挂失). */
  endings: z.array(z.strictObject({ credential: z.string(), from: instantSchema, reason: z.string().max(500) })),
});
export type PersonKeys = z.infer<typeof personKeys>;

/** What a signer without a file accepts: no person's signature, and none is needed. */
export const NO_PERSON_KEYS: PersonKeys = {
  party: null,
  acceptsBareKeys: false,
  organs: [],
  maxAgeDays: 1,
  registrars: [],
  registrations: [],
  endings: [],
};

/** Returns the text that registrars sign. */
export function writeRegistrationText(statement: RegistrationStatement): string {
  return writeSignedText('registration', registrationStatement.parse(statement));
}

/**
 * Returns why a registration does not count, or null if it does: two registrars in office signed a statement about a
 * readable key. They are two persons with two keys, and neither is the credential's person.
 */
export function findRegistrationFault(keys: PersonKeys, { statement, signatures }: Registration): string | null {
  if (!readKey(statement)) return 'the key is unreadable or of a kind that is not accepted';
  if (statement.kind === 'KEY' && !keys.acceptsBareKeys) return 'bare keys are not accepted';
  if (statement.kind === 'WEBAUTHN' && !keys.party) return 'the file names no relying party';
  if (!(Date.parse(statement.validFrom) < Date.parse(statement.validTo))) return 'it is never valid';
  const signers = signatures.flatMap((signature) => {
    const signer = keys.registrars.find((candidate) => candidate.id === signature.credential);
    const isInOffice = signer && (signer.until === null || isBefore(statement.registeredAt, signer.until));
    const text = writeRegistrationText(statement);
    return isInOffice && isSignedBy(signer, text, signature, keys.party) ? [signer] : [];
  });
  if (signers.some((signer) => signer.id === statement.person)) return 'nobody registers an own credential';
  const keyTexts = new Set(signers.map((signer) => exportKey(signer)));
  if (new Set(signers.map((signer) => signer.id)).size < 2 || keyTexts.size < 2)
    return 'it lacks the signatures of two registrars';
  return keyTexts.has(exportKey(statement)) ? "it is a registrar's own key" : null;
}

function exportKey(key: Parameters<typeof readKey>[0]): string {
  return readKey(key)?.export({ type: 'spki', format: 'der' }).toString('base64') ?? '';
}

const isBefore = (a: string, b: string) => Date.parse(a) < Date.parse(b);
const DAY_MS = 86_400_000;
/** Maximum accepted clock difference between the signer and the process in which the person acted. */
const MAX_SKEW_MS = 60_000;

/** Returns the credential's statement if an authorisation of this moment may use it, or null. */
function findCredential(keys: PersonKeys, credential: string, at: string): RegistrationStatement | null {
  // The newest of several registrations of a credential counts.
  const found = keys.registrations.findLast(({ statement }) => statement.credential === credential);
  if (!found || findRegistrationFault(keys, found) !== null) return null;
  const { statement } = found;
  const validity = readValidity(statement);
  const isValid =
    !isBefore(at, statement.validFrom) &&
    isBefore(at, statement.validTo) &&
    !keys.endings.some((ending) => ending.credential === credential && !isBefore(at, ending.from)) &&
    (validity === null || (validity.from.getTime() <= Date.parse(at) && Date.parse(at) <= validity.to.getTime()));
  return isValid ? statement : null;
}

/** For what a statement is used, and when. The act is that of the use: a statement may cover two. */
export interface PersonUse {
  act: string;
  at: Date;
}

/**
 * Requires that the authorisation of a use, of an act at a moment, carries the person's own signature where its
 * organ and the act need one (`needsPersonSignature`). Any signature must count: two registrars registered the
 * credential for exactly this person, name and organ, it covers the moment of the authorisation, and it signed exactly
 * this statement.
 * Refuses PERSON_SIGNATURE_MISSING, PERSON_CREDENTIAL_UNFIT, PERSON_SIGNATURE_INVALID.
 */
export function requirePersonSignature(
  keys: PersonKeys,
  authorisation: SealAuthorisation,
  { act, at }: PersonUse,
): void {
  const { signature, ...statement } = authorisation;
  if (!signature) {
    const isOfSigningOrgan = keys.organs.some(
      ({ organ, from }) => organ === statement.organ && Date.parse(from) <= at.getTime(),
    );
    if (isOfSigningOrgan && needsPersonSignature(act)) throw new Refusal('PERSON_SIGNATURE_MISSING', 'signature');
    return;
  }
  const credential = findCredential(keys, signature.credential, statement.authorisedAt);
  const ageMs = at.getTime() - Date.parse(statement.authorisedAt);
  const isFit =
    credential !== null && isOf(credential, statement) && ageMs >= -MAX_SKEW_MS && ageMs <= keys.maxAgeDays * DAY_MS;
  if (!isFit) throw new Refusal('PERSON_CREDENTIAL_UNFIT', 'signature');
  if (!isSignedBy(credential, writeAuthorisationText(statement), signature, keys.party))
    throw new Refusal('PERSON_SIGNATURE_INVALID', 'signature');
}

function isOf({ person, name, organ }: RegistrationStatement, statement: SealStatement): boolean {
  return person === statement.actor && name === statement.actorName && organ === statement.organ;
}

/**
 * Answers what a person signs with, and where. An organ is named before its requirement begins, so that what is
 * authorised in between can be sealed later. Refuses as `requirePersonSignature` does if the given signature does not
 * count.
 */
export function answerPersonSigning(keys: PersonKeys, request: PersonSigningRequest, now: Date): PersonSigningAnswer {
  const { person, signed } = request;
  if (signed)
    requirePersonSignature(
      keys,
      { ...signed.statement, signature: signed.signature },
      { act: signed.statement.act, at: now },
    );
  const ownStatements = keys.registrations.flatMap(({ statement }) => (statement.person === person ? [statement] : []));
  const credentials = [...new Set(ownStatements.map(({ credential }) => credential))].flatMap((credential) => {
    const statement = findCredential(keys, credential, now.toISOString());
    return statement?.person === person ? [{ id: credential, kind: statement.kind, organ: statement.organ }] : [];
  });
  return { organs: keys.organs.map(({ organ }) => organ), rpId: keys.party?.rpId ?? null, credentials };
}
