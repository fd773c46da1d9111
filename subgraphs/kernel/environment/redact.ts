/** Reduces an error to what may stand in a log. Pure. */

/** An error without personal data. */
export interface ReducedError {
  name: string;
  code?: string;
  /** The message, with everything left out that may be data. Absent for errors of a database. */
  message?: string;
  /** Table, column and constraint that a database names. */
  place?: string;
  /** The innermost calls. */
  at?: string[];
  cause?: ReducedError;
}

const MAX_MESSAGE_CHARS = 300;
/** What is read of a longer message. */
const MAX_READ_CHARS = 10_000;
const MAX_CALLS = 8;
const MAX_CAUSES = 3;
/** A longer run of letters and digits that holds a digit may be a code of a person, a key or a token. */
const MIN_CODE_CHARS = 6;
/** A word of this length is a key or a token, whatever it holds. */
const MIN_KEY_CHARS = 24;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const IDENTIFIER = /^[\w.-]{1,60}$/;

/** Returns an error's name, code, reduced message, calls and causes. */
export function reduceError(error: unknown, depth = MAX_CAUSES): ReducedError {
  if (!(error instanceof Error)) return { name: 'Error', message: redact(String(error)) };
  const { code, cause, query, severity } = error as Error & Record<'code' | 'cause' | 'query' | 'severity', unknown>;
  // The message of a failed query is the statement with its values; that of the database may quote a value.
  const isOfDatabase = query !== undefined || severity !== undefined;
  const place = ['schema_name', 'table_name', 'column_name', 'constraint_name']
    .map((field) => (error as unknown as Record<string, unknown>)[field])
    .filter((name): name is string => typeof name === 'string' && IDENTIFIER.test(name));
  const calls = listCalls(error);
  return {
    name: IDENTIFIER.test(error.name) ? error.name : 'Error',
    ...(typeof code === 'string' && IDENTIFIER.test(code) ? { code } : {}),
    ...(isOfDatabase ? {} : { message: redact(error.message) }),
    ...(place.length > 0 ? { place: place.join('.') } : {}),
    ...(calls.length > 0 ? { at: calls } : {}),
    ...(cause !== undefined && cause !== null && depth > 0 ? { cause: reduceError(cause, depth - 1) } : {}),
  };
}

/** Returns a text of which only plain ASCII words, short numbers and UUIDs are left. */
export function redact(text: string): string {
  return (
    text
      .slice(0, MAX_READ_CHARS)
      .replace(/"[^"]*("|$)|'[^']*'|`[^`]*`|“[^”]*(”|$)/g, '…')
      // The password of a URL, and what a query asks for.
      .replace(/\/\/[^/@\s]*@/g, '//…@')
      .replace(/\?\S*/g, '?…')
      .replace(/[^\x20-\x7e]+/g, '…')
      .replace(/[\w-]+/g, (word) => (mayBeCode(word) ? '…' : word))
      .replace(/…[…\s]*…/g, '…')
      .slice(0, MAX_MESSAGE_CHARS)
  );
}

function mayBeCode(word: string): boolean {
  if (word.length < MIN_CODE_CHARS || UUID.test(word)) return false;
  return word.length >= MIN_KEY_CHARS || /\d/.test(word);
}

/** Returns the lines of the stack after the message, which may itself have lines that look like calls. */
function listCalls(error: Error): string[] {
  const { stack = '', message } = error;
  const from = message === '' ? 0 : stack.indexOf(message) + message.length;
  return stack
    .slice(from)
    .split('\n')
    .filter((line) => /^ {4}at \S/.test(line))
    .slice(0, MAX_CALLS)
    .map((line) => line.slice('    at '.length).replace(/[^\x20-\x7e]+/g, '…'));
}
