import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { type GraphContext, getLoader, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate, toRefusalView } from '../../kernel/http/errors.ts';
import { BY_SERIAL, byValue, numberPart, type Page, readPage, toConnection } from '../../kernel/http/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { Matter } from '../matter.ts';
import { MATTER_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import type { MatterChange } from './import.ts';
import * as store from './store.ts';
import { importList } from './workflow.ts';

type ChangePage = Page<MatterChange & { seq: number }>;

/** The order of the changes of one import. */
const BY_LINE = byValue(numberPart(9));

/** The fields of a refused import that cannot be null. */
const NO_CHANGES = { changes: [], problems: [], unchanged: 0 };

/** Resolvers of importing lists. */
export function importResolvers(
  dependencies: { db: Database; now: Clock },
  loadMatter: (context: GraphContext, id: string) => Promise<Matter | null>,
) {
  const { db } = dependencies;
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
    Mutation: {
      importDelegations: async (_, { input }, { actor }) => {
        requirePerson(actor);
        const payload = await mutate(async () => {
          const { entry, ...outcome } = await importList(dependencies, actor, { ...input, basis: input.basis ?? null });
          return { ...outcome, import: entry };
        }, NO_CHANGES);
        if (payload.refusal !== null || payload.problems.length === 0) return payload;
        return { ...payload, refusal: toRefusalView(new Refusal('IMPORT_NOT_DONE', 'csv')) };
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
