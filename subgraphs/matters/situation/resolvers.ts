import type { Database } from '../../../db/client.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import { listCarriedActs, listSituations, type OutcomeSince } from '../../kernel/license-type/situation.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import * as guideStore from '../guide/store.ts';
import { findGuide, type GuideVersion } from '../guide/version.ts';
import { findDelegation, getOutcome } from '../matter.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findOutcomesOfTypes } from './store.ts';
import { viewSituation } from './view.ts';

type FindType = (context: GraphContext, code: string, on: Day) => Promise<LicenseTypeVersion | null>;

/** Resolvers of the situations (办理情形) of a matter. Reading is public. */
export function situationResolvers({ db, now }: { db: Database; now: Clock }, findType: FindType) {
  const loadOutcomes = (context: GraphContext, code: string) =>
    getLoader<(readonly OutcomeSince[])[]>(context, 'outcomes of types', (codes) =>
      findOutcomesOfTypes(db, codes),
    ).load(code);
  const loadGuides = (context: GraphContext, matterId: string) =>
    getLoader<GuideVersion[]>(context, 'guides', (ids) => guideStore.findGuides(db, ids)).load(matterId);
  return {
    Matter: {
      situations: async (matter, { on }, context) => {
        const day = on ?? dayOf(now());
        const { licenseAction: ownAct, outcome } = getOutcome(matter, day);
        const code = outcome.licenseType;
        if (code === null || findDelegation(matter, day) === null) return [];
        const type = await findType(context, code, day);
        const carried = listCarriedActs((await loadOutcomes(context, code)) ?? [], code, day);
        // A county's differences leave the situations of the city's guide as they are.
        const guideInForce = findGuide((await loadGuides(context, matter.row.id)) ?? [], day, null);
        const guided = guideInForce?.guide.situations ?? null;
        const acts = listSituations({ ownAct, type, carried, guided });
        return acts.map((act) => viewSituation(act, ownAct ?? 'ISSUE', type));
      },
    },
  } satisfies Resolvers;
}
