import { z } from 'zod';
import { ACTS } from './events.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** The one synchronous call between subgraphs, `seals.sign`, by licenses and, for decision documents, by cases: everything the seal's keeper must know to judge it. */
export const signRequest = z.object({
  /** Same id, same signature, for ever: a repeated call answers what the first one made. */
  issuanceId: z.uuid(),
  /** The organ that seals; seals picks its seal granted for the matter. */
  organ: z.string(),
  matterId: z.string(),
  caseId: z.string().nullable(),
  act: z.enum([...ACTS, 'SPOIL', 'DECISION']),
  /** Identifier of the license version sealed, or whose act is sealed; number of the case whose decision document is sealed. */
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
