import type { Transaction } from '../../../db/client.ts';
import { recalculateRests } from '../attention/workflow.ts';
import { recalculateFigures } from '../statistics/workflow.ts';
import { requireNotice } from './notice.ts';
import * as store from './store.ts';
import type { Notice } from './working-day.ts';

export interface LoadedNotice {
  notice: store.StoredNotice;
  /** Number of cases whose last day changed or became known. */
  movedCases: number;
}

/**
 * Loads a year's calendar as a new version, as an approved proposal. Clocks use it at once. Loading the one in force
 * again changes nothing. Refuses CALENDAR_MALFORMED, FIELD_TOO_LONG, FIELD_MALFORMED.
 */
export async function loadNotice(
  tx: Transaction,
  input: Notice,
  proposer: { id: string; name: string },
  loadedAt: Date,
): Promise<LoadedNotice> {
  requireNotice(input);
  const days = { holidays: [...input.holidays].sort(), makeUpDays: [...input.makeUpDays].sort() };
  await store.lockCalendar(tx);
  const current = await store.findNotice(tx, input.year, null);
  if (current && hasSameContent({ ...input, ...days }, current)) return { notice: current, movedCases: 0 };
  const notice = { ...input, ...days, version: (current?.version ?? 0) + 1, loadedAt };
  await store.insertNotice(tx, notice, { actorId: proposer.id, actor: proposer.name, loadedAt });
  const calendar = await store.loadCalendar(tx);
  const movedCases = await recalculateFigures(tx, calendar);
  await recalculateRests(tx, calendar);
  return { notice, movedCases };
}

function hasSameContent(input: Notice, current: Notice): boolean {
  const canonicalText = ({ source, holidays, makeUpDays }: Notice) => JSON.stringify([source, holidays, makeUpDays]);
  return canonicalText(input) === canonicalText(current);
}
