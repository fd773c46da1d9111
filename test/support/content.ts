import { readLicenseTypes, readMatters } from '../../seeds/load.ts';
import type { LicenseLine, LineKind } from '../../subgraphs/kernel/license-type/line.ts';

/** Content of licenses (制证信息) that fits the types of the plan. */

const types = new Map(readLicenseTypes().map((type) => [type.code, type]));
const typeOf = new Map(readMatters().map(({ id, outcome }) => [id, types.get(outcome.licenseType ?? '') ?? null]));

const actOf = new Map(readMatters().map(({ id, licenseAction }) => [id, licenseAction]));

/** Returns how many duplicates (副本) the license of a matter has. */
export function duplicatesOf(matterId: string): number {
  return typeOf.get(matterId)?.duplicates ?? 0;
}

const SAMPLES: Readonly<Record<Exclude<LineKind, 'CHOICE' | 'CHOICES'>, string>> = {
  TEXT: '示范',
  LONG_TEXT: '示范内容',
  DATE: '2026-03-02',
  INTEGER: '3',
  DECIMAL: '12.5',
  CODE_USCC: '91000000MA0000001R',
  CITIZEN_NUMBER: '11010519491231002X',
  PHONE: '13800138000',
};

/**
 * Returns lines for an application of a matter: `texts` by label, and each required line of its license type that they
 * leave out. A matter that ends in a decision document has lines of any label.
 */
export function linesFor(matterId: string, texts: Readonly<Record<string, string>> = {}) {
  const given = Object.entries(texts).map(([label, text]) => ({ label, text }));
  const type = typeOf.get(matterId);
  if (!type) return given.length > 0 ? given : [{ label: '工程名称', text: '示范公路' }];
  const missing = type.lines.filter(({ label, required }) => required && texts[label] === undefined);
  return [...given, ...missing.map((line) => ({ label: line.label, text: sampleTextOf(line) }))];
}

let changes = 0;

/** Returns a line for an application to change a license (变更), with a text that no call has given before. */
export function changedLine(matterId: string): { label: string; text: string } {
  return changedLineOf(typeOf.get(matterId)?.code ?? '');
}

/** Returns a line of a license type with a text that no call has given before. */
export function changedLineOf(code: string): { label: string; text: string } {
  changes += 1;
  const lines = types.get(code)?.lines ?? [];
  const isOf = (...kinds: LineKind[]) =>
    lines.find(({ kind, pattern, maxLength }) => kinds.includes(kind) && pattern === null && maxLength >= 10);
  const line = isOf('TEXT', 'LONG_TEXT') ?? isOf('DECIMAL', 'INTEGER');
  if (!line) throw new Error(`no line of ${code} can be changed to any text`);
  return { label: line.label, text: isOf('TEXT', 'LONG_TEXT') ? `变更内容${changes}` : `${1000 + changes}` };
}

/** Returns the lines of an application on a license: those that change it, none for an act that keeps them. */
export function changesFor(matterId: string, situation?: string): { label: string; text: string }[] {
  return (situation ?? actOf.get(matterId)) === 'CHANGE' ? [changedLine(matterId)] : [];
}

/** Returns a text that a line takes: by its pattern, its choices, its kind; `wished` if it takes any. */
export function sampleTextOf({ kind, choices, pattern }: LicenseLine, wished?: string): string {
  if (pattern !== null) return pattern.replaceAll(/[#&]/g, '1').replaceAll('@', 'A').replaceAll('?', '甲');
  if (kind === 'CHOICE' || kind === 'CHOICES') return choices[0] ?? '';
  return (kind === 'TEXT' || kind === 'LONG_TEXT' ? wished : undefined) ?? SAMPLES[kind];
}
