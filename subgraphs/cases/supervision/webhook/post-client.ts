import { sendRequest } from '../../../kernel/outgoing/http-client.ts';

/** One POST to a URL that a person entered. */

/** For the whole exchange, from the name lookup to the last byte of the answer. Shorter than the relay's lease. */
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 16_384;

export interface PostAnswer {
  status: number;
  body: string;
}

/** Posts JSON. `listedHosts` may be in private networks. Throws NoAnswer if there is no complete answer. */
export async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  listedHosts: readonly string[],
  signal: AbortSignal,
): Promise<PostAnswer> {
  const { status, bytes } = await sendRequest(url, {
    reach: { by: 'PERSON', listedHosts },
    headers: { ...headers, 'content-type': 'application/json' },
    body,
    signal,
    timeoutMs: TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  return { status, body: bytes.toString('utf8') };
}
