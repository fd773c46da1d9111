import { z } from 'zod';

/** The library's own requests to the hub: the files of its log, and the feed of changes. */

const REQUEST_TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const PAGE_SIZE = 100;

/** One change in the hub's feed. */
const changeSchema = z.object({
  number: z.string(),
  revision: z.number().int().positive(),
  identifier: z.string(),
  state: z.string(),
  documentDigest: z.string(),
});
export type Change = z.infer<typeof changeSchema>;

const answerSchema = z.object({
  data: z.object({
    licenseChanges: z.object({
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
      edges: z.array(z.object({ node: changeSchema })),
    }),
  }),
});
const refusalSchema = z.object({ errors: z.array(z.object({ message: z.string() })).min(1) });

const QUERY = `query Changes($first: Int!, $after: String) {
  licenseChanges(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { number revision identifier state documentDigest } }
  }
}`;

export interface ChangePage {
  changes: Change[];
  /** Start of the next page. */
  cursor: string | null;
  isLast: boolean;
}

export interface Hub {
  /** Reads a file of the log by its path below `/log/`. Returns null if there is none. */
  logFile(path: string): Promise<Buffer | null>;
  changes(after: string | null): Promise<ChangePage>;
}

/** Returns a client of the hub at `url`, with a token of role LIBRARY. Its calls throw on an unexpected answer. */
export function connectHub(url: string, token: string): Hub {
  const base = url.replace(/(?<!\/)\/+$/, '');
  return {
    async logFile(path) {
      const response = await fetchFromHub(`${base}/log/${path}`, {});
      if (response.status === 404) return null;
      if (!response.ok) throw new Error(`枢纽 /log/${path} 答复 HTTP ${response.status}`);
      return readBody(response);
    },
    async changes(after) {
      const response = await fetchFromHub(`${base}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: QUERY, variables: { first: PAGE_SIZE, after } }),
      });
      const body: unknown = JSON.parse((await readBody(response)).toString());
      const refusedAnswer = refusalSchema.safeParse(body);
      if (refusedAnswer.success) throw new Error(`枢纽不给变更流：${refusedAnswer.data.errors[0]?.message}`);
      const { pageInfo, edges } = answerSchema.parse(body).data.licenseChanges;
      const cursor = pageInfo.endCursor ?? after;
      return { changes: edges.map(({ node }) => node), cursor, isLast: !pageInfo.hasNextPage };
    },
  };
}

async function fetchFromHub(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  } catch (error) {
    const { cause, message } = error as Error;
    throw new Error(`枢纽无法连接：${cause instanceof Error ? cause.message : message}`, { cause: error });
  }
}

async function readBody(response: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new Error('枢纽的答复过长');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
