import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { limitRule, MAX_NAME_CHARS } from '../../gateway/limits.ts';
import { renameAliases } from '../../gateway/plan/aliases.ts';
import { buildApiSchema } from '../support/api-schema.ts';

/** Names of a document are bounded in every place, so that no work on one document grows faster than the document. */

const schema = buildApiSchema();
const PLACES: Readonly<Record<string, string>> = {
  operation: 'query % { viewer { id } }',
  alias: '{ viewer { %: id } }',
  field: '{ viewer { % } }',
  argument: '{ viewer(%: 1) { id } }',
  variable: 'query ($%: ID) { viewer { id } }',
  'type of a variable': 'query ($v: %) { viewer { id } }',
  directive: '{ viewer { id @% } }',
  'argument of a directive': '{ viewer { id @include(%: true) } }',
  'fragment spread': '{ viewer { ...% } }',
  fragment: 'fragment % on Viewer { id } { viewer { ...F } }',
  'type of a fragment': 'fragment F on % { id } { viewer { ...F } }',
  'inline fragment': '{ viewer { ... on % { id } } }',
  'field of an input': '{ cases(filter: { %: 1 }) { edges { cursor } } }',
  'value of an enum': '{ cases(orderBy: %) { edges { cursor } } }',
};

describe('a name', () => {
  test.each(Object.entries(PLACES))('of the place %s is refused if it is too long', (_place, template) => {
    const codesAt = (length: number) =>
      validate(schema, parse(template.replaceAll('%', 'n'.repeat(length))), [limitRule]).map(
        ({ extensions }) => extensions.code,
      );
    expect(codesAt(MAX_NAME_CHARS)).toEqual([]);
    expect(codesAt(MAX_NAME_CHARS + 1)).toContain('QUERY_TOO_LARGE');
    expect(codesAt(100_000).length).toBeLessThanOrEqual(2);
  });

  test('of a planner is replaced by a short one, whatever the other aliases are', () => {
    const others = Array.from({ length: 900 }, (_, i) => `renamed${i}_: a ${'renamed'}_${'_'.repeat(i)}: a`);
    const { prefix } = renameAliases(parse(`{ b { id: c } ${others.join(' ')} }`), new Set(['id']));
    expect(prefix).toBe('renamed900_');
  });
});
