import type { EventPayload } from '../../kernel/events/events.ts';
import { readHeld } from '../../kernel/identity/co-ownership.ts';
import type { LicenseRecord } from '../act/record.ts';

/**
 * Returns what an event tells of a license: the content of its current version. `termFrom`: the first day of the term
 * that was granted last, or null if that is not known.
 */
export function toLicenseFact(
  record: LicenseRecord,
  termFrom: string | null,
): EventPayload<'LicenseChanged'>['license'] {
  return {
    matterId: record.KZ_SX,
    licenseName: record.ZZMC,
    licenseType: record.ZZLXDM,
    ...readHeld(record),
    fields: [...record.KZ_NR],
    validFrom: record.ZZYXQQSRQ,
    validUntil: record.ZZYXQJZRQ === '长期' ? null : record.ZZYXQJZRQ,
    termFrom,
    ...(record.KZ_LXBB === undefined ? {} : { typeVersion: record.KZ_LXBB }),
  };
}
