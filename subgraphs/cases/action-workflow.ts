import type { Reader } from '../../db/client.ts';
import type { Person } from '../kernel/actor.ts';
import type { Day } from '../kernel/day.ts';
import { catchRefusal } from '../kernel/policy.ts';
import { listAgreementsInForce } from './agreement/store.ts';
import { type Case, endsInPaper } from './case.ts';
import { findLicenses, listMaterials } from './material/store.ts';
import { requirePrintableApplication } from './notice/render.ts';
import { listSealedDecisions } from './notice/store.ts';
import type { CaseSubject } from './policy.ts';
import { type Acceptance, requireAcceptable } from './reception/acceptance.ts';
import { findGuideFacts } from './store.ts';
import { findMatters } from './supervision/store.ts';

/**
 * Returns cases with everything that the policy rows of their actions ask for. Mutations call it for one case,
 * `actions` for all cases of a request. Runs a constant number of queries.
 */
export async function prepareActions(
  db: Reader,
  cases: readonly Case[],
  person: Person,
  today: Day,
): Promise<CaseSubject[]> {
  const received = cases.filter(({ step }) => step === 'RECEIVED');
  const accept = received.length === 0 ? null : await loadAcceptance(db, received, person, today);
  const decided = cases.filter(endsInPaper).map(({ id }) => id);
  const sealedIds = decided.length === 0 ? new Set() : await listSealedDecisions(db, decided);
  return cases.map((subject) => ({
    ...subject,
    today,
    isDecisionSealed: sealedIds.has(subject.id),
    acceptanceRefusal: subject.step === 'RECEIVED' ? catchRefusal(() => accept?.(subject)) : null,
  }));
}

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
  const licenses = await findLicenses(db, [...new Set(numbers)]);
  const guides = await findGuideFacts(db, matterIds);
  const caseIds = cases.map(({ id }) => id);
  const materials = Map.groupBy(await listMaterials(db, caseIds), ({ caseId }) => caseId);
  return (subject: Case) => {
    const { matterId } = subject.matter;
    const facts = {
      matter: matters.get(matterId) ?? null,
      agreements,
      license: licenses.get(subject.licenseNumber ?? '') ?? null,
      guides: guides.get(matterId) ?? null,
      materialCodes: (materials.get(subject.id) ?? []).map(({ code }) => code),
    };
    const acceptance = requireAcceptable(subject, person, facts, today);
    requirePrintableApplication(subject);
    return acceptance;
  };
}
