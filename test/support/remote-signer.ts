import { z } from 'zod';
import { ORDER_NAMES, ORDERS } from '../../subgraphs/seals/signer/protocol.ts';
import type { Signer } from '../../subgraphs/seals/signer/signer.ts';

/**
 * Returns the same signer behind the form of its orders, as one in another process is reached. A hub in one process
 * then fails in a test where a hub with a signer of its own would fail.
 */
export function asRemote(signer: Signer): Signer {
  const pass = (schema: z.ZodType, value: unknown) => z.decode(schema, z.encode(schema, value));
  return Object.fromEntries(
    ORDER_NAMES.map((name) => {
      const { order, answer } = ORDERS[name];
      const run = signer[name] as (input: unknown) => Promise<unknown>;
      return [name, async (input: unknown) => pass(answer, await run(pass(order, input)))];
    }),
  ) as unknown as Signer;
}
