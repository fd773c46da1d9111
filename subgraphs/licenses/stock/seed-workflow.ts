import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { lockBlank, receiveBox } from '../paper/blank-store.ts';
import { type BlankRange, listBlankNumbers, SEED_ACTOR, SERIAL_DIGITS } from '../paper/paper.ts';

/** Takes blanks into an organ's stock from a seed. Does nothing if the first blank of the range already exists. */
export function receiveSeedBlanks(
  { db, now }: { db: Database; now: Clock },
  organ: string,
  stated: Omit<BlankRange, 'digits'>,
): Promise<void> {
  return db.transaction(async (tx) => {
    const range = { digits: SERIAL_DIGITS, ...stated };
    const [first] = listBlankNumbers(range);
    if (first !== undefined && (await lockBlank(tx, first))) return;
    await receiveBox(tx, { ...range, organ, licenseType: null }, { actor: SEED_ACTOR, at: now() });
  });
}
