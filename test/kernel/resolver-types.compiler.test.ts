import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copySources, type PlantedCopy } from '../support/planted-copy.ts';

/** Plants fields that nothing answers in a copy of the schemas. The compiler must name each of them. */

interface Field {
  subgraph: string;
  kind: string;
  /** The text of the schema before and after. */
  from: string;
  to: string;
  /** The name that an error of the compiler must hold. */
  name: string;
}

function addField(subgraph: string, type: string, name: string, kind: string): Field {
  const schema = readFileSync(new URL(`../../subgraphs/${subgraph}/schema.graphql`, import.meta.url), 'utf8');
  const from = new RegExp(`^type ${type}\\b[^{]*\\{\\n`, 'm').exec(schema)?.[0] ?? `type ${type} {\n`;
  return { subgraph, kind, name, from, to: `${from}  "Planted"\n  ${name}: String\n` };
}

const FIELDS: readonly Field[] = [
  addField('matters', 'Query', 'plantedQuery', 'a query'),
  addField('seals', 'Mutation', 'plantedMutation', 'a mutation'),
  addField('matters', 'Matter', 'plantedField', 'a field of a type with a parent of its own'),
  addField('matters', 'ImportProblem', 'plantedProperty', 'a field of a type that is its own parent'),
  addField('cases', 'Case', 'plantedStep', 'a field of a view'),
  addField('licenses', 'SupervisionOrder', 'plantedOrder', 'a field of a row'),
  addField('matters', 'ReportTaskProgressPayload', 'plantedResult', 'a field of a payload'),
  addField('licenses', 'Mutation', 'plantedAct', 'a mutation of a table of mutations'),
  addField('licenses', 'LicenseAct', 'plantedFact', 'a field of a view'),
  addField('cases', 'Case', 'plantedStep', 'a field of a type that several rooms answer'),
  {
    subgraph: 'seals',
    kind: 'an argument of a field that was a property',
    from: '  filingNumber: String\n',
    to: '  filingNumber(planted: Int): String\n',
    name: 'filingNumber',
  },
];

describe('a field that nothing answers does not compile', () => {
  let copy: PlantedCopy;
  let errors: string[];
  beforeAll(() => {
    copy = copySources();
    for (const { subgraph, from, to } of FIELDS) copy.plant(`subgraphs/${subgraph}/schema.graphql`, from, to);
    copy.generate();
    errors = copy.compile();
  });
  afterAll(() => copy?.remove());

  test.each(FIELDS)('$kind: $name', ({ subgraph, name }) => {
    const missing = new RegExp(`^subgraphs/${subgraph}/[^]*Property '${name}' is missing`);
    expect(errors.filter((error) => missing.test(error))).not.toEqual([]);
  });
});
