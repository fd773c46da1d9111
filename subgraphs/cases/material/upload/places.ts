import { Overload } from '../../../kernel/limits/overload.ts';

/** Places for uploads that are received at the same time: so many in all, and fewer for one person. Pure. */

export interface PlaceLimits {
  inAll: number;
  perPerson: number;
}

/** Frees a place. May be called more than once. */
export type Release = () => void;

export interface UploadPlaces {
  /** Takes a place. Throws Overload RATE_LIMITED if the person has no more, OVERLOADED if there are no more in all. */
  take(person: string): Release;
  readonly taken: number;
}

/** A place is free again soon: an upload is as fast as `ReceiveLimits` demand. */
const RETRY_SECONDS = 5;

/** Creates places. The table has one entry for each person who holds a place. */
export function createUploadPlaces({ inAll, perPerson }: PlaceLimits): UploadPlaces {
  const takenBy = new Map<string, number>();
  let taken = 0;
  return {
    take(person) {
      const own = takenBy.get(person) ?? 0;
      if (own >= perPerson) throw new Overload('RATE_LIMITED', RETRY_SECONDS);
      if (taken >= inAll) throw new Overload('OVERLOADED', RETRY_SECONDS);
      takenBy.set(person, own + 1);
      taken += 1;
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        taken -= 1;
        const left = (takenBy.get(person) ?? 1) - 1;
        if (left === 0) takenBy.delete(person);
        else takenBy.set(person, left);
      };
    },
    get taken() {
      return taken;
    },
  };
}
