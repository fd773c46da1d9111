import { GraphQLDateTime } from 'graphql-scalars';
import { type Actor, hasRole, type Person } from '../kernel/actor.ts';
import { readPage, toConnection } from '../kernel/page.ts';
import { forbidden, type GraphContext, loader, requirePerson, settle } from '../kernel/serve.ts';
import type { PkiDependencies } from './certification.ts';
import type { Resolvers } from './resolvers.gen.ts';
import * as store from './store.ts';
import * as workflow from './workflow.ts';

export function sealResolvers(deps: PkiDependencies): Resolvers {
  const { db } = deps;
  const load = async (context: GraphContext, id: string) => {
    requirePerson(context.actor);
    const found = await loader<store.StoredSeal>(context, 'seals', (ids) => store.findSeals(db, ids)).load(id);
    return found && viewSeal(found);
  };
  return {
    DateTime: GraphQLDateTime,
    Query: {
      seals: async (_, args, { actor }) => {
        requirePerson(actor);
        const page = readPage(args, ([id]) => id ?? null);
        const found = await store.listSeals(
          db,
          { organ: args.filter?.organ ?? null, state: args.filter?.state ?? null },
          page,
        );
        return toConnection(found, (row) => [row.seal.id], viewSeal);
      },
      seal: (_, { id }, context) => load(context, id),
      sealUses: async (_, args, { actor }) => {
        const organ = organSeen(requirePerson(actor));
        const page = readPage(args, ([serial]) => (/^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null));
        const { seal = null, license = null } = args.filter ?? {};
        const found = await store.listUses(db, { organ, seal, license }, page);
        return toConnection(found, (row) => [String(row.serial)], viewUse);
      },
    },
    Mutation: {
      suspendSeal: (_, { input }, { actor }) =>
        settleSeal(actor, () => workflow.setUse(deps, actor, { ...input, to: 'SUSPENDED' })),
      resumeSeal: (_, { input }, { actor }) =>
        settleSeal(actor, () => workflow.setUse(deps, actor, { ...input, to: 'IN_USE' })),
      setSealPicture: (_, { input }, { actor }) =>
        settleSeal(actor, () => workflow.setPicture(deps, actor, { ...input, picture: input.picture ?? null })),
      grantSeal: (_, { input }, { actor }) =>
        settleSeal(actor, () => workflow.setGrant(deps, actor, { ...input, granted: true })),
      withdrawSealGrant: (_, { input }, { actor }) =>
        settleSeal(actor, () => workflow.setGrant(deps, actor, { ...input, granted: false })),
      endSeal: (_, { input }, { actor }) =>
        settleSeal(actor, () =>
          workflow.endSeal(deps, actor, { ...input, compromisedAt: input.compromisedAt ?? null }),
        ),
    },
    Seal: { __resolveReference: ({ id }, context) => load(context, id) },
    // A use names its seal by id; the whole seal is loaded once per answer.
    SealUse: {
      seal: async ({ seal }, _, context) => {
        const found = await load(context, seal.id);
        if (!found) throw new Error(`no seal ${seal.id}`);
        return found;
      },
    },
  };
}

/** The organ whose uses a person may see: an auditor sees every organ's (null), an organ's people its own. */
function organSeen(person: Person): string | null {
  if (hasRole(person, 'AUDITOR')) return null;
  if (person.organ === null) throw forbidden('用印日志只供本机关人员和审计人员查阅。');
  return person.organ;
}

function settleSeal(actor: Actor, run: () => Promise<store.StoredSeal>) {
  requirePerson(actor);
  return settle(async () => ({ seal: viewSeal(await run()) }));
}

function viewSeal({ seal, row, picture }: store.StoredSeal) {
  const { id, name, kind, state, validFrom, validUntil, matters, organ } = seal;
  const certificate = row.certificatePem;
  return {
    id,
    name,
    kind,
    state,
    validFrom,
    validUntil,
    certificate,
    picture: picture && `/seals/picture/${picture}`,
    organ: { id: organ },
    matters: matters.map((matter) => ({ id: matter })),
  };
}

function viewUse(row: store.UseRow) {
  const { issuanceId, sealId, authorisedBy, organ, matterId, identifier, act, at, documentDigest, suite } = row;
  return {
    id: issuanceId,
    seal: { id: sealId } as ReturnType<typeof viewSeal>,
    authorisedBy,
    organ: { id: organ },
    matter: { id: matterId },
    license: act === 'DECISION' ? null : { identifier },
    act,
    at,
    documentDigest,
    suite,
  };
}
