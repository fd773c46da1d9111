/** One abusive request, as the parts of an HTTP request. */
export interface Abuse {
  /** Kind and detail, such as `depth: 500 fields`. Unique. */
  name: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  /** Null for a request without a body. */
  body: Buffer | null;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Returns a GraphQL request by POST. */
export function postDocument(name: string, query: string, rest: Record<string, unknown> = {}): Abuse {
  return postJson(name, JSON.stringify({ query, ...rest }));
}

/** Returns a POST to GraphQL with this body, as it is. */
export function postJson(name: string, body: string | Buffer, headers: Record<string, string> = JSON_TYPE): Abuse {
  return { name, method: 'POST', path: '/graphql', headers, body: Buffer.from(body) };
}

/** Returns a request without a body. */
export function callPath(name: string, path: string, method = 'GET', headers: Record<string, string> = {}): Abuse {
  return { name, method, path, headers, body: null };
}

/** Returns `make(0)`, `make(1)`, … as a list. */
export function times<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Returns `head{head{…core…}}` with `depth` heads. */
export function nest(depth: number, head: string, core: string): string {
  return `${`${head}{`.repeat(depth)}${core}${'}'.repeat(depth)}`;
}

/** Returns `a0:field a1:field …`. */
export function alias(count: number, field: string): string {
  return times(count, (index) => `a${index}:${field}`).join(' ');
}
