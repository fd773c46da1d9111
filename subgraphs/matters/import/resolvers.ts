import type { Database } from '../../../db/client.ts';
import { hasRole } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { type Connection, type Page, readPage, toConnection } from '../../kernel/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { forbidden, type GraphContext, loader, requirePerson, settle, viewRefusal } from '../../kernel/serve.ts';
import type { Matter } from '../matter.ts';
import type { MatterChange } from './import.ts';
import * as store from './store.ts';
import { type ImportInput, importList } from './workflow.ts';

type Changes = Page<MatterChange & { seq: number }>;

/** Resolvers of importing lists. */
export function importResolvers(
  dependencies: { db: Database; now: Clock },
  loadMatter: (context: GraphContext, id: string) => Promise<Matter | null>,
) {
  const { db } = dependencies;
  return {
    Query: {
      delegationImports: async (
        _: unknown,
        args: { first: number; after?: string | null },
        { actor }: GraphContext,
      ): Promise<Connection<store.Entry>> => {
        if (!hasRole(requirePerson(actor), 'ADMINISTRATOR', 'AUDITOR')) {
          throw forbidden('导入记录只对系统管理员和审计员开放。');
        }
        const found = await store.listEntries(db, readPage(args, readSerial));
        return toConnection(
          found,
          (row) => [String(row.serial)],
          (row) => row,
        );
      },
    },
    Mutation: {
      importDelegations: (
        _: unknown,
        { input }: { input: Omit<ImportInput, 'basis'> & { basis?: string | null } },
        { actor }: GraphContext,
      ) => {
        requirePerson(actor);
        return settle(async () => {
          const { entry, ...done } = await importList(dependencies, actor, { ...input, basis: input.basis ?? null });
          const refusal = done.problems.length > 0 ? viewRefusal(new Refusal('IMPORT_NOT_DONE', 'csv')) : null;
          return { ...done, import: entry, refusal };
        });
      },
    },
    ImportDelegationsPayload: {
      changes: ({ changes = [] }: { changes?: MatterChange[] }) => changes,
      problems: ({ problems = [] }: { problems?: unknown[] }) => problems,
      unchanged: ({ unchanged = 0 }: { unchanged?: number }) => unchanged,
    },
    DelegationImport: {
      importedBy: ({ actor }: store.Entry) => actor,
      changes: async (
        { id }: store.Entry,
        args: { first: number; after?: string | null },
        context: GraphContext,
      ): Promise<Connection<MatterChange>> => {
        const page = readPage(args, readSerial);
        const name = `import changes ${page.first} ${page.after}`;
        const found = await loader<Changes>(context, name, (ids) => store.listChanges(db, ids, page)).load(id);
        return toConnection(
          found ?? { rows: [], hasNextPage: false },
          (row) => [String(row.seq)],
          (row) => row,
        );
      },
    },
    MatterChange: {
      matter: ({ matterId }: MatterChange, _: unknown, context: GraphContext) => loadMatter(context, matterId),
    },
  };
}

function readSerial([serial]: readonly string[]): number | null {
  return /^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null;
}
