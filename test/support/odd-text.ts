import { findUnprintable } from '../../subgraphs/kernel/pdf/document.ts';

/** Texts that are odd, printable or not. */

/** What no text may hold, by the code point that a refusal names. The edge refuses it. */
export const NO_TEXT: Readonly<Record<string, string>> = {
  'U+200B': '甲\u200b乙',
  'U+E000': '甲\ue000乙',
  'U+D800': '甲\ud800乙',
};
/** A letter that may be read on a screen and that the font of the documents lacks. */
export const NOT_IN_FONT = { code: 'U+20BB7', text: '甲𠮷乙' };
/** Odd, and yet printable, in one line and in two. */
export const ODD = '阿依·古丽𬱖〇①A\u0301';
export const ODD_LINES = `${ODD}\n${ODD}`;

const FIRST_ASTRAL = 0x1_0000;
const MAX_CODE_POINT = 0x10_ffff;

/** Returns every printable character outside the Basic Multilingual Plane: 🄀, 𬶐, 𭕄. */
export function listRareCharacters(): string[] {
  const characters = Array.from({ length: MAX_CODE_POINT - FIRST_ASTRAL + 1 }, (_, i) =>
    String.fromCodePoint(FIRST_ASTRAL + i),
  );
  return characters.filter((character) => findUnprintable(character) === null);
}
