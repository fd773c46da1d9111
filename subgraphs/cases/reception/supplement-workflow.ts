import { dayOf } from '../../kernel/day.ts';
import { RefusalCollector } from '../../kernel/refusals/collector.ts';
import { actOf, buildStep, type Case } from '../case.ts';
import { requireFitting, toLabels } from '../content/check.ts';
import { mayTakeOut } from '../content/content.ts';
import { labelFor } from '../content/labels.ts';
import { ownLicense } from '../content/sight.ts';
import { findTypeOfCase } from '../content/store.ts';
import { addMaterials } from '../material/store.ts';
import { requirePrintableApplication, requirePrintableParties } from '../notice/render.ts';
import { applyPartyChanges, toPartyData } from '../party/party.ts';
import { requireCaseAction } from '../policy.ts';
import { findStanding } from '../standing/store.ts';
import * as store from '../store.ts';
import { act, type CaseCommand, requireNote } from '../workflow.ts';
import { requireFields, requireLicenseFits } from './application.ts';
import { toConsentData } from './consent.ts';
import { recordHolderChecks } from './holder-check-workflow.ts';
import { resolveLicense } from './license-name-workflow.ts';
import { prepareHandIn, type ReceptionDependencies } from './reception-workflow.ts';
import type { Supplement } from './request.ts';

/**
 * Records a supplement (补正). Only what it changes is checked. A license whose state changed since the application was
 * received does not keep the supplement out: acceptance asks for the license again, and may be refused for it.
 */
export async function supplement(deps: ReceptionDependencies, command: CaseCommand, typed: Supplement): Promise<Case> {
  const [named] = await store.findCases(deps.db, [command.id]);
  const changes = named ? await resolveLicense(deps.db, typed, named.subject) : typed;
  if (named) {
    const { applicant } = named.subject;
    const checks = { ...changes, applicantCode: applicant.code, coHolderCodes: [], act: actOf(named.subject) };
    await recordHolderChecks(deps, command.actor, checks);
  }
  return act(deps, command, async (tx, subject, at) => {
    const person = requireCaseAction('supplementCase', subject, command.actor);
    const faults = new RefusalCollector();
    faults.check(() => {
      if (changes.note !== null) requireNote(changes.note, 'note');
    });
    const typeOf = await findTypeOfCase(tx, subject, dayOf(at));
    const { type } = typeOf;
    const fields = changes.fields === null ? subject.fields : toLabels(type, changes.fields);
    const licenseNumber = changes.licenseNumber ?? subject.licenseNumber;
    const standing = await findStanding(tx, { id: subject.id, licenseNumber });
    const license = labelFor(actOf(subject), standing, typeOf);
    const { applicant } = subject;
    if (changes.fields !== null) {
      faults.check(() => requireFields(fields, mayTakeOut(actOf(subject)) ? 'AMENDMENT' : 'APPLICATION'));
      faults.check(() => requirePrintableApplication({ applicant, fields }));
      const own = ownLicense(license, applicant.code);
      faults.check(() => requireFitting(type, fields, own?.license.fields ?? []));
    }
    if (licenseNumber !== null && licenseNumber !== subject.licenseNumber) {
      faults.check(() => requireLicenseFits({ ...subject, licenseNumber }, license, dayOf(at)));
    }
    const parties = faults.check(() => applyPartyChanges(subject, changes, dayOf(at)), subject);
    faults.check(() => requirePrintableParties(changes));
    const place = { ...subject, caseId: subject.id };
    const consent = faults.check(
      () => toConsentData(changes.consent, { person, act: actOf(subject), license, at }),
      null,
    );
    const handedIn = await faults.checkLater(() => prepareHandIn(tx, place, person, changes.materials, at), []);
    faults.settle();
    await addMaterials(tx, subject.id, handedIn, { actor: person, at });
    const partyData = toPartyData(changes);
    const data = consent || partyData ? { ...consent, ...partyData } : null;
    const record = buildStep(person, 'SUPPLEMENTED', at, { note: changes.note, data });
    const { agent, contact } = parties;
    return store.addStep(tx, subject, record, { fields, licenseNumber, agent, contact });
  });
}
