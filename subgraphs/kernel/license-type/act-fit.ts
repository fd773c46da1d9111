import { type Held, isHeldBy } from '../identity/co-ownership.ts';
import {
  type Act,
  changesHolder,
  isActAllowed,
  LICENSE_ACTS,
  LICENSE_STATE_LABELS,
  type ValidityState,
} from '../license-acts.ts';
import { Refusal } from '../refusal.ts';

/** Whether a license takes an act, and why not in words that a clerk can hand on to the applicant. */

/** What stands in the way of an act in each state, if its row of the table does not name the state. */
const OBSTACLES: Readonly<Record<ValidityState, string>> = {
  VALID: '只有暂扣的证照才',
  SUSPENDED: '恢复以后',
  NOT_YET_VALID: '到生效日以后',
  SUPERSEDED: '须对现行版本',
  LAPSED: '有效期已经届满，不能再',
  RESCINDED: '许可已经撤销，不能再',
  WITHDRAWN: '许可已经撤回，不能再',
  REVOKED: '证照已经吊销，不能再',
  CANCELLED: '证照已经注销，不能再',
};

/** Returns why a license in a state does not take an act: `证照现为“暂扣”，恢复以后办理变更`. */
export function describeObstacle(act: Act, state: ValidityState): string {
  return `证照现为“${LICENSE_STATE_LABELS[state]}”，${OBSTACLES[state]}办理${LICENSE_ACTS[act].label}`;
}

/** Refuses LICENSE_ACT_NOT_ALLOWED, with state and reason, unless a license in a state takes an act. */
export function requireActAllowed(act: Act, state: ValidityState, field: string | null = null): void {
  if (!isActAllowed(act, state)) throw new Refusal('LICENSE_ACT_NOT_ALLOWED', field, describeObstacle(act, state));
}

/**
 * Whether a license takes an act. The one rule for it: cases ask it of an application, licenses of the certificate
 * task. Refuses LICENSE_UNKNOWN for a license of another type, NOT_YOUR_RECORD for another holder unless the license is
 * transferred, LICENSE_ACT_NOT_ALLOWED if its state does not allow the act.
 */
export function requireActFits(
  request: { action: Act; licenseType: string | null; applicantCode: string },
  license: { licenseType: string; held: Held; state: ValidityState },
  field: string,
): void {
  const { action } = request;
  if (license.licenseType !== request.licenseType) throw new Refusal('LICENSE_UNKNOWN', field);
  if (!changesHolder(action) && !isHeldBy(license.held, request.applicantCode))
    throw new Refusal('NOT_YOUR_RECORD', field, '证照的持证人不是申请人');
  requireActAllowed(action, license.state, field);
}
