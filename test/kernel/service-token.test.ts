import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { readServiceToken, TokenError, writeServiceToken } from '../../subgraphs/kernel/sealing/token.ts';

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
