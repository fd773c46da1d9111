import {
  type GraphQLNamedType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { buildSubgraphSchema } from '../support/subgraph-schema.ts';
import { SUBGRAPHS } from './sources.ts';

describe('every type is described, and every mutation can be rehearsed', () => {
  const UNDESCRIBED = new Set([
    'PageInfo',
    'Refusal',
    'Mode',
    'HolderCodeKind',
    'Assignment',
    'Delegation',
    'Matter',
    'Organ',
    'Seal',
    'License',
    'Case',
  ]);
  const described = (type: GraphQLNamedType) =>
    UNDESCRIBED.has(type.name) ||
    /(Edge|Connection|Payload|Input|Filter)$/.test(type.name) ||
    Boolean(type.description);

  test.each(SUBGRAPHS)('%s', (name) => {
    const schema = buildSubgraphSchema(name);
    const own = Object.values(schema.getTypeMap()).filter(
      (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
    );
    const roots = [schema.getQueryType(), schema.getMutationType()];
    const bare = own.filter(
      (type) =>
        !roots.includes(type as never) &&
        !described(type) &&
        (isObjectType(type) || isEnumType(type) || isInterfaceType(type)),
    );
    expect(bare.map((type) => type.name)).toEqual([]);
    const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
    const unrehearsed = mutations.filter((field) => {
      const type = getNamedType(field.args.find((one) => one.name === 'input')?.type);
      return !(isInputObjectType(type) && type.getFields().dryRun);
    });
    expect(unrehearsed.map((field) => field.name)).toEqual([]);
    for (const root of roots) {
      const fields = Object.values(root?.getFields() ?? {});
      expect(fields.filter((field) => !field.description).map((field) => field.name)).toEqual([]);
    }
  });
});
