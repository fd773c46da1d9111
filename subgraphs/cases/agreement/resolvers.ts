import { type Clock, dayOf } from '../../kernel/day.ts';
import { requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { byValue, numberPart, readPage, toConnection } from '../../kernel/http/page.ts';
import { CASE_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { ENDING_SOON_DAYS } from './agreement.ts';
import * as store from './store.ts';
import * as workflow from './workflow.ts';

/** The serial number of an agreement is an integer. */
const BY_ORDER = byValue(numberPart(9));

/** Resolvers of undertaking agreements (承接协议). */
export function agreementResolvers(deps: workflow.AgreementDependencies) {
  return {
    Query: {
      agreements: async (_, args, { actor }) => {
        requireReadScope(CASE_READS.agreements, actor, '承接协议只供机关人员查询。');
        const { organ, inForceOn, endingWithinDays } = args.filter ?? {};
        const today = dayOf(deps.now());
        const endsBy = endingWithinDays == null ? null : laterDay(deps.now, endingWithinDays);
        const filter = { organ: organ ?? null, inForceOn: inForceOn ?? (endsBy === null ? null : today), endsBy };
        const page = readPage(args, BY_ORDER);
        return toConnection(
          await store.listAgreements(deps.db, filter, page),
          BY_ORDER,
          (row) => row.serial,
          (row) => viewAgreement(row, deps.now),
        );
      },
    },
    Mutation: {
      recordAgreement: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { dryRun, ...details } = input;
        return mutate(async () => {
          const row = await workflow.recordAgreement(
            deps,
            actor,
            { ...details, validTo: details.validTo ?? null },
            dryRun,
          );
          return { agreement: viewAgreement(row, deps.now) };
        });
      },
      endAgreement: (_, { input: { dryRun, ...ending } }, { actor }) => {
        requirePerson(actor);
        return mutate(async () => {
          const row = await workflow.endAgreement(deps, actor, ending, dryRun);
          return { agreement: viewAgreement(row, deps.now) };
        });
      },
    },
  } satisfies Resolvers;
}

function laterDay(now: Clock, days: number): string {
  return dayOf(new Date(now().getTime() + Math.min(Math.max(days, 0), 36_500) * 86_400_000));
}

function viewAgreement(row: store.StoredAgreement, now: Clock) {
  const { validFrom, validTo } = row;
  const today = dayOf(now());
  const isInForce = validFrom <= today && (validTo === null || today <= validTo);
  return {
    ...row,
    cityOrgan: { id: row.cityOrgan },
    countyOrgan: { id: row.countyOrgan },
    matters: row.matters.map((id) => ({ id })),
    inForce: isInForce,
    endingSoon: isInForce && validTo !== null && validTo <= laterDay(now, ENDING_SOON_DAYS),
  };
}
