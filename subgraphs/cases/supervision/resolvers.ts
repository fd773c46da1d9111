import type { Database } from '../../../db/client.ts';
import { dayOf } from '../../kernel/day.ts';
import { type GraphContext, getLoader, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { CASE_READS } from '../policy.ts';
import type { FindCase } from '../reading/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import * as store from './store.ts';
import { viewFinding, viewFindingEntry, viewPush, viewPushEntry, viewWebhook } from './view.ts';
import * as webhooks from './webhook/store.ts';
import type { WebhookDependencies } from './webhook/workflow.ts';
import * as workflow from './workflow.ts';

/** Resolvers of dual push and dual loop (双推送、双回路): pushes to supervisors, their findings, and their webhooks. */
export function supervisionResolvers(deps: WebhookDependencies, findCase: FindCase) {
  return { Query: queries(deps), Mutation: mutations(deps), ...fields(deps, findCase) };
}

function queries({ db, now }: WebhookDependencies) {
  return {
    approvalPushes: async (_, args, { actor }) => {
      const person = requirePerson(actor);
      const scope = requireReadScope(CASE_READS.approvalPushes, actor, '审批信息推送只供监管人员和审计人员查阅。');
      const { state = null, overdue = null } = args.filter ?? {};
      const today = dayOf(now());
      const resultPage = await store.listPushes(db, { scope, state, overdue }, today, readPage(args, store.PUSH_ORDER));
      return toConnection(resultPage, store.PUSH_ORDER, (row) => viewPush(row, person, today));
    },
    supervisionFindings: async (_, args, { actor }) => {
      const person = requirePerson(actor);
      const message = '监管反馈只供监管、审批和审计人员查阅。';
      const scope = requireReadScope(CASE_READS.supervisionFindings, actor, message);
      const today = dayOf(now());
      const state = args.filter?.state ?? null;
      const resultPage = await store.listFindings(db, scope, state, readPage(args, store.FINDING_ORDER));
      return toConnection(resultPage, store.FINDING_ORDER, (row) => viewFinding(row, person, today));
    },
    webhooks: async (_, args, { actor }) => {
      requireReadScope(CASE_READS.webhooks, actor, '推送地址只供系统管理员和审计人员查阅。');
      const resultPage = await webhooks.listWebhooks(db, readPage(args, webhooks.WEBHOOK_ORDER));
      return toConnection(resultPage, webhooks.WEBHOOK_ORDER, viewWebhook);
    },
  } satisfies Resolvers['Query'];
}

function mutations(deps: WebhookDependencies) {
  const settlePush = (context: GraphContext, run: () => Promise<store.PushRow>) => {
    const person = requirePerson(context.actor);
    return mutate(async () => ({ push: viewPush(await run(), person, dayOf(deps.now())) }));
  };
  const settleFinding = (context: GraphContext, run: () => Promise<store.FindingRow>) => {
    const person = requirePerson(context.actor);
    return mutate(async () => ({ finding: viewFinding(await run(), person, dayOf(deps.now())) }));
  };
  return {
    claimPush: (_, { input }, context) => settlePush(context, () => workflow.claimPush(deps, context.actor, input)),
    signPush: (_, { input }, context) => settlePush(context, () => workflow.signPush(deps, context.actor, input)),
    recordFinding: (_, { input }, context) =>
      settleFinding(context, () => {
        const { push = null, case: caseId = null, kind, text, papers, dueOn = null } = input;
        const requestKey = input.requestKey ?? null;
        const request = { push, case: caseId, kind, text, papers, dueOn, requestKey };
        return workflow.recordFinding(deps, context.actor, request, input.dryRun);
      }),
    acknowledgeFinding: (_, { input }, context) =>
      settleFinding(context, () => workflow.acknowledgeFinding(deps, context.actor, input)),
    closeFinding: (_, { input }, context) =>
      settleFinding(context, () => workflow.closeFinding(deps, context.actor, input)),
  } satisfies Resolvers['Mutation'];
}

function fields({ db, now }: WebhookDependencies, findCase: FindCase) {
  const loadPushes = async (context: GraphContext, caseId: string) => {
    const person = requirePerson(context.actor);
    const rows = await loadByCase(db, context, 'pushes', store.pushesOfCases).load(caseId);
    return rows?.map((row) => viewPush(row, person, dayOf(now()))) ?? null;
  };
  const loadFindings = async (context: GraphContext, caseId: string) => {
    const person = requirePerson(context.actor);
    const rows = await loadByCase(db, context, 'findings', store.findingsOfCases).load(caseId);
    return rows?.map((row) => viewFinding(row, person, dayOf(now()))) ?? null;
  };
  return {
    Case: {
      pushes: ({ id }, _, context) => loadPushes(context, id),
      findings: ({ id }, _, context) => loadFindings(context, id),
    },
    AttentionItem: {
      push: async ({ caseId, pushId }, _, context) =>
        (caseId && pushId && (await loadPushes(context, caseId))?.find(({ id }) => id === pushId)) || null,
      finding: async ({ caseId, findingId }, _, context) =>
        (caseId && findingId && (await loadFindings(context, caseId))?.find(({ id }) => id === findingId)) || null,
    },
    ApprovalPush: {
      case: (parent, _, context) => findCase(context, parent.case.id),
      receipts: async ({ id }, _, context) => {
        const rows = await loadGrouped(
          context,
          'push entries',
          (ids) => store.pushEntriesOf(db, ids),
          (row) => row.pushId,
        ).load(id);
        return (rows ?? []).map(viewPushEntry);
      },
      delivery: async ({ id }, _, context) => {
        type Delivery = { attempts: number; lastError: string | null; refused: boolean; delivered: boolean };
        return getLoader<Delivery>(context, 'webhook deliveries', async (ids) => {
          const deliveries = await webhooks.findDeliveries(db, ids);
          return ids.map((pushId) => deliveries.get(pushId) ?? null);
        }).load(id);
      },
    },
    SupervisionFinding: {
      case: (parent, _, context) => findCase(context, parent.case.id),
      receipts: async ({ id }, _, context) => {
        const read = (ids: readonly string[]) => store.findingEntriesOf(db, ids);
        const rows = await loadGrouped(context, 'finding entries', read, (row) => row.findingId).load(id);
        return (rows ?? []).map(viewFindingEntry);
      },
      push: async ({ pushId }, _, context) => {
        const person = requirePerson(context.actor);
        const push = await getLoader<store.PushRow>(context, 'push', (ids) => store.findPushes(db, ids)).load(pushId);
        return push && viewPush(push, person, dayOf(now()));
      },
    },
  } satisfies Resolvers;
}

/** Loads the rows of many cases in one query. Null for a case if the caller belongs to none of its organs. */
function loadByCase<Row extends { caseId: string }>(
  db: Database,
  context: GraphContext,
  name: string,
  read: (db: Database, caseIds: readonly string[]) => Promise<Row[]>,
) {
  return getLoader<Row[]>(context, `${name} of case`, async (ids) => {
    const visibleIds = await store.listVisibleCaseIds(db, requirePerson(context.actor), ids);
    const rowsByCase = Map.groupBy(await read(db, visibleIds), (row) => row.caseId);
    return ids.map((id) => (visibleIds.includes(id) ? (rowsByCase.get(id) ?? []) : null));
  });
}

/** Loads the rows of many owners in one query. */
function loadGrouped<Row>(
  context: GraphContext,
  name: string,
  read: (ids: readonly string[]) => Promise<Row[]>,
  owner: (row: Row) => string,
) {
  return getLoader<Row[]>(context, name, async (ids) => {
    const rowsByOwner = Map.groupBy(await read(ids), owner);
    return ids.map((id) => rowsByOwner.get(id) ?? []);
  });
}
