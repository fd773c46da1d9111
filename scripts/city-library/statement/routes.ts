import type { FastifyInstance } from 'fastify';
import type { Certificate } from '../document/chain.ts';
import { buildAnswer } from '../protocol.ts';
import { checkStatement } from './check.ts';
import { readStatementDelivery, statementDigest } from './form.ts';
import type { StatementStore } from './store.ts';

/** Adds the paths by which the library takes statements of the register. The caller requires the token. */
export function registerStatementRoutes(
  app: FastifyInstance,
  { store, roots, now }: { store: StatementStore; roots: readonly Certificate[]; now: () => Date },
): void {
  app.post('/statements/validate', async (request) => {
    const delivery = readStatementDelivery(request.body);
    const receipt = await store.receiptOf(delivery, statementDigest(delivery));
    if (receipt !== null) return buildAnswer([], { receipt });
    await store.requireNext(delivery, checkStatement(delivery, roots, now()));
    return buildAnswer([]);
  });
  app.post('/statements/collect', async (request) => {
    const delivery = readStatementDelivery(request.body);
    const digest = statementDigest(delivery);
    const receipt = await store.receiptOf(delivery, digest);
    if (receipt !== null) return buildAnswer([], { receipt });
    // The result of an earlier validate is not relied on.
    const claims = checkStatement(delivery, roots, now());
    return buildAnswer([], { receipt: await store.collect(delivery, claims, digest, now()) });
  });
}
