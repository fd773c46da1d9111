import { mayRead, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import type { IssueDependencies } from '../act/issue-workflow.ts';
import { LICENSE_READS } from '../policy.ts';
import * as view from '../reading/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import * as store from './store.ts';
import { declineOrder } from './workflow.ts';

/** Resolvers of supervisors' orders, for the organ that has to answer them and the organ that gave them. */
export function orderResolvers(deps: IssueDependencies) {
  const { db } = deps;
  return {
    Query: {
      supervisionOrders: async (_, args, { actor }) => {
        const message = '监管指令只供发证机关审批人、监管人员和审计人员查阅。';
        const scope = requireReadScope(LICENSE_READS.supervisionOrders, actor, message);
        const page = readPage(args, store.ORDER_ORDER);
        const ordersPage = await store.listOrders(db, scope, args.filter?.state ?? null, page);
        return toConnection(ordersPage, store.ORDER_ORDER, (row) => row);
      },
    },
    Mutation: {
      declineOrder: (_, { input }, { actor }) => {
        requirePerson(actor);
        return mutate(async () => {
          const order = await declineOrder(deps, actor, input);
          return { order, waitsForSecondPerson: order.state === 'OPEN' };
        });
      },
    },
    License: { orders: (parent) => view.loadOrders(db, parent) },
    SupervisionOrder: {
      __resolveReference: async ({ id }, context) => {
        const person = requirePerson(context.actor);
        const order = await store.findOrder(db, id);
        if (!order) return null;
        if (mayRead(LICENSE_READS.supervisionOrders, person, [order.issuer, order.supervisorId])) return order;
        const license = await view.loadHead(db, context, person, order.number);
        return license && (await view.loadOrders(db, license)) ? order : null;
      },
      license: ({ number }, _, context) => view.loadHead(db, context, requirePerson(context.actor), number),
    },
  } satisfies Resolvers;
}
