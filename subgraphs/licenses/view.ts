import type { Database } from '../../db/client.ts';
import { type Actor, hasRole, type Person } from '../kernel/actor.ts';
import type { Clock } from '../kernel/day.ts';
import { type GraphContext, getLoader } from '../kernel/http/context.ts';
import { maskCode } from '../kernel/identifier.ts';
import {
  type Act,
  type LicenseState,
  mutationOf,
  OWN_ACTS,
  type PersonAct,
  VERSION_ACTS,
} from '../kernel/license-acts.ts';
import { answerAction, catchRefusal } from '../kernel/policy.ts';
import { readUnverifiedAuthoriser } from '../kernel/sealing/token.ts';
import { findFileFacts } from './act/file-store.ts';
import { type Collection, findCollections } from './library/feed-store.ts';
import type { CertificateTask } from './license.ts';
import { findOrderOf } from './order/order.ts';
import { findOrders, findSuspenders, type OrderRow } from './order/store.ts';
import type { SheetState } from './paper/paper.ts';
import { isByCase, LICENSES_POLICY, policyOfAct } from './policy.ts';
import type { SealUse } from './seal.ts';
import * as store from './store.ts';

/** The parent value of the resolvers of License: a stored version and the person who reads it. */
export interface LicenseView {
  stored: store.StoredLicense;
  person: Person;
  context: GraphContext;
}

/** Loads a version by identifier, or null if the caller may not see it. One query serves a whole GraphQL answer. */
export async function loadLicense(db: Database, context: GraphContext, person: Person, identifier: string) {
  const loaded = await getLoader<store.StoredLicense>(context, 'licenses', async (keys) => {
    const versions = await store.findVersions(db, 'identifier', keys, person);
    const byKey = new Map(versions.map((stored) => [stored.version.identifier, stored]));
    return keys.map((key) => byKey.get(key) ?? null);
  }).load(identifier);
  return loaded && { stored: loaded, person, context };
}

/** Loads all versions under a number, oldest first. */
export async function loadVersions(db: Database, { stored, person, context }: LicenseView): Promise<LicenseView[]> {
  const versions = await getLoader<store.StoredLicense[]>(context, 'versions', async (numbers) => {
    const versionsByNumber = Map.groupBy(
      await store.findVersions(db, 'number', numbers, person),
      (license) => license.version.number,
    );
    return numbers.map((number) => versionsByNumber.get(number) ?? []);
  }).load(stored.version.number);
  return (versions ?? []).map((license) => ({ stored: license, person, context }));
}

/** Loads all sheets of a version, oldest first. */
export async function loadSheets(db: Database, { stored, context }: LicenseView): Promise<store.SheetRow[]> {
  const sheets = await getLoader<store.SheetRow[]>(context, 'sheets', async (identifiers) => {
    const sheetsByIdentifier = Map.groupBy(await store.listSheets(db, identifiers), (sheet) => sheet.identifier);
    return identifiers.map((identifier) => sheetsByIdentifier.get(identifier) ?? []);
  }).load(stored.version.identifier);
  return sheets ?? [];
}

export async function loadCollection(db: Database, { stored, context }: LicenseView): Promise<Collection> {
  const { identifier, number, revision } = stored.version;
  const key = JSON.stringify({ identifier, number, revision });
  const collection = await getLoader<Collection>(context, 'collections', async (keys) => {
    const versions = keys.map((json) => JSON.parse(json) as { identifier: string; number: string; revision: number });
    const collections = await findCollections(db, versions);
    return versions.map((version) => collections.get(version.identifier) ?? null);
  }).load(key);
  return collection ?? { state: 'PENDING', attempts: 0, collectedAt: null, lastError: null };
}

/** A sealed file as a version or a finished act names it. `sealId` is null if it is not known. */
export interface SealedFile {
  documentDigest: string;
  signatureDigest: string;
  signedAt: Date;
  sealId: string | null;
}

export async function loadDocument(db: Database, context: GraphContext, sealedFile: SealedFile) {
  const files = getLoader<{ mediaType: string; sizeBytes: number }>(context, 'files', async (digests) => {
    const factsByDigest = await findFileFacts(db, digests);
    return digests.map((digest) => factsByDigest.get(digest) ?? null);
  });
  const [facts, signatureFacts] = await Promise.all([
    files.load(sealedFile.documentDigest),
    files.load(sealedFile.signatureDigest),
  ]);
  if (!facts) throw new Error(`no file ${sealedFile.documentDigest}`);
  return {
    digest: sealedFile.documentDigest,
    ...facts,
    url: `/files/${sealedFile.documentDigest}`,
    signature: {
      digest: sealedFile.signatureDigest,
      url: signatureFacts && `/files/${sealedFile.signatureDigest}`,
      signedAt: sealedFile.signedAt,
      seal: sealedFile.sealId === null ? null : { id: sealedFile.sealId },
    },
  };
}

/** The parent value of Document resolvers. @public by codegen.ts */
export type DocumentView = Awaited<ReturnType<typeof loadDocument>>;

/** A finished act. Its document is loaded only if it is requested. @public by codegen.ts */
export type ActView = ReturnType<typeof viewAct>;

export function viewAct({ documentDigest, signatureDigest, doneAt, ...row }: store.ActRow & { act: Act }) {
  if (documentDigest === null || signatureDigest === null || doneAt === null)
    throw new Error(`act ${row.id} is not done`);
  const sealedFile: SealedFile = { documentDigest, signatureDigest, signedAt: doneAt, sealId: null };
  const { act, version, stateAfter: state, actor, reason, orderId: order } = row;
  return { act, version, state, at: doneAt, actor, reason, order, sealedFile };
}

/** A holder as the caller may see it. The code is complete for the holder and the library, masked for all others. */
export function viewHolder(holder: { name: string; code: string; kind: '001' | '111' }, actor: Actor) {
  const isOwn = actor.kind === 'person' && actor.holderCode === holder.code;
  const code = isOwn || hasRole(actor, 'LIBRARY') ? holder.code : maskCode(holder.code);
  return { name: holder.name, codeKind: holder.kind === '001' ? ('USCC' as const) : ('CITIZEN_NUMBER' as const), code };
}

/**
 * Loads the orders on the license, oldest first. Returns null to a caller from none of its organs, except an auditor:
 * the holder sees the act, not the order behind it.
 */
export async function loadOrders(db: Database, { stored, person, context }: LicenseView): Promise<OrderRow[] | null> {
  const { number, parties } = stored.license;
  const isOfParty = person.organ !== null && parties.includes(person.organ);
  if (!isOfParty && !hasRole(person, 'AUDITOR')) return null;
  return loadAllOrders(db, context, number);
}

async function loadAllOrders(db: Database, context: GraphContext, number: string): Promise<OrderRow[]> {
  const orders = await getLoader<OrderRow[]>(context, 'orders', async (numbers) => {
    const rows = Map.groupBy(await findOrders(db, numbers), (row) => row.number);
    return numbers.map((licenseNumber) => rows.get(licenseNumber) ?? []);
  }).load(number);
  return orders ?? [];
}

/** Loads the current version under a number, or null if the caller may not see it. */
export async function loadHead(db: Database, context: GraphContext, person: Person, number: string) {
  const identifier = await getLoader<string>(context, 'heads', async (numbers) => {
    const identifiers = await store.findHeadIdentifiers(db, numbers);
    return numbers.map((licenseNumber) => identifiers.get(licenseNumber) ?? null);
  }).load(number);
  return identifier === null ? null : loadLicense(db, context, person, identifier);
}

/** The result that an act would have. Nothing of it is stored. */
export interface Rehearsal {
  act: string;
  identifier: string;
  number: string;
  version: number;
  state: LicenseState;
  blankNumber: string | null;
  paper: SheetState | null;
}

export function toActRehearsal({ act, identifier, number, version, stateAfter, blankNumber }: store.ActRow): Rehearsal {
  return {
    act,
    identifier,
    number,
    version,
    state: stateAfter,
    blankNumber,
    paper: blankNumber === null ? null : 'PRINTED',
  };
}

export function toSheetRehearsal({
  identifier,
  number,
  version,
  validity,
  blankNumber,
  state,
}: store.SheetRow): Rehearsal {
  const act = state === 'DELIVERED' ? 'DELIVER' : 'RECALL';
  return { act, identifier, number, version, state: validity, blankNumber, paper: state };
}

/** A certificate task as `person` may see it. @public by codegen.ts */
export type TaskView = ReturnType<typeof viewTask>;

export function viewTask({ task, waitingFor }: { task: store.TaskRow; waitingFor: string | null }, person: Person) {
  const { content } = task;
  const kind = content.holder.codeKind === 'USCC' ? ('001' as const) : ('111' as const);
  return {
    /** For the actions. Not fields of the schema. */
    task: store.toTask(task),
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

/** Orders, tasks and a prepared act on a license, which decide what may be done with it. */
interface LicenseContext {
  openOrders: readonly OrderRow[];
  tasks: readonly CertificateTask[];
  prepared: store.ActRow | null;
  /** The supervisor whose order suspended it, or null. */
  suspender: string | null;
}

async function loadLicenseContext(db: Database, { stored, context }: LicenseView): Promise<LicenseContext> {
  const { number } = stored.license;
  const [orders, tasks, prepared, suspender] = await Promise.all([
    loadAllOrders(db, context, number),
    getLoader<store.TaskRow[]>(context, 'tasks of license', async (numbers) => {
      const byNumber = Map.groupBy(await store.findOpenTasks(db, numbers), (row) => row.content.licenseNumber ?? '');
      return numbers.map((licenseNumber) => byNumber.get(licenseNumber) ?? []);
    }).load(number),
    getLoader<store.ActRow>(context, 'prepared acts', async (numbers) => {
      const byNumber = new Map((await store.findPreparedActs(db, numbers)).map((row) => [row.number, row]));
      return numbers.map((licenseNumber) => byNumber.get(licenseNumber) ?? null);
    }).load(number),
    getLoader<string>(context, 'suspenders', async (numbers) => {
      const byNumber = await findSuspenders(db, numbers);
      return numbers.map((licenseNumber) => byNumber.get(licenseNumber) ?? null);
    }).load(number),
  ]);
  const openOrders = orders.filter((order) => order.state === 'OPEN');
  return { openOrders, tasks: (tasks ?? []).map(store.toTask), prepared, suspender };
}

/** Acts by a case on an existing license. An issue makes a new one. */
const CASE_ACTS = VERSION_ACTS.filter((act) => act !== 'ISSUE');

interface ActionDependencies {
  db: Database;
  now: Clock;
}

/** Loads the seals of an organ. */
async function loadSeals(db: Database, context: GraphContext, organ: string): Promise<store.SealFactRow[]> {
  const loader = getLoader<store.SealFactRow[]>(context, 'seals of organ', async (organs) => {
    const byOrgan = Map.groupBy(await store.listSealFacts(db, organs), (seal) => seal.organ);
    return organs.map((id) => byOrgan.get(id) ?? []);
  });
  return (await loader.load(organ)) ?? [];
}

/** The seal that the act of a task needs, as the person uses it who authorised the case. */
function toTaskSealUse(task: CertificateTask, { seals, at }: Pick<SealUse, 'seals' | 'at'>): SealUse {
  let personId: string | null = null;
  catchRefusal(() => {
    personId = readUnverifiedAuthoriser(task.authorisation).actor;
  });
  return { seals, at, matterId: task.content.matterId, personId };
}

/** What this caller may do with the license now. The answers come from the same rows that the mutations ask. */
export async function viewActions({ db, now }: ActionDependencies, view: LicenseView) {
  const { stored, person, context } = view;
  const head = store.toHead(stored);
  const { openOrders, tasks, prepared, suspender } = await loadLicenseContext(db, view);
  const sheet = (await loadSheets(db, view)).find((candidate) => candidate.state !== 'SPOILED') ?? null;
  const { state: collection } = await loadCollection(db, view);
  const seals = { seals: await loadSeals(db, context, head.issuer.id), at: now() };
  const ownSealUse = { ...seals, matterId: head.record.KZ_SX, personId: person.id };
  const version = { head, isCurrent: stored.license.headIdentifier === head.identifier, prepared };
  const answerAct = (act: PersonAct) => {
    const task = (isByCase(act, person) && tasks.find(({ content }) => content.action === act)) || null;
    const answered = task === null ? findOrderOf(act, openOrders, suspender) : null;
    const sealUse = task === null ? ownSealUse : toTaskSealUse(task, seals);
    const subject = { ...version, task, sealUse, orders: { open: openOrders, answered, suspenderId: suspender } };
    return answerAction(mutationOf(act), policyOfAct(act), subject, person);
  };
  const order = openOrders.find(({ id }) => id !== prepared?.orderId) ?? openOrders[0] ?? null;
  return [
    ...OWN_ACTS.map(answerAct),
    ...CASE_ACTS.map(answerAct),
    answerAction('declineOrder', LICENSES_POLICY.declineOrder, { ...version, order }, person),
    ...(['deliverCertificate', 'spoilBlank', 'recallCertificate'] as const).map((name) =>
      answerAction(name, LICENSES_POLICY[name], { ...version, sheet, sealUse: ownSealUse }, person),
    ),
    answerAction('redriveCollection', LICENSES_POLICY.redriveCollection, { ...version, collection }, person),
  ];
}

/** The actions on a certificate task, and for each whether this caller may do it now. */
export async function viewTaskActions(
  { db, now }: ActionDependencies,
  context: GraphContext,
  { task, person, waitingFor }: TaskView,
) {
  const { action, licenseNumber } = task.content;
  const license = licenseNumber === null ? null : await loadHead(db, context, person, licenseNumber);
  const licenseContext = license && (await loadLicenseContext(db, license));
  const subject = {
    head: license && store.toHead(license.stored),
    task,
    prepared: licenseContext?.prepared ?? null,
    orders: { open: licenseContext?.openOrders ?? [], answered: null, suspenderId: null },
    sealUse: toTaskSealUse(task, { seals: await loadSeals(db, context, task.issuer.id), at: now() }),
  };
  return [
    answerAction(mutationOf(action), policyOfAct(action), subject, person),
    answerAction('voidTask', LICENSES_POLICY.voidTask, { task, isPrepared: waitingFor !== null }, person),
  ];
}
