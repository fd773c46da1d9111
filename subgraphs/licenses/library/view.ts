import type { Database } from '../../../db/client.ts';
import { getLoader } from '../../kernel/http/context.ts';
import type { LicenseView } from '../reading/view.ts';
import { type LibraryClient, STATEMENT_PROTOCOL } from './library-client.ts';
import { findStatementCollections, type StatementCollection } from './statement-store.ts';

export interface StatementDependencies {
  db: Database;
  /** The city library's client, or null if none is connected. */
  library: Pick<LibraryClient, 'protocols'> | null;
}

/** Loads the delivery of what the register stated of a license, or null if it stated nothing. */
export async function loadStatementCollection(
  { db, library }: StatementDependencies,
  { stored, context }: LicenseView,
): Promise<StatementCollection | null> {
  const protocols = library?.protocols ?? null;
  const isParked = protocols !== null && !protocols.includes(STATEMENT_PROTOCOL);
  return getLoader<StatementCollection>(context, 'statement collections', async (numbers) => {
    const byNumber = await findStatementCollections(db, numbers, isParked);
    return numbers.map((number) => byNumber.get(number) ?? null);
  }).load(stored.license.number);
}
