import { z } from 'zod';
import { Refusal } from '../refusal.ts';
import { checkEach } from '../refusals/collector.ts';
import { type LicenseTypeVersion, MAX_DUPLICATES } from './type.ts';

/** The sheets that a reissue (补发) replaces because they are lost or damaged. Pure. */

/** Kinds of a sheet: 正本 and 副本. */
export const PAPER_KINDS = ['ORIGINAL', 'DUPLICATE'] as const;
/** Why a reissue names a sheet. Only a lost one is declared void; a damaged one is in hand and is returned. */
const REISSUE_REASONS = { LOST: '遗失', DAMAGED: '损毁' } as const;
type ReissueReason = keyof typeof REISSUE_REASONS;

export const reissuedSheet = z.object({
  kind: z.enum(PAPER_KINDS),
  /** Its place among the sheets of its kind, from 1. */
  place: z.int().min(1).max(MAX_DUPLICATES),
  reason: z.enum(Object.keys(REISSUE_REASONS) as [ReissueReason, ...ReissueReason[]]),
});
export type ReissuedSheet = z.infer<typeof reissuedSheet>;

/** Which sheet of a version: its kind and its place. */
type SheetName = Pick<ReissuedSheet, 'kind' | 'place'>;

const isSameSheet = (one: SheetName, other: SheetName): boolean => one.kind === other.kind && one.place === other.place;

/** Whether a reissue declares a sheet at the holder lost and void (遗失作废). One that names no sheets: every sheet. */
export function isDeclaredLost(named: readonly ReissuedSheet[] | null, sheet: SheetName): boolean {
  return named === null || named.some((one) => one.reason === 'LOST' && isSameSheet(one, sheet));
}

/** Returns how many duplicates a license of a type can have, by the version that gave it most. */
export function countMostDuplicates(versions: readonly Pick<LicenseTypeVersion, 'duplicates'>[]): number {
  return Math.max(0, ...versions.map(({ duplicates }) => duplicates));
}

/**
 * Refuses FIELD_MALFORMED for a sheet that no license of the type can have, and for one that is named twice.
 * `duplicates`: how many a license of the type can have, or null if that is not known.
 */
export function requireSheetNames(named: readonly ReissuedSheet[], field: string, duplicates: number | null): void {
  checkEach(named, (sheet, i) => {
    const isOriginal = sheet.kind === 'ORIGINAL';
    const maxPlace = isOriginal ? 1 : (duplicates ?? MAX_DUPLICATES);
    if (sheet.place < 1 || sheet.place > maxPlace) {
      const limit = maxPlace === 0 ? '这类证照没有副本' : `副本应为 1 至 ${maxPlace}`;
      const words = isOriginal ? '正本只有一张' : limit;
      throw new Refusal('FIELD_MALFORMED', `${field}[${i}].place`, words);
    }
    if (named.findIndex((one) => isSameSheet(one, sheet)) < i)
      throw new Refusal('FIELD_MALFORMED', `${field}[${i}].place`, `${nameSheet(sheet)}重复`);
  });
}

/** Refuses PAPER_NOT_DELIVERED for a named sheet that is not among those at the holder. */
export function requireAtHolder(named: readonly ReissuedSheet[], delivered: readonly SheetName[], field: string): void {
  for (const sheet of named)
    if (!delivered.some((one) => isSameSheet(one, sheet)))
      throw new Refusal('PAPER_NOT_DELIVERED', field, `补发所列的${nameSheet(sheet)}没有送达`);
}

/** Writes which sheets are lost and which are damaged: `副本（一）遗失、正本损毁`. */
export function describeReissued(named: readonly ReissuedSheet[]): string {
  return named.map((sheet) => `${nameSheet(sheet)}${REISSUE_REASONS[sheet.reason]}`).join('、');
}

const DIGITS = ['', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/** Writes which sheet it is: 正本, 副本（一）, 副本（十二）. */
function nameSheet({ kind, place }: SheetName): string {
  if (kind === 'ORIGINAL') return '正本';
  const tens = Math.floor(place / 10);
  return `副本（${tens > 1 ? DIGITS[tens] : ''}${tens > 0 ? '十' : ''}${DIGITS[place % 10]}）`;
}
