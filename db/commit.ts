import { AsyncLocalStorage } from 'node:async_hooks';

/** Work for the moment after a transaction has committed: what others may then be told, and not before. */

/** Called with the client of the pool that the transaction belonged to. */
type Callback = (client: object) => void;

const callbacksOfTransaction = new AsyncLocalStorage<Callback[]>();

/**
 * Calls `run` as soon as the current transaction has committed, and never if it is rolled back. `run` must not throw.
 * What a savepoint did is called too if the savepoint alone is rolled back. Throws outside a transaction of a pool.
 */
export function afterCommit(run: Callback): void {
  const callbacks = callbacksOfTransaction.getStore();
  if (!callbacks) throw new Error('no transaction to commit');
  callbacks.push(run);
}

/** Runs a transaction, then what `afterCommit` was given within it, in order. */
export async function withCommitCallbacks<Result>(client: object, transact: () => Promise<Result>): Promise<Result> {
  const callbacks: Callback[] = [];
  const result = await callbacksOfTransaction.run(callbacks, transact);
  for (const callback of callbacks) callback(client);
  return result;
}
