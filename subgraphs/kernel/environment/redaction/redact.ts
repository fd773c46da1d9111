import { CODES, WORDS } from './vocabulary.ts';

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
/** A UUID, an IP address with its port, a status of HTTP, or a word. */
const PARTS = new RegExp(
  [
    String.raw`\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b`,
    String.raw`\b((?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?)\b`,
    String.raw`\b(HTTP [1-5]\d\d)\b`,
    String.raw`\w+`,
  ].join('|'),
  'g',
);
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

/**
 * Returns a text of which only UUIDs, one address, one status, and the words of a fixed vocabulary are left. A message
 * may quote a caller, and the caller's own quotation marks may end the quotation, so the marks alone prove nothing.
 */
export function redact(text: string): string {
  const numbers = new Set<'address' | 'status'>();
  const keep = (part: string, uuid?: string, address?: string, status?: string) => {
    if (uuid !== undefined) return part;
    if (address === undefined && status === undefined) return isKnown(part) ? part : '…';
    const kind = address === undefined ? 'status' : 'address';
    if (numbers.has(kind)) return '…';
    numbers.add(kind);
    return part;
  };
  return (
    text
      .slice(0, MAX_READ_CHARS)
      .replace(/"[^"]*("|$)|'[^']*'|`[^`]*`|“[^”]*(?:”|$)/g, '…')
      // The password of a URL, and what a query asks for.
      .replace(/\/\/[^/@\s]*@/g, '//…@')
      .replace(/\?\S*/g, '?…')
      .replace(/[^\x20-\x7e]+/g, '…')
      .replace(PARTS, keep)
      .replace(/…[…\s]*…/g, '…')
      .slice(0, MAX_MESSAGE_CHARS)
  );
}

/** A word that starts with a capital is known only if the rest is lower case: the first word of a message. */
function isKnown(word: string): boolean {
  return CODES.has(word) || WORDS.has(/^[A-Z][a-z]+$/.test(word) ? word.toLowerCase() : word);
}

/** Returns the lines of the stack after the message, which may itself have lines that look like calls. */
function listCalls(error: Error): string[] {
  const { stack = '', message } = error;
  // A message that was replaced after the stack was taken: nothing tells where the calls begin.
  const start = stack.indexOf(message);
  if (start < 0 || stack.slice(0, start).includes('\n')) return [];
  return stack
    .slice(start + message.length)
    .split('\n')
    .filter((line) => /^ {4}at \S/.test(line))
    .slice(0, MAX_CALLS)
    .map((line) => line.slice('    at '.length).replace(/[^\x20-\x7e]+/g, '…'));
}
