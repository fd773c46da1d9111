import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Database, Transaction } from '../../db/client.ts';
import type { Actor } from '../kernel/actor.ts';
import { type GraphContext, getLoader, requirePerson, requireReadScope } from '../kernel/http/context.ts';
import { mutate } from '../kernel/http/errors.ts';
import { BY_ID, BY_SERIAL, readPage, toConnection } from '../kernel/http/page.ts';
import type { CompleteResolvers } from '../kernel/http/resolver-types.ts';
import {
  EITHER_ACTS,
  type EitherAct,
  mapMutations,
  OWN_ACTS,
  type OwnAct,
  VERSION_ACTS,
  type VersionAct,
} from '../kernel/license-acts.ts';
import { requireOrgan } from '../kernel/policy.ts';
import { Refusal } from '../kernel/refusal.ts';
import * as issue from './act/issue-workflow.ts';
import { prepareCaseAct, prepareOwnAct, prepareSpoil } from './act/prepare-workflow.ts';
import type { EvidenceDependencies } from './evidence/workflow.ts';
import { BY_COMMIT, readFeed } from './library/feed-store.ts';
import { orderResolvers } from './order/resolvers.ts';
import * as handover from './paper/handover-workflow.ts';
import { isRecallDue } from './paper/paper.ts';
import { voidTask } from './paper/task-workflow.ts';
import { LICENSE_READS } from './policy.ts';
import type { MutationResolvers, Resolvers, ResolversParentTypes } from './resolvers.gen.ts';
import * as store from './store.ts';
import { verificationResolvers } from './verification/resolvers.ts';
import { endDay } from './verification/view.ts';
import * as view from './view.ts';

/** Resolvers of licenses and their paper, certificate tasks and blanks. The rooms add orders and verification. */
export function licenseResolvers(
  deps: issue.IssueDependencies & EvidenceDependencies,
): CompleteResolvers<Resolvers, ResolversParentTypes> {
  const { db } = deps;
  const orders = orderResolvers(deps);
  const { Query: verification, ...verificationTypes } = verificationResolvers(deps);
  return {
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    Query: { ...queries(db), ...orders.Query, ...verification },
    Mutation: { ...mutations(deps), ...orders.Mutation },
    License: { ...licenseFields(deps), ...orders.License },
    LicenseAct: {
      document: ({ sealedFile }, _, context) => view.loadDocument(db, context, sealedFile),
    },
    CertificateTask: {
      actions: (task, _, context) => view.viewTaskActions(deps, context, task),
    },
    PaperCertificate: { recallDue: isRecallDue },
    SupervisionOrder: orders.SupervisionOrder,
    ...verificationTypes,
    Case: {
      __resolveReference: ({ id }) => ({ id }),
      license: ({ id }, _, context) => loadLicenseOfCase(db, context, id),
    },
  };
}

function queries(db: Database) {
  return {
    licenses: async (_, args, context) => {
      const person = requirePerson(context.actor);
      const { state = null, matter = null, number = null } = args.filter ?? {};
      const licensesPage = await store.listLicenses(db, person, { state, matter, number }, readPage(args, BY_SERIAL));
      return toConnection(
        licensesPage,
        BY_SERIAL,
        (row) => row.license.serial,
        (stored) => ({ stored, person, context }),
      );
    },
    license: (_, { identifier }, context) => view.loadLicense(db, context, requirePerson(context.actor), identifier),
    licenseChanges: async (_, args, { actor }) => {
      requireReadScope(LICENSE_READS.licenseChanges, actor, '变更流只供证照库和审计人员使用。');
      const feed = await readFeed(db, readPage(args, BY_COMMIT));
      return toConnection(
        feed,
        BY_COMMIT,
        (row) => row,
        ({ change, revision }) => ({ ...change, revision, changedAt: new Date(change.changedAt) }),
      );
    },
    certificateTasks: async (_, args, { actor }) => {
      const person = requirePerson(actor);
      const tasksPage = await store.listTasks(db, person, readPage(args, BY_SERIAL));
      return toConnection(
        tasksPage,
        BY_SERIAL,
        ({ task }) => task.serial,
        (row) => view.viewTask(row, person),
      );
    },
    blanks: async (_, args, { actor }) => {
      requireReadScope(LICENSE_READS.blanks, actor, '您不属于任何机关，没有空白证照。');
      const organ = requireOrgan(requirePerson(actor));
      const page = readPage(args, BY_ID);
      const blanksPage = await store.listBlanks(db, organ, args.filter?.state ?? null, page);
      return toConnection(
        blanksPage,
        BY_ID,
        (row) => row.number,
        (row) => row,
      );
    },
  } satisfies Resolvers['Query'];
}

/** The generated type of the resolver of a mutation. */
type MutationResolver<Name extends keyof MutationResolvers> = NonNullable<MutationResolvers[Name]>;

function mutations(deps: issue.IssueDependencies) {
  const resolveCaseAct =
    (act: VersionAct): MutationResolver<'issueLicense'> =>
    (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) =>
        prepareCaseAct(tx, deps, actor, { caseId: input.case, blankNumber: input.blankNumber, act }),
      );
  const resolveOwnAct =
    (act: OwnAct): MutationResolver<'suspendLicense'> =>
    (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) => {
        const { identifier, reason = null, order = null } = input;
        return prepareOwnAct(tx, deps, actor, { identifier, reason, order, act });
      });
  const resolveEitherAct =
    (act: EitherAct): MutationResolver<'cancelLicense'> =>
    (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) => {
        const { case: caseId, identifier, reason = null } = input;
        if (caseId) return prepareCaseAct(tx, deps, actor, { caseId, blankNumber: null, act });
        if (!identifier) throw new Refusal('ACT_NEEDS_CASE', 'case');
        return prepareOwnAct(tx, deps, actor, { identifier, act, reason, order: null });
      });
  return {
    ...mapMutations(VERSION_ACTS, resolveCaseAct),
    ...mapMutations(OWN_ACTS, resolveOwnAct),
    ...mapMutations(EITHER_ACTS, resolveEitherAct),
    spoilBlank: (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) => prepareSpoil(tx, deps, actor, input)),
    ...counterMutations(deps),
  } satisfies Resolvers['Mutation'];
}

/**
 * Mutations of the counter: delivery and recall of paper, receipt of blanks, voiding of a task, redrive to the library.
 * None of them is sealed.
 */
function counterMutations(deps: issue.IssueDependencies) {
  const resolveSheetMutation =
    (changeSheet: typeof handover.deliverSheet): MutationResolver<'deliverCertificate'> =>
    (_, { input }, context) =>
      runLicenseMutation(deps.db, context, async (actor) => {
        const sheet = await changeSheet(deps, actor, input);
        return { identifier: input.identifier, rehearsal: input.dryRun ? view.toSheetRehearsal(sheet) : null };
      });
  return {
    deliverCertificate: resolveSheetMutation(handover.deliverSheet),
    recallCertificate: resolveSheetMutation(handover.recallSheet),
    redriveCollection: (_, { input }, context) =>
      runLicenseMutation(deps.db, context, async (actor) => {
        await handover.redriveCollection(deps, actor, input);
        return { identifier: input.identifier, rehearsal: null };
      }),
    voidTask: (_, { input }, { actor }) => {
      requirePerson(actor);
      return mutate(async () => {
        await voidTask(deps, actor, input);
        return { case: { id: input.case } };
      });
    },
    receiveBlanks: (_, { input }, { actor }) => {
      requirePerson(actor);
      return mutate(async () => ({ received: await handover.receiveBlanks(deps, actor, input) }));
    },
  } satisfies Resolvers['Mutation'];
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
    const license = identifier === null ? null : await view.loadLicense(db, context, person, identifier);
    return { license, rehearsal };
  });
}

function licenseFields(deps: Pick<issue.IssueDependencies, 'db' | 'now'>) {
  const { db } = deps;
  const getRecord = ({ stored }: view.LicenseView) => stored.version.record;
  return {
    __resolveReference: ({ identifier }, context) =>
      view.loadLicense(db, context, requirePerson(context.actor), identifier),
    identifier: ({ stored }) => stored.version.identifier,
    number: ({ stored }) => stored.version.number,
    version: ({ stored }) => stored.version.version,
    state: ({ stored }) => stored.version.state,
    name: (parent) => getRecord(parent).ZZMC,
    holder: (parent) => {
      const { CZZT, CZZTDM, CZZTDMLX } = getRecord(parent);
      return view.viewHolder({ name: CZZT, code: CZZTDM, kind: CZZTDMLX }, parent.person);
    },
    matter: (parent) => ({ id: getRecord(parent).KZ_SX }),
    case: ({ stored }) => ({ id: stored.version.caseId }),
    issuer: ({ stored }) => ({ id: stored.license.issuer.id }),
    issuedOn: (parent) => getRecord(parent).ZZBFRQ,
    validFrom: (parent) => getRecord(parent).ZZYXQQSRQ,
    validUntil: (parent) => endDay(getRecord(parent).ZZYXQJZRQ),
    fields: (parent) => getRecord(parent).KZ_NR,
    document: ({ stored, context }) => view.loadDocument(db, context, stored.version),
    paper: async (parent) => {
      const currentSheet = (await view.loadSheets(db, parent)).find((sheet) => sheet.state !== 'SPOILED');
      if (!currentSheet) throw new Error(`no sheet of ${parent.stored.version.identifier}`);
      return currentSheet;
    },
    sheets: (parent) => view.loadSheets(db, parent),
    versions: (parent) => view.loadVersions(db, parent),
    acts: async ({ stored }) => (await store.listActs(db, stored.version.number)).map(view.viewAct),
    collection: (parent) => view.loadCollection(db, parent),
    actions: (parent) => view.viewActions(deps, parent),
  } satisfies Resolvers['License'];
}

/** Returns the license that a case issued or acted on, or null if there is none that the caller may see. */
async function loadLicenseOfCase(db: Database, context: GraphContext, caseId: string) {
  const person = requirePerson(context.actor);
  const identifier = await getLoader<string>(context, 'license of case', async (ids) => {
    const identifiers = await store.findIdentifiersByCase(db, ids);
    return ids.map((id) => identifiers.get(id) ?? null);
  }).load(caseId);
  return identifier === null ? null : view.loadLicense(db, context, person, identifier);
}
