import type { Actor } from '../../kernel/actor.ts';
import { readPage, toConnection } from '../../kernel/page.ts';
import { forbidden, requirePerson, settle } from '../../kernel/serve.ts';
import { readChain } from '../certificate/certificate.ts';
import type { PkiDependencies } from '../certification.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import type { StoredSeal } from '../store.ts';
import { type SealView, visibleOrgan } from '../view.ts';
import type { Particulars } from './application.ts';
import * as store from './store.ts';
import * as workflow from './workflow.ts';

export type ApplicationView = ReturnType<typeof viewApplication>;

/** Resolvers of applications on seals: a part of the subgraph's resolvers. */
export function applicationResolvers(deps: PkiDependencies, viewSeal: (stored: StoredSeal) => SealView) {
  const apply = (actor: Actor, input: { seal?: string; reason: string; dryRun: boolean }, particulars: Particulars) => {
    requirePerson(actor);
    const { seal = null, reason, dryRun } = input;
    const asked = { seal, particulars, reason, dryRun };
    return settle(async () => {
      const applied = await workflow.apply(deps, actor, asked);
      return { application: viewApplication(applied.application), seal: applied.seal && viewSeal(applied.seal) };
    });
  };
  return {
    Query: {
      sealApplications: async (_, args, { actor }) => {
        const seen = visibleOrgan(requirePerson(actor));
        const { organ = null, seal = null, kind = null, state = null } = args.filter ?? {};
        if (seen !== null && organ !== null && organ !== seen)
          throw forbidden('印章申请只供本机关人员和审计人员查阅。');
        const page = readPage(args, ([serial]) => (/^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null));
        const found = await store.listApplications(deps.db, { organ: seen ?? organ, seal, kind, state }, page);
        return toConnection(found, (row) => [String(row.serial)], viewApplication);
      },
    },
    Mutation: {
      applyForSeal: (_, { input }, { actor }) => {
        const { kind: sealKind, matters, organName, ...rest } = input;
        return apply(actor, rest, { kind: 'MAKE', sealKind, matters: [...matters], organName: organName ?? '' });
      },
      applyForSealGrant: (_, { input }, { actor }) => {
        const { matter, person = null, from = null, to = null, ...rest } = input;
        return apply(actor, rest, { kind: 'GRANT', matter, person, from, to });
      },
      applyForSealGrantWithdrawal: (_, { input }, { actor }) =>
        apply(actor, input, { kind: 'WITHDRAW_GRANT', grant: input.grant, matter: '' }),
      applyForSealEnd: (_, { input }, { actor }) => {
        const { reason, words, compromisedAt, ...rest } = input;
        const told = compromisedAt?.toISOString() ?? null;
        return apply(actor, { ...rest, reason: words }, { kind: 'END', reason, compromisedAt: told });
      },
      applyForSealRotation: (_, { input }, { actor }) => apply(actor, input, { kind: 'ROTATE' }),
      enterSealCertificate: (_, { input }, { actor }) => {
        requirePerson(actor);
        return settle(async () => {
          const { certificates, seal, reason, dryRun } = input;
          const particulars = { kind: 'CERTIFICATE' as const, certificates: readChain(certificates) };
          const applied = await workflow.apply(deps, actor, { seal, reason, dryRun, particulars });
          return { application: viewApplication(applied.application), seal: applied.seal && viewSeal(applied.seal) };
        });
      },
      decideSealApplication: (_, { input }, { actor }) => {
        requirePerson(actor);
        return settle(async () => {
          const { application, seal } = await workflow.decide(deps, actor, { ...input, reason: input.reason ?? null });
          return { application: viewApplication(application), seal: seal && viewSeal(seal) };
        });
      },
      withdrawSealApplication: (_, { input }, { actor }) => {
        requirePerson(actor);
        return settle(async () => {
          const { application, seal } = await workflow.withdraw(deps, actor, input);
          return { application: viewApplication(application), seal: seal && viewSeal(seal) };
        });
      },
    },
  } satisfies Resolvers;
}

function viewApplication(stored: store.StoredApplication) {
  const { id, particulars, organ, sealId, reason, appliedBy, at, outcome, ended } = stored;
  const of = <Kind extends Particulars['kind']>(kind: Kind) =>
    particulars.kind === kind ? (particulars as Extract<Particulars, { kind: Kind }>) : null;
  const matters = of('MAKE')?.matters ?? [of('GRANT')?.matter ?? of('WITHDRAW_GRANT')?.matter ?? []].flat();
  const compromisedAt = of('END')?.compromisedAt ?? null;
  return {
    ...{ id, sealId, reason, appliedBy, appliedAt: at },
    kind: particulars.kind,
    state: outcome ?? ('WAITING' as const),
    organ: { id: organ },
    sealKind: of('MAKE')?.sealKind ?? null,
    matters: matters.map((matter) => ({ id: matter })),
    person: of('GRANT')?.person ?? null,
    from: of('GRANT')?.from ?? null,
    to: of('GRANT')?.to ?? null,
    grant: of('WITHDRAW_GRANT')?.grant ?? null,
    endReason: of('END')?.reason ?? null,
    compromisedAt: compromisedAt === null ? null : new Date(compromisedAt),
    certificates: of('CERTIFICATE')?.certificates.join('') ?? null,
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}
