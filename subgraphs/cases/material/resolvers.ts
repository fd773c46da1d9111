import { dayOf } from '../../kernel/day.ts';
import { buildForbiddenError, getLoader, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { narrowScope } from '../../kernel/policy.ts';
import { listReadings, readingOrder } from '../../kernel/privacy/reading-store.ts';
import { CASE_READS } from '../policy.ts';
import { reading } from '../reading/tables.ts';
import type { MaterialInput, Resolvers } from '../resolvers.gen.ts';
import type { SubmittedMaterial } from './material.ts';
import * as store from './store.ts';
import { listWaiting, UPLOAD_ORDER } from './upload/store.ts';
import { discardUpload, type MaterialDependencies } from './upload/workflow.ts';
import { viewMaterial, viewRead, viewUpload } from './view.ts';
import * as workflow from './workflow.ts';

/** The order of `materialReads`. */
const MATERIAL_READ_ORDER = readingOrder('materialReads', reading);

/** Resolvers of the materials of a case, and of the uploads that are not part of a case yet. */
export function materialResolvers(dependencies: MaterialDependencies) {
  const { db, now } = dependencies;
  return {
    Query: {
      uploads: async (_, args, { actor }) => {
        const person = requirePerson(actor);
        const page = readPage(args, UPLOAD_ORDER);
        return toConnection(await listWaiting(db, person.id, page), UPLOAD_ORDER, viewUpload);
      },
      materialReads: async (_, args, { actor }) => {
        const scope = requireReadScope(CASE_READS.materialReads, actor, READS_FORBIDDEN);
        const { person = null, case: caseId = null, organ = null, from = null, to = null } = args.filter ?? {};
        const organs = narrowScope(scope, organ);
        if (organs?.length === 0) throw buildForbiddenError(READS_FORBIDDEN);
        const filter = {
          subjects: caseId === null ? null : [caseId],
          object: 'MATERIAL',
          purpose: null,
          person,
          organs,
        } as const;
        const page = readPage(args, MATERIAL_READ_ORDER);
        const reads = await listReadings(db, reading, { all: true }, { ...filter, from, to }, page);
        const codes = await store.findMaterialCodes(
          db,
          reads.rows.map(({ objectId }) => objectId),
        );
        return toConnection(reads, MATERIAL_READ_ORDER, (row) => viewRead(row, codes.get(row.objectId) ?? ''));
      },
    },
    Mutation: {
      discardUpload: (_, { input }, { actor }) => {
        const person = requirePerson(actor);
        return mutate(async () => ({
          upload: viewUpload(await discardUpload(dependencies, person, input.upload, input.dryRun)),
        }));
      },
    },
    Case: {
      // Whoever has a Case may see its materials. The parent's resolver checked that.
      materials: async ({ id }, _, context) => {
        const materials = await getLoader<workflow.ShownMaterial[]>(context, 'materials', async (ids) => {
          const materialsByCase = await workflow.listShownMaterials(db, ids, dayOf(now()));
          return ids.map((one) => materialsByCase.get(one) ?? []);
        }).load(id);
        return (materials ?? []).map((one) => viewMaterial(one, context.actor));
      },
    },
  } satisfies Resolvers;
}

const READS_FORBIDDEN = '查阅记录只供审计人员和本机关印章审批、监督人员查阅。';

/** Maps a material of a GraphQL input. */
export function toSubmittedMaterial({ code, upload, license, paper, copies }: MaterialInput): SubmittedMaterial {
  return {
    code,
    upload: upload ?? null,
    license: license ?? null,
    paper: paper ?? false,
    copies: copies ?? null,
  };
}
