import { type CostLimits, DEFAULT_LIMITS } from '../../gateway/cost/limits.ts';
import type { IntakeLimits } from '../../subgraphs/cases/reception/intake.ts';

/**
 * The limits of a test's hub: those of the defaults, and an allowance that does not run out. A test sends in a minute
 * what a person sends in days, and its result must not depend on how fast it is.
 */
export const TEST_LIMITS: CostLimits = {
  ...DEFAULT_LIMITS,
  costPerMinute: 1_000_000_000,
  anonymousCostPerMinute: 1_000_000_000,
};

/** A test files for one company what hundreds of companies file. */
export const TEST_INTAKE_LIMITS: IntakeLimits = {
  openApplications: 10_000,
  applicantUploadBytes: 100_000_000_000,
  staffUploadBytes: 100_000_000_000,
  holderChecks: 10_000,
  progressTries: 10_000,
};
