import type { Database } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import type { GrantContent } from '../../kernel/events/events.ts';
import { type GraphContext, getLoader, requirePerson } from '../../kernel/http/context.ts';
import { makesSheet } from '../../kernel/license-acts.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { MAX_DUPLICATES } from '../../kernel/license-type/type.ts';
import { actsFor, organsOf } from '../../kernel/organ/place.ts';
import { answerAction, findReadScope } from '../../kernel/policy.ts';
import { mutationOf } from '../action/mutation.ts';
import { type ActionDependencies, loadLicenseContext, loadSeals, toTaskSealUse } from '../action/view.ts';
import { loadWaiting } from '../countersign/view.ts';
import type { Blank } from '../paper/paper.ts';
import { LICENSE_READS, LICENSES_POLICY, policyOfAct } from '../policy.ts';
import { loadHead, viewFirstHolder } from '../reading/view.ts';
import * as store from '../store.ts';
import { countDuplicates } from '../type/store.ts';
import { findTasksOfCases, type ListedTask, listFittingBlanks, toTask } from './store.ts';

/** A certificate task as `person` may see it. @public by codegen.ts */
export type TaskView = ReturnType<typeof viewTask>;

export function viewTask({ task, waitingFor }: ListedTask, person: Person) {
  const { content } = task;
  return {
    /** For the actions. Not fields of the schema. */
    task: toTask(task),
    person,
    case: { id: task.caseId },
    act: content.action,
    licenseNumber: content.licenseNumber && printedNumber(content.licenseNumber),
    licenseName: content.licenseName,
    holder: viewFirstHolder(content, person),
    openedAt: task.openedAt,
    waitingFor,
  };
}

/** Returns the open task of a case, or null if there is none that the caller may see. One query serves all cases. */
export async function loadTaskOfCase(db: Database, context: GraphContext, caseId: string): Promise<TaskView | null> {
  const person = requirePerson(context.actor);
  const row = await getLoader<ListedTask>(context, 'task of case', async (ids) => {
    const tasks = await findTasksOfCases(db, person, ids);
    return ids.map((id) => tasks.get(id) ?? null);
  }).load(caseId);
  return row && viewTask(row, person);
}

/** Maximum of blanks that a task proposes: enough for the sheets of any license. */
const MAX_PROPOSED_BLANKS = 1 + MAX_DUPLICATES;

/**
 * Returns the blanks of the issuer's stock on which the act can be printed, by number. Returns null for people of other
 * organs, and for an act that prints nothing. One query serves all tasks.
 */
export async function loadFittingBlanks(
  db: Database,
  context: GraphContext,
  { task, person }: TaskView,
): Promise<Blank[] | null> {
  const { id: organ } = task.issuer;
  const isReader = findReadScope(LICENSE_READS.blanks, person) !== null;
  if (!isReader || !actsFor(person, organ, task.content.matterId) || !makesSheet(task.content.action)) return null;
  // A successor prints on what is left of the former organ's stock, too.
  const organs = [...new Set([organ, ...organsOf(person).filter((own) => actsFor(person, own, null))])];
  const loader = getLoader<Blank[]>(context, `fitting blanks ${organs.join()}`, async (types) => {
    const byType = await listFittingBlanks(db, organs, types, MAX_PROPOSED_BLANKS);
    return types.map((type) => byType.get(type) ?? []);
  });
  return loader.load(task.content.licenseType);
}

/** Returns how many duplicates the license of a task has, or null if its act prints nothing. One query serves all. */
export async function loadDuplicates(
  { db, now }: ActionDependencies,
  context: GraphContext,
  { task }: TaskView,
): Promise<number | null> {
  const { content } = task;
  if (!makesSheet(content.action)) return null;
  const loader = getLoader<number, GrantContent>(context, 'duplicates of type', (grants) =>
    countDuplicates(db, grants, dayOf(now())),
  );
  return loader.load(content);
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
    head: license && store.toHead(license.stored, dayOf(now())),
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
