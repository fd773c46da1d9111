import type { Reader } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { listAgreementsInForce } from '../agreement/store.ts';
import type { Case } from '../case.ts';
import { findGuideFacts } from '../fact/store.ts';
import { listMaterials } from '../material/store.ts';
import { requirePrintableApplication } from '../notice/render.ts';
import { findStandings } from '../standing/store.ts';
import { findMatters } from '../supervision/store.ts';
import { type Acceptance, requireAcceptable } from './acceptance.ts';
import { loadSituations } from './situation-workflow.ts';

/**
 * Loads what acceptance depends on. Returns a function that answers for one case as `requireAcceptable` does. It also
 * refuses what `requirePrintableApplication` refuses.
 */
export async function loadAcceptance(
  db: Reader,
  cases: readonly Case[],
  person: Person,
  today: Day,
): Promise<(subject: Case) => Acceptance> {
  const matterIds = [...new Set(cases.map(({ matter }) => matter.matterId))];
  const matters = await findMatters(db, matterIds);
  const agreements = await listAgreementsInForce(db, matterIds, today);
  const numbers = cases.flatMap(({ licenseNumber }) => licenseNumber ?? []);
  const licenses = await findStandings(db, [...new Set(numbers)], person);
  const guides = await findGuideFacts(db, matterIds);
  const listOffered = await loadSituations(db, [...matters.values()], guides, today);
  const caseIds = cases.map(({ id }) => id);
  const materials = Map.groupBy(await listMaterials(db, caseIds), ({ caseId }) => caseId);
  return (subject: Case) => {
    const { matterId } = subject.matter;
    const facts = {
      matter: matters.get(matterId) ?? null,
      agreements,
      license: licenses.get(subject.licenseNumber ?? '') ?? null,
      listOffered,
      guides: guides.get(matterId) ?? null,
      materialCodes: (materials.get(subject.id) ?? []).map(({ code }) => code),
    };
    const acceptance = requireAcceptable(subject, person, facts, today);
    requirePrintableApplication(subject);
    return acceptance;
  };
}
