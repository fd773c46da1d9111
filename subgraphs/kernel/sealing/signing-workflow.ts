import type { Actor } from '../actor.ts';
import { Refusal } from '../refusal.ts';
import type { SealAuthorisation } from './authorisation.ts';
import {
  computeChallenge,
  needsPersonSignature,
  type PersonSignature,
  type PersonSigningAnswer,
  personSignature,
  type ReadPersonSigning,
  readAuthorisationText,
  type SealStatement,
  writeAuthorisationText,
} from './person-signature.ts';
import { makeSalt } from './random.ts';
import { saltSchema } from './salt.ts';

/** An act that a person authorises by signature: its rehearsal tells the text, and the act brings it signed. */

/** A signature as a mutation takes it. All but the text is base64url without padding. */
export interface PersonSignatureInput {
  /** The text and the random element that the rehearsal returned. */
  text: string;
  salt: string;
  credential: string;
  signature: string;
  authenticatorData?: string | null;
  clientDataJSON?: string | null;
}

/** What a rehearsal tells a person to sign. */
export interface SignatureRequest {
  required: boolean;
  text: string;
  /** The random element of the content whose digest the text names. */
  salt: string;
  challenge: string;
  rpId: string | null;
  credentials: { id: string; kind: PersonSigningAnswer['credentials'][number]['kind'] }[];
}

/** The authorisation of one act, from before its transaction until after it. */
export interface PersonSigning {
  /** The random element of the content that is authorised: that of the signed content, or a new one. */
  salt: string;
  /** Returns the time of the authorisation: that of the signed text, or the act's own. */
  timeOf(now: Date): Date;
  /**
   * Returns the authorisation that a statement becomes. Must be called once, in the act's transaction.
   * Refuses PERSON_SIGNATURE_STALE if another statement was signed, or not just now. Refuses PERSON_SIGNATURE_MISSING,
   * except in a rehearsal.
   */
  authorise(statement: SealStatement): SealAuthorisation;
  /** What is to be signed, or null if the act authorised nothing. */
  request(): SignatureRequest | null;
}

/** How long after its rehearsal an act may bring the signature. */
const MAX_SIGNING_MS = 900_000;
/** Maximum accepted clock difference between two processes of the hub. */
const MAX_SKEW_MS = 60_000;

/**
 * Asks the signer, before the act's transaction, which organs need a signature and what the actor signs with. Has a
 * given signature verified.
 * Refuses PERSON_SIGNATURE_INVALID, PERSON_CREDENTIAL_UNFIT.
 */
export async function openPersonSigning(
  read: ReadPersonSigning,
  actor: Actor | null,
  { input, dryRun }: { input: PersonSignatureInput | null; dryRun: boolean },
): Promise<PersonSigning> {
  const signed = input && readInput(input);
  const { organs, rpId, credentials } = await read({ person: actor?.kind === 'person' ? actor.id : null, signed });
  const salt = input?.salt ?? makeSalt();
  let request: SignatureRequest | null = null;
  return {
    salt,
    timeOf(now) {
      if (!signed) return now;
      const at = new Date(signed.statement.authorisedAt);
      const ageMs = now.getTime() - at.getTime();
      if (ageMs < -MAX_SKEW_MS || ageMs > MAX_SIGNING_MS) throw new Refusal('PERSON_SIGNATURE_STALE', 'signature');
      return at;
    },
    authorise(statement) {
      const text = writeAuthorisationText(statement);
      if (input && input.text !== text) throw new Refusal('PERSON_SIGNATURE_STALE', 'signature');
      const required = needsPersonSignature(statement.act) && organs.includes(statement.organ);
      if (required && !signed && !dryRun) throw new Refusal('PERSON_SIGNATURE_MISSING', 'signature');
      const ownCredentials = credentials.flatMap(({ organ, ...rest }) => (organ === statement.organ ? [rest] : []));
      request = { required, text, salt, challenge: computeChallenge(text), rpId, credentials: ownCredentials };
      return signed ? { ...statement, signature: signed.signature } : statement;
    },
    request: () => request,
  };
}

function readInput({ text, salt, authenticatorData, clientDataJSON, credential, signature }: PersonSignatureInput): {
  statement: SealStatement;
  signature: PersonSignature;
} {
  const statement = readAuthorisationText(text);
  const webauthn =
    authenticatorData || clientDataJSON ? { authenticatorData, clientDataJson: clientDataJSON } : undefined;
  const { success, data } = personSignature.safeParse({ credential, signature, webauthn });
  if (!statement || !success || !saltSchema.safeParse(salt).success)
    throw new Refusal('PERSON_SIGNATURE_INVALID', 'signature');
  return { statement, signature: data };
}

/**
 * Returns a reader that repeats its last answer about organs while the signer cannot be reached, so that acts without a
 * signature do not wait for it. It answers no question about a given signature then.
 */
export function rememberOrgans(read: ReadPersonSigning): ReadPersonSigning {
  let lastOrgans: string[] | null = null;
  return async (request) => {
    try {
      const answer = await read(request);
      lastOrgans = answer.organs;
      return answer;
    } catch (error) {
      if (error instanceof Refusal || request.signed || lastOrgans === null) throw error;
      return { organs: lastOrgans, rpId: null, credentials: [] };
    }
  };
}
