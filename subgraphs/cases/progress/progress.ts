import { foldText } from '../../kernel/finding/fold.ts';
import { type Case, endsInPaper, hasEnded, mustBeForwarded, type Position } from '../case.ts';

/** What anybody may learn of a case who has its number and the code on its receipt. */

/** Letters and digits of a code that nobody takes for another one (Crockford's base 32): 5 bits each. */
export const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 60 bits: 1,000 callers with 10 wrong codes a minute each find one code in 200 million years. */
export const CODE_CHARS = 12;
const MISREAD: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1' };

/** Writes a code as it is printed: `ABCD-EFGH-JKMN`. `bytes` are random, one for each character. */
export function writeCode(bytes: Uint8Array): string {
  const characters = [...bytes].slice(0, CODE_CHARS).map((byte) => CODE_ALPHABET.charAt(byte % CODE_ALPHABET.length));
  return characters.join('').replace(/.{4}(?=.)/g, `$&-`);
}

/** Returns a code as it is printed, from what somebody has typed: in any case and width, with or without hyphens. */
export function readCode(text: string): string {
  const characters = foldText(text)
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replace(/[OIL]/g, (letter) => MISREAD[letter] ?? letter);
  return characters.replace(/.{4}(?=.)/g, `$&-`);
}

/** Returns the address at which anybody sees the progress of a case. */
export function progressUrl(publicUrl: string): string {
  return `${publicUrl.replace(/(?<!\/)\/+$/, '')}/progress`;
}

/**
 * Returns the text of the QR code on a receipt: the page with number and code behind `#`. Browsers do not send that
 * part, so the code stands in no log of a server or proxy. The page's script puts both into its form.
 */
export function progressLink({ url, code }: { url: string; code: string }, caseNumber: string): string {
  return `${url}#number=${encodeURIComponent(caseNumber)}&code=${encodeURIComponent(code)}`;
}

/** Returns the step that usually follows, or null if none does. */
export function nextStepOf(subject: Case): Position | 'SUPPLEMENTED' | null {
  if (hasEnded(subject)) return null;
  switch (subject.step) {
    case 'RECEIVED':
      return 'ACCEPTED';
    case 'SUPPLEMENT_ASKED':
      return 'SUPPLEMENTED';
    case 'ACCEPTED':
      return 'EXAMINED';
    case 'EXAMINED':
      return mustBeForwarded(subject) ? 'FORWARDED' : 'DECIDED';
    case 'FORWARDED':
      return 'DECIDED';
    case 'DECIDED':
      return endsInPaper(subject) ? 'DELIVERED' : 'CERTIFIED';
    case 'CERTIFIED':
      return 'DELIVERED';
    default:
      return null;
  }
}
