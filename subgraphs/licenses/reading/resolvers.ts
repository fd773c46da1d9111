import { requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { answerReadings, loadReadings } from '../../kernel/privacy/reading-view.ts';
import { findKeys } from '../number/store.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { reading } from './tables.ts';
import { discloseHolder, findHolderLicenses, type ReadingDependencies } from './workflow.ts';

/** Resolvers of the record of readings, and of the disclosure of a holder's code. */
export function readingResolvers(deps: ReadingDependencies) {
  const record = { db: deps.db, table: reading, list: 'licenseReadings' };
  return {
    Query: {
      licenseReadings: async (_, args, { actor }) => {
        const printed = args.filter?.number ?? null;
        const keys = printed === null ? null : await findKeys(deps.db, printed);
        return answerReadings(record, keys, args, actor);
      },
    },
    Mutation: {
      discloseHolder: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { identifier, purpose, remark = null, dryRun } = input;
        return mutate(async () => {
          const request = { identifier, stated: { purpose, remark }, dryRun };
          const { holders, fields } = await discloseHolder(deps, actor, request);
          return { holder: holders[0] ?? null, holders, fields };
        });
      },
      findHolderLicenses: (_, { input }, context) => {
        const person = requirePerson(context.actor);
        const { code, purpose, remark = null, dryRun } = input;
        return mutate(async () => {
          const found = await findHolderLicenses(deps, person, { code, stated: { purpose, remark }, dryRun });
          return { licenses: found.map((stored) => ({ stored, person, context })) };
        });
      },
    },
    License: {
      readings: ({ stored, person, context }) => {
        const { holderCode: first, coHolderCodes } = stored.license;
        const isOwn = person.holderCode !== null && [first, ...coHolderCodes].includes(person.holderCode);
        return loadReadings(record, stored.version.number, { person, isOwn, context });
      },
    },
  } satisfies Resolvers;
}
