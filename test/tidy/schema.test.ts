import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
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
import { ROOT, SUBGRAPHS } from './sources.ts';

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

  const DIRECTIVES = `
    directive @key(fields: String!, resolvable: Boolean) repeatable on OBJECT
    directive @shareable on OBJECT | FIELD_DEFINITION
    directive @cost(weight: Int!) on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
    directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!]) on FIELD_DEFINITION
  `;

  test.each(SUBGRAPHS)('%s', (name) => {
    const text = readFileSync(join(ROOT, `subgraphs/${name}/schema.graphql`), 'utf8');
    const schema = buildSchema(DIRECTIVES + text.replace(/extend schema[\s\S]*?\)\n/, ''));
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
