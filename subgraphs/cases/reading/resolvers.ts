import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { answerReadings, loadReadings } from '../../kernel/privacy/reading-view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { reading } from './tables.ts';
import { viewCase } from './view.ts';
import { discloseApplicant, findApplicantCases } from './workflow.ts';

/** Resolvers of the record of readings, and of the disclosure of an applicant's code. */
export function readingResolvers(deps: { db: Database; now: Clock; intake: { holderChecks: number } }) {
  const record = { db: deps.db, table: reading, list: 'caseReadings' };
  return {
    Query: {
      caseReadings: (_, args, { actor }) => {
        const id = args.filter?.case ?? null;
        return answerReadings(record, id === null ? null : [id], args, actor);
      },
    },
    Mutation: {
      discloseApplicant: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { case: caseId, purpose, remark = null, dryRun } = input;
        return mutate(async () => {
          const { fields, ...disclosed } = await discloseApplicant(deps, actor, {
            caseId,
            stated: { purpose, remark },
            dryRun,
          });
          return { ...disclosed, fields: [...fields] };
        });
      },
      findApplicantCases: (_, { input }, { actor }) => {
        const person = requirePerson(actor);
        const { code, purpose, remark = null, dryRun } = input;
        return mutate(async () => {
          const found = await findApplicantCases(deps, person, { code, stated: { purpose, remark }, dryRun });
          return { cases: found.map(({ subject }) => viewCase(subject, person)) };
        });
      },
    },
    Case: {
      readings: ({ subject }, _, context) => {
        const person = requirePerson(context.actor);
        const isOwn = person.holderCode === subject.applicant.code;
        return loadReadings(record, subject.id, { person, isOwn, context });
      },
    },
  } satisfies Resolvers;
}
