import { z } from 'zod';
import { callService, type ServiceCaller } from '../../kernel/http/ports-client.ts';
import { OPERATOR } from '../../kernel/outgoing/address.ts';
import { sendRequest } from '../../kernel/outgoing/http-client.ts';
import { ORDER_NAMES, ORDERS, type OrderName, writeOrder } from './protocol.ts';
import type { Signer } from './signer.ts';

const MAX_WAIT_MS = 30_000;
const WAIT_STEP_MS = 200;
const MAX_HEALTH_BYTES = 16_384;

/** Waits for a signer that starts at the same time. Throws if it does not answer. */
export async function awaitSigner(url: string): Promise<void> {
  for (const end = performance.now() + MAX_WAIT_MS; ; ) {
    const request = {
      method: 'GET',
      reach: OPERATOR,
      timeoutMs: WAIT_STEP_MS,
      maxAnswerBytes: MAX_HEALTH_BYTES,
    } as const;
    const answer = await sendRequest(`${url}/health/live`, request).catch(() => null);
    if (answer?.status === 200) return;
    if (performance.now() > end) throw new Error(`the signer at ${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
  }
}

/**
 * Returns a signer that runs in another process. Calls `url` for each order: a restarted signer has another address.
 */
export function connectSigner(url: () => string, caller: ServiceCaller): Signer {
  const sendOrder = async (name: OrderName, input: unknown): Promise<unknown> => {
    const { order, answer } = ORDERS[name];
    const body = writeOrder(z.encode(order as z.ZodType, input) as object);
    const reply = await callService(`${url()}/${name}`, 'signer', body, caller);
    return z.decode(answer as z.ZodType, (reply as { answer: unknown }).answer);
  };
  return Object.fromEntries(
    ORDER_NAMES.map((name) => [name, (input: unknown) => sendOrder(name, input)]),
  ) as unknown as Signer;
}
