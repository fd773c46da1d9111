import type { Actor } from '../../kernel/actor.ts';
import { type GraphContext, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { narrowScope } from '../../kernel/policy.ts';
import { BLANK_ORDER, listBlanks } from '../paper/store.ts';
import { LICENSE_READS } from '../policy.ts';
import { loadLicense } from '../reading/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { loadBlank, loadBox, loadHistory } from './blank-view.ts';
import { listStock, STOCK_ORDER } from './count-store.ts';
import { isBalanced } from './stock.ts';
import { listTransfers, type StoredTransfer, TRANSFER_ORDER } from './transfer-store.ts';
import { decideTransfer, transferBlanks, withdrawTransfer } from './transfer-workflow.ts';
import { loadTransfer, viewTransfer, viewTransferActions } from './view.ts';
import { receiveBlanks, type StockDependencies, writeOffBlanks } from './workflow.ts';

/** Resolvers of the stock of blanks (空白证照库存): what enters it, leaves it, and goes to another organ. */
export function stockResolvers(deps: StockDependencies) {
  const { db } = deps;
  return {
    Query: {
      blanks: async (_, args, { actor }) => {
        const scope = requireReadScope(LICENSE_READS.blanks, actor, '您不属于任何机关，没有空白证照。');
        const {
          organ = null,
          state = null,
          licenseType = null,
          prefix = null,
          digits = null,
          from = null,
          to = null,
        } = args.filter ?? {};
        const selection = { organs: narrowScope(scope, organ), state, licenseType, prefix, digits, from, to };
        const page = await listBlanks(db, selection, readPage(args, BLANK_ORDER));
        return toConnection(page, BLANK_ORDER, (row) => row);
      },
      blankStock: async (_, args, { actor }) => {
        const scope = requireReadScope(LICENSE_READS.blankStock, actor, '您不属于任何机关，没有空白证照。');
        const { organ = null, licenseType = null } = args.filter ?? {};
        const selection = { organs: narrowScope(scope, organ), licenseType, level: args.by };
        const page = await listStock(db, selection, readPage(args, STOCK_ORDER));
        return toConnection(page, STOCK_ORDER, (row) => row);
      },
      blankTransfers: async (_, args, { actor }) => {
        const organs = requireReadScope(LICENSE_READS.blankTransfers, actor, '您不属于任何机关，没有空白证照调拨。');
        const page = await listTransfers(db, organs, args.filter?.state ?? null, readPage(args, TRANSFER_ORDER));
        return toConnection(page, TRANSFER_ORDER, viewTransfer);
      },
    },
    Mutation: { ...stockMutations(deps), ...transferMutations(deps) },
    BlankStock: {
      organ: ({ organ }) => ({ id: organ }),
      isBalanced,
    },
    Blank: {
      __resolveReference: ({ id }, context) => loadBlank(db, context, id),
      id: ({ number }) => number,
      organ: ({ organ }) => ({ id: organ }),
      license: ({ identifier }, _, context) =>
        identifier === null ? null : loadLicense(db, context, requirePerson(context.actor), identifier),
      box: (blank, _, context) => loadBox(db, context, blank),
      history: (blank, _, context) => loadHistory(db, context, blank),
    },
    BlankMove: {
      transfer: ({ transferId }, _, context) => (transferId === null ? null : loadTransfer(db, context, transferId)),
    },
    BlankTransfer: {
      __resolveReference: ({ id }, context) => loadTransfer(db, context, id),
      actions: ({ stored }, _, { actor }) => viewTransferActions(stored, requirePerson(actor)),
    },
  } satisfies Resolvers;
}

function stockMutations(deps: StockDependencies) {
  return {
    receiveBlanks: (_, { input }, { actor }) => {
      requirePerson(actor);
      return mutate(async () => {
        const received = await receiveBlanks(deps, actor, { ...input, licenseType: input.licenseType ?? null });
        return { received, waitsForSecondPerson: received === null };
      });
    },
    writeOffBlanks: (_, { input }, { actor }) => {
      requirePerson(actor);
      return mutate(async () => {
        const writtenOff = await writeOffBlanks(deps, actor, input);
        return { writtenOff, waitsForSecondPerson: writtenOff === null };
      });
    },
  } satisfies Resolvers['Mutation'];
}

function transferMutations(deps: StockDependencies) {
  /** Runs a mutation. The payload contains the transfer, unless it is the rehearsal of a new one. */
  const run = ({ actor }: GraphContext, change: (actor: Actor) => Promise<StoredTransfer | null>) => {
    requirePerson(actor);
    return mutate(async () => {
      const stored = await change(actor);
      return { transfer: stored && viewTransfer(stored) };
    });
  };
  return {
    transferBlanks: (_, { input: { organ: receiver, ...input } }, context) =>
      run(context, (actor) => transferBlanks(deps, actor, { ...input, receiver })),
    decideBlankTransfer: (_, { input }, context) =>
      run(context, (actor) => decideTransfer(deps, actor, { ...input, reason: input.reason ?? null })),
    withdrawBlankTransfer: (_, { input }, context) => run(context, (actor) => withdrawTransfer(deps, actor, input)),
  } satisfies Resolvers['Mutation'];
}
