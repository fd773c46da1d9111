import { bigint, customType, date, text, timestamp } from 'drizzle-orm/pg-core';

/** The columns that mean the same in every table. A table adds keys, `notNull` and its own columns. */

/** Bytes of a file, a hash or an encrypted key. */
export const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });

/** A transaction id of PostgreSQL, 64 bits, as text. */
export const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

/** An instant (时刻), as Date. */
export const instant = () => timestamp({ withTimezone: true });

/** A calendar day in Asia/Shanghai (日期), as `YYYY-MM-DD`. */
export const day = () => date({ mode: 'string' });

/** A whole number up to 2^53 - 1. */
export const count = () => bigint({ mode: 'number' });

/** The order in which rows were inserted. It is the cursor of a list. Aborted transactions leave gaps. */
export const serial = () => count().generatedAlwaysAsIdentity();

/** SHA-256, lower-case hex, 64 characters. */
export const digest = () => text();

/** GB/T 2260 division code (行政区划代码) of a county or city. */
export const divisionCode = () => text();

/** Who acted: the id of the person, and the name that lists show. */
export const actorColumns = () => ({ actorId: text().notNull(), actor: text().notNull() });
