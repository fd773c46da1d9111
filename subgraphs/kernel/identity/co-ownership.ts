import { z } from 'zod';
import { HOLDER_CODE_KINDS, IDENTITY_KINDS, kindOfRecord, RECORD_CODE_KINDS } from './identity.ts';

/** Several holders of one license (共有): who they are, and their shares. Pure. */

/** Kinds of joint ownership (共有情况, 民法典第二百九十七条), as records and documents name them. */
export const CO_OWNERSHIP_LABELS = { SHARES: '按份共有', JOINT: '共同共有' } as const;
export type CoOwnershipKind = keyof typeof CO_OWNERSHIP_LABELS;
const CO_OWNERSHIP_KINDS = Object.keys(CO_OWNERSHIP_LABELS) as [CoOwnershipKind, ...CoOwnershipKind[]];

/** The most holders of a license besides the first one. */
export const MAX_CO_HOLDERS = 20;
/** The most characters of all their names and shares, as documents print them in one line. */
const MAX_OWNERSHIP_CHARS = 1_000;
const MAX_TERM_DIGITS = 6;
const MAX_DECIMALS = 4;

const share = z.string().nullable();

/** The holders of a license besides the first one. A share is a fraction in lowest terms, as `1/3`; null of JOINT. */
export const coOwnershipSchema = z.object({
  kind: z.enum(CO_OWNERSHIP_KINDS),
  /** Share of the first holder. */
  share,
  coHolders: z
    .array(z.object({ name: z.string().min(1), codeKind: z.enum(HOLDER_CODE_KINDS), code: z.string(), share }))
    .min(1),
});
export type CoOwnership = z.infer<typeof coOwnershipSchema>;
type Identity = Omit<CoOwnership['coHolders'][number], 'share'>;

/** Who holds a license: the first holder, and the others if there are any. */
export interface Held {
  holder: Identity;
  coOwnership?: CoOwnership | null | undefined;
}

/** A holder with the share. */
export type Owner = CoOwnership['coHolders'][number];

/** Returns every holder, the first one first. */
export function listOwners({ holder, coOwnership }: Held): Owner[] {
  return [{ ...holder, share: coOwnership?.share ?? null }, ...(coOwnership?.coHolders ?? [])];
}

/** Returns the holder with a code, or null. */
export function findOwner(held: Held, code: string): Owner | null {
  return listOwners(held).find((owner) => owner.code === code) ?? null;
}

/** Whether a code is that of one of the holders. */
export const isHeldBy = (held: Held, code: string): boolean => findOwner(held, code) !== null;

interface Fraction {
  top: bigint;
  bottom: bigint;
}

/** Returns a share as it is kept, `1/2`, of a text as `50%`, `2/4` or `１／２`. Null if it is no part of a whole. */
export function parseShare(text: string): string | null {
  const fraction = readShare(text);
  return fraction && `${fraction.top}/${fraction.bottom}`;
}

function readShare(text: string): Fraction | null {
  const plain = text.normalize('NFKC').replaceAll('\u2044', '/').replace(/\s+/gu, '');
  const parts = /^(\d+)\/(\d+)$/.exec(plain);
  const percent = /^(\d{1,2})(?:\.(\d+))?%$/.exec(plain);
  const [, whole = '', decimals = ''] = percent ?? [];
  const [, over = '', under = ''] = percent
    ? ['', `${whole}${decimals}`, `100${'0'.repeat(decimals.length)}`]
    : (parts ?? []);
  const isShort = percent
    ? decimals.length <= MAX_DECIMALS
    : over.length <= MAX_TERM_DIGITS && under.length <= MAX_TERM_DIGITS;
  if (over === '' || under === '' || !isShort) return null;
  const [top, bottom] = [BigInt(over), BigInt(under)];
  if (top === 0n || top >= bottom) return null;
  const divisor = greatestDivisor(top, bottom);
  return { top: top / divisor, bottom: bottom / divisor };
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestDivisor(b, a % b);
}

/** Whether shares, as they are kept, make one whole exactly. */
function areWhole(shares: readonly string[]): boolean {
  const fractions = shares.map(readShare);
  if (fractions.some((fraction) => fraction === null)) return false;
  const sum = (fractions as Fraction[]).reduce(
    (total, { top, bottom }) => ({ top: total.top * bottom + top * total.bottom, bottom: total.bottom * bottom }),
    { top: 0n, bottom: 1n },
  );
  return sum.top === sum.bottom;
}

/** What is wrong with the holders by themselves: its place, and words for a person. */
export interface OwnershipFault {
  code: 'HOLDER_TWICE' | 'SHARES_NOT_WHOLE' | 'FIELD_TOO_LONG' | 'FIELD_MALFORMED';
  /** A member of the co-ownership: `share`, `coHolders[0].code`. */
  member: string;
  words: string | undefined;
}

/** Lists what is wrong with the number of holders, a holder who occurs twice, and the shares. */
export function listOwnershipFaults({ holder, coOwnership }: Held & { coOwnership: CoOwnership }): OwnershipFault[] {
  const { coHolders } = coOwnership;
  if (coHolders.length === 0) return [{ code: 'FIELD_MALFORMED', member: 'coHolders', words: '须写明其他共有人' }];
  if (coHolders.length > MAX_CO_HOLDERS)
    return [{ code: 'FIELD_TOO_LONG', member: 'coHolders', words: `最多 ${MAX_CO_HOLDERS} 人` }];
  const codes = [holder.code, ...coHolders.map(({ code }) => code)];
  const repeated = coHolders.flatMap(({ code }, i): OwnershipFault[] =>
    codes.indexOf(code) <= i ? [{ code: 'HOLDER_TWICE', member: `coHolders[${i}].code`, words: undefined }] : [],
  );
  const chars = [...describeOwnership({ holder, coOwnership })].length;
  const isLong = chars > MAX_OWNERSHIP_CHARS;
  const words = `姓名合计最多 ${MAX_OWNERSHIP_CHARS} 字`;
  return [
    ...repeated,
    ...(isLong ? [{ code: 'FIELD_TOO_LONG', member: 'coHolders', words } as const] : []),
    ...listShareFaults(coOwnership),
  ];
}

function listShareFaults({ kind, share: first, coHolders }: CoOwnership): OwnershipFault[] {
  const shares = [first, ...coHolders.map((one) => one.share)];
  const memberOf = (i: number) => (i === 0 ? 'share' : `coHolders[${i - 1}].share`);
  const faults = shares.flatMap((text, i): OwnershipFault[] => {
    const fault = (words: string): OwnershipFault[] => [{ code: 'FIELD_MALFORMED', member: memberOf(i), words }];
    if (kind === 'JOINT') return text === null ? [] : fault('共同共有不分份额');
    if (text === null) return fault('按份共有须写明份额');
    return parseShare(text) === text ? [] : fault('份额应如 1/2 或 50%');
  });
  if (faults.length > 0 || kind === 'JOINT' || areWhole(shares as string[])) return faults;
  return [{ code: 'SHARES_NOT_WHOLE', member: 'share', words: shares.join(' + ') }];
}

/** Returns all holders in one line, as documents print them: `按份共有：张三 1/2、李四 1/2`. */
export function describeOwnership(
  held: Held & { coOwnership: CoOwnership },
  print: (owner: Identity) => string = ({ name }) => name,
): string {
  const owners = listOwners(held).map((owner) => print(owner) + (owner.share === null ? '' : ` ${owner.share}`));
  return `${CO_OWNERSHIP_LABELS[held.coOwnership.kind]}：${owners.join('、')}`;
}

/**
 * The holders besides the first one as a record has them (KZ_GY): kind of ownership (共有方式, GYFS), share of the first
 * holder (份额, FE), and the others (共有人, GYR). A new member is read by older verifiers as data.
 */
export const recordedOwnershipSchema = z.strictObject({
  GYFS: z.enum(['按份共有', '共同共有']),
  FE: share,
  GYR: z
    .array(z.strictObject({ CZZT: z.string(), CZZTDM: z.string(), CZZTDMLX: z.enum(RECORD_CODE_KINDS), FE: share }))
    .min(1)
    .max(MAX_CO_HOLDERS),
});
export type RecordedOwnership = z.infer<typeof recordedOwnershipSchema>;

/** Returns the holders besides the first one as a record has them. */
export function toRecordedOwnership({ kind, share: first, coHolders }: CoOwnership): RecordedOwnership {
  return {
    GYFS: CO_OWNERSHIP_LABELS[kind],
    FE: first,
    GYR: coHolders.map(({ name, code, codeKind, share: part }) => {
      return { CZZT: name, CZZTDM: code, CZZTDMLX: IDENTITY_KINDS[codeKind].record, FE: part };
    }),
  };
}

/** Returns who holds what a record says. Of a sole holder `coOwnership` is absent. */
export function readHeld(record: {
  CZZT: string;
  CZZTDM: string;
  CZZTDMLX: RecordedOwnership['GYR'][number]['CZZTDMLX'];
  KZ_GY?: RecordedOwnership | undefined;
}): Held & { coOwnership?: CoOwnership } {
  const { KZ_GY } = record;
  const read = ({ CZZT, CZZTDM, CZZTDMLX }: Omit<RecordedOwnership['GYR'][number], 'FE'>) => {
    return { name: CZZT, code: CZZTDM, codeKind: kindOfRecord(CZZTDMLX) };
  };
  const holder = read(record);
  if (KZ_GY === undefined) return { holder };
  const kind = KZ_GY.GYFS === CO_OWNERSHIP_LABELS.SHARES ? 'SHARES' : 'JOINT';
  const coHolders = KZ_GY.GYR.map((one) => ({ ...read(one), share: one.FE }));
  return { holder, coOwnership: { kind, share: KZ_GY.FE, coHolders } };
}
