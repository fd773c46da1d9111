/** JSON of strangers. A parser would turn a small text into millions of values, and a check of each costs more. */

/** More than any message, record or statement of the hub has. */
const MAX_VALUES = 20_000;
const MAX_DEPTH = 32;

/** Thrown for a text of too many or too deeply nested values. */
export class JsonTooComplex extends Error {
  override readonly name = 'JsonTooComplex';
}

/**
 * Parses JSON (RFC 8259) in time and memory proportional to the text. Throws SyntaxError for any other text and
 * JsonTooComplex for more than 20,000 values or more than 32 nested lists and objects.
 */
export function parseForeignJson(text: string): unknown {
  requireFewValues(text);
  return JSON.parse(text);
}

/** Throws JsonTooComplex as `parseForeignJson` does. The text need not be JSON. */
export function requireFewValues(text: string): void {
  let [values, depth] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        at = findStringEnd(text, at);
        break;
      case '[':
      case '{':
        values++;
        depth++;
        break;
      case ',':
        values++;
        break;
      case ']':
      case '}':
        depth--;
        break;
    }
    if (values > MAX_VALUES || depth > MAX_DEPTH) throw new JsonTooComplex('too many values, or nested too deep');
  }
}

/** Returns the position of the quotation mark that ends a string, or the length of the text. */
function findStringEnd(text: string, start: number): number {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (end !== -1 && isEscaped(text, end));
  return end === -1 ? text.length : end;
}

/** Whether an odd number of backslashes stands before the quotation mark. Each mark has its own: it stays linear. */
function isEscaped(text: string, mark: number): boolean {
  let at = mark;
  while (text[at - 1] === '\\') at--;
  return (mark - at) % 2 === 1;
}

/**
 * Parses JSON that every parser reads in the same way (I-JSON, RFC 7493). Returns undefined for anything else.
 * It must be UTF-8 and have no name twice in an object: one parser would use the first, another the last.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = parseForeignJson(text);
    const tokens = [...text.matchAll(/"(?:[^"\\]|\\[\s\S])*(?:"(\s*:)?|\\?$)/g)];
    const names = tokens.filter(([, colon]) => colon !== undefined);
    return names.length === countNames(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const nestedCount = Object.values(value).reduce((sum: number, element) => sum + countNames(element), 0);
  return nestedCount + (Array.isArray(value) ? 0 : Object.keys(value).length);
}
