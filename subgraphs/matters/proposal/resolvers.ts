import type { Actor } from '../../kernel/actor.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import { type GraphContext, getLoader, mayRead, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate, toRefusalFields } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { GuideRefusal } from '../guide/guide.ts';
import { viewGuide } from '../guide/view.ts';
import { MATTER_READS } from '../policy.ts';
import type { ImportGuideInput, Resolvers, ResolversTypes } from '../resolvers.gen.ts';
import { findFiles, IMPORT_PROPOSAL_ORDER, type ImportFileRow, importStore, listImports } from './store.ts';
import { viewImport, viewImportActions } from './view.ts';
import {
  decideImport,
  type ImportDecision,
  type ImportDependencies,
  proposeImport,
  withdrawImport,
} from './workflow.ts';

/** The fields of a refused list that cannot be null. */
const NO_CHANGES = { changes: [], problems: [], unchanged: 0 };

const NO_ORGAN_CHANGES = { differences: [], problems: [], unchanged: 0 };

type FindOrgan = (context: GraphContext, id: string | null) => Promise<OrganFact | null> | null;

/** Resolvers of proposed imports (拟导入), and of the mutations that propose them. */
export function importProposalResolvers(deps: ImportDependencies, findOrgan: FindOrgan) {
  const loadFile = async (context: GraphContext, id: string): Promise<ImportFileRow> => {
    const file = await getLoader<ImportFileRow>(context, 'import files', (ids) => findFiles(deps.db, ids)).load(id);
    if (!file) throw new Error(`no file of proposal ${id}`);
    return file;
  };
  return {
    Query: {
      importProposals: async (_, args, { actor }) => {
        const ownOrgan = requireReadScope(MATTER_READS.importProposals, actor, '您的岗位不能查看拟导入的文件。');
        const { kind = null, state = null } = args.filter ?? {};
        const page = await listImports(deps.db, ownOrgan, { kind, state }, readPage(args, IMPORT_PROPOSAL_ORDER));
        return toConnection(page, IMPORT_PROPOSAL_ORDER, viewImport);
      },
    },
    Mutation: {
      importDelegations: (_, { input }, { actor }) => proposeList(deps, actor, input),
      importGuide: (_, { input }, { actor }) => proposeGuide(deps, actor, 'GUIDE', input),
      importGuideOverlay: (_, { input }, { actor }) => proposeGuide(deps, actor, 'GUIDE_OVERLAY', input),
      importLicenseType: (_, { input }, { actor }) => proposeType(deps, actor, input),
      importOrgans: (_, { input }, { actor }) => proposeOrgans(deps, actor, input),
      decideImport: (_, { input }, { actor }) =>
        settleDecision(actor, () => decideImport(deps, actor, { ...input, reason: input.reason ?? null })),
      withdrawImport: (_, { input }, { actor }) => settleDecision(actor, () => withdrawImport(deps, actor, input)),
    },
    ImportProposal: {
      __resolveReference: async ({ id }, { actor }) => {
        const stored = await importStore.find(deps.db, id);
        const isVisible = mayRead(MATTER_READS.importProposals, actor, [stored?.organ ?? null]);
        return stored && isVisible ? viewImport(stored) : null;
      },
      organ: ({ organId }, _, context) => findOrgan(context, organId),
      file: async ({ id }, _, context) => (await loadFile(context, id)).file,
      actions: (proposal, _, { actor }) => viewImportActions(proposal, actor),
      differences: async ({ id }, _, context) => (await loadFile(context, id)).differences,
    },
  } satisfies Resolvers;
}

async function proposeList(
  deps: ImportDependencies,
  actor: Actor,
  { csv, basis = null, dryRun }: { csv: string; basis?: string | null; dryRun: boolean },
) {
  requirePerson(actor);
  const payload = await mutate(async () => {
    const file = { kind: 'DELEGATIONS', text: csv, basis, format: null, dryRun } as const;
    const { proposal: row, result } = await proposeImport(deps, actor, file);
    const { changes, unchanged, problems } = result;
    return { proposal: row && viewImport(row), changes, unchanged, problems };
  }, NO_CHANGES);
  if (payload.refusal !== null || payload.problems.length === 0) return payload;
  return { ...payload, ...toRefusalFields(new Refusal('IMPORT_NOT_DONE', 'csv')) };
}

/** Maps the proposal of a list of changes of organs to its payload. Problems refuse all of it. */
async function proposeOrgans(
  deps: ImportDependencies,
  actor: Actor,
  { csv, basis = null, dryRun }: { csv: string; basis?: string | null; dryRun: boolean },
) {
  requirePerson(actor);
  const payload = await mutate(async () => {
    const file = { kind: 'ORGANS', text: csv, basis, format: null, dryRun } as const;
    const { proposal: row, result } = await proposeImport(deps, actor, file);
    const { differences, unchanged, problems } = result;
    return { proposal: row && viewImport(row), differences, unchanged, problems };
  }, NO_ORGAN_CHANGES);
  if (payload.refusal !== null || payload.problems.length === 0) return payload;
  return { ...payload, ...toRefusalFields(new Refusal('IMPORT_NOT_DONE', 'csv')) };
}

/** Maps the proposal of a guide to its payload. A refusal includes every problem. */
async function proposeGuide(
  deps: ImportDependencies,
  actor: Actor,
  kind: 'GUIDE' | 'GUIDE_OVERLAY',
  input: ImportGuideInput,
): Promise<Awaited<ResolversTypes['ImportGuidePayload']>> {
  const person = requirePerson(actor);
  try {
    const { proposal: row, result } = await proposeImport(deps, person, { kind, basis: null, ...input });
    const { guide, ...outcome } = result;
    return { proposal: row && viewImport(row), guide: viewGuide(guide), problems: [], refusal: null, ...outcome };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const problems = error instanceof GuideRefusal ? error.problems : [];
    return { changed: false, differences: [], lapsed: [], problems, ...toRefusalFields(error) };
  }
}

/** Maps the proposal of a license type to its payload. A refusal includes every problem. */
async function proposeType(
  deps: ImportDependencies,
  actor: Actor,
  input: { text: string; dryRun: boolean },
): Promise<Awaited<ResolversTypes['ImportLicenseTypePayload']>> {
  const person = requirePerson(actor);
  try {
    const file = { kind: 'LICENSE_TYPE', basis: null, format: null, ...input } as const;
    const { proposal: row, result } = await proposeImport(deps, person, file);
    return { proposal: row && viewImport(row), problems: [], refusal: null, ...result };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const problems = error instanceof GuideRefusal ? error.problems : [];
    return { changed: false, differences: [], problems, ...toRefusalFields(error) };
  }
}

function settleDecision(actor: Actor, run: () => Promise<ImportDecision>) {
  requirePerson(actor);
  return mutate(async () => {
    const { proposal: row, entry, publication, typePublication } = await run();
    return {
      ...{ proposal: viewImport(row), import: entry },
      guide: publication && viewGuide(publication.guide),
      licenseType: typePublication?.licenseType ?? null,
    };
  });
}
