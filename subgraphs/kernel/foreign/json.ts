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
