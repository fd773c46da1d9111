import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Database, Transaction } from '../../db/client.ts';
import { type Actor, hasRole, type Person } from '../kernel/actor.ts';
import { buildForbiddenError, type GraphContext, getLoader, requirePerson } from '../kernel/context.ts';
import { mutate } from '../kernel/errors.ts';
import { type Act, mutationOf, OWN_ACTS, type OwnAct, VERSION_ACTS, type VersionAct } from '../kernel/license-acts.ts';
import { readPage, toConnection } from '../kernel/page.ts';
import { Refusal } from '../kernel/refusal.ts';
import type { EvidenceDependencies } from './evidence/workflow.ts';
import { parseFeedPosition, readFeed } from './feed-store.ts';
import * as handover from './handover-workflow.ts';
import * as issue from './issue-workflow.ts';
import { orderResolvers } from './order/resolvers.ts';
import { prepareCaseAct, prepareOwnAct, prepareSpoil } from './prepare-workflow.ts';
import * as store from './store.ts';
import { voidTask } from './task-workflow.ts';
import { verificationResolvers } from './verification/resolvers.ts';
import { endDay } from './verification/view.ts';
import * as view from './view.ts';

const parseSerial = ([serial]: readonly string[]) => (/^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null);

export function licenseResolvers(deps: issue.IssueDependencies & EvidenceDependencies) {
  const { db } = deps;
  const orders = orderResolvers(deps);
  const { Query: verification, ...verificationTypes } = verificationResolvers(deps);
  return {
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    Query: { ...queries(db), ...orders.Query, ...verification },
    Mutation: { ...mutations(deps), ...orders.Mutation },
    License: { ...licenseFields(db), ...orders.License },
    SupervisionOrder: orders.SupervisionOrder,
    ...verificationTypes,
    Case: {
      __resolveReference: (reference: { id: string }) => reference,
      license: (reference: { id: string }, _: unknown, context: GraphContext) =>
        loadLicenseOfCase(db, context, reference.id),
    },
  };
}

interface PageArguments {
  first: number;
  after?: string | null;
}

function queries(db: Database) {
  return {
    licenses: async (
      _: unknown,
      args: PageArguments & { filter?: Partial<store.LicenseFilter> | null },
      context: GraphContext,
    ) => {
      const person = requirePerson(context.actor);
      const { state = null, matter = null, number = null } = args.filter ?? {};
      const licensesPage = await store.listLicenses(db, person, { state, matter, number }, readPage(args, parseSerial));
      return toConnection(
        licensesPage,
        (row) => [String(row.license.serial)],
        (stored) => ({ stored, person, context }),
      );
    },
    license: (_: unknown, { identifier }: { identifier: string }, context: GraphContext) =>
      view.loadLicense(db, context, requirePerson(context.actor), identifier),
    licenseChanges: async (_: unknown, args: PageArguments, { actor }: GraphContext) => {
      if (!hasRole(requirePerson(actor), 'LIBRARY', 'AUDITOR'))
        throw buildForbiddenError('变更流只供证照库和审计人员使用。');
      const feed = await readFeed(db, readPage(args, parseFeedPosition));
      return toConnection(
        feed,
        (row) => [row.xid, row.stream, String(row.revision)],
        ({ change, revision }) => ({ ...change, revision, changedAt: new Date(change.changedAt) }),
      );
    },
    certificateTasks: async (_: unknown, args: PageArguments, context: GraphContext) => {
      const person = requirePerson(context.actor);
      const tasksPage = await store.listTasks(db, person, readPage(args, parseSerial));
      return toConnection(
        tasksPage,
        ({ task }) => [String(task.serial)],
        (row) => viewTask(db, context, row, person),
      );
    },
    blanks: async (
      _: unknown,
      args: PageArguments & { filter?: { state?: Parameters<typeof store.listBlanks>[2] } | null },
      { actor }: GraphContext,
    ) => {
      const { organ } = requirePerson(actor);
      if (organ === null) throw buildForbiddenError('您不属于任何机关，没有空白证照。');
      const page = readPage(args, ([number]) => number ?? null);
      const blanksPage = await store.listBlanks(db, organ, args.filter?.state ?? null, page);
      return toConnection(
        blanksPage,
        (row) => [row.number],
        (row) => row,
      );
    },
  };
}

type CaseInput = { input: { case: string; blankNumber: string; dryRun: boolean } };
type OwnInput = { input: { identifier: string; reason?: string | null; order?: string | null; dryRun: boolean } };
type CancelInput = {
  input: { case?: string | null; identifier?: string | null; reason?: string | null; dryRun: boolean };
};
type SpoilInput = {
  input: { identifier: string; blankNumber: string; replacement: string; reason: string; dryRun: boolean };
};

function mutations(deps: issue.IssueDependencies) {
  const resolveCaseAct =
    (act: VersionAct) =>
    (_: unknown, { input }: CaseInput, context: GraphContext) =>
      runAct(deps, context, input.dryRun, (tx, actor) =>
        prepareCaseAct(tx, deps, actor, { caseId: input.case, blankNumber: input.blankNumber, act }),
      );
  const resolveOwnAct =
    (act: OwnAct) =>
    (_: unknown, { input }: OwnInput, context: GraphContext) =>
      runAct(deps, context, input.dryRun, (tx, actor) => {
        const { identifier, reason = null, order = null } = input;
        return prepareOwnAct(tx, deps, actor, { identifier, reason, order, act });
      });
  return {
    ...Object.fromEntries(VERSION_ACTS.map((act) => [mutationOf(act), resolveCaseAct(act)])),
    ...Object.fromEntries(OWN_ACTS.map((act) => [mutationOf(act), resolveOwnAct(act)])),
    // Either by a case, or on the organ's own authority.
    cancelLicense: (_: unknown, { input }: CancelInput, context: GraphContext) =>
      runAct(deps, context, input.dryRun, (tx, actor) => {
        const { case: caseId, identifier, reason = null } = input;
        if (caseId) return prepareCaseAct(tx, deps, actor, { caseId, blankNumber: null, act: 'CANCEL' });
        if (!identifier) throw new Refusal('ACT_NEEDS_CASE', 'case');
        return prepareOwnAct(tx, deps, actor, { identifier, act: 'CANCEL', reason, order: null });
      }),
    spoilBlank: (_: unknown, { input }: SpoilInput, context: GraphContext) =>
      runAct(deps, context, input.dryRun, (tx, actor) => prepareSpoil(tx, deps, actor, input)),
    ...counterMutations(deps),
  };
}

/**
 * Mutations of the counter: delivery and recall of paper, receipt of blanks, voiding of a task, redrive to the library.
 * None of them is sealed.
 */
function counterMutations(deps: issue.IssueDependencies) {
  type SheetArguments = { input: handover.SheetInput };
  const resolveSheetMutation =
    (changeSheet: typeof handover.deliverSheet) =>
    (_: unknown, { input }: SheetArguments, context: GraphContext) =>
      runLicenseMutation(deps.db, context, async (actor) => {
        const sheet = await changeSheet(deps, actor, input);
        return { identifier: input.identifier, rehearsal: input.dryRun ? view.toSheetRehearsal(sheet) : null };
      });
  return {
    deliverCertificate: resolveSheetMutation(handover.deliverSheet),
    recallCertificate: resolveSheetMutation(handover.recallSheet),
    redriveCollection: (
      _: unknown,
      { input }: { input: { identifier: string; dryRun: boolean } },
      context: GraphContext,
    ) =>
      runLicenseMutation(deps.db, context, async (actor) => {
        await handover.redriveCollection(deps, actor, input);
        return { identifier: input.identifier, rehearsal: null };
      }),
    voidTask: (
      _: unknown,
      { input }: { input: { case: string; reason: string; dryRun: boolean } },
      { actor }: GraphContext,
    ) => {
      requirePerson(actor);
      return mutate(async () => {
        await voidTask(deps, actor, input);
        return { case: { id: input.case } };
      });
    },
    receiveBlanks: (
      _: unknown,
      { input }: { input: { prefix: string; from: number; to: number; dryRun: boolean } },
      { actor }: GraphContext,
    ) => {
      requirePerson(actor);
      return mutate(async () => ({ received: await handover.receiveBlanks(deps, actor, input) }));
    },
  };
}

interface MutationOutcome {
  /** Null if the act waits for its seal. */
  identifier: string | null;
  rehearsal: view.Rehearsal | null;
}

/** Performs an act, or rehearses it if `dryRun`. The payload contains the license in the state after that. */
function runAct(
  deps: issue.IssueDependencies,
  context: GraphContext,
  dryRun: boolean,
  prepare: (tx: Transaction, actor: Actor) => Promise<store.PreparedAct>,
) {
  return runLicenseMutation(deps.db, context, async (actor) => {
    const prepareForActor = async (tx: Transaction) => prepare(tx, actor);
    if (dryRun) {
      const intent = await issue.rehearseAct(deps, prepareForActor);
      return { identifier: intent.identifier, rehearsal: view.toActRehearsal(intent) };
    }
    const outcome = await issue.performAct(deps, prepareForActor);
    return { identifier: outcome.waitingFor === null ? outcome.identifier : null, rehearsal: null };
  });
}

function runLicenseMutation(db: Database, context: GraphContext, run: (actor: Actor) => Promise<MutationOutcome>) {
  const person = requirePerson(context.actor);
  return mutate(async () => {
    const { identifier, rehearsal } = await run(person);
    context.loaders.clear();
    return { license: identifier && (await view.loadLicense(db, context, person, identifier)), rehearsal };
  });
}

function licenseFields(db: Database) {
  type View = view.LicenseView;
  const getRecord = ({ stored }: View) => stored.version.record;
  return {
    __resolveReference: ({ identifier }: { identifier: string }, context: GraphContext) =>
      view.loadLicense(db, context, requirePerson(context.actor), identifier),
    identifier: ({ stored }: View) => stored.version.identifier,
    number: ({ stored }: View) => stored.version.number,
    version: ({ stored }: View) => stored.version.version,
    state: ({ stored }: View) => stored.version.state,
    name: (parent: View) => getRecord(parent).ZZMC,
    holder: (parent: View) => {
      const { CZZT, CZZTDM, CZZTDMLX } = getRecord(parent);
      return view.viewHolder({ name: CZZT, code: CZZTDM, kind: CZZTDMLX }, parent.person);
    },
    matter: (parent: View) => ({ id: getRecord(parent).KZ_SX }),
    case: ({ stored }: View) => ({ id: stored.version.caseId }),
    issuer: ({ stored }: View) => ({ id: stored.license.issuer.id }),
    issuedOn: (parent: View) => getRecord(parent).ZZBFRQ,
    validFrom: (parent: View) => getRecord(parent).ZZYXQQSRQ,
    validUntil: (parent: View) => endDay(getRecord(parent).ZZYXQJZRQ),
    fields: (parent: View) => getRecord(parent).KZ_NR,
    document: ({ stored, context }: View) => view.loadDocument(db, context, stored.version),
    paper: async (parent: View) => {
      const currentSheet = (await view.loadSheets(db, parent)).find((sheet) => sheet.state !== 'SPOILED');
      if (!currentSheet) throw new Error(`no sheet of ${parent.stored.version.identifier}`);
      return view.viewSheet(currentSheet);
    },
    sheets: async (parent: View) => (await view.loadSheets(db, parent)).map(view.viewSheet),
    versions: (parent: View) => view.loadVersions(db, parent),
    acts: async ({ stored, context }: View) => {
      const acts = await store.listActs(db, stored.version.number);
      return acts.map((row) => viewAct(db, context, row));
    },
    collection: (parent: View) => view.loadCollection(db, parent),
    actions: (parent: View) => view.viewActions(db, parent),
  };
}

function viewAct(db: Database, context: GraphContext, row: store.ActRow) {
  const { act, version, stateAfter, doneAt, actor, reason, orderId, documentDigest, signatureDigest } = row;
  if (documentDigest === null || signatureDigest === null || doneAt === null)
    throw new Error(`act ${row.id} is not done`);
  const sealedFile = { documentDigest, signatureDigest, signedAt: doneAt, sealId: null };
  return {
    act: act as Act,
    version,
    state: stateAfter,
    at: doneAt,
    actor,
    reason,
    order: orderId,
    document: () => view.loadDocument(db, context, sealedFile),
  };
}

function viewTask(
  db: Database,
  context: GraphContext,
  { task, waitingFor }: { task: store.TaskRow; waitingFor: string | null },
  person: Person,
) {
  const { content } = task;
  const kind = content.holder.codeKind === 'USCC' ? ('001' as const) : ('111' as const);
  return {
    case: { id: task.caseId },
    act: content.action,
    licenseNumber: content.licenseNumber,
    licenseName: content.licenseName,
    holder: view.viewHolder({ ...content.holder, kind }, person),
    openedAt: task.openedAt,
    waitingFor,
    actions: () =>
      view.viewTaskActions(db, context, { task: store.toTask(task), person, isPrepared: waitingFor !== null }),
  };
}

/** Returns the license that a case issued or acted on, or null if there is none that the caller may see. */
async function loadLicenseOfCase(db: Database, context: GraphContext, caseId: string) {
  const person = requirePerson(context.actor);
  const identifier = await getLoader<string>(context, 'license of case', async (ids) => {
    const identifiers = await store.findIdentifiersByCase(db, ids);
    return ids.map((id) => identifiers.get(id) ?? null);
  }).load(caseId);
  return identifier && view.loadLicense(db, context, person, identifier);
}
