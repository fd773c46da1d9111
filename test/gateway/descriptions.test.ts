import {
  buildSchema,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  print,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { readLabel, readLabels } from '../../gateway/page/labels.ts';
import { parseSchema } from '../../subgraphs/kernel/graphql/descriptions.ts';
import { buildApiSchema } from '../support/api-schema.ts';

/** What the graph says of itself: to a person in the explorer, and to a screen that shows a value. */

/** Returns the coordinate of everything that has no description. */
function listBare(schema: GraphQLSchema): string[] {
  const bare: string[] = [];
  const note = (coordinate: string, { description }: { description?: string | null | undefined }) => {
    if (!description?.trim()) bare.push(coordinate);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    note(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) note(`${type.name}.${value.name}`, value);
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) note(`${type.name}.${field.name}`, field);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      note(`${type.name}.${field.name}`, field);
      for (const argument of field.args) note(`${type.name}.${field.name}(${argument.name}:)`, argument);
    }
  }
  return bare;
}

const schema = buildApiSchema();

test('every type, field, argument, input field and value is described', () => {
  expect(listBare(schema)).toEqual([]);
});

test('whatever has no description is found, of each sort', () => {
  const bare = listBare(
    buildSchema(`
      type Query { a(b: C, "said" e: Int): F "said" g: Int }
      input C { d: Int }
      enum F { VALUE }
      interface H { i: Int }
    `),
  );
  expect(bare.sort()).toEqual(['C', 'C.d', 'F', 'F.VALUE', 'H', 'H.i', 'Query', 'Query.a', 'Query.a(b:)'].sort());
});

test('whatever is deprecated says what to use instead, and since when', () => {
  const members = Object.values(schema.getTypeMap()).flatMap((type): { name: string; reason: string | undefined }[] => {
    const { name } = type;
    const named = (member: { name: string; deprecationReason?: string | null | undefined }) => ({
      name: `${name}.${member.name}`,
      reason: member.deprecationReason ?? undefined,
    });
    if (isEnumType(type)) return type.getValues().map(named);
    return 'getFields' in type ? Object.values(type.getFields()).map(named) : [];
  });
  const deprecated = members.filter(({ reason }) => reason !== undefined);
  expect(deprecated.filter(({ reason = '' }) => !(/`.+`/.test(reason) && /\d{4}-\d{2}-\d{2}/.test(reason)))).toEqual(
    [],
  );
});

describe('descriptions that all schemas share', () => {
  test('fill what is bare, and leave what is described', () => {
    const text = print(
      parseSchema(`
        type Query { things("said" first: Int, after: String): ThingConnection thing(input: FindInput): ThingPayload }
        type ThingConnection { edges: [Int] "said" pageInfo: Int unknownName: Int }
        input FindInput { dryRun: Boolean }
        type ThingPayload { refusal: String }
      `),
    );
    expect(text).toContain('"said"\n    first');
    expect(text).toContain('"Cursor of a row of the same list: the page begins after it"\n    after');
    expect(text).toContain('"A page of the list of Thing"\ntype ThingConnection');
    expect(text).toContain('"said"\n  pageInfo');
    expect(text).toContain('"Input of `thing`"\ninput FindInput');
    expect(text).toMatch(/pageInfo: Int\n {2}unknownName: Int/);
  });
});

describe('labels', () => {
  test('every value of every enum has one in Chinese and one in English', () => {
    const labels = readLabels(schema);
    expect(labels.LicenseState?.VALID).toEqual({ zh: '有效', en: 'Valid' });
    const all = Object.entries(labels).flatMap(([type, values]) =>
      Object.entries(values).map(([value, label]) => ({ place: `${type}.${value}`, ...label })),
    );
    expect(all.length).toBeGreaterThan(200);
    expect(all.filter(({ zh }) => !/\p{Script=Han}/u.test(zh))).toEqual([]);
    expect(all.filter(({ en }) => /\p{Script=Han}/u.test(en) || !/^[A-Z]/.test(en))).toEqual([]);
    expect(all.filter(({ zh, en }) => zh.length > 40 || en.length > 60)).toEqual([]);
  });

  test('two values of one enum are never shown by the same words', () => {
    for (const [type, values] of Object.entries(readLabels(schema))) {
      for (const language of ['zh', 'en'] as const) {
        const shown = Object.values(values).map((label) => label[language]);
        expect([type, new Set(shown).size]).toEqual([type, shown.length]);
      }
    }
  });

  test.each([
    ['有效 (Valid)', { zh: '有效', en: 'Valid' }],
    ['退回 (Sent back). Back to\nexamination', { zh: '退回', en: 'Sent back' }],
    ['中止计时（特别程序）(Paused)', { zh: '中止计时（特别程序）', en: 'Paused' }],
    ['Valid', null],
    ['有效 (Valid) and more', null],
    ['', null],
    [null, null],
  ])('%j is read as %j', (description, label) => {
    expect(readLabel(description)).toEqual(label);
  });

  test('a value without labels is named', () => {
    expect(() => readLabels(buildSchema('type Query { a: B } enum B { "words" C }'))).toThrow('B.C');
  });
});
