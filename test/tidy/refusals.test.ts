import { expect, test } from 'vitest';
import { REFUSALS } from '../../subgraphs/kernel/refusal.ts';
import { isWithin, readSources, type Source } from './sources.ts';
import { walk } from './syntax.ts';

/** Codes that nothing refuses with any more. They stay in the list, because a code is never given another meaning. */
const RETIRED = ['CASE_ENDS_IN_DECISION'];

/** Returns every string and key of a file: a code is thrown, or stands in a table of answers. */
function readWords({ tree }: Source): string[] {
  return walk(tree.program).flatMap((node) => {
    if (node.type === 'Literal') return [String(node.value)];
    return node.type === 'Identifier' ? [String(node.name)] : [];
  });
}

test('each refusal is used, but for those that are retired', () => {
  const users = [...readSources().values()].filter(
    ({ path }) => isWithin(path, 'subgraphs', 'gateway') && path !== 'subgraphs/kernel/refusal.ts',
  );
  const words = new Set(users.flatMap(readWords));
  expect(Object.keys(REFUSALS).filter((code) => !words.has(code))).toEqual(RETIRED);
});
