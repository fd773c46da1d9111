import type { FastifyInstance } from 'fastify';

/** A route as Fastify knows it. HEAD and the answer to every preflight are left out. */
export interface Route {
  method: string;
  /** With its parameters, `/licenses/evidence/:identifier`, or `*` at its end. */
  url: string;
}

/** Returns every route of an app. A new route is found by itself. */
export async function listRoutes(app: FastifyInstance): Promise<Route[]> {
  await app.ready();
  // Without common prefixes, Fastify prints `*` without the path before it.
  return readRoutes(app.printRoutes()).filter(({ url }) => url !== '*');
}

/** Reads Fastify's tree of routes. Each line is a part of a path, indented by four characters for each level. */
function readRoutes(tree: string): Route[] {
  const parts: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│ ]*(?:[├└]── )?)(\S+)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
    if (part === '') return [];
    parts.length = Math.max(indent.length / 4 - 1, 0);
    // The root of the tree is `(empty root node)` if one of the paths begins without a slash.
    parts.push(part === '(empty' ? '' : part);
    const url = parts.join('');
    return methods.split(', ').flatMap((method) => (method === '' || method === 'HEAD' ? [] : [{ method, url }]));
  });
}
