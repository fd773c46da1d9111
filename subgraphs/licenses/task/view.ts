import type { Person } from '../../kernel/actor.ts';
import type { GraphContext } from '../../kernel/http/context.ts';
import { mutationOf } from '../../kernel/license-acts.ts';
import { answerAction } from '../../kernel/policy.ts';
import { type ActionDependencies, loadLicenseContext, loadSeals, toTaskSealUse } from '../action/view.ts';
import { loadWaiting } from '../countersign/view.ts';
import { LICENSES_POLICY, policyOfAct } from '../policy.ts';
import * as store from '../store.ts';
import { loadHead, viewHolder } from '../view.ts';
import { type TaskRow, toTask } from './store.ts';

/** A certificate task as `person` may see it. @public by codegen.ts */
export type TaskView = ReturnType<typeof viewTask>;

export function viewTask({ task, waitingFor }: { task: TaskRow; waitingFor: string | null }, person: Person) {
  const { content } = task;
  const kind = content.holder.codeKind === 'USCC' ? ('001' as const) : ('111' as const);
  return {
    /** For the actions. Not fields of the schema. */
    task: toTask(task),
    person,
    case: { id: task.caseId },
    act: content.action,
    licenseNumber: content.licenseNumber,
    licenseName: content.licenseName,
    holder: viewHolder({ ...content.holder, kind }, person),
    openedAt: task.openedAt,
    waitingFor,
  };
}

/** The actions on a certificate task, and for each whether this caller may do it now. */
export async function viewTaskActions(
  deps: ActionDependencies,
  context: GraphContext,
  { task, person, waitingFor }: TaskView,
) {
  const { db, now } = deps;
  const { action, licenseNumber } = task.content;
  const license = licenseNumber === null ? null : await loadHead(db, context, person, licenseNumber);
  const licenseContext = license && (await loadLicenseContext(db, license));
  const first = await loadWaiting(deps, context, 'VOID_TASK', task.caseId);
  const subject = {
    head: license && store.toHead(license.stored),
    task,
    prepared: licenseContext?.prepared ?? null,
    orders: { open: licenseContext?.openOrders ?? [], answered: null, suspenderId: null },
    sealUse: toTaskSealUse(task, { seals: await loadSeals(db, context, task.issuer.id), at: now() }),
  };
  return [
    answerAction(mutationOf(action), policyOfAct(action), subject, person),
    answerAction('voidTask', LICENSES_POLICY.voidTask, { task, isPrepared: waitingFor !== null, first }, person),
  ];
}
