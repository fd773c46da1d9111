import { z } from 'zod';
import { OPERATOR } from '../../../subgraphs/kernel/outgoing/address.ts';
import { type HttpAnswer, type HttpRequest, sendRequest } from '../../../subgraphs/kernel/outgoing/http-client.ts';

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
      const { status, bytes } = await askHub(`${base}/log/${path}`, { method: 'GET' });
      if (status === 404) return null;
      if (status !== 200) throw new Error(`枢纽 /log/${path} 答复 HTTP ${status}`);
      return bytes;
    },
    async changes(after) {
      const { bytes } = await askHub(`${base}/graphql`, {
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: QUERY, variables: { first: PAGE_SIZE, after } }),
      });
      const body: unknown = JSON.parse(bytes.toString());
      const refusedAnswer = refusalSchema.safeParse(body);
      if (refusedAnswer.success) throw new Error(`枢纽不给变更流：${refusedAnswer.data.errors[0]?.message}`);
      const { pageInfo, edges } = answerSchema.parse(body).data.licenseChanges;
      const cursor = pageInfo.endCursor ?? after;
      return { changes: edges.map(({ node }) => node), cursor, isLast: !pageInfo.hasNextPage };
    },
  };
}

async function askHub(url: string, request: Pick<HttpRequest, 'method' | 'headers' | 'body'>): Promise<HttpAnswer> {
  const limits = { timeoutMs: REQUEST_TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
  try {
    return await sendRequest(url, { ...request, reach: OPERATOR, ...limits });
  } catch (error) {
    throw new Error(`枢纽无法连接：${(error as Error).message}`, { cause: error });
  }
}
