import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { readServiceToken, TokenError, writeServiceToken } from '../../subgraphs/kernel/actor.ts';

const key = randomBytes(32);
const at = (second: number) => new Date(Date.UTC(2026, 10, 26, 9, 0, second));

test('a token is reused for twenty seconds, each service has its own, and none is valid after a minute', async () => {
  const first = await writeServiceToken(key, 'seals', at(0));
  expect(await writeServiceToken(key, 'seals', at(19))).toBe(first);
  expect(await writeServiceToken(key, 'seals', at(20))).not.toBe(first);
  expect(await readServiceToken(await writeServiceToken(key, 'cases', at(0)), key, at(0))).toBe('cases');
  expect(await writeServiceToken(randomBytes(32), 'seals', at(0))).not.toBe(first);
  expect(await readServiceToken(first, key, at(59))).toBe('seals');
  await expect(readServiceToken(first, key, new Date(at(0).getTime() + 120_000))).rejects.toThrow(TokenError);
});
