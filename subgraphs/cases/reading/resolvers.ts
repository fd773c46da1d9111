import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { getLoader, requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { BY_SERIAL, readPage, toConnection } from '../../kernel/http/page.ts';
import { readingScopeOf } from '../../kernel/privacy/reading.ts';
import { findReadings, listReadings, type ReadingRow } from '../../kernel/privacy/reading-store.ts';
import { viewReading } from '../../kernel/privacy/reading-view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { reading } from './tables.ts';
import { discloseApplicant } from './workflow.ts';

/** Resolvers of the record of readings, and of the disclosure of an applicant's code. */
export function readingResolvers(deps: { db: Database; now: Clock }) {
  const { db } = deps;
  return {
    Query: {
      caseReadings: async (_, args, { actor }) => {
        const scope = readingScopeOf(requirePerson(actor));
        const { case: subject = null, object = null, purpose = null, ...readers } = args.filter ?? {};
        const { person = null, organ = null, from = null, to = null } = readers;
        const filter = { subject, object, purpose, person, organ, from, to };
        const page = await listReadings(db, reading, scope, filter, readPage(args, BY_SERIAL));
        return toConnection(
          page,
          BY_SERIAL,
          (row) => row.serial,
          (row) => viewReading(row, scope),
        );
      },
    },
    Mutation: {
      discloseApplicant: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { case: caseId, purpose, remark = null, dryRun } = input;
        return mutate(async () => {
          const { applicant, fields } = await discloseApplicant(deps, actor, {
            caseId,
            stated: { purpose, remark },
            dryRun,
          });
          return { applicant, fields: [...fields] };
        });
      },
    },
    Case: {
      readings: async ({ subject }, _, context) => {
        const person = requirePerson(context.actor);
        const scope = readingScopeOf(person);
        const isOwn = person.holderCode === subject.applicant.code;
        if (!scope.all && scope.organ === null && !isOwn) return null;
        const rows = await getLoader<ReadingRow[]>(context, 'readings', async (ids) => {
          const byCase = await findReadings(db, reading, scope, ids);
          return ids.map((id) => byCase.get(id) ?? []);
        }).load(subject.id);
        return (rows ?? []).map((row) => viewReading(row, scope));
      },
    },
  } satisfies Resolvers;
}
