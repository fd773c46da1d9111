/**
 * The one rule by which names and numbers are compared where somebody looks for something. A migration repeats it in
 * SQL for rows of earlier releases.
 */

/** Most characters that somebody may look for. */
export const MAX_SEARCH_CHARS = 100;

/**
 * Folds a text: full width becomes half width (Unicode NFKC), brackets of each kind become ( and ), letters of ASCII
 * become small, and blanks go.
 */
export function foldText(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[〔[【]/g, '(')
    .replace(/[〕\]】]/g, ')')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/\s/g, '');
}

/** How well a text is found, best first: it is the query, begins with it, or contains it. */
export const RANKS = { EXACT: 0, PREFIX: 1, CONTAINS: 2 } as const;
export type Rank = (typeof RANKS)[keyof typeof RANKS];

/** Returns the best rank of a folded query among folded texts, or null if none contains it. */
export function rankMatch(query: string, texts: readonly string[]): Rank | null {
  if (texts.includes(query)) return RANKS.EXACT;
  if (texts.some((text) => text.startsWith(query))) return RANKS.PREFIX;
  return texts.some((text) => text.includes(query)) ? RANKS.CONTAINS : null;
}

/** Returns the pairs of neighbouring characters of a folded text, each once. A text of one character has none. */
export function listPairs(folded: string): string[] {
  const characters = [...folded];
  return [...new Set(characters.slice(1).map((character, i) => `${characters[i]}${character}`))];
}
