import { type Database, transact } from '../../../db/client.ts';
import { type Actor, requireRole } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { reckonRests } from '../attention/workflow.ts';
import { reckonFigures } from '../statistics/workflow.ts';
import { requireNotice } from './notice.ts';
import * as store from './store.ts';
import type { Notice } from './working-day.ts';

export interface CalendarDependencies {
  db: Database;
  now: Clock;
}

export interface LoadedNotice {
  notice: store.StoredNotice;
  /** Number of cases whose last day changed or became known. */
  movedCases: number;
}

/**
 * Loads a year's calendar as a new version. Clocks use it at once. Loading the one in force again changes nothing.
 * Refuses ROLE_NOT_ALLOWED, CALENDAR_MALFORMED, FIELD_TOO_LONG, FIELD_MALFORMED.
 */
export function loadNotice(
  { db, now }: CalendarDependencies,
  actor: Actor,
  given: Notice,
  dryRun: boolean,
): Promise<LoadedNotice> {
  return transact(db, dryRun, async (tx) => {
    const administrator = requireRole(actor, 'ADMINISTRATOR');
    requireNotice(given);
    const days = { holidays: [...given.holidays].sort(), makeUpDays: [...given.makeUpDays].sort() };
    await store.lockCalendar(tx);
    const standing = await store.findNotice(tx, given.year, null);
    if (standing && says({ ...given, ...days }, standing)) return { notice: standing, movedCases: 0 };
    const loadedAt = now();
    const notice = { ...given, ...days, version: (standing?.version ?? 0) + 1, loadedAt };
    await store.insertNotice(tx, notice, { actorId: administrator.id, actor: administrator.name, loadedAt });
    const calendar = await store.loadCalendar(tx);
    const movedCases = await reckonFigures(tx, calendar);
    await reckonRests(tx, calendar);
    return { notice, movedCases };
  });
}

function says(given: Notice, standing: Notice): boolean {
  const text = ({ source, holidays, makeUpDays }: Notice) => JSON.stringify([source, holidays, makeUpDays]);
  return text(given) === text(standing);
}
