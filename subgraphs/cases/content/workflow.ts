import { dayOf } from '../../kernel/day.ts';
import { type Lines, listAmended } from '../../kernel/license-type/changes.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { actOf, buildStep, type Case } from '../case.ts';
import { findLicense } from '../fact/store.ts';
import { requirePrintableApplication } from '../notice/render.ts';
import { requireCaseAction } from '../policy.ts';
import { requireFields } from '../reception/application.ts';
import * as store from '../store.ts';
import { act, type CaseCommand, requireNote, type WorkflowDependencies } from '../workflow.ts';
import { requireChangeable, requireFitting, toLabels } from './check.ts';
import { changeLines, mayTakeOut, nameLines } from './content.ts';
import { labelFor } from './labels.ts';
import { findTypeOfCase } from './store.ts';

/**
 * Amends the lines that a license will carry (修改制证信息), before the decision, by whoever handles the case. What the
 * amendment does not name stays. The step records each line before and after it.
 * Refuses FIELD_MALFORMED if it changes nothing, and what `requireFields`, `requireFitting`, `requireChangeable` and
 * `requireNote` refuse.
 */
export function amendCase(
  deps: WorkflowDependencies,
  command: CaseCommand,
  amendment: { fields: Lines; note: string | null },
): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const person = requireCaseAction('amendCase', subject, command.actor);
    const typeOf = await findTypeOfCase(tx, subject, dayOf(at));
    const { type } = typeOf;
    const standing = subject.licenseNumber === null ? null : await findLicense(tx, subject.licenseNumber);
    const license = labelFor(actOf(subject), standing, typeOf);
    const { note } = amendment;
    const fields = toLabels(type, amendment.fields);
    checkAll(
      () => requireFields(fields, 'AMENDMENT'),
      () => requirePrintableApplication({ applicant: subject.applicant, fields }),
      // A line that the case has already may be taken out, whatever its type says meanwhile.
      () => requireFitting(type, fields, [...(license?.license.fields ?? []), ...subject.fields]),
      () => requireChangeable({ ...subject, fields }, license, type),
      () => note !== null && requireNote(note, 'note'),
    );
    const actsOnLines = mayTakeOut(actOf(subject));
    const amendedFields = actsOnLines ? nameLines(subject.fields, fields) : changeLines(subject.fields, fields);
    requireFields(amendedFields, actsOnLines ? 'AMENDMENT' : 'APPLICATION');
    const amended = listAmended(subject.fields, amendedFields);
    if (amended.length === 0) throw new Refusal('FIELD_MALFORMED', 'fields', '没有修改任何一项');
    const step = buildStep(person, 'AMENDED', at, { note, data: { amended } });
    return store.addStep(tx, subject, step, { fields: amendedFields });
  });
}
