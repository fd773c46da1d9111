import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { recalculateRests } from '../attention/workflow.ts';
import { ADMINISTRATION_POLICY } from '../policy.ts';
import { recalculateFigures } from '../statistics/workflow.ts';
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
  input: Notice,
  dryRun: boolean,
): Promise<LoadedNotice> {
  return transact(db, dryRun, async (tx) => {
    const administrator = requireAllowed(ADMINISTRATION_POLICY.loadCalendar, null, actor);
    requireNotice(input);
    const days = { holidays: [...input.holidays].sort(), makeUpDays: [...input.makeUpDays].sort() };
    await store.lockCalendar(tx);
    const current = await store.findNotice(tx, input.year, null);
    if (current && hasSameContent({ ...input, ...days }, current)) return { notice: current, movedCases: 0 };
    const loadedAt = now();
    const notice = { ...input, ...days, version: (current?.version ?? 0) + 1, loadedAt };
    await store.insertNotice(tx, notice, { actorId: administrator.id, actor: administrator.name, loadedAt });
    const calendar = await store.loadCalendar(tx);
    const movedCases = await recalculateFigures(tx, calendar);
    await recalculateRests(tx, calendar);
    return { notice, movedCases };
  });
}

function hasSameContent(input: Notice, current: Notice): boolean {
  const canonicalText = ({ source, holidays, makeUpDays }: Notice) => JSON.stringify([source, holidays, makeUpDays]);
  return canonicalText(input) === canonicalText(current);
}
