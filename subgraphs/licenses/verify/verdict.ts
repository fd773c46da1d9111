/** Verdicts of ETSI EN 319 102-1 §5.1.3. */
export type Verdict = 'TOTAL_PASSED' | 'INDETERMINATE' | 'TOTAL_FAILED';

/**
 * The sub-indications of ETSI EN 319 102-1 that this verifier gives, each with the verdict it belongs to: a signature has
 * failed where mathematics or form say so; where a constraint of the verifier is not met, the standard says indeterminate.
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

/** Runs a reader; what it throws that is no Failure already becomes one with this sub-indication and sentence. */
export function reading<Result>(subIndication: SubIndication, detail: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(subIndication, detail);
  }
}

/** Text out of a file that nobody has vouched for yet, fit to be shown: one line, no control characters, not endless. */
export function shown(text: string): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�');
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}

/** A moment as a report tells it: RFC 3339, UTC. */
export function moment(at: Date): string {
  return Number.isNaN(at.getTime()) ? '?' : at.toISOString().replace('.000Z', 'Z');
}

/** Refuses TRY_LATER for a time that is none: no comparison with it would hold, and so no limit either. */
export function requireTime(at: Date): void {
  if (Number.isNaN(at.getTime())) throw new Failure('TRY_LATER', '核验时间不正确');
}

/** One named step; `passed` is null where it was not reached, or where there was nothing to ask. */
export interface Step {
  name: string;
  passed: boolean | null;
  detail: string;
}

/** A step by name: adds to what is found and tells what it saw, in words; null where there is nothing to ask. Throws Failure. */
export interface NamedStep<Context> {
  name: string;
  run: (context: Context) => string | null;
}

export interface Judgement {
  verdict: Verdict;
  subIndication: SubIndication | null;
  /** All steps, in order; the first that is not passed decides. */
  steps: readonly Step[];
}

/** Runs steps in order; the first that is not passed decides and the ones after it are not reached. Never throws. */
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
