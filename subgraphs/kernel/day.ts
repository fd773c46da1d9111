/** A calendar day in Asia/Shanghai, `YYYY-MM-DD`. */
export type Day = string;

/** The clock that every subgraph is given; no domain function reads one itself. */
export type Clock = () => Date;

const shanghai = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Shanghai',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** The day on which `instant` falls in Asia/Shanghai, where every office of the plan stands. */
export function dayOf(instant: Date): Day {
  return shanghai.format(instant);
}

/** Whether `day` lies in [from, to], an open end being null. */
export function within(day: Day, from: Day | null, to: Day | null): boolean {
  return (from === null || from <= day) && (to === null || day <= to);
}

/** Whether `text` is a real calendar day, `YYYY-MM-DD`; there is no year 0000. */
export function isDay(text: string): text is Day {
  if (!/^(?!0000)\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}
