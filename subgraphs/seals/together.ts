/** A statement that is not sent yet, as drizzle builds it. */
interface Statement {
  execute(): Promise<unknown>;
}

/**
 * Sends statements of one transaction in one write, instead of each after the answer of the one before; gives their answers in that
 * order. The driver starts them in the same tick and PostgreSQL runs them one after another, each with a snapshot of its own (READ
 * COMMITTED): a statement that stands after one that waits for a lock sees what stood once the lock was there. Where one fails, the
 * server refuses those after it, the first one's error is thrown, and the transaction can only be rolled back.
 */
export function together<const Statements extends readonly Statement[]>(
  statements: Statements,
): Promise<{ -readonly [I in keyof Statements]: Awaited<ReturnType<Statements[I]['execute']>> }> {
  // Started here and not where they are built: each then takes the same number of ticks to the driver, so none overtakes another.
  return Promise.all(statements.map((one) => one.execute())) as never;
}
