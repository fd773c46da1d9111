import type { Actor } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { getLoader } from '../../kernel/http/context.ts';
import { actOf, type Case, endsInLicenseAct } from '../case.ts';
import { findLicenses, findLicenseTypes } from '../fact/store.ts';
import { settleCase, toCommand } from '../reading/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import type { WorkflowDependencies } from '../workflow.ts';
import { typeOfCase } from './check.ts';
import { labelFor } from './labels.ts';
import { showContent } from './shown.ts';
import { findGrants, findStoredIds } from './store.ts';
import { amendCase } from './workflow.ts';

/** The content of a license to be (制证信息): what it will carry, and its amendment. */
export function contentResolvers(deps: WorkflowDependencies) {
  return {
    Mutation: {
      amendCase: (_, { input }, { actor }) =>
        settleCase(actor, () =>
          amendCase(deps, toCommand(actor, input), { fields: input.fields, note: input.note ?? null }),
        ),
    },
    Case: {
      certificateData: ({ subject }, _, context) =>
        endsInLicenseAct(subject.delegation)
          ? getLoader<Content, Case>(context, 'certificate data', (cases) =>
              viewContents(deps, cases, context.actor),
            ).load(subject)
          : null,
    },
  } satisfies Resolvers;
}

type Content = ReturnType<typeof showContent>;

/** Returns the content of each case as its reader may see it. What they depend on is loaded once for all of them. */
async function viewContents({ db, now }: WorkflowDependencies, cases: readonly Case[], reader: Actor) {
  const codes = cases.flatMap(({ delegation }) => delegation.outcome.licenseType ?? []);
  const types = await findLicenseTypes(db, [...new Set(codes)]);
  const licenses = await findLicenses(db, [...new Set(cases.flatMap(({ licenseNumber }) => licenseNumber ?? []))]);
  const ids = cases.map(({ id }) => id);
  const stored = await findStoredIds(db, ids);
  const grants = await findGrants(db, ids);
  return cases.map((subject) => {
    const published = types.get(subject.delegation.outcome.licenseType ?? '') ?? null;
    const type = typeOfCase(published, subject.steps, dayOf(now()));
    const license = licenses.get(subject.licenseNumber ?? '') ?? null;
    return showContent(reader, subject, {
      license: labelFor(actOf(subject), license, { published, type }),
      published,
      type,
      grant: grants.get(subject.id) ?? null,
      isStored: stored.has(subject.id),
    });
  });
}
