import type { Database } from '../../../db/client.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { lastRunning, templateFor } from '../../kernel/license-type/number.ts';
import { findTypeOn, type LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { readReforms } from '../../kernel/organ/organ-store.ts';
import { competentOrgan } from '../../kernel/organ/reform.ts';
import { readSeries } from '../number/number.ts';
import { closeDuty, dutyIds, listOpenDuties, openDuty } from '../paper/duty-store.ts';
import { organFact } from '../tables.ts';
import { findLicenseTypes } from '../type/store.ts';
import * as store from './store.ts';
import { isEnding, listEndingBlanks, SUPPLY_KINDS, type SupplyKind } from './supply.ts';

/** Warns organs of numbers and blanks that run out, ahead of the license that cannot be printed. */

interface SupplyDependencies {
  db: Database;
  now: Clock;
}

/** What an organ runs out of. */
interface Shortage {
  kind: SupplyKind;
  organ: string;
  licenseType: string | null;
  name: string;
  reason: string;
}

/**
 * Opens a duty for each supply that runs out, and closes that of each that does no more: because a new format has room,
 * a new box was received, or a new year began. Safe to run at any time and repeatedly.
 */
export async function watchSupplies({ db, now }: SupplyDependencies): Promise<void> {
  const at = now();
  const today = dayOf(at);
  const { shares } = await readReforms(db, organFact);
  const heir = (organ: string) => competentOrgan(shares, organ, null, today);
  const shortages = [...(await listNumberShortages(db, today, heir)), ...(await listBlankShortages(db, today, heir))];
  const idOf = ({ kind, organ, licenseType }: Shortage) => dutyIds.supply(kind, organ, licenseType);
  const current = new Set(shortages.map(idOf));
  await db.transaction(async (tx) => {
    for (const id of await listOpenDuties(tx, SUPPLY_KINDS)) if (!current.has(id)) await closeDuty(tx, id, at);
    for (const shortage of shortages) {
      const { kind, organ, name, reason } = shortage;
      const id = idOf(shortage);
      await openDuty(tx, { id, kind, name, reason, identifier: null, organs: [organ], divisionCode: null, at });
    }
  });
}

type FindHeir = (organ: string) => string;

/** Lists the organs and types whose format in force has used its running numbers of the year. */
async function listNumberShortages(db: Database, today: Day, heir: FindHeir): Promise<Shortage[]> {
  const series = (await store.listSeries(db, Number(today.slice(0, 4)))).flatMap(({ series, newest }) => {
    const named = readSeries(series);
    return named === null ? [] : [{ ...named, newest }];
  });
  const types = await findTypesOn(db, [...new Set(series.map(({ typeCode }) => typeCode))], today);
  return series.flatMap(({ typeCode, issuer, newest }): Shortage[] => {
    const type = types.get(typeCode);
    // A former organ issues no more, and its successor has a series of its own.
    if (!type || heir(issuer) !== issuer) return [];
    const room = lastRunning(templateFor(type.numberFormats, issuer));
    if (!isEnding({ room, used: newest })) return [];
    const reason = `本年度已编至第${newest}号，最多${room}号`;
    return [{ kind: 'NUMBERS_ENDING', organ: issuer, licenseType: typeCode, name: type.name, reason }];
  });
}

/** Lists the organs and types whose boxes of blanks run out. A successor has the stock of the former organ. */
async function listBlankShortages(db: Database, today: Day, heir: FindHeir): Promise<Shortage[]> {
  const holdings = (await store.listHoldings(db)).map((one) => ({ ...one, organ: heir(one.organ) }));
  const ending = listEndingBlanks(holdings);
  const types = await findTypesOn(db, [...new Set(ending.flatMap(({ licenseType }) => licenseType ?? []))], today);
  return ending.map(({ organ, licenseType, left }): Shortage => {
    const typeName = licenseType === null ? '' : (types.get(licenseType)?.name ?? licenseType);
    return { kind: 'BLANKS_ENDING', organ, licenseType, name: `${typeName}空白证照`, reason: `余${left}份` };
  });
}

/** Returns the versions of types in force on a day, by code. */
async function findTypesOn(db: Database, codes: readonly string[], on: Day): Promise<Map<string, LicenseTypeVersion>> {
  const published = await findLicenseTypes(db, codes);
  return new Map(
    [...published].flatMap(([code, type]) => {
      const version = findTypeOn(type, on);
      return version ? [[code, version] as const] : [];
    }),
  );
}
