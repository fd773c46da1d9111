import { type Actor, hasRole } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { readPage, toConnection } from '../../kernel/page.ts';
import { loader, requirePerson, settle } from '../../kernel/serve.ts';
import type { MaterialInput, Resolvers } from '../resolvers.gen.ts';
import type { MaterialGiven } from './material.ts';
import * as store from './store.ts';
import * as workflow from './workflow.ts';

/** Materials of a case, and the uploads that are to become some. */
export function materialResolvers(dependencies: workflow.MaterialDependencies): Resolvers {
  const { db, now } = dependencies;
  return {
    Query: {
      uploads: async (_, args, { actor }) => {
        const person = requirePerson(actor);
        const page = readPage(args, ([serial]) => (/^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null));
        return toConnection(
          await store.listWaiting(db, person.id, page),
          (row) => [String(row.serial)],
          (row) => viewUpload(row),
        );
      },
    },
    Mutation: {
      discardUpload: (_, { input }, { actor }) => {
        const person = requirePerson(actor);
        return settle(async () => ({
          upload: viewUpload(await workflow.discardUpload(dependencies, person, input.upload, input.dryRun ?? false)),
        }));
      },
    },
    Case: {
      // Who has a Case to ask may see it: the parent's resolver decided that.
      materials: async ({ id }, _, context) => {
        const materials = await loader<workflow.ShownMaterial[]>(context, 'materials', async (ids) => {
          const found = await workflow.materialsOf(db, ids, dayOf(now()));
          return ids.map((one) => found.get(one) ?? []);
        }).load(id);
        return (materials ?? []).map((one) => viewMaterial(one, context.actor));
      },
    },
  };
}

/** A material as an input names it. */
export function readMaterial({ code, upload, license, paper, copies }: MaterialInput): MaterialGiven {
  return {
    code,
    upload: upload ?? null,
    license: license ?? null,
    paper: paper ?? false,
    copies: copies ?? null,
  };
}

/** Where a file is fetched, below the hub's address. */
export function fileUrl(id: string): string {
  return `/cases/materials/${id}`;
}

export function viewUpload(upload: store.Upload) {
  const { id, name, mediaType, sizeBytes, digest, state, uploadedAt } = upload;
  const expiresAt = workflow.expiryOf(uploadedAt);
  return { id, name, mediaType, sizeBytes, digest, state, uploadedAt, expiresAt, url: fileUrl(id) };
}

function viewMaterial(material: workflow.ShownMaterial, actor: Actor) {
  const { code, name, kind, form, copies, superseded, file, addedAt } = material;
  const own = actor.kind === 'person' && actor.holderCode === material.applicantCode;
  const identifier = material.licenseIdentifier;
  return {
    code,
    name,
    kind,
    form,
    copies,
    superseded,
    file: file && { ...file, url: fileUrl(file.id) },
    license: identifier === null ? null : { identifier },
    checked:
      material.licenseState === null || material.licenseVersion === null
        ? null
        : {
            version: material.licenseVersion,
            state: material.licenseState,
            at: addedAt,
            stillGood: material.fault === null,
          },
    addedAt,
    // An applicant learns that an office added it; its people are known inside the offices only.
    addedBy: own && !hasRole(actor, 'AUDITOR') && material.organ !== null ? '经办人员' : material.actor,
  };
}
