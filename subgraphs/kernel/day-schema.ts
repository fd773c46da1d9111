import { z } from 'zod';
import { isDay, isStorable } from './day.ts';

/** Schemas of days and instants in JSON and in queries. They take only what the database can store. */

/** A real calendar day, `YYYY-MM-DD`, of the years 1 to 9999. */
export const daySchema = z.string().refine(isDay, '应为日期，如 2026-01-01');

const isStorableText = (text: string): boolean => isStorable(new Date(text));

/** An instant in UTC (RFC 3339 with `Z`), of the years 1 to 9999. Leap seconds are not accepted. */
export const instantSchema = z.iso.datetime().refine(isStorableText);

/** Like `instantSchema`, with any offset. The year is that in UTC. */
export const offsetInstantSchema = z.iso.datetime({ offset: true }).refine(isStorableText);
