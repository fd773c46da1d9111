import { describe, expect, test } from 'vitest';
import { VERDICT_OF } from '../../subgraphs/licenses/verify/verdict.ts';
import { verifyEvidence } from '../support/sealed-evidence.ts';
import type { Vectors } from '../support/vectors.ts';
import { CERTIFICATES } from './verdicts/certificates.ts';
import { FORMS } from './verdicts/forms.ts';
import { TIMES } from './verdicts/times.ts';

/** At least three vectors reach each verdict of the verifier (ETSI EN 319 102-1). A vector is named after its rule. */

const TABLES: readonly Vectors[] = [FORMS, CERTIFICATES, TIMES];
const VERDICT_KINDS = ['PASSED', ...Object.keys(VERDICT_OF)] as const;

describe.each(VERDICT_KINDS)('%s', (kind) => {
  const vectors = TABLES.flatMap((table) => table[kind as keyof Vectors] ?? []);
  test('is reached by at least three different vectors', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(3);
    expect(new Set(vectors.map(([rule]) => rule)).size).toBe(vectors.length);
  });
  test.each(vectors)('%s', (_, changes) => {
    const { verdict, subIndication, steps } = verifyEvidence(typeof changes === 'function' ? changes() : changes);
    const failedStep = steps.find((step) => step.passed === false && step.name !== '查询证照状态');
    const expected = kind === 'PASSED' ? [null, 'TOTAL_PASSED'] : [kind, VERDICT_OF[kind as keyof typeof VERDICT_OF]];
    expect([subIndication, verdict], `${failedStep?.name}：${failedStep?.detail}`).toEqual(expected);
  });
});
