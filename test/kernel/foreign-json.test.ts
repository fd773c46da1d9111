import { describe, expect, it } from 'vitest';
import { JsonTooComplex, parseForeignJson } from '../../subgraphs/kernel/foreign/json.ts';

const DEEPEST = 32;
const nest = (depth: number, inner: string) => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`;

/** Strings whose end is easily missed: quotation marks and backslashes in every order, and brackets within them. */
const PIECES = ['\\', '"', '[', '{', ',', '甲', ''];
const TEXTS = PIECES.flatMap((a) => PIECES.flatMap((b) => PIECES.flatMap((c) => PIECES.map((d) => a + b + c + d))));

describe('JSON of strangers', () => {
  it('finds the end of every string', () => {
    for (const text of TEXTS) {
      const brackets = '['.repeat(2 * DEEPEST);
      const value = { [text]: [text + brackets, text] };
      expect(parseForeignJson(JSON.stringify(value))).toEqual(value);
      const tooDeep = `[${JSON.stringify(text)},${nest(DEEPEST, '')}]`;
      expect(() => parseForeignJson(tooDeep), tooDeep).toThrow(JsonTooComplex);
    }
  });

  it('counts values outside strings only', () => {
    const [many, few] = [Array(20_000).fill(0), Array(19_999).fill(0)];
    expect(() => parseForeignJson(JSON.stringify([many.join(), ...many]))).toThrow(JsonTooComplex);
    expect(parseForeignJson(JSON.stringify([many.join(), few.join()]))).toHaveLength(2);
  });

  it.each(['"', '"\\', '"\\"', '\\', ''])('refuses the broken text %j', (text) => {
    expect(() => parseForeignJson(text)).toThrow(SyntaxError);
  });
});
