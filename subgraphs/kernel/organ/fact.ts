import { z } from 'zod';
import { daySchema } from '../day-schema.ts';

/** Organs (机关) as events carry them. */

const text = z.string();

export const organSchema = z.object({
  id: text,
  name: text,
  level: z.enum(['CITY', 'COUNTY']),
  divisionCode: text.length(6),
  uscc: text.length(18),
  /** 机关代字 (GB/T 9704), with which the numbers of its documents begin. Null or absent: its name serves. */
  documentMark: text.nullable().optional(),
  /** Its later names (更名), each with its first day. Absent: none. See `nameOn`. */
  names: z.array(z.object({ name: text, from: daySchema })).optional(),
});

export const organChangedSchema = z.object({
  organ: organSchema,
  /** The shares that others take over, all from the same day. Empty: it lives. */
  successions: z.array(z.object({ organ: text, successor: text, from: daySchema, matters: z.array(text).nullable() })),
});
