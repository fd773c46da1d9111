/** A clock that only the test moves. */
export interface TestClock {
  (): Date;
  /** Sets the time: RFC 3339, or a day, which means noon in Asia/Shanghai. */
  set(time: string): void;
  /** Moves the time forward. */
  advance(ms: number): void;
}

/** Creates a clock that shows `start`: RFC 3339, or a day, which means noon in Asia/Shanghai. */
export function testClock(start: string): TestClock {
  let now = parseTime(start);
  const clock = () => new Date(now);
  return Object.assign(clock, {
    set: (time: string) => {
      now = parseTime(time);
    },
    advance: (ms: number) => {
      now += ms;
    },
  });
}

function parseTime(text: string): number {
  const instant = Date.parse(text.length === 10 ? `${text}T12:00:00+08:00` : text);
  if (Number.isNaN(instant)) throw new RangeError(`not a time: ${text}`);
  return instant;
}
