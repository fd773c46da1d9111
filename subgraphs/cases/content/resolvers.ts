import { dayOf } from '../../kernel/day.ts';
import { getLoader } from '../../kernel/http/context.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { listRefusals } from '../../kernel/refusals/collector.ts';
import { type Case, endsInLicenseAct, type LicenseFact } from '../case.ts';
import { findLicenses, findLicenseTypes } from '../fact/store.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { settleCase, toCommand } from '../view.ts';
import type { WorkflowDependencies } from '../workflow.ts';
import { linesOf, listChanges, requireContent, typeOfCase } from './check.ts';
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
          ? getLoader<ReturnType<typeof viewContent>, Case>(context, 'certificate data', (cases) =>
              viewContents(deps, cases),
            ).load(subject)
          : null,
    },
  } satisfies Resolvers;
}

/** Returns the content of each case. What they depend on is loaded once for all of them. */
async function viewContents({ db, now }: WorkflowDependencies, cases: readonly Case[]) {
  const codes = cases.flatMap(({ delegation }) => delegation.outcome.licenseType ?? []);
  const types = await findLicenseTypes(db, [...new Set(codes)]);
  const licenses = await findLicenses(db, [...new Set(cases.flatMap(({ licenseNumber }) => licenseNumber ?? []))]);
  return cases.map((subject) => {
    const type = types.get(subject.delegation.outcome.licenseType ?? '') ?? null;
    const license = licenses.get(subject.licenseNumber ?? '') ?? null;
    return viewContent(subject, license, typeOfCase(type, subject.steps, dayOf(now())));
  });
}

function viewContent(subject: Case, license: LicenseFact | null, type: LicenseTypeVersion | null) {
  const refusals = listRefusals(() => requireContent(subject, license, type));
  // The act changes the license, so the decision keeps what it changes.
  const decision = subject.steps.find(({ step }) => step === 'DECIDED');
  return {
    fields: linesOf(subject, license, type),
    changes: decision ? (decision.data?.amended ?? []) : listChanges(subject, license, type),
    problems: refusals.map(({ code, message, field }) => ({ code, message, field, path: [] })),
    typeVersion: type?.version ?? null,
  };
}
