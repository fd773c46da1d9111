import type { CodegenConfig } from '@graphql-codegen/cli';

/** Parent types (mappers) of GraphQL types whose resolvers need more than the type's own fields. */
const mappers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cases: {
    AttentionItem: './attention/attention.ts#AttentionRow',
    Case: './view.ts#CaseView',
    ApprovalPush: './supervision/view.ts#PushView',
    SupervisionFinding: './supervision/view.ts#FindingView',
  },
  seals: {
    SealApplication: './application/resolvers.ts#ApplicationView',
  },
};

const subgraphs = ['matters', 'cases', 'licenses', 'seals'];

/** Generates the resolver types of each subgraph (`npm run codegen`). The output is git-ignored. */
const config: CodegenConfig = {
  generates: Object.fromEntries(
    subgraphs.map((name) => [
      `subgraphs/${name}/resolvers.gen.ts`,
      {
        schema: `subgraphs/${name}/schema.graphql`,
        plugins: ['typescript', 'typescript-resolvers'],
        config: {
          federation: true,
          contextType: '../kernel/context.ts#GraphContext',
          enumsAsTypes: true,
          useTypeImports: true,
          importExtension: '.ts',
          scalars: { Date: 'string', DateTime: 'Date', ID: 'string' },
          maybeValue: 'T | null | undefined',
          optionalInfoArgument: true,
          // The executor fills in defaults, so a resolver always receives these values.
          avoidOptionals: { field: false, inputValue: false, object: false, defaultValue: true },
          makeResolverTypeCallable: true,
          mappers: mappers[name] ?? {},
        },
      },
    ]),
  ),
};

export default config;
