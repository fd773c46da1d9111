import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { compareChanges, readListedChanges } from './changes.ts';

const OLD = buildSchema(`
  type Query { license(identifier: ID!): License!  old: Int }
  type License { number: String!  state: State! }
  enum State { VALID LAPSED }
  input Filter { state: State }
  type Mutation { find(filter: Filter): License }
`);

const compare = (sdl: string, listed: string) =>
  compareChanges(OLD, buildSchema(sdl), `# Changelog\n\n## Unreleased\n\n${listed}\n## 0.1\n`);

const UNCHANGED = `
  type Query { license(identifier: ID!): License!  old: Int }
  type License { number: String!  state: State! }
  enum State { VALID LAPSED }
  input Filter { state: State }
  type Mutation { find(filter: Filter): License }
`;

describe('a change that breaks the last release', () => {
  test.each([
    ['a field that is gone', UNCHANGED.replace('old: Int', ''), 'Query.old'],
    ['a field that may be null', UNCHANGED.replace('License!', 'License'), 'Query.license'],
    ['a value that is gone', UNCHANGED.replace('LAPSED', ''), 'State.LAPSED'],
    [
      'an argument that is required now',
      UNCHANGED.replace('find(filter: Filter)', 'find(filter: Filter!)'),
      'Mutation.find.filter',
    ],
    [
      'an input field that is required now',
      UNCHANGED.replace('input Filter { state: State }', 'input Filter { state: State!}'),
      'Filter.state',
    ],
  ])('%s is found unless the change log lists it', async (_, sdl, path) => {
    expect((await compare(sdl, '')).unlisted).toMatchObject([{ path }]);
    const list = (pattern: string) => `### Breaking changes of the graph\n\n- \`${pattern}\`: why.\n`;
    expect(await compare(sdl, list(path))).toEqual({ unlisted: [], stale: [] });
    expect(await compare(sdl, list(path.replace(/\.[^.]+$/, '.*')))).toEqual({ unlisted: [], stale: [] });
    expect(await compare(sdl, list(path.split('.')[0] ?? ''))).toEqual({ unlisted: [], stale: [] });
    expect((await compare(sdl, list('Other.*'))).stale).toEqual(['Other.*']);
    expect((await compare(sdl, `- \`${path}\`: below another heading.\n`)).unlisted).toHaveLength(1);
  });

  test('what is added breaks nobody', async () => {
    expect(await compare(UNCHANGED.replace('number', 'id: ID! number'), '')).toEqual({ unlisted: [], stale: [] });
  });
});

test('only the head of a bullet counts, of the section that is not released', () => {
  const list = '### Breaking changes of the graph\n\n- `A.b`,\n  `C`: use `D.e`.\n- words about `F`.\n';
  expect(readListedChanges(`## Unreleased\n\n${list}\n### Others\n\n- \`G\`: no.\n## 0.1\n\n${list}`)).toEqual([
    'A.b',
    'C',
  ]);
  expect(readListedChanges('## Unreleased\n\n- nothing\n')).toEqual([]);
});
