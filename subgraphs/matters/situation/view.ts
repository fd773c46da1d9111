import { type LicenseAction, makesSheet } from '../../kernel/license-acts.ts';
import { needsLicense, situationLabel } from '../../kernel/license-type/situation.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { viewForm } from '../license-type/view.ts';

/** A situation (办理情形) of a matter, with its form. @public by codegen.ts */
export type SituationView = ReturnType<typeof viewSituation>;

/** Shows a situation of a matter whose own act is `ownAct`. */
export function viewSituation(act: LicenseAction, ownAct: LicenseAction, type: LicenseTypeVersion | null) {
  return {
    act,
    label: situationLabel(act),
    needsLicense: needsLicense(act),
    isDefault: act === ownAct,
    form: type && makesSheet(act) ? viewForm(type) : null,
  };
}
