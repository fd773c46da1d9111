/** Verdicts of ETSI EN 319 102-1 §5.1.3. */
export type Verdict = 'TOTAL_PASSED' | 'INDETERMINATE' | 'TOTAL_FAILED';

/**
 * The sub-indications of ETSI EN 319 102-1 that this verifier uses, each with its verdict. A signature fails because of
 * its mathematics or its form. If a constraint of the verifier is not met, the standard says indeterminate.
 */
export const VERDICT_OF = {
  FORMAT_FAILURE: 'TOTAL_FAILED',
  HASH_FAILURE: 'TOTAL_FAILED',
  SIG_CRYPTO_FAILURE: 'TOTAL_FAILED',
  REVOKED: 'TOTAL_FAILED',
  EXPIRED: 'TOTAL_FAILED',
  NOT_YET_VALID: 'TOTAL_FAILED',
  SIG_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  CHAIN_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  CERTIFICATE_CHAIN_GENERAL_FAILURE: 'INDETERMINATE',
  CRYPTO_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  POLICY_PROCESSING_ERROR: 'INDETERMINATE',
  SIGNATURE_POLICY_NOT_AVAILABLE: 'INDETERMINATE',
  TIMESTAMP_ORDER_FAILURE: 'INDETERMINATE',
  NO_SIGNING_CERTIFICATE_FOUND: 'INDETERMINATE',
  NO_CERTIFICATE_CHAIN_FOUND: 'INDETERMINATE',
  REVOKED_NO_POE: 'INDETERMINATE',
  REVOKED_CA_NO_POE: 'INDETERMINATE',
  OUT_OF_BOUNDS_NO_POE: 'INDETERMINATE',
  OUT_OF_BOUNDS_NOT_REVOKED: 'INDETERMINATE',
  CRYPTO_CONSTRAINTS_FAILURE_NO_POE: 'INDETERMINATE',
  NO_POE: 'INDETERMINATE',
  TRY_LATER: 'INDETERMINATE',
  SIGNED_DATA_NOT_FOUND: 'INDETERMINATE',
} as const satisfies Record<string, Exclude<Verdict, 'TOTAL_PASSED'>>;

export type SubIndication = keyof typeof VERDICT_OF;

/** Why a step failed: a sub-indication and a sentence for a person. */
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

/** Runs a reader. Rethrows a Failure. Converts any other error into a Failure with this sub-indication and sentence. */
export function readOrFail<Result>(subIndication: SubIndication, detail: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(subIndication, detail);
  }
}

/** Makes text from an unverified file safe to display: one line, no control characters, at most 120 characters. */
export function toDisplayText(text: string): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�');
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}

/** Formats a time for a report: RFC 3339, UTC, or `?` for an invalid date. */
export function formatTime(at: Date): string {
  return Number.isNaN(at.getTime()) ? '?' : at.toISOString().replace('.000Z', 'Z');
}

/** Refuses TRY_LATER for an invalid date. Every comparison with one is false, so no time limit would apply. */
export function requireTime(at: Date): void {
  if (Number.isNaN(at.getTime())) throw new Failure('TRY_LATER', '核验时间不正确');
}

/** The result of one named step. `passed` is null if the step was not reached or does not apply. */
export interface Step {
  name: string;
  passed: boolean | null;
  detail: string;
}

/**
 * A named step. `run` adds its results to the context and returns a description, or null if the step does not apply.
 * Throws Failure.
 */
export interface NamedStep<Context> {
  name: string;
  run: (context: Context) => string | null;
}

export interface Judgement {
  verdict: Verdict;
  subIndication: SubIndication | null;
  /** All steps in order. The first failed step decides the verdict. */
  steps: readonly Step[];
}

/** Runs steps in order. The first failed step decides the verdict, and later steps do not run. Never throws. */
export function runSteps<Context>(named: readonly NamedStep<Context>[], context: Context): Judgement {
  const steps: Step[] = [];
  let failure: Failure | null = null;
  for (const { name, run } of named) {
    if (failure) {
      steps.push({ name, passed: null, detail: '未进行' });
      continue;
    }
    try {
      const detail = run(context);
      steps.push({ name, passed: detail === null ? null : true, detail: detail ?? '不适用' });
    } catch (error) {
      failure = error instanceof Failure ? error : new Failure('FORMAT_FAILURE', '内容无法解析');
      steps.push({ name, passed: false, detail: failure.message });
    }
  }
  return {
    verdict: failure?.verdict ?? 'TOTAL_PASSED',
    subIndication: failure?.subIndication ?? null,
    steps,
  };
}
