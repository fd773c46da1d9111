import { type buildSchema, isEnumType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { REFUSALS, Refusal } from '../../subgraphs/kernel/refusal.ts';
import { checkAll, checkEach, MAX_REFUSALS, RefusalCollector } from '../../subgraphs/kernel/refusals/collector.ts';
import { requireLine } from '../../subgraphs/kernel/text.ts';
import { buildSubgraphSchema } from '../support/subgraph-schema.ts';
import { SUBGRAPHS } from '../tidy/sources.ts';

function catchAll(run: () => void): readonly Refusal[] {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) return error.all;
    throw error;
  }
  return [];
}

const refuse = (code: keyof typeof REFUSALS, field: string | null = null) => {
  throw new Refusal(code, field);
};

describe('a collector', () => {
  test('throws nothing if nothing is refused, and the refusal itself if there is one', () => {
    checkAll(
      () => {},
      () => requireLine('ok', 10, 'name'),
    );
    const refusal = new Refusal('CASE_UNKNOWN', 'case');
    expect(() =>
      checkAll(() => {
        throw refusal;
      }),
    ).toThrow(refusal);
    expect(refusal.all).toEqual([refusal]);
  });

  test('throws all that rules and the rules within them refuse, in their order; the first is that of the whole', () => {
    const run = () =>
      checkAll(
        () => requireLine(' a', 10, 'name'),
        () => checkEach(['b', ' c', 'd '], (text, i) => requireLine(text, 10, `items[${i}]`)),
        () => refuse('REASON_MISSING', 'reason'),
      );
    expect(catchAll(run).map(({ code, field }) => [code, field])).toEqual([
      ['FIELD_MALFORMED', 'name'],
      ['FIELD_MALFORMED', 'items[1]'],
      ['FIELD_MALFORMED', 'items[2]'],
      ['REASON_MISSING', 'reason'],
    ]);
    expect(run).toThrow(
      expect.objectContaining({ code: 'FIELD_MALFORMED', field: 'name', message: expect.stringContaining('首尾') }),
    );
  });

  test('gives the result of a check, or the fallback, and says whether anything was refused', async () => {
    const faults = new RefusalCollector();
    expect(faults.check(() => 1, 2)).toBe(1);
    expect(faults.hasRefusals).toBe(false);
    expect(faults.check<number>(() => refuse('CASE_UNKNOWN') as never, 2)).toBe(2);
    expect(await faults.checkLater<number>(async () => refuse('ORDER_UNKNOWN') as never, 3)).toBe(3);
    expect(faults.hasRefusals).toBe(true);
    expect(catchAll(() => faults.settle()).map(({ code }) => code)).toEqual(['CASE_UNKNOWN', 'ORDER_UNKNOWN']);
  });

  test('keeps no fault of the hub', async () => {
    const fault = new Error('a fault');
    const fail = () => {
      throw fault;
    };
    expect(() => checkAll(() => refuse('CASE_UNKNOWN'), fail)).toThrow(fault);
    await expect(new RefusalCollector().checkLater(async () => fail(), null)).rejects.toThrow(fault);
  });

  test.each([
    ['of one rule', 10_000, 1],
    ['of rules within rules', 200, 50],
  ])('bounds ten thousand faults %s, and says that there are more', (_name, outer, inner) => {
    const lists = Array.from({ length: outer }, () => Array.from({ length: inner }, () => ' '));
    const refusals = catchAll(() =>
      checkEach(lists, (list, i) => checkEach(list, (text, j) => requireLine(text, 9, `lists[${i}][${j}]`))),
    );
    expect(refusals.length).toBe(MAX_REFUSALS + 1);
    expect(refusals.map(({ code }) => code).indexOf('FAULTS_TOO_MANY')).toBe(MAX_REFUSALS);
  });
});

describe.each(SUBGRAPHS)('the schema of %s', (name) => {
  const schema = buildSubgraphSchema(name);

  test('has every code with its sentence', () => {
    const type = schema.getType('RefusalCode');
    const values = isEnumType(type) ? type.getValues() : [];
    expect(values.map((value) => value.name)).toEqual(Object.keys(REFUSALS));
    for (const { name: code, description } of values) {
      const sentence = REFUSALS[code as keyof typeof REFUSALS].slice(0, -1);
      expect(description).toMatch(/^.+ \([A-Z][a-z0-9 ]+\)$/);
      expect(description?.startsWith(`${sentence} (`)).toBe(true);
    }
  });

  test('gives every payload of a mutation the list and, deprecated, its first refusal', () => {
    const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
    expect(mutations.length).toBeGreaterThan(4);
    for (const { name: mutation, type } of mutations) {
      const payload = schema.getType(String(type).replaceAll('!', '')) as unknown as ReturnType<typeof buildSchema>;
      const fields = (
        payload as never as { getFields(): Record<string, { type: unknown; deprecationReason?: string }> }
      ).getFields();
      expect([mutation, String(fields.refusals?.type)]).toEqual([mutation, '[Refusal!]!']);
      expect([mutation, fields.refusal?.deprecationReason]).toEqual([
        mutation,
        expect.stringMatching(/since 2026-11-29/),
      ]);
    }
  });
});
