import type { FastifyInstance, FastifyRequest } from 'fastify';

/** The form in which a caller gets an error of a route: `{ code, message }`, GraphQL's own form, or a page. */

/** An error as a caller sees it: a code for programs, a sentence for a person, and what belongs to the code. */
export type Problem = { code: string; message: string } & Readonly<Record<string, unknown>>;

/** Renders an error for a person who looks at it in a browser: headers and body. */
export type RenderProblem = (
  request: FastifyRequest,
  status: number,
  problem: Problem,
) => { headers: Readonly<Record<string, string>>; body: string };

const GRAPHQL_PATH = '/graphql';

/**
 * Gives every error that a route, a hook or an error handler sends its form. At `/graphql` it is that of GraphQL. A
 * browser that opens an address gets a page, if the app renders one. All others get `{ code, message }`.
 */
export function addProblemForms(app: FastifyInstance, render?: RenderProblem): void {
  app.addHook('preSerialization', async (request, reply, payload: unknown) => {
    if (reply.statusCode < 400 || !isProblem(payload)) return payload;
    if (request.routeOptions.url === GRAPHQL_PATH) {
      const { message, ...extensions } = payload;
      return { errors: [{ message, extensions }] };
    }
    if (!render || !opensPage(request)) return payload;
    const { headers, body } = render(request, reply.statusCode, payload);
    reply.headers({ ...headers }).serializer((text) => String(text));
    return body;
  });
}

/** Returns the error that the JSON text of another process is, or null. */
export function readProblem(text: string): Problem | null {
  try {
    const payload: unknown = JSON.parse(text);
    return isProblem(payload) ? payload : null;
  } catch {
    return null;
  }
}

function isProblem(payload: unknown): payload is Problem {
  return (
    typeof payload === 'object' &&
    payload !== null &&
    ['code', 'message'].every((name) => typeof (payload as Record<string, unknown>)[name] === 'string')
  );
}

/** Whether a browser opens an address: it prefers HTML (RFC 9110, 12.5.1), and only reads. */
export function opensPage({ method, headers }: FastifyRequest): boolean {
  const [first = ''] = (headers.accept ?? '').split(',');
  return method === 'GET' && first.trim() === 'text/html';
}
