import type { Database } from '../../../db/client.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import type { StoredLicense } from '../store.ts';
import { findIssuers } from './store.ts';

/** Returns the organ that issued a version: the license may have another one today. One query serves all. */
export async function loadIssuer(db: Database, context: GraphContext, { version, license }: StoredLicense) {
  const issuers = getLoader<string>(context, 'issuers', (identifiers) => findIssuers(db, identifiers));
  return { id: (await issuers.load(version.identifier)) ?? license.issuer.id };
}
