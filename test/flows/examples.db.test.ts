import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXAMPLES } from '../../gateway/page/static/explorer/examples.js';
import { testClock } from '../support/clock.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** The explorer's examples, answered by a whole hub. */

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: testClock('2026-03-02') });
});
afterAll(() => hub?.stop());

test.each(EXAMPLES.map((example) => [example.key, example] as const))('%s is answered', async (_, example) => {
  const { data, errors } = await hub.ask(example.person, example.query, example.variables);
  expect(errors).toBeUndefined();
  for (const answer of Object.values(data)) {
    expect(answer).not.toBeNull();
    expect((answer as { refusal?: unknown }).refusal ?? null).toBeNull();
  }
});
