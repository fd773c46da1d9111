import { describe, expect, test } from 'vitest';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { makeSalt } from '../../subgraphs/kernel/sealing/random.ts';
import { hasSalt } from '../../subgraphs/kernel/sealing/salt.ts';
import type { SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { readStatement } from '../../subgraphs/licenses/verify/content/attached.ts';
import { buildEventLeaf } from '../../subgraphs/seals/log/leaf.ts';
import { requireDocument } from '../../subgraphs/seals/signer/content/order.ts';
import { AUTHORISER, contentOf, documentOf, RECORD, requestOf, STATEMENT, statementRequest } from './requests.ts';

/** Random elements (随机数) of contents: who needs one, and in which form. */

const SALT = makeSalt();
const { KZ_SJS: _ofRecord, ...PLAIN_RECORD } = RECORD;
const { KZ_SJS: _ofStatement, ...PLAIN_STATEMENT } = STATEMENT;
const MALFORMED = [
  '',
  'A'.repeat(21),
  'A'.repeat(23),
  `${'A'.repeat(21)}B`,
  `${'A'.repeat(21)}=`,
  '+'.repeat(22),
  1,
  null,
];

function findCode(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
const seal = (request: SignRequest) => findCode(() => requireDocument(request, AUTHORISER));

test('a random element has 128 bits, and no two are the same', () => {
  const salts = Array.from({ length: 1_000 }, makeSalt);
  expect(new Set(salts).size).toBe(salts.length);
  expect(salts.filter((salt) => Buffer.from(salt, 'base64url').length !== 16 || !hasSalt({ salt }))).toEqual([]);
});

test.each(MALFORMED)('%j is none', (salt) => {
  expect([hasSalt({ salt }), hasSalt({ KZ_SJS: salt })]).toEqual([false, false]);
});

describe('a seal', () => {
  const plain = requestOf(PLAIN_RECORD);
  const request = (grantSalt: unknown, recordSalt: unknown) => ({
    ...plain,
    content: { ...contentOf(PLAIN_RECORD), ...(grantSalt !== undefined && { salt: grantSalt }) },
    document: documentOf({ ...PLAIN_RECORD, ...(recordSalt !== undefined && { KZ_SJS: recordSalt as string }) }),
  });

  test('goes onto a record with one, also for a grant of release 0.4, and onto a whole case of it', () => {
    expect(seal(request(SALT, makeSalt()))).toBeNull();
    expect(seal(request(undefined, SALT))).toBeNull();
    expect(seal(request(undefined, undefined))).toBeNull();
  });

  test('does not go onto a record without one where the grant has one', () => {
    expect(seal(request(SALT, undefined))).toBe('SEAL_CONTENT_DIFFERS');
  });

  test.each(MALFORMED)('does not go onto a content with %j', (salt) => {
    expect(seal(request(salt, SALT))).toBe('SEAL_CONTENT_DIFFERS');
    expect(seal(request(undefined, salt))).toBe('SEAL_CONTENT_DIFFERS');
    expect(seal(statementRequest({ ...STATEMENT, KZ_SJS: salt as string }))).toBe('SEAL_CONTENT_DIFFERS');
  });
});

describe('the verifier', () => {
  const read = (statement: object) => findCode(() => readStatement(Buffer.from(toCanonicalJson(statement))));

  test('reads a statement with and without one', () => {
    expect([read(PLAIN_STATEMENT), read({ ...STATEMENT, KZ_SJS: SALT })]).toEqual([null, null]);
  });

  test.each(MALFORMED)('refuses %j', (salt) => {
    expect(read({ ...STATEMENT, KZ_SJS: salt })).not.toBeNull();
  });
});

test('the leaf of an event holds no digest of its reason alone', () => {
  const event = {
    ...{ serial: 1, sealId: 's', event: 'SUSPENDED', matterId: null, actorId: 'a', appliedById: null },
    ...{ applicationId: null, reason: '印章遗失', at: new Date(0) },
  };
  const read = (reasonSalt: string | null, reason: string | null = event.reason) =>
    JSON.parse(buildEventLeaf({ ...event, reason, reasonSalt }).entry);
  expect(read(null)).toHaveProperty('reasonDigest', expect.stringMatching(/^[0-9a-f]{64}$/));
  expect(read(null, null)).toHaveProperty('reasonDigest', null);
  expect(read(SALT)).not.toHaveProperty('reasonDigest');
  expect(read(SALT).reasonCommitment).not.toBe(read(makeSalt()).reasonCommitment);
});
