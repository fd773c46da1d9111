import type { Database } from '../../../db/client.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { requireQuery } from '../../kernel/finding/query.ts';
import { requirePerson } from '../../kernel/http/context.ts';
import { buildInputError, readPage, toCountedConnection } from '../../kernel/list/page.ts';
import type { DayRange as DayRangeInput, LicenseFilter as LicenseFilterInput, Resolvers } from '../resolvers.gen.ts';
import type { DayRange } from './finding.ts';
import { LICENSE_ORDERS, type LicenseFilter, listLicenses, searchLicenses, toSearchOrder } from './store.ts';

/** Lists of licenses: those a person may see, and those that a text finds among them. */
export function listResolvers({ db, now }: { db: Database; now: Clock }) {
  return {
    Query: {
      licenses: async (_, args, context) => {
        const person = requirePerson(context.actor);
        const order = LICENSE_ORDERS[args.orderBy];
        const today = dayOf(now());
        const page = readPage(args, order, today);
        const filter = readFilter(args.filter ?? {}, page.day ?? today);
        const licensesPage = await listLicenses(db, person, filter, page);
        return toCountedConnection(licensesPage, order, (stored) => ({ stored, person, context }));
      },
      searchLicenses: async (_, args, context) => {
        const person = requirePerson(context.actor);
        const text = requireQuery(args.text, 'text');
        const order = toSearchOrder(text);
        const found = await searchLicenses(db, person, { text, day: dayOf(now()) }, readPage(args, order));
        return toCountedConnection(found, order, (stored) => ({ stored, person, context }));
      },
    },
    LicenseConnection: { totalCount: ({ countAll }) => countAll() },
  } satisfies Resolvers;
}

/** Reads a filter. Throws BAD_USER_INPUT for a text that is too short to look for, and for a range that ends first. */
function readFilter(filter: LicenseFilterInput, day: Day): LicenseFilter {
  const { state = null, matter = null, number, blank, holder, typeCode, organ = null, validFrom, validUntil } = filter;
  return {
    ...{ state, day, matter },
    number: number == null ? null : foldText(number),
    blank: blank == null ? null : foldText(blank),
    query: {
      ...{ text: null, organ },
      holder: holder == null ? null : requireQuery(holder, 'filter.holder'),
      typeCode: typeCode == null ? null : foldText(typeCode).toUpperCase(),
      validFrom: readRange(validFrom, 'filter.validFrom'),
      validUntil: readRange(validUntil, 'filter.validUntil'),
    },
  };
}

/** Reads a range of days. One without a bound is none. */
function readRange(range: DayRangeInput | null | undefined, argument: string): DayRange | null {
  const { from = null, to = null } = range ?? {};
  if (from !== null && to !== null && to < from) throw buildInputError('to 不能早于 from。', `${argument}.to`);
  return from === null && to === null ? null : { from, to };
}
