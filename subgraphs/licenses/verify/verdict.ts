/** Verdicts of ETSI EN 319 102-1 §5.1.3. */
export type Verdict = 'TOTAL_PASSED' | 'INDETERMINATE' | 'TOTAL_FAILED';

/**
 * The sub-indications of ETSI EN 319 102-1 that this verifier gives, each with the verdict it belongs to: a signature has
 * failed where mathematics or form say so; where a constraint of the verifier is not met, the standard says indeterminate.
 */
const VERDICT_OF = {
  FORMAT_FAILURE: 'TOTAL_FAILED',
  HASH_FAILURE: 'TOTAL_FAILED',
  SIG_CRYPTO_FAILURE: 'TOTAL_FAILED',
  EXPIRED: 'TOTAL_FAILED',
  NOT_YET_VALID: 'TOTAL_FAILED',
  SIGNED_DATA_NOT_FOUND: 'INDETERMINATE',
  SIG_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  CRYPTO_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  CHAIN_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  NO_SIGNING_CERTIFICATE_FOUND: 'INDETERMINATE',
  NO_CERTIFICATE_CHAIN_FOUND: 'INDETERMINATE',
  OUT_OF_BOUNDS_NO_POE: 'INDETERMINATE',
} as const satisfies Record<string, Exclude<Verdict, 'TOTAL_PASSED'>>;

export type SubIndication = keyof typeof VERDICT_OF;

/** Why a step is not passed: a sub-indication and a sentence for a person. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly subIndication: SubIndication;

  constructor(subIndication: SubIndication, detail: string) {
    super(detail);
    this.subIndication = subIndication;
  }

  get verdict(): Exclude<Verdict, 'TOTAL_PASSED'> {
    return VERDICT_OF[this.subIndication];
  }
}

/** Text out of a file that nobody has vouched for yet, fit to be shown: one line, no control characters, not endless. */
export function shown(text: string): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�');
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}
