import { expect, test } from 'vitest';
import { type Place, Places } from '../../db/places.ts';

/** Who gets a connection, who waits and who is refused. */

const work = (party: string, isNested = false) => ({ party, isNested, signal: new AbortController().signal });

/** Asks for a place that is wanted until the end. Returns a list that the place, or the refusal, is added to. */
function acquire(places: Places<number>, party: string, isNested = false): (Place<number> | string)[] {
  const outcome: (Place<number> | string)[] = [];
  places.acquire(work(party, isNested)).then(
    (place) => outcome.push(place),
    (error) => outcome.push(error.code),
  );
  return outcome;
}
const acquireAll = (places: Places<number>, party: string, count: number) =>
  Array.from({ length: count }, () => acquire(places, party));
const settle = () => new Promise((resolve) => setImmediate(resolve));
const countPlaces = (outcomes: (Place<number> | string)[][]) =>
  outcomes.flat().filter((outcome) => typeof outcome !== 'string').length;

test('one caller who fills its own queue is refused, and nobody else is', async () => {
  const places = new Places([1, 2, 3, 4, 5, 6, 7, 8]);
  const greedy = acquireAll(places, 'address:a', 1_500);
  await settle();
  expect(countPlaces(greedy)).toBe(4);
  expect(greedy.flat().filter((outcome) => outcome === 'RATE_LIMITED')).toHaveLength(1_500 - 104);
  const others = [acquire(places, 'address:b'), acquire(places, 'hub'), acquire(places, 'address:a', true)];
  await settle();
  expect(countPlaces(others)).toBe(3);
});

test('nested work is never refused, and goes before all others', async () => {
  const places = new Places([1, 2]);
  const [holder = []] = [acquire(places, 'address:holder')];
  const crowd = Array.from({ length: 20 }, (_, i) => acquireAll(places, `address:${i}`, 100)).flat();
  const nested = Array.from({ length: 200 }, () => acquire(places, 'address:1', true));
  await settle();
  expect(crowd.flat().filter((outcome) => outcome === 'OVERLOADED')).toHaveLength(1_000);
  expect(countPlaces([holder])).toBe(1);
  for (let i = 0; i < nested.length; i++) {
    const place = nested[i]?.[0];
    if (typeof place !== 'object') throw new Error(`nested work ${i} has no place: ${place}`);
    place.release();
    await settle();
  }
  expect(countPlaces(crowd)).toBe(0);
});

test('the hub has no limit of one caller, and those who wait take turns', async () => {
  const places = new Places([1, 2, 3, 4]);
  const hub = acquireAll(places, 'hub', 300);
  const other = acquire(places, 'address:b');
  await settle();
  expect([countPlaces(hub), hub.flat().filter((outcome) => typeof outcome === 'string')]).toEqual([3, []]);
  const [first] = hub.flat();
  (first as Place<number>).release();
  await settle();
  (hub.flat()[1] as Place<number>).release();
  await settle();
  expect(countPlaces([other])).toBe(1);
});
