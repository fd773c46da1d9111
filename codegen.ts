import type { CodegenConfig } from '@graphql-codegen/cli';

/** What resolvers of a type build on, where that is more than the type's own fields. */
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

/** Resolver types per subgraph; git-ignored, made by `npm run codegen`. */
const config: CodegenConfig = {
  generates: Object.fromEntries(
    subgraphs.map((name) => [
      `subgraphs/${name}/resolvers.gen.ts`,
      {
        schema: `subgraphs/${name}/schema.graphql`,
        plugins: ['typescript', 'typescript-resolvers'],
        config: {
          federation: true,
          contextType: '../kernel/serve.ts#GraphContext',
          enumsAsTypes: true,
          useTypeImports: true,
          importExtension: '.ts',
          scalars: { Date: 'string', DateTime: 'Date', ID: 'string' },
          maybeValue: 'T | null | undefined',
          optionalInfoArgument: true,
          // The executor fills defaults in: a resolver always has them.
          avoidOptionals: { field: false, inputValue: false, object: false, defaultValue: true },
          makeResolverTypeCallable: true,
          mappers: mappers[name] ?? {},
        },
      },
    ]),
  ),
};

export default config;
