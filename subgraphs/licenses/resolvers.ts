import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Database } from '../../db/client.ts';
import { dayOf } from '../kernel/day.ts';
import { type GraphContext, getLoader, requirePerson, requireReadScope } from '../kernel/http/context.ts';
import type { CompleteResolvers } from '../kernel/http/resolver-types.ts';
import { listOwners, readHeld } from '../kernel/identity/co-ownership.ts';
import { printedNumber } from '../kernel/license-type/license-key.ts';
import { readPage, toConnection } from '../kernel/list/page.ts';
import type * as issue from './act/issue-workflow.ts';
import { licenseMutations } from './act/resolvers.ts';
import { viewActions } from './action/view.ts';
import { batchMutations } from './batch/resolvers.ts';
import { FEED_ORDER, readFeed } from './library/feed-store.ts';
import { loadStatementCollection, type StatementDependencies } from './library/view.ts';
import { listResolvers } from './list/resolvers.ts';
import { orderResolvers } from './order/resolvers.ts';
import { loadIssuer } from './organ/view.ts';
import { isRecallDue, listStanding } from './paper/paper.ts';
import { LICENSE_READS } from './policy.ts';
import { proposalResolvers } from './proposal/resolvers.ts';
import { readingResolvers } from './reading/resolvers.ts';
import * as view from './reading/view.ts';
import type { ReadingDependencies } from './reading/workflow.ts';
import { isRegistered } from './registration/record.ts';
import { registrationResolvers } from './registration/resolvers.ts';
import { toSealedFile } from './registration/view.ts';
import type { Resolvers, ResolversParentTypes } from './resolvers.gen.ts';
import { statisticsResolvers } from './statistics/resolvers.ts';
import { stockResolvers } from './stock/resolvers.ts';
import * as store from './store.ts';
import { listTasks, TASK_ORDER } from './task/store.ts';
import { loadDuplicates, loadFittingBlanks, loadTaskOfCase, viewTask, viewTaskActions } from './task/view.ts';
import { renewalResolvers } from './validity/view.ts';
import { verificationResolvers } from './verification/resolvers.ts';
import { endDay } from './verification/view.ts';
import type { VerificationDependencies } from './verification/workflow.ts';

/** Resolvers of licenses and their paper, certificate tasks and blanks. The rooms add the rest. */
export function licenseResolvers(
  deps: issue.IssueDependencies & VerificationDependencies & StatementDependencies & ReadingDependencies,
): CompleteResolvers<Resolvers, ResolversParentTypes> {
  const { db } = deps;
  const { Query: lists, ...listTypes } = listResolvers(deps);
  const orders = orderResolvers(deps);
  const readings = readingResolvers(deps);
  const proposals = proposalResolvers(deps);
  const stock = stockResolvers(deps);
  const registrations = registrationResolvers(deps);
  const { Query: verification, ...verificationTypes } = verificationResolvers(deps);
  return {
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    Query: {
      ...queries(db),
      ...lists,
      ...orders.Query,
      ...proposals.Query,
      ...readings.Query,
      ...{ ...stock.Query, ...registrations.Query, ...verification },
      ...statisticsResolvers(deps).Query,
    },
    Mutation: {
      ...{ ...licenseMutations(deps), ...batchMutations(deps), ...proposals.Mutation, ...orders.Mutation },
      ...{ ...readings.Mutation, ...stock.Mutation, ...registrations.Mutation },
    },
    License: {
      ...{ ...licenseFields(deps), ...orders.License, ...proposals.License },
      ...{ ...readings.License, ...registrations.License },
    },
    Registration: registrations.Registration,
    LicenseAct: {
      document: ({ sealedFile }, _, context) => view.loadDocument(db, context, sealedFile),
      ...proposals.LicenseAct,
    },
    LicenseProposal: proposals.LicenseProposal,
    Blank: stock.Blank,
    BlankStock: stock.BlankStock,
    BlankMove: stock.BlankMove,
    BlankTransfer: stock.BlankTransfer,
    CertificateTask: {
      blanks: (task, _, context) => loadFittingBlanks(db, context, task),
      duplicates: (task, _, context) => loadDuplicates(deps, context, task),
      actions: (task, _, context) => viewTaskActions(deps, context, task),
    },
    PaperCertificate: { recallDue: isRecallDue },
    SupervisionOrder: orders.SupervisionOrder,
    ...listTypes,
    ...verificationTypes,
    Case: {
      __resolveReference: ({ id }) => ({ id }),
      license: ({ id }, _, context) => loadLicenseOfCase(db, context, id),
      certificateTask: ({ id }, _, context) => loadTaskOfCase(db, context, id),
    },
  };
}

function queries(db: Database) {
  return {
    license: (_, { identifier }, context) => view.loadLicense(db, context, requirePerson(context.actor), identifier),
    licenseChanges: async (_, args, { actor }) => {
      requireReadScope(LICENSE_READS.licenseChanges, actor, '变更流只供证照库和审计人员使用。');
      const feed = await readFeed(db, readPage(args, FEED_ORDER));
      return toConnection(feed, FEED_ORDER, ({ change, revision }) => ({
        ...change,
        number: printedNumber(change.number),
        revision,
        changedAt: new Date(change.changedAt),
      }));
    },
    certificateTasks: async (_, args, { actor }) => {
      const person = requirePerson(actor);
      const tasksPage = await listTasks(db, person, readPage(args, TASK_ORDER));
      return toConnection(tasksPage, TASK_ORDER, (row) => viewTask(row, person));
    },
  } satisfies Resolvers['Query'];
}

function licenseFields(deps: Pick<issue.IssueDependencies, 'db' | 'now'> & StatementDependencies) {
  const { db, now } = deps;
  const today = () => dayOf(now());
  const getRecord = ({ stored }: view.LicenseView) => stored.version.record;
  return {
    __resolveReference: (reference, context) => {
      const identifier = 'identifier' in reference ? reference.identifier : reference.id;
      return view.loadLicense(db, context, requirePerson(context.actor), identifier);
    },
    id: ({ stored }) => stored.version.identifier,
    identifier: ({ stored }) => stored.version.identifier,
    number: ({ stored }) => printedNumber(stored.version.number),
    version: ({ stored }) => stored.version.version,
    state: ({ stored }) => store.stateOfVersion(stored, today()),
    name: (parent) => getRecord(parent).ZZMC,
    holder: (parent) => view.viewFirstHolder(readHeld(getRecord(parent)), parent.person),
    holders: (parent) => listOwners(readHeld(getRecord(parent))).map((owner) => view.viewHolder(owner, parent.person)),
    coOwnership: (parent) => readHeld(getRecord(parent)).coOwnership?.kind ?? null,
    matter: (parent) => ({ id: getRecord(parent).KZ_SX }),
    case: ({ stored }) => (stored.version.caseId === null ? null : { id: stored.version.caseId }),
    issuer: ({ stored }, _, context) => loadIssuer(db, context, stored),
    type: (parent) => {
      const { ZZLXDM, KZ_LXBB } = getRecord(parent);
      return KZ_LXBB === undefined ? null : { nodeKey: `${ZZLXDM}.${KZ_LXBB}` };
    },
    typeVersion: (parent) => getRecord(parent).KZ_LXBB ?? null,
    issuedOn: (parent) => getRecord(parent).ZZBFRQ,
    validFrom: (parent) => getRecord(parent).ZZYXQQSRQ,
    validUntil: (parent) => endDay(getRecord(parent).ZZYXQJZRQ),
    fields: (parent) => getRecord(parent).KZ_NR,
    document: ({ stored, context }) => view.loadDocument(db, context, toSealedFile(stored)),
    paper: async (parent) => {
      const [original] = listStanding(await view.loadSheets(db, parent, today()));
      if (!original && !isRegistered(getRecord(parent))) throw new Error(`no sheet of ${getRecord(parent).ZZBS}`);
      return original ?? null;
    },
    papers: async (parent) => listStanding(await view.loadSheets(db, parent, today())),
    sheets: (parent) => view.loadSheets(db, parent, today()),
    versions: (parent) => view.loadVersions(db, parent),
    acts: (parent) => view.loadActs(db, parent),
    collection: (parent) => view.loadCollection(db, parent),
    statements: (parent) => loadStatementCollection(deps, parent),
    actions: (parent) => viewActions(deps, parent),
    ...renewalResolvers(deps).License,
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
