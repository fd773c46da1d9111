import { isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { buildApiSchema } from '../support/api-schema.ts';

/** Which objects `node` finds. */

/** Objects with an `id` that `node` does not find, each with its reason. */
const NOT_ALONE: Readonly<Record<string, string>> = {
  AttentionItem: 'is made for one answer and one caller: what it is about is a Node',
  Reading: 'an entry of two records, in two subgraphs: it is read where it belongs or in the list of its record',
};

const types = Object.values(buildApiSchema().getTypeMap())
  .filter(isObjectType)
  .filter(({ name }) => !name.startsWith('__'));
const isNode = (type: (typeof types)[number]) => type.getInterfaces().some(({ name }) => name === 'Node');

test('every object with an id is a Node or says why not', () => {
  // A credential's id is a text that its device chose.
  const withId = types.filter((type) => String(type.getFields().id?.type) === 'ID!');
  expect(withId.length).toBeGreaterThan(25);
  const others = withId.filter((type) => !isNode(type)).map(({ name }) => name);
  expect(others.sort()).toEqual(Object.keys(NOT_ALONE).sort());
});
