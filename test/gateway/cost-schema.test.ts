import { readdirSync, readFileSync } from 'node:fs';
import { buildSchema, getIntrospectionQuery, Kind, parse } from 'graphql';
import { expect, test } from 'vitest';
import { measureCost } from '../../gateway/cost/cost.ts';
import { DEFAULT_LIMITS } from '../../gateway/cost/limits.ts';
import { listUnstated, readCostModel } from '../../gateway/cost/model.ts';
import { DEFAULT_PAGE_ROWS } from '../../subgraphs/kernel/list/page.ts';

/** The hub's own schema and the queries that its pages print, under the limits that hold by default. */

const ROOT = new URL('../../', import.meta.url);
const sdl = readFileSync(new URL('gateway/supergraph.graphql', ROOT), 'utf8');
const model = readCostModel(buildSchema(sdl, { assumeValidSDL: true }), sdl);

function costOf(source: string): number {
  const document = parse(source);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (!operation) throw new Error('no operation');
  return measureCost(model, { document, operation, variables: {} }, DEFAULT_LIMITS.maxOperationCost).cost;
}

/** Returns every query that a page prints: blocks of GraphQL, and bodies of curl. */
function listPrintedQueries(): string[] {
  const pages = [
    'README.md',
    'README.zh-CN.md',
    ...readdirSync(new URL('docs', ROOT))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  return pages.flatMap((page) => {
    const text = readFileSync(new URL(page, ROOT), 'utf8');
    const blocks = [...text.matchAll(/```graphql\n(.*?)```/gs)].map(([, block = '']) => block);
    const bodies = [...text.matchAll(/"query":\s*"((?:[^"\\]|\\.)*)"/g)].map(([, body]) => JSON.parse(`"${body}"`));
    return [...blocks, ...bodies];
  });
}

test('every list of the schema has a length, and every root field a weight', () => {
  expect(listUnstated(model)).toEqual([]);
});

test('every page of a connection is sized by first and last, and has the default length without them', () => {
  const pages = [...model.sizes.values()].filter(({ sizedFields }) => sizedFields.length > 0);
  expect(pages.length).toBeGreaterThan(25);
  for (const [coordinate, page] of model.sizes) {
    if (page.sizedFields.length === 0) continue;
    // The plan has 12 tasks.
    const assumedSize = coordinate === 'Query.tasks' ? 12 : DEFAULT_PAGE_ROWS;
    expect(page, coordinate).toMatchObject({ assumedSize, sizedFields: ['edges'] });
  }
  const forwardOnly = [...model.sizes].filter(([, { slicingArguments }]) => slicingArguments.join() === 'first');
  expect(forwardOnly.map(([coordinate]) => coordinate)).toEqual(['Query.licenseChanges']);
  expect(pages.filter(({ slicingArguments }) => slicingArguments.join() === 'first,last')).toHaveLength(
    pages.length - 1,
  );
});

test('the queries of README and docs run under the default limits, ten times in a minute without a token', () => {
  const queries = listPrintedQueries();
  expect(queries.length).toBeGreaterThan(5);
  for (const query of queries) expect(costOf(query)).toBeLessThanOrEqual(DEFAULT_LIMITS.anonymousCostPerMinute / 10);
});

test('the introspection of every usual tool runs under the default limits', () => {
  const graphiql = getIntrospectionQuery({ schemaDescription: true, inputValueDeprecation: true, oneOf: true });
  const relay = getIntrospectionQuery({ specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true });
  for (const query of [getIntrospectionQuery(), graphiql, relay]) {
    expect(costOf(query)).toBeLessThanOrEqual(DEFAULT_LIMITS.maxOperationCost);
  }
});

test.each([
  [
    'versions of versions',
    '{ license(identifier: "x") { versions { versions { versions { versions { number } } } } } }',
  ],
  [
    'actions of full pages',
    '{ a: licenses(first: 100) { ...F } b: licenses(first: 100) { ...F } c: licenses(first: 100) { ...F } } fragment F on LicenseConnection { edges { node { versions { actions { name allowed } } } } }',
  ],
  [
    'lists of lists',
    '{ matters(first: 100) { edges { node { guideVersions(first: 100) { edges { node { digest guide { steps { name } } } } } } } } }',
  ],
  [
    'large files',
    `{ ${Array.from({ length: 20 }, (_, i) => `a${i}: verifyLicense(input: { document: "${'A'.repeat(40_000)}" }) { verdict }`).join(' ')} }`,
  ],
])('%s are beyond the budget of one operation', (_name, query) => {
  expect(costOf(query)).toBeGreaterThan(DEFAULT_LIMITS.maxOperationCost);
});
