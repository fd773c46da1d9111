import {
  buildClientSchema,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PUBLIC, ROLES } from '../../subgraphs/kernel/actor.ts';
import { buildContext } from '../../subgraphs/kernel/http/context.ts';
import { FILE_INPUT } from '../../subgraphs/kernel/http/inputs.ts';
import { MAX_INPUT_FILE_CHARS, MAX_INPUT_ID_CHARS, MAX_INPUT_TEXT_CHARS } from '../../subgraphs/kernel/text.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { type Answer, createTestHub, type TestHub } from '../support/hub.ts';

/**
 * Every argument and every input field of the composed schema gets every bad value of its type. A new argument is
 * covered by itself: its type says which values are bad.
 */

/** Wrong in every argument of its type: refused as BAD_USER_INPUT, which names the argument. */
const WRONG: Record<string, unknown[]> = {
  String: ['甲\u0000', '\ud800乙'],
  ID: ['甲\u0000', '\ud800乙', '\u202eabc', 'a\nb', 'x'.repeat(MAX_INPUT_ID_CHARS + 1)],
  Date: ['2026-02-29', '0000-01-01', '10000-01-01', '2026-1-1', '', '2026-01-01T00:00:00Z', 5, {}],
  DateTime: ['2026-02-29T00:00:00Z', '0000-01-01T00:00:00Z', '+010000-01-01T00:00:00Z', '2026-01-01', '', 5, {}],
  Int: [2_147_483_648, -2_147_483_649, 1.5, '1'],
  Boolean: ['true', 0],
};
/** Also wrong in a file. */
const WRONG_IN_FILES = ['x'.repeat(MAX_INPUT_FILE_CHARS + 1)];
/** Also wrong unless the argument holds a file. */
const WRONG_OUTSIDE_FILES = ['\u202eabc', '甲\u200b乙', 'a\r\nb', 'x'.repeat(MAX_INPUT_TEXT_CHARS + 1)];
/**
 * Of the right form and yet hardly what the argument means: answered with data, a refusal as data, or BAD_USER_INPUT.
 */
const STRANGE: Record<string, unknown[]> = {
  String: [
    '',
    ' ',
    '甲\n乙',
    '%_\\\'"',
    '😀',
    'W10',
    Buffer.from('["\\u0000"]').toString('base64url'),
    '{"a":[',
    '0001-01-01',
  ],
  ID: [
    '',
    ' ',
    'x',
    '%_\\\'"',
    '00000000-0000-0000-0000-00000000000g',
    '11111111-1111-4111-8111-111111111111',
    '9'.repeat(200),
  ],
  Date: ['0001-01-01', '9999-12-31'],
  DateTime: ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z'],
  Int: [-2_147_483_648, -1, 0, 2_147_483_647],
  Boolean: [],
};
/** What no answer may contain: words of the database and of stack traces. */
const INSIDE = /Failed query|select |insert into|\bat \w+ \(|node_modules|PostgresError/i;

interface Place {
  field: GraphQLField<unknown, unknown>;
  /** `mutation` or `query`. */
  operation: string;
  /** The path of the value, as `extensions.argument` gives it. */
  path: string;
  /** `InputType.field`, or `Query.field.argument`. */
  coordinate: string;
  scalar: string;
  /** Returns the variables with `value` in this place and something plausible in every other that is required. */
  fill(value: unknown): Record<string, unknown>;
}

let hub: TestHub;
let token: string;
const faults: unknown[] = [];

beforeAll(async () => {
  hub = await createTestHub({ onFault: (_incident, error) => faults.push(error) });
  // Somebody who holds every position, so that no value is stopped by who sends it.
  const person = { ...requireDemoPerson('yudu-lyj.approver'), roles: ROLES, window: '360731' };
  token = await tokenFor({ ...person, holderCode: requireDemoPerson('applicant-company').holderCode }, new Date());
});
afterAll(() => hub.stop());

async function send(query: string, variables: Record<string, unknown>): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await hub.hub.app.inject({
    method: 'POST',
    url: '/graphql',
    headers,
    payload: { query, variables },
  });
  return { status: response.statusCode, ...response.json() };
}

async function readSchema(): Promise<GraphQLSchema> {
  const { data } = await send(getIntrospectionQuery(), {});
  return buildClientSchema(data);
}

/** Returns a plausible value of a type. */
function exampleOf(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return exampleOf(type.ofType);
  if (isListType(type)) return [exampleOf(type.ofType)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    // Every act is rehearsed, so that nothing changes.
    const dryRun = type.getFields().dryRun ? { dryRun: true } : {};
    return { ...exampleOfAll(Object.values(type.getFields())), ...dryRun };
  }
  const examples: Record<string, unknown> = {
    Date: '2026-01-01',
    DateTime: '2026-01-01T00:00:00Z',
    Int: 1,
    Boolean: true,
  };
  return examples[type.name] ?? '甲';
}

function exampleOfAll(fields: readonly (GraphQLArgument | GraphQLInputField)[]): Record<string, unknown> {
  const required = fields.filter(({ type, defaultValue }) => isNonNullType(type) && defaultValue === undefined);
  return Object.fromEntries(required.map(({ name, type }) => [name, exampleOf(type)]));
}

type Found = { path: string; coordinate: string; scalar: string; fill: (value: unknown) => unknown };

/** Returns every scalar within a type of arguments. No input type of the hub contains itself. */
function placesIn(type: GraphQLInputType, path: string, coordinate: string): Found[] {
  if (isNonNullType(type)) return placesIn(type.ofType, path, coordinate);
  if (isListType(type)) {
    return placesIn(type.ofType, `${path}[0]`, coordinate).map((one) => ({
      ...one,
      fill: (value) => [one.fill(value)],
    }));
  }
  if (isEnumType(type)) return [];
  if (!isInputObjectType(type)) return [{ path, coordinate, scalar: type.name, fill: (value) => value }];
  return Object.values(type.getFields()).flatMap((field) =>
    placesIn(field.type, `${path}.${field.name}`, `${type.name}.${field.name}`).map((one) => ({
      ...one,
      fill: (value: unknown) => ({ ...(exampleOf(type) as object), [field.name]: one.fill(value) }),
    })),
  );
}

function placesOf(schema: GraphQLSchema): Place[] {
  const roots = { query: schema.getQueryType(), mutation: schema.getMutationType() };
  return Object.entries(roots).flatMap(([operation, root]) =>
    Object.values(root?.getFields() ?? {}).flatMap((field) =>
      field.args.flatMap((argument) =>
        placesIn(argument.type, argument.name, `${root?.name}.${field.name}.${argument.name}`).map((one) => ({
          ...one,
          field,
          operation,
          fill: (value: unknown) => ({ ...exampleOfAll(field.args), [argument.name]: one.fill(value) }),
        })),
      ),
    ),
  );
}

function ask({ field, operation }: Place, variables: Record<string, unknown>): Promise<Answer> {
  const used = field.args.filter(({ name }) => name in variables);
  const definitions = used.map(({ name, type }) => `$${name}: ${type}`).join(', ');
  const values = used.map(({ name }) => `${name}: $${name}`).join(', ');
  const type = getNamedType(field.type);
  const refuses = isObjectType(type) && type.getFields().refusal !== undefined;
  const selection = refuses ? '{ refusal { code message field } }' : isObjectType(type) ? '{ __typename }' : '';
  return send(`${operation}(${definitions}) { answer: ${field.name}(${values}) ${selection} }`, variables);
}

const isFile = async (coordinate: string) => (await filesOf()).has(coordinate);
let files: Set<string> | null = null;

/** The coordinates that take a file, as the hub shows: they accept CR LF. */
async function filesOf(): Promise<Set<string>> {
  files ??= new Set(
    (
      await Promise.all(
        placesOf(await readSchema())
          .filter(({ scalar }) => scalar === 'String')
          .map(async (place) => {
            const { errors } = await ask(place, place.fill('a\r\nb'));
            const isRefusedForm = errors?.[0]?.message.includes('U+000D') ?? false;
            return isRefusedForm ? [] : [place.coordinate];
          }),
      )
    ).flat(),
  );
  return files;
}

describe('every argument of every query and mutation', () => {
  test('wrong values are BAD_USER_INPUT and name the argument', async () => {
    const places = placesOf(await readSchema());
    expect(places.length).toBeGreaterThan(200);
    const unexpected: string[] = [];
    for (const place of places) {
      const wrong = WRONG[place.scalar];
      if (!wrong) throw new Error(`${place.coordinate}: say what is wrong for ${place.scalar}`);
      const texts = (await isFile(place.coordinate)) ? WRONG_IN_FILES : WRONG_OUTSIDE_FILES;
      for (const value of [...wrong, ...(place.scalar === 'String' ? texts : [])]) {
        const { errors } = await ask(place, place.fill(value));
        const { code, argument } = (errors?.[0]?.extensions ?? {}) as { code?: string; argument?: string };
        const isNamed = code === 'BAD_USER_INPUT' && argument === place.path;
        if (!isNamed || INSIDE.test(JSON.stringify(errors))) {
          unexpected.push(
            [place.field.name, place.path, String(value).slice(0, 20), code, argument, errors?.[0]?.message].join(' '),
          );
        }
      }
    }
    expect(unexpected).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('the files are those that say so', async () => {
    expect([...(await filesOf())].sort()).toEqual([
      'AddPlatformKeyInput.publicKey',
      'ImportDelegationsInput.csv',
      'ImportGuideInput.text',
      'RegisterPlatformInput.publicKey',
      'SealCertificateInput.certificates',
      'SealPictureInput.picture',
      'VerifyLicenseInput.document',
      'VerifyLicenseInput.signature',
    ]);
    expect(FILE_INPUT.form).toBe('FILE');
  });

  test('strange values are answered, never with a fault', async () => {
    const unexpected: string[] = [];
    for (const place of placesOf(await readSchema())) {
      for (const value of STRANGE[place.scalar] ?? []) {
        const answer = await ask(place, place.fill(value));
        const codes = (answer.errors ?? []).map(({ extensions }) => extensions.code);
        const isBad = codes.some((code) => code !== 'BAD_USER_INPUT' && code !== 'FORBIDDEN');
        if (isBad || INSIDE.test(JSON.stringify(answer))) {
          unexpected.push(
            [place.field.name, place.path, String(value).slice(0, 40), JSON.stringify(answer.errors)].join(' '),
          );
        }
      }
    }
    expect(unexpected).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe('every argument of a field below the roots', () => {
  test('wrong values never reach its resolver', async () => {
    const { matters, cases, licenses, seals } = hub.hub;
    let count = 0;
    for (const { schema } of [matters, cases, licenses, seals]) {
      const roots = [schema.getQueryType(), schema.getMutationType()];
      for (const type of Object.values(schema.getTypeMap())) {
        if (!isObjectType(type) || roots.includes(type) || type.name.startsWith('_')) continue;
        for (const field of Object.values(type.getFields())) {
          for (const argument of field.args) {
            const scalar = getNamedType(argument.type).name;
            if (scalar === 'Int') continue;
            const [value] = WRONG[scalar] ?? [];
            const args = { [argument.name]: scalar.startsWith('Date') ? parse(argument, value) : value };
            const run = () => field.resolve?.({}, args, buildContext(PUBLIC, null), {} as never);
            expect(run, `${type.name}.${field.name}`).toThrow(argument.name);
            count += 1;
          }
        }
      }
    }
    expect(count).toBeGreaterThan(3);
  });
});

/** What GraphQL hands to a resolver for a value of a scalar. */
function parse({ type }: GraphQLArgument, value: unknown): unknown {
  return (getNamedType(type) as { parseValue?: (value: unknown) => unknown }).parseValue?.(value);
}
