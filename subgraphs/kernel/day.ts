/** A calendar day in Asia/Shanghai, `YYYY-MM-DD`. */
export type Day = string;

/** The clock that every subgraph receives. No domain function reads the system clock. */
export type Clock = () => Date;

const shanghai = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Shanghai',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** Returns the day of `instant` in Asia/Shanghai, the time zone of every office of the plan. */
export function dayOf(instant: Date): Day {
  return shanghai.format(instant);
}

/** Year 1 in UTC: PostgreSQL and RFC 3339 write nothing before it as JavaScript does. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00Z');

/** Returns the first instant of a day in Asia/Shanghai, which has had no summer time since 1991. Of year 1 or later. */
export function startOfDay(day: Day): Date {
  return new Date(Math.max(Date.parse(`${day}T00:00:00+08:00`), FIRST_MS));
}

/** Returns whether `day` lies in [from, to]. Null means an open end. */
export function isWithin(day: Day, from: Day | null, to: Day | null): boolean {
  return (from === null || from <= day) && (to === null || day <= to);
}

/** Returns whether `text` is a real calendar day, `YYYY-MM-DD`. There is no year 0000. */
export function isDay(text: string): text is Day {
  if (!/^(?!0000)\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

/** Returns whether an instant is valid and its year (UTC) is 1 to 9999: the database takes no other. */
export function isStorable(instant: Date): boolean {
  const year = instant.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
