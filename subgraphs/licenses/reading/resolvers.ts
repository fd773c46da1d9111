import { getLoader, requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { BY_SERIAL, readPage, toConnection } from '../../kernel/http/page.ts';
import { readingScopeOf } from '../../kernel/privacy/reading.ts';
import { findReadings, listReadings, type ReadingRow } from '../../kernel/privacy/reading-store.ts';
import { viewReading } from '../../kernel/privacy/reading-view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { reading } from './tables.ts';
import { discloseHolder, type ReadingDependencies } from './workflow.ts';

/** Resolvers of the record of readings, and of the disclosure of a holder's code. */
export function readingResolvers(deps: ReadingDependencies) {
  const { db } = deps;
  return {
    Query: {
      licenseReadings: async (_, args, { actor }) => {
        const scope = readingScopeOf(requirePerson(actor));
        const { number: subject = null, object = null, purpose = null, ...readers } = args.filter ?? {};
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
      discloseHolder: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { identifier, purpose, remark = null, dryRun } = input;
        return mutate(async () => {
          const request = { identifier, stated: { purpose, remark }, dryRun };
          const { holder, fields } = await discloseHolder(deps, actor, request);
          const codeKind = holder.kind === '001' ? ('USCC' as const) : ('CITIZEN_NUMBER' as const);
          return { holder: { ...holder, codeKind }, fields };
        });
      },
    },
    License: {
      readings: async ({ stored, person, context }) => {
        const scope = readingScopeOf(person);
        const isHolder = person.holderCode !== null && person.holderCode === stored.license.holderCode;
        if (!scope.all && scope.organ === null && !isHolder) return null;
        const rows = await getLoader<ReadingRow[]>(context, 'readings', async (numbers) => {
          const byNumber = await findReadings(db, reading, scope, numbers);
          return numbers.map((number) => byNumber.get(number) ?? []);
        }).load(stored.version.number);
        return (rows ?? []).map((row) => viewReading(row, scope));
      },
    },
  } satisfies Resolvers;
}
