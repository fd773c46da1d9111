import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readServiceToken, readToken, TokenError, writeServiceToken } from '../../subgraphs/kernel/sealing/token.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../support/actors.ts';

const key = randomBytes(32);
const atSecond = (second: number) => new Date(Date.UTC(2026, 10, 26, 9, 0, second));

test('a token is reused for twenty seconds, each service has its own, and none is valid after a minute', async () => {
  const firstToken = await writeServiceToken(key, 'seals', atSecond(0));
  expect(await writeServiceToken(key, 'seals', atSecond(19))).toBe(firstToken);
  expect(await writeServiceToken(key, 'seals', atSecond(20))).not.toBe(firstToken);
  expect(await readServiceToken(await writeServiceToken(key, 'cases', atSecond(0)), key, atSecond(0))).toBe('cases');
  expect(await writeServiceToken(randomBytes(32), 'seals', atSecond(0))).not.toBe(firstToken);
  expect(await readServiceToken(firstToken, key, atSecond(59))).toBe('seals');
  await expect(readServiceToken(firstToken, key, new Date(atSecond(0).getTime() + 120_000))).rejects.toThrow(
    TokenError,
  );
});

describe("a person's token", () => {
  const at = atSecond(0);
  const texts = { ...requireDemoPerson('window-yudu'), organ: 'yudu-lyj', window: '360731', holderCode: '1' };
  const read = async (changes: object) =>
    readToken(await tokenFor({ ...texts, ...changes }, at), tokenKeys.publicKey, at);

  test('is read as it was written', async () => {
    expect(await read({})).toEqual(texts);
  });
  test.each(['id', 'name', 'organ', 'window', 'holderCode'])(
    'is invalid if its %s is no line of text',
    async (name) => {
      for (const wrong of ['', '3\n1', '3\u00001', '3\u202e1', '3\u200b1', '3\ue0001'])
        await expect(read({ [name]: wrong }), JSON.stringify(wrong)).rejects.toThrow(TokenError);
    },
  );
});
