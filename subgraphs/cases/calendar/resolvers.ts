import { GraphQLError } from 'graphql';
import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import { cutRows, type ListOrder, numberPart, readPage, toConnection } from '../../kernel/list/page.ts';
import type { Case } from '../case.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { clockOf } from './clock.ts';
import * as store from './store.ts';
import { addWorkingDays, type Calendar, tryWithCalendar } from './working-day.ts';

/** Most working days that `workingDay` counts: about ten years. */
const MAX_WORKING_DAYS = 2_500;

/** Working-day calendars, and the clock of each case. */
const BY_YEAR: ListOrder<store.StoredNotice> = {
  name: 'calendars',
  direction: 'DESC',
  keys: [{ part: numberPart(4), readValue: ({ year }) => year }],
};

interface CalendarDependencies {
  db: Database;
  now: Clock;
}

export function calendarResolvers(deps: CalendarDependencies) {
  const { db, now } = deps;
  return {
    Query: {
      calendars: async (_, args) => {
        const page = readPage(args, BY_YEAR);
        const newestFirst = (await store.listNotices(db)).reverse();
        return toConnection(cutRows(newestFirst, page), BY_YEAR, (row) => row);
      },
      calendar: (_, { year, version = null }) => store.findNotice(db, year, version),
      workingDay: async (_, { from, days }, context) => {
        if (days < 0 || days > MAX_WORKING_DAYS) {
          const message = `days 须为 0 至 ${MAX_WORKING_DAYS} 的整数。`;
          throw new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', argument: 'days' } });
        }
        const calendar = await currentCalendar(deps, context);
        const { value, missingYear } = tryWithCalendar(() => addWorkingDays(calendar, from, days));
        return { day: value, missingYear };
      },
    },
    Calendar: {
      id: ({ year, version }) => `${year}-${version}`,
      __resolveReference: async ({ id }) => {
        const [, year, version] = /^(\d{4})-(\d{1,6})$/.exec(id) ?? [];
        return year === undefined ? null : store.findNotice(db, Number(year), Number(version));
      },
    },
    Case: {
      pause: ({ subject }) => viewPause(subject),
      clock: async ({ subject }, _, context) => {
        const { steps, guide, matter } = subject;
        const calendar = await currentCalendar(deps, context);
        return clockOf({ steps, guideLimits: guide, powerType: matter.powerType, calendar, now: now() });
      },
    },
  } satisfies Resolvers;
}

/** Returns the calendar. It is loaded once per request, for any number of cases. */
async function currentCalendar({ db }: CalendarDependencies, context: GraphContext): Promise<Calendar> {
  const current = await getLoader<Calendar>(context, 'calendar', async (keys) => {
    const calendar = await store.loadCalendar(db);
    return keys.map(() => calendar);
  }).load('current');
  if (!current) throw new Error('no calendar');
  return current;
}

function viewPause({ paused }: Case) {
  const pause = paused?.data?.pause;
  return paused && pause ? { ...pause, since: paused.at, reason: paused.note } : null;
}
