import { z } from 'zod';
import { postBody, requireAnswer } from '../../kernel/serve.ts';
import { ORDER_NAMES, ORDERS, type OrderName, writeOrder } from './protocol.ts';
import type { Signer } from './signer.ts';

const MAX_WAIT_MS = 30_000;
const WAIT_STEP_MS = 200;

/** Waits for a signer that starts at the same time. Throws if it does not answer. */
export async function awaitSigner(url: string): Promise<void> {
  for (const end = performance.now() + MAX_WAIT_MS; ; ) {
    const answer = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(WAIT_STEP_MS) }).catch(() => null);
    if (answer?.ok) return;
    if (performance.now() > end) throw new Error(`the signer at ${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
  }
}

/**
 * Returns a signer that runs in another process. Calls `url` for each order: a restarted signer has another address.
 */
export function connectSigner(url: () => string, serviceKey: Uint8Array, now: () => Date): Signer {
  const sendOrder = async (name: OrderName, input: unknown): Promise<unknown> => {
    const { order, answer } = ORDERS[name];
    const body = writeOrder(z.encode(order as z.ZodType, input) as object);
    const response = await postBody(`${url()}/${name}`, 'seals', body, serviceKey, now);
    const answerBody = requireAnswer(response, await response.json());
    return z.decode(answer as z.ZodType, (answerBody as { answer: unknown }).answer);
  };
  return Object.fromEntries(
    ORDER_NAMES.map((name) => [name, (input: unknown) => sendOrder(name, input)]),
  ) as unknown as Signer;
}
