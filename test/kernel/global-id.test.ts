import { describe, expect, test } from 'vitest';
import { parseGlobalId, writeGlobalId } from '../../subgraphs/kernel/graphql/global-id.ts';

const CASE = { type: 'Case', own: '11111111-1111-4111-8111-111111111111' };
const encode = (content: string | Uint8Array) => Buffer.from(content).toString('base64url');

describe('a global id', () => {
  test.each([
    CASE,
    { type: 'Organ', own: '于都县林业局' },
    { type: 'License', own: '1.2.156:a:b' },
    { type: 'X', own: 'tq:X:y' },
  ])('of $type $own is read as it was written', (id) => {
    expect(parseGlobalId(writeGlobalId(id))).toEqual(id);
    expect(writeGlobalId(id)).toMatch(/^dHE6[\w-]+$/);
  });

  test.each(['', 'yd2022-1-07', 'yudu-lyj', CASE.own, encode('Case:1'), 'dHE', '甲'])('is not %s', (text) => {
    expect(parseGlobalId(text)).toBeNull();
  });

  test.each([
    ['cut off', writeGlobalId(CASE).slice(0, -1)],
    ['followed by something', `${writeGlobalId(CASE)}!`],
    ['padded', `${writeGlobalId({ type: 'Case', own: '1' })}==`],
    ['in the other alphabet', writeGlobalId({ type: 'X', own: '>>>???' }).replaceAll('-', '+').replaceAll('_', '/')],
    ['without a type', encode('tq::1')],
    ['without an identifier', encode('tq:Case:')],
    ['with a type that cannot exist', encode('tq:case:1')],
    ['with bytes that are no text', encode(Uint8Array.from([...Buffer.from('tq:Case:'), 0xff]))],
    ['only the beginning', encode('tq:')],
    ['too long', writeGlobalId({ type: 'Case', own: 'x'.repeat(1_200) })],
  ])('is broken if it is %s', (_, text) => {
    expect(parseGlobalId(text)).toBe('BROKEN');
  });
});
