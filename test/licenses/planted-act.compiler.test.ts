import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copySources, type PlantedCopy } from '../support/planted-copy.ts';

/** Adds a made-up act to the table of license acts in a copy of the sources, and lists what the checks name. */

const TABLE = 'subgraphs/kernel/license-acts.ts';
const COMPARISONS = 'test/licenses/license-acts.test.ts';
const LAST_ROW = '  // 行政许可法 art. 70: entered in the register';

/** An act that makes a version by a case, one on the authority of the organ, and one by either without a version. */
const ROWS = `
  MERGE: { ...NEW_VERSION, label: '合并', wireCode: 'MERGE' },
  FREEZE: {
    ...{ ...OWN_AUTHORITY, ...ADVERSE, from: ['VALID'], to: 'SUSPENDED', paper: 'NONE' },
    ...{ label: '冻结', clause: '某法', wireCode: 'FREEZE' },
  },
  ANNUL: {
    ...{ ...ENDING, ...NOT_ADVERSE, to: 'CANCELLED', case: 'OPTIONAL' },
    ...{ label: '注废', clause: '某法', wireCode: 'ANNUL' },
  },
`;

describe('a new act', () => {
  let copy: PlantedCopy;
  beforeAll(() => {
    copy = copySources();
    copy.plant(TABLE, LAST_ROW, `${ROWS}${LAST_ROW}`);
    copy.generate();
  });
  afterAll(() => copy?.remove());

  test('is named by the compiler where code must handle it', () => {
    const errors = copy.compile();
    // The types of a schema do not have the act yet, so the compiler names the resolvers that answer with it as well.
    const resolvers = errors.filter((error) => /^subgraphs\/\w+\/([\w/]+\/)?resolvers\.ts: .*/.test(error));
    expect(errors.filter((error) => !resolvers.includes(error))).toEqual([
      // What a decision document cites, and which cases on a license wait for each other.
      expect.stringMatching(/^subgraphs\/cases\/notice\/ground\.ts: .*ANNUL, MERGE/),
      expect.stringMatching(/^subgraphs\/cases\/standing\/standing\.ts: .*ANNUL, MERGE/),
      // What the act is like while a renewal runs.
      expect.stringMatching(/^test\/flows\/renewal-acts\.db\.test\.ts: .*MERGE/),
      // The test says what the law asks of each act on the organ's own authority.
      expect.stringMatching(/^test\/licenses\/grounds\.test\.ts: .*ANNUL, FREEZE/),
    ]);
    expect(resolvers.map((error) => error.split('/')[1])).toEqual(expect.arrayContaining(['licenses', 'matters']));
    // Where a stored act is no value of the schema, the compiler asks for a resolver of the field.
    for (const error of resolvers) expect(error).toMatch(/MERGE|FREEZE|ANNUL|Property 'acts?' (is missing|of)/);
  });

  test('that a case ends in, without a version, needs no more than its row to be prepared and sealed', () => {
    expect(copy.listFailingTests('test/licenses/case-acts.test.ts')).toEqual([]);
  });

  test('is named by the comparisons where another table must have it', () => {
    const consumers = 'every consumer agrees with the table of license acts';
    const signer = 'the signer seals without a case only what the table allows';
    expect(copy.listFailingTests(COMPARISONS)).toEqual([
      `${consumers} the enums of GraphQL`,
      `${consumers} each act that somebody can do has a mutation, and no other act has one`,
      `${consumers} the public page names each act and each state as the table does`,
      `${consumers} the code list of the reference library`,
      `${consumers} the code list of the protocol page`,
      `${consumers} the reference library takes FREEZE from the same states`,
      `${consumers} the reference library takes ANNUL from the same states`,
      // This comparison has its own list of what may be sealed without a case.
      `${signer} MERGE`,
      `${signer} FREEZE`,
      `${signer} ANNUL`,
    ]);
  });
});
