import type { Database } from '../../../db/client.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { requireReadScope } from '../../kernel/http/context.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { CASE_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import * as store from './store.ts';
import { laterDay, viewAgreement } from './view.ts';

/** Resolvers of undertaking agreements (承接协议). */
export function agreementResolvers(deps: { db: Database; now: Clock }) {
  return {
    Query: {
      agreements: async (_, args, { actor }) => {
        requireReadScope(CASE_READS.agreements, actor, '承接协议只供机关人员查询。');
        const { organ, inForceOn, endingWithinDays } = args.filter ?? {};
        const today = dayOf(deps.now());
        const endsBy = endingWithinDays == null ? null : laterDay(deps.now, endingWithinDays);
        const filter = { organ: organ ?? null, inForceOn: inForceOn ?? (endsBy === null ? null : today), endsBy };
        const page = readPage(args, store.AGREEMENT_ORDER);
        return toConnection(await store.listAgreements(deps.db, filter, page), store.AGREEMENT_ORDER, (row) =>
          viewAgreement(row, deps.now),
        );
      },
    },
  } satisfies Resolvers;
}
