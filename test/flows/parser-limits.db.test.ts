import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createParserPool, type ParserLimits, type ParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import type { PARSERS } from '../kernel/foreign-parsers.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { testParsers } from '../support/parsers.ts';

const QUERY = 'query($input: VerifyLicenseInput!) { verifyLicense(input: $input) { verdict } }';
const FILE = Buffer.from('{"CZ":"REVOKE"}').toString('base64');
const NEVER_ENDING = new URL('../kernel/foreign-parsers.ts', import.meta.url);

describe.each(['local', 'http'] as const)('what a parser pool does not carry out (%s)', (transport) => {
  let hub: TestHub;
  /** Takes the place of the hub's pool, with a parser that never ends. */
  let narrowPool: ParserPool | null = null;
  beforeAll(async () => {
    const parsers: ParserPool = {
      ...testParsers,
      open: ((module: URL) => (name: never, input: never, options: never) =>
        narrowPool
          ? narrowPool.open<typeof PARSERS>(NEVER_ENDING)('spin', null)
          : testParsers.open(module)(name, input, options)) as ParserPool['open'],
    };
    hub = await createTestHub({ transport, parsers });
  });
  afterAll(() => hub?.stop());

  test.each<[string, Partial<ParserLimits>, number]>([
    ['DEADLINE_EXCEEDED', { deadlineMs: 50, workers: 1 }, 1],
    ['RATE_LIMITED', { waitingPerCaller: 0 }, 0],
    ['OVERLOADED', { waiting: 0 }, 0],
  ])('is answered as %s, and the next request is served', async (code, limits, ended) => {
    narrowPool = createParserPool(limits);
    try {
      const { data, errors } = await hub.ask(null, QUERY, { input: { document: FILE } });
      expect([data?.verifyLicense ?? null, errors?.map(({ extensions }) => extensions.code)]).toEqual([null, [code]]);
      expect(narrowPool.counts.ended).toBe(ended);
    } finally {
      await narrowPool.stop();
      narrowPool = null;
    }
    const { data } = await hub.ask(null, QUERY, { input: { document: FILE } });
    expect(data.verifyLicense.verdict).toBe('INDETERMINATE');
  });
});
