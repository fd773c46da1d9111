import type { Database } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import { OWN_ACTS, type PersonAct, VERSION_ACTS } from '../../kernel/license-acts.ts';
import { actsFor } from '../../kernel/organ/place.ts';
import { answerAction, catchRefusal } from '../../kernel/policy.ts';
import { readUnverifiedAuthoriser } from '../../kernel/sealing/authorisation.ts';
import { type ActRow, findPreparedActs } from '../act/act-store.ts';
import { loadWaiting } from '../countersign/view.ts';
import { loadStatementCollection, type StatementDependencies } from '../library/view.ts';
import { findOrderOf } from '../order/order.ts';
import { findSuspenders, type OrderRow } from '../order/store.ts';
import { pickNextSheet } from '../paper/paper.ts';
import { isByCase, LICENSES_POLICY, policyOfAct } from '../policy.ts';
import { type LicenseView, loadAllOrders, loadCollection, loadHead, loadSheets } from '../reading/view.ts';
import type { SealUse } from '../seal/seal.ts';
import { listSealFacts, type SealFactRow } from '../seal/store.ts';
import * as store from '../store.ts';
import { findOpenTasks, type TaskRow, toTask } from '../task/store.ts';
import type { CertificateTask } from '../task/task.ts';
import { isCurrentVersion } from '../validity/takeover-store.ts';
import { mutationOf } from './mutation.ts';

/** Orders, tasks and a prepared act on a license, which decide what may be done with it. */
interface LicenseContext {
  openOrders: readonly OrderRow[];
  tasks: readonly CertificateTask[];
  prepared: ActRow | null;
  /** The supervisor whose order suspended it, or null. */
  suspender: string | null;
}

/** Loads what decides on the actions on a license. One query of each kind serves a whole GraphQL answer. */
export async function loadLicenseContext(db: Database, { stored, context }: LicenseView): Promise<LicenseContext> {
  const { number } = stored.license;
  const [orders, tasks, prepared, suspender] = await Promise.all([
    loadAllOrders(db, context, number),
    getLoader<TaskRow[]>(context, 'tasks of license', async (numbers) => {
      const byNumber = Map.groupBy(await findOpenTasks(db, numbers), (row) => row.content.licenseNumber ?? '');
      return numbers.map((licenseNumber) => byNumber.get(licenseNumber) ?? []);
    }).load(number),
    getLoader<ActRow>(context, 'prepared acts', async (numbers) => {
      const byNumber = new Map((await findPreparedActs(db, numbers)).map((row) => [row.number, row]));
      return numbers.map((licenseNumber) => byNumber.get(licenseNumber) ?? null);
    }).load(number),
    getLoader<string>(context, 'suspenders', async (numbers) => {
      const byNumber = await findSuspenders(db, numbers);
      return numbers.map((licenseNumber) => byNumber.get(licenseNumber) ?? null);
    }).load(number),
  ]);
  const openOrders = orders.filter((order) => order.state === 'OPEN');
  return { openOrders, tasks: (tasks ?? []).map(toTask), prepared, suspender };
}

/** Acts by a case on an existing license. An issue makes a new one. */
const CASE_ACTS = VERSION_ACTS.filter((act) => act !== 'ISSUE');

export interface ActionDependencies {
  db: Database;
  now: Clock;
}

/** Loads the seals of an organ. */
export async function loadSeals(db: Database, context: GraphContext, organ: string): Promise<SealFactRow[]> {
  const loader = getLoader<SealFactRow[]>(context, 'seals of organ', async (organs) => {
    const byOrgan = Map.groupBy(await listSealFacts(db, organs), (seal) => seal.organ);
    return organs.map((id) => byOrgan.get(id) ?? []);
  });
  return (await loader.load(organ)) ?? [];
}

/** The seal that the act of a task needs, as the person uses it who authorised the case. */
export function toTaskSealUse(task: CertificateTask, { seals, at }: Pick<SealUse, 'seals' | 'at'>): SealUse {
  let authorised: SealUse['authorised'] = null;
  catchRefusal(() => {
    const { id: organ, level } = task.issuer;
    const use = { organ, level, matterId: task.content.matterId, act: task.content.action };
    authorised = { ...use, ...readUnverifiedAuthoriser(task.authorisation) };
  });
  return { seals, at, authorised };
}

/** Returns the open order that a person would name with an act, one of the own organ first, or null. */
function findOrderToName(act: PersonAct, person: Person, openOrders: readonly OrderRow[], suspender: string | null) {
  const ofOrgan = openOrders.filter(({ supervisor }) => actsFor(person, supervisor.id, null));
  return findOrderOf(act, ofOrgan, suspender) ?? findOrderOf(act, openOrders, suspender);
}

/** Returns FAILED if the library refused the version, or what the register stated of the license. */
async function findRedrivable(deps: StatementDependencies, view: LicenseView) {
  const [collection, statements] = await Promise.all([
    loadCollection(deps.db, view),
    loadStatementCollection(deps, view),
  ]);
  return statements?.state === 'FAILED' ? 'FAILED' : collection.state;
}

/** What this caller may do with the license now. The answers come from the same rows that the mutations ask. */
export async function viewActions(deps: ActionDependencies & StatementDependencies, view: LicenseView) {
  const { db, now } = deps;
  const { stored, person, context } = view;
  const at = now();
  const today = dayOf(at);
  const own = store.toHead(stored, today);
  const isCurrent = isCurrentVersion(stored, today);
  const isOlder = stored.license.headIdentifier !== own.identifier;
  // An act on a license whose renewal waits for its first day is done on the renewal, and reaches both.
  const newest = isCurrent && isOlder ? await loadHead(db, context, person, own.number) : null;
  const head = newest === null ? own : store.toHead(newest.stored, today);
  const { openOrders, tasks, prepared, suspender } = await loadLicenseContext(db, view);
  const sheet = pickNextSheet(await loadSheets(db, view, today));
  const collection = await findRedrivable(deps, view);
  const seals = { seals: await loadSeals(db, context, head.issuer.id), at };
  const version = { head, isCurrent, prepared };
  const answerAct = (act: PersonAct) => {
    const task = (isByCase(act, person) && tasks.find(({ content }) => content.action === act)) || null;
    const answered = task === null ? findOrderToName(act, person, openOrders, suspender) : null;
    // Who prepares an act on the organ's own authority uses no seal.
    const sealUse = task === null ? undefined : toTaskSealUse(task, seals);
    const orders = { open: openOrders, answered, suspenderId: suspender };
    const subject = { ...version, task, sealUse, orders, orderedBy: answered?.supervisor.id ?? null };
    return answerAction(mutationOf(act), policyOfAct(act), subject, person);
  };
  const order = openOrders.find(({ id }) => id !== prepared?.orderId) ?? openOrders[0] ?? null;
  const first = order && (await loadWaiting(deps, context, 'DECLINE_ORDER', order.id));
  return [
    ...OWN_ACTS.map(answerAct),
    ...CASE_ACTS.map(answerAct),
    answerAction('declineOrder', LICENSES_POLICY.declineOrder, { ...version, order, first }, person),
    ...(['deliverCertificate', 'spoilBlank', 'recallCertificate'] as const).map((name) =>
      answerAction(name, LICENSES_POLICY[name], { ...version, head: own, sheet }, person),
    ),
    answerAction('redriveCollection', LICENSES_POLICY.redriveCollection, { ...version, collection }, person),
  ];
}
