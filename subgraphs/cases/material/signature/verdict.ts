/** The verdict on the signature of a file (电子签名核验结论), as it is recorded with the upload. */

export type SignatureVerdict = 'TRUSTED' | 'UNKNOWN_ISSUER' | 'EXPIRED' | 'BROKEN' | 'NOT_JUDGED' | 'UNSIGNED';

export interface FileSignature {
  verdict: SignatureVerdict;
  /** Names of the signer's certificate and of its issuer, or null if none was read. */
  signer: string | null;
  issuer: string | null;
  /** Last moment of the signer's certificate, RFC 3339, or null. */
  validUntil: string | null;
  /** Why, in words, or null for TRUSTED and UNSIGNED. */
  reason: string | null;
  judgedAt: string;
}
