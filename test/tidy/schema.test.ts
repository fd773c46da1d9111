import { getNamedType, isInputObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { buildSubgraphSchema } from '../support/subgraph-schema.ts';
import { SUBGRAPHS } from './sources.ts';

test.each(SUBGRAPHS)('every mutation of %s can be rehearsed', (name) => {
  const mutations = Object.values(buildSubgraphSchema(name).getMutationType()?.getFields() ?? {});
  expect(mutations.length).toBeGreaterThan(5);
  const unrehearsed = mutations.filter((field) => {
    const type = getNamedType(field.args.find((argument) => argument.name === 'input')?.type);
    return !(isInputObjectType(type) && type.getFields().dryRun);
  });
  expect(unrehearsed.map((field) => field.name)).toEqual([]);
});
