import type { Actor } from '../../kernel/actor.ts';
import type { Parse } from '../../kernel/foreign/pool.ts';
import { type GraphContext, getLoader, mayRead, requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { EMPTY_PAGE, readPage, toConnection } from '../../kernel/list/page.ts';
import { organsOf } from '../../kernel/organ/place.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireReason } from '../../kernel/text.ts';
import type { PkiDependencies } from '../certification/certification-workflow.ts';
import type { PARSERS } from '../parsers.ts';
import { SEAL_READS, SEALS_POLICY } from '../policy.ts';
import type { Resolvers, SealActInput, SealPictureInput } from '../resolvers.gen.ts';
import type { StoredSeal } from '../store.ts';
import { type SealView, visibleOrgans } from '../view.ts';
import type { Particulars } from './application.ts';
import * as store from './store.ts';
import { viewApplication, viewApplicationActions } from './view.ts';
import * as workflow from './workflow.ts';

export interface ApplicationDependencies extends PkiDependencies {
  parse: Parse<typeof PARSERS>;
}

/** Resolvers of applications on seals: a part of the subgraph's resolvers. */
export function applicationResolvers(deps: ApplicationDependencies, viewSeal: (stored: StoredSeal) => SealView) {
  const settle = (actor: Actor, carryOut: () => Promise<workflow.ApplicationResult>) => {
    requirePerson(actor);
    return mutate(async () => {
      const { application, seal } = await carryOut();
      return { application: viewApplication(application), seal: seal && viewSeal(seal) };
    });
  };
  const apply = (
    actor: Actor,
    { seal = null, reason, dryRun }: Pick<SealActInput, 'reason' | 'dryRun'> & { seal?: string | null },
    readParticulars: () => Particulars | Promise<Particulars>,
  ) =>
    settle(actor, async () => {
      const particulars = await readParticulars();
      return workflow.apply(deps, actor, { seal, particulars, reason, dryRun });
    });
  const applyForPicture = (actor: Actor, { seal, picture: base64, reason, dryRun }: SealPictureInput) =>
    settle(actor, async () => {
      const picture = base64 == null ? null : await parseBeside(reason, () => deps.parse('readPicture', base64));
      const particulars: Particulars = { kind: 'PICTURE', digest: picture?.digest ?? null, replaces: null };
      return workflow.apply(deps, actor, { seal, particulars, picture, reason, dryRun });
    });
  return {
    Query: applicationQuery(deps),
    SealApplication: applicationFields(deps),
    Mutation: {
      applyForSeal: (_, { input }, { actor }) => {
        const { kind: sealKind, matters, organName, ...rest } = input;
        return apply(actor, rest, () => ({
          kind: 'MAKE',
          sealKind,
          matters: [...matters],
          organName: organName ?? '',
        }));
      },
      applyForSealGrant: (_, { input }, { actor }) => {
        const { matter, person = null, from = null, to = null, ...rest } = input;
        return apply(actor, rest, () => ({ kind: 'GRANT', matter, person, from, to }));
      },
      applyForSealGrantWithdrawal: (_, { input }, { actor }) =>
        apply(actor, input, () => ({ kind: 'WITHDRAW_GRANT', grant: input.grant, matter: '' })),
      applyForSealEnd: (_, { input }, { actor }) => {
        const { reason, words, compromisedAt, ...rest } = input;
        const compromiseTime = compromisedAt?.toISOString() ?? null;
        return apply(actor, { ...rest, reason: words }, () => ({ kind: 'END', reason, compromisedAt: compromiseTime }));
      },
      applyForSealResumption: (_, { input }, { actor }) => apply(actor, input, () => ({ kind: 'RESUME' })),
      applyForSealRotation: (_, { input }, { actor }) => apply(actor, input, () => ({ kind: 'ROTATE' })),
      enterSealCertificate: (_, { input }, { actor }) =>
        apply(actor, input, async () => ({
          kind: 'CERTIFICATE',
          certificates: await parseBeside(input.reason, () => deps.parse('readForeignChain', input.certificates)),
        })),
      applyForSealPicture: (_, { input }, { actor }) => applyForPicture(actor, input),
      decideSealApplication: (_, { input }, { actor }) =>
        settle(actor, () => workflow.decide(deps, actor, { ...input, reason: input.reason ?? null })),
      withdrawSealApplication: (_, { input }, { actor }) => settle(actor, () => workflow.withdraw(deps, actor, input)),
    },
  } satisfies Resolvers;
}

function applicationFields(deps: ApplicationDependencies) {
  return {
    __resolveReference: ({ id }, context) => findVisible(deps, context, id),
    actions: (application, _, { actor }) => viewApplicationActions(application, actor),
    picture: async ({ id }, _, context) => {
      const loadPicture = getLoader<Uint8Array>(context, 'application pictures', (ids) =>
        store.findPictures(deps.db, ids),
      );
      const png = await loadPicture.load(id);
      return png && Buffer.from(png).toString('base64');
    },
  } satisfies Resolvers['SealApplication'];
}

/** Returns an application, or null if there is none that the caller may see. */
async function findVisible({ db }: ApplicationDependencies, context: GraphContext, id: string) {
  const load = getLoader<store.StoredApplication>(context, 'applications', (ids) => store.findApplications(db, ids));
  const stored = await load.load(id);
  const isVisible = mayRead(SEAL_READS.sealApplications, context.actor, [stored?.organ ?? null]);
  return stored && isVisible ? viewApplication(stored) : null;
}

function applicationQuery(deps: ApplicationDependencies) {
  return {
    sealApplications: async (_, args, { actor }) => {
      const person = requirePerson(actor);
      const { organ = null, seal = null, kind = null, state = null, waitsForMe = null } = args.filter ?? {};
      const organs = visibleOrgans('sealApplications', person, organ);
      const page = readPage(args, store.APPLICATION_ORDER);
      const isDecider = SEALS_POLICY.decideSealApplication.grants.some(({ roles }) =>
        roles.some((role) => person.roles.includes(role)),
      );
      if (waitsForMe && !isDecider) return toConnection(EMPTY_PAGE, store.APPLICATION_ORDER, viewApplication);
      const decider = waitsForMe ? { id: person.id, organs: organsOf(person) } : null;
      const applicationPage = await store.listApplications(deps.db, { organs, seal, kind, state, decider }, page);
      return toConnection(applicationPage, store.APPLICATION_ORDER, viewApplication);
    },
  } satisfies Resolvers['Query'];
}

/**
 * Parses a file of an application. Refuses what the parser refuses, together with what a wrong reason is refused for.
 * A wrong reason alone is refused later, once the applicant is known to be allowed.
 */
async function parseBeside<Result>(reason: string, parse: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await parse();
  } catch (error) {
    checkAll(
      () => {
        throw error;
      },
      () => requireReason(reason, workflow.MAX_REASON_CHARS),
    );
    throw error;
  }
}
