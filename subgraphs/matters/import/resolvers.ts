import type { Database } from '../../../db/client.ts';
import { type GraphContext, getLoader, requireReadScope } from '../../kernel/http/context.ts';
import { BY_SERIAL, byValue, numberPart, type Page, readPage, toConnection } from '../../kernel/http/page.ts';
import type { Matter } from '../matter.ts';
import { MATTER_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import type { MatterChange } from './import.ts';
import * as store from './store.ts';

type ChangePage = Page<MatterChange & { seq: number }>;

/** The order of the changes of one import. */
const BY_LINE = byValue(numberPart(9));

/** Resolvers of imported lists. */
export function importResolvers(
  db: Database,
  loadMatter: (context: GraphContext, id: string) => Promise<Matter | null>,
) {
  return {
    Query: {
      delegationImports: async (_, args, { actor }) => {
        requireReadScope(MATTER_READS.delegationImports, actor, '导入记录只对系统管理员和审计员开放。');
        const entryPage = await store.listEntries(db, readPage(args, BY_SERIAL));
        return toConnection(
          entryPage,
          BY_SERIAL,
          (row) => row.serial,
          (row) => row,
        );
      },
    },
    DelegationImport: {
      importedBy: ({ actor }) => actor,
      changes: async ({ id }, args, context) => {
        const page = readPage(args, BY_LINE);
        const loaderName = `import changes ${page.first} ${page.after}`;
        const changePage = await getLoader<ChangePage>(context, loaderName, (ids) =>
          store.listChanges(db, ids, page),
        ).load(id);
        return toConnection(
          changePage ?? { rows: [], hasNextPage: false },
          BY_LINE,
          (row) => row.seq,
          (row) => row,
        );
      },
    },
    MatterChange: {
      matter: ({ matterId }, _, context) => loadMatter(context, matterId),
    },
  } satisfies Resolvers;
}
