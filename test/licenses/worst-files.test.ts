import { afterAll, describe, expect, test } from 'vitest';
import { JsonTooComplex, parseForeignJson } from '../../subgraphs/kernel/foreign/json.ts';
import { createParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import type { PARSERS } from '../../subgraphs/licenses/parsers.ts';
import { buildEvidence, VALID_AUTHORITIES, VERIFIED_AT } from '../support/sealed-evidence.ts';
import { WORST_CODES, WORST_FILES, WORST_SIGNATURES } from '../support/worst-files.ts';

/**
 * A parser that needs more time or memory is given up, and the test fails. Memory is as an office has it. Each file
 * takes some hundredths of a second, but a busy machine may make them long.
 */
const pool = createParserPool({ workers: 1, deadlineMs: 10_000 });
const parse = pool.open<typeof PARSERS>(new URL('../../subgraphs/licenses/parsers.ts', import.meta.url));
afterAll(() => pool.stop());

const verify = (evidence: ReturnType<typeof buildEvidence>) => parse('verify', { evidence, at: VERIFIED_AT });
const roots = [VALID_AUTHORITIES.root.certificate];

describe('the worst files are judged, not given up', () => {
  // Sealed by a real authority, so that the verifier reads on to the record within.
  test.each(Object.entries(WORST_FILES))('a sealed file: %s', async (_, content) => {
    expect(content.length).toBeLessThan(600_000);
    const { verdict } = await verify(buildEvidence({ detached: true, content, bundle: () => null }));
    expect(verdict).toBe('TOTAL_FAILED');
  });
  test.each(Object.entries(WORST_FILES))('a file that may have its seal within: %s', async (_, file) => {
    const { verdict } = await verify({ file, signature: null, roots });
    expect(verdict).not.toBe('TOTAL_PASSED');
  });
  test.each(Object.entries(WORST_SIGNATURES))('a signature: %s', async (_, signature) => {
    const { subIndication } = await verify({ ...buildEvidence({ detached: true, bundle: () => null }), signature });
    expect(subIndication).toBe('FORMAT_FAILURE');
  });
  test.each(Object.entries(WORST_CODES))('a code: %s', async (_, text) => {
    const { subIndication } = await parse('verifyCode', {
      text,
      material: { certificates: [], roots },
      at: VERIFIED_AT,
    });
    expect(subIndication).toBe('FORMAT_FAILURE');
    expect(await parse('readCodeHints', text)).toEqual({ kid: null, identifier: null });
  });
  test('no worker was ended', () => {
    expect(pool.counts).toEqual({ workers: 1, ended: 0 });
  });
});

describe('JSON of strangers', () => {
  const nest = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const list = (count: number) => `[${Array(count).fill(0).join(',')}]`;
  test('is read up to its limits', () => {
    for (const text of [nest(32), list(20_000), '{"a":"[[[[,,,,\\"[","b":"\\\\"}', '1', '"[', nest(32).repeat(1)]) {
      if (text === '"[') expect(() => parseForeignJson(text)).toThrow(SyntaxError);
      else expect(parseForeignJson(text)).toEqual(JSON.parse(text));
    }
  });
  test.each([
    ['depth', nest(33)],
    ['depth of objects', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['values', list(20_001)],
    ['objects', `[${Array(10_001).fill('{}').join(',')}]`],
    ['an end before the beginning', `${']'.repeat(50)}${'['.repeat(100_000)}`],
  ])('is refused beyond them before it is parsed: %s', (_, text) => {
    expect(() => parseForeignJson(text)).toThrow(JsonTooComplex);
  });
  test('is no JSON if it is none', () => {
    for (const text of ['', '{', 'nul', '[1,]', '"']) expect(() => parseForeignJson(text)).toThrow(SyntaxError);
  });
});
