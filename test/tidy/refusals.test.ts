import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REFUSALS } from '../../subgraphs/kernel/refusal.ts';
import { isWithin, ROOT, readSources, type Source } from './sources.ts';
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

test('docs/refusals.md names for each family of codes files that use them', () => {
  const sources = readSources();
  const [, table = ''] = sources.get('subgraphs/kernel/refusal.ts')?.text.split('export const REFUSALS') ?? [];
  const families = table.split('\n  // ').slice(1);
  const codesOf = new Map(
    families.map((part) => [part.split('\n')[0], [...part.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, code = '']) => code)]),
  );
  const page = readFileSync(join(ROOT, 'docs/refusals.md'), 'utf8').split('## From a code to its rule')[1] ?? '';
  const rows = [...(page.split('\n## ')[0] ?? '').matchAll(/^\| (.+?) +\| (.*`.*) \|$/gm)];
  expect(rows.map(([, family]) => family)).toEqual([...codesOf.keys()]);
  for (const [, family, cell = ''] of rows) {
    const files = [...cell.matchAll(/`(subgraphs\/[^`]+)`/g)].map(([, path = '']) => path);
    for (const path of files) {
      const source = sources.get(path);
      const words = source ? readWords(source) : [];
      expect([path, codesOf.get(family)?.some((code) => words.includes(code))]).toEqual([path, true]);
    }
  }
});

test('docs/refusals.md lists every code of a fault, and no other', () => {
  const sources = [...readSources().values()].filter(({ path }) => isWithin(path, 'subgraphs', 'gateway'));
  const refusing = [...readSources().values()].filter(({ path }) => isWithin(path, 'scripts/hub'));
  const page = readFileSync(join(ROOT, 'docs/refusals.md'), 'utf8');
  const rows = [...(page.split('| code ')[1]?.split('\n\n')[0] ?? '').matchAll(/^\| ([A-Z_, ]+) \|/gm)];
  const listed = new Set(rows.flatMap(([, codes = '']) => codes.trim().split(/, +/)));
  const answered = sources.flatMap(({ text }) =>
    [...text.matchAll(/\bcode: '(?!ERR_)([A-Z_]+)'(?:, (?:message|reason|http)\b|.{0,3}\})/g)].map(
      ([, code = '']) => code,
    ),
  );
  expect(answered.length).toBeGreaterThan(20);
  expect([...new Set(answered)].filter((code) => !listed.has(code) && !(code in REFUSALS))).toEqual([]);
  const words = new Set([...sources, ...refusing].flatMap(readWords));
  // The server's library answers these two.
  for (const code of ['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED']) words.add(code);
  expect([...listed].filter((code) => !words.has(code))).toEqual([]);
});
