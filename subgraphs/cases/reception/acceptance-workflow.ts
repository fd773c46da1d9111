import type { Reader } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { readReforms } from '../../kernel/organ/organ-store.ts';
import { succeedAgreement } from '../agreement/agreement.ts';
import { listAgreementsInForce } from '../agreement/store.ts';
import { type Case, matterOn } from '../case.ts';
import { findGuideFacts } from '../fact/store.ts';
import { listMaterials } from '../material/store.ts';
import { requirePrintableApplication } from '../notice/render.ts';
import { findStandings } from '../standing/store.ts';
import { findMatters } from '../supervision/store.ts';
import { organFact } from '../tables.ts';
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
  const { shares } = await readReforms(db, organFact);
  const numbers = cases.flatMap(({ licenseNumber }) => licenseNumber ?? []);
  const licenses = await findStandings(db, [...new Set(numbers)], person);
  const guides = await findGuideFacts(db, matterIds);
  const listOffered = await loadSituations(db, [...matters.values()], guides, today);
  const caseIds = cases.map(({ id }) => id);
  const materials = Map.groupBy(await listMaterials(db, caseIds), ({ caseId }) => caseId);
  return (subject: Case) => {
    const { matterId } = subject.matter;
    const matter = matters.get(matterId);
    const facts = {
      matter: matter ? matterOn(matter, today) : null,
      agreements: agreements.map((agreement) => succeedAgreement(agreement, shares, matterId, today)),
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
