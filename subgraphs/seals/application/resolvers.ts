import type { Actor } from '../../kernel/actor.ts';
import { buildForbiddenError, requirePerson } from '../../kernel/context.ts';
import { mutate } from '../../kernel/errors.ts';
import { readPage, toConnection } from '../../kernel/page.ts';
import { parseChain } from '../certificate/certificate.ts';
import type { PkiDependencies } from '../certification-workflow.ts';
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
    const request = { seal, particulars, reason, dryRun };
    return mutate(async () => {
      const result = await workflow.apply(deps, actor, request);
      return { application: viewApplication(result.application), seal: result.seal && viewSeal(result.seal) };
    });
  };
  return {
    Query: {
      sealApplications: async (_, args, { actor }) => {
        const ownOrgan = visibleOrgan(requirePerson(actor));
        const { organ = null, seal = null, kind = null, state = null } = args.filter ?? {};
        if (ownOrgan !== null && organ !== null && organ !== ownOrgan)
          throw buildForbiddenError('印章申请只供本机关人员和审计人员查阅。');
        const page = readPage(args, ([serial]) => (/^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null));
        const applicationPage = await store.listApplications(
          deps.db,
          { organ: ownOrgan ?? organ, seal, kind, state },
          page,
        );
        return toConnection(applicationPage, (row) => [String(row.serial)], viewApplication);
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
        const compromiseTime = compromisedAt?.toISOString() ?? null;
        return apply(actor, { ...rest, reason: words }, { kind: 'END', reason, compromisedAt: compromiseTime });
      },
      applyForSealRotation: (_, { input }, { actor }) => apply(actor, input, { kind: 'ROTATE' }),
      enterSealCertificate: (_, { input }, { actor }) => {
        requirePerson(actor);
        return mutate(async () => {
          const { certificates, seal, reason, dryRun } = input;
          const particulars = { kind: 'CERTIFICATE' as const, certificates: parseChain(certificates) };
          const result = await workflow.apply(deps, actor, { seal, reason, dryRun, particulars });
          return { application: viewApplication(result.application), seal: result.seal && viewSeal(result.seal) };
        });
      },
      decideSealApplication: (_, { input }, { actor }) => {
        requirePerson(actor);
        return mutate(async () => {
          const { application, seal } = await workflow.decide(deps, actor, { ...input, reason: input.reason ?? null });
          return { application: viewApplication(application), seal: seal && viewSeal(seal) };
        });
      },
      withdrawSealApplication: (_, { input }, { actor }) => {
        requirePerson(actor);
        return mutate(async () => {
          const { application, seal } = await workflow.withdraw(deps, actor, input);
          return { application: viewApplication(application), seal: seal && viewSeal(seal) };
        });
      },
    },
  } satisfies Resolvers;
}

function viewApplication(stored: store.StoredApplication) {
  const { id, particulars, organ, sealId, reason, appliedBy, at, outcome, ended } = stored;
  const particularsOf = <Kind extends Particulars['kind']>(kind: Kind) =>
    particulars.kind === kind ? (particulars as Extract<Particulars, { kind: Kind }>) : null;
  const matters =
    particularsOf('MAKE')?.matters ??
    [particularsOf('GRANT')?.matter ?? particularsOf('WITHDRAW_GRANT')?.matter ?? []].flat();
  const compromisedAt = particularsOf('END')?.compromisedAt ?? null;
  return {
    ...{ id, sealId, reason, appliedBy, appliedAt: at },
    kind: particulars.kind,
    state: outcome ?? ('WAITING' as const),
    organ: { id: organ },
    sealKind: particularsOf('MAKE')?.sealKind ?? null,
    matters: matters.map((matter) => ({ id: matter })),
    person: particularsOf('GRANT')?.person ?? null,
    from: particularsOf('GRANT')?.from ?? null,
    to: particularsOf('GRANT')?.to ?? null,
    grant: particularsOf('WITHDRAW_GRANT')?.grant ?? null,
    endReason: particularsOf('END')?.reason ?? null,
    compromisedAt: compromisedAt === null ? null : new Date(compromisedAt),
    certificates: particularsOf('CERTIFICATE')?.certificates.join('') ?? null,
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}
