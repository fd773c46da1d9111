import type { Database } from '../../../db/client.ts';
import { type GraphContext, getLoader, mayRead, requireReadScope } from '../../kernel/http/context.ts';
import { describePage, EMPTY_PAGE, type Page, readPage, toConnection } from '../../kernel/list/page.ts';
import type { Matter } from '../matter.ts';
import { MATTER_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import * as store from './store.ts';

type ChangePage = Page<store.PlacedChange>;

/** Resolvers of imported lists. */
export function importResolvers(
  db: Database,
  loadMatter: (context: GraphContext, id: string) => Promise<Matter | null>,
) {
  return {
    Query: {
      delegationImports: async (_, args, { actor }) => {
        requireReadScope(MATTER_READS.delegationImports, actor, '导入记录只对系统管理员和审计员开放。');
        const entryPage = await store.listEntries(db, readPage(args, store.IMPORT_ORDER));
        return toConnection(entryPage, store.IMPORT_ORDER, (row) => row);
      },
    },
    DelegationImport: {
      __resolveReference: async ({ id }, { actor }) =>
        mayRead(MATTER_READS.delegationImports, actor, []) ? store.findEntry(db, id) : null,
      importedBy: ({ actor }) => actor,
      changes: async ({ id }, args, context) => {
        const page = readPage(args, store.CHANGE_ORDER);
        const loaderName = `import changes ${describePage(page)}`;
        const changePage = await getLoader<ChangePage>(context, loaderName, (ids) =>
          store.listChanges(db, ids, page),
        ).load(id);
        return toConnection(changePage ?? EMPTY_PAGE, store.CHANGE_ORDER, (row) => row);
      },
    },
    MatterChange: {
      matter: ({ matterId }, _, context) => loadMatter(context, matterId),
    },
  } satisfies Resolvers;
}
