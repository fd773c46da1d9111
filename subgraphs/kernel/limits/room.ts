import { Overload } from './overload.ts';

/** How much callers have the hub keep at the same time. Pure. The table holds only callers who have something kept. */
export interface Room {
  /** Takes `amount` more. Throws Overload RATE_LIMITED or OVERLOADED, and takes nothing, if it is beyond a limit. */
  take(caller: string, amount: number): void;
  /** Gives back what was taken. */
  free(caller: string, amount: number): void;
}

export interface RoomLimits {
  all: number;
  perCaller: number;
}

export function createRoom({ all, perCaller }: RoomLimits): Room {
  const amounts = new Map<string, number>();
  let total = 0;
  const change = (caller: string, by: number) => {
    const amount = (amounts.get(caller) ?? 0) + by;
    if (amount === 0) amounts.delete(caller);
    else amounts.set(caller, amount);
    total += by;
  };
  return {
    take(caller, amount) {
      if (amount === 0) return;
      if ((amounts.get(caller) ?? 0) + amount > perCaller) throw new Overload('RATE_LIMITED');
      if (total + amount > all) throw new Overload('OVERLOADED');
      change(caller, amount);
    },
    free: (caller, amount) => change(caller, -amount),
  };
}
