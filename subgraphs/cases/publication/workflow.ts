import type { Database } from '../../../db/client.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { findTypeVersion } from '../../kernel/license-type/type.ts';
import type { KeysetRequest } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { loadCalendar } from '../calendar/store.ts';
import { findGrants } from '../content/store.ts';
import { findLicenses, findLicenseTypes } from '../fact/store.ts';
import { type PublicDecision, publishDecision } from './publication.ts';
import { findLicenseSteps, listSealed, type PublicDecisionFilter, toSealedDecision } from './store.ts';

export interface PublicationDependencies {
  db: Database;
  now: Clock;
}

/** A published decision, with the key of its place in the list. */
export type PublicationRow = PublicDecision & { issuedAt: Date; serial: number };

/** Returns a page of the published decisions, from one snapshot. A page costs a constant number of statements. */
export function listPublicDecisions(
  { db, now }: PublicationDependencies,
  filter: PublicDecisionFilter,
  page: KeysetRequest,
): Promise<Page<PublicationRow>> {
  return db.transaction(
    async (tx) => {
      const sealed = await listSealed(tx, filter, page);
      const ids = sealed.rows.map(({ file }) => file.id);
      if (ids.length === 0) return { ...sealed, rows: [] };
      const grants = await findGrants(tx, ids);
      const steps = await findLicenseSteps(tx, ids);
      const facts = await findLicenses(tx, [...steps.keys()]);
      const types = await findLicenseTypes(tx, [...new Set([...grants.values()].map((grant) => grant.licenseType))]);
      const numbers = new Map(
        [...steps].flatMap(([number, list]) => list.map(({ caseId }) => [caseId, number] as const)),
      );
      const moment = { calendar: await loadCalendar(tx), today: dayOf(now()) };
      const rows = sealed.rows.map((row) => {
        const grant = grants.get(row.file.id);
        const number = numbers.get(row.file.id) ?? '';
        const type = grant ? findTypeVersion(types.get(grant.licenseType) ?? null, grant.typeVersion) : null;
        const license = grant ? { grant, type, fact: facts.get(number) ?? null, steps: steps.get(number) ?? [] } : null;
        const { issuedAt, serial } = row;
        return { ...publishDecision(toSealedDecision(row), license, moment), issuedAt, serial };
      });
      return { ...sealed, rows };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}
