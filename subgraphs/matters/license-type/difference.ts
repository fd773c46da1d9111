import { toCanonicalJson } from '../../kernel/events/events.ts';
import type { LicenseType } from '../../kernel/license-type/type.ts';
import type { Problem } from '../guide/guide.ts';

/** Describes what differs between two versions of a type, one sentence for each member and each line. */
export function describeDifferences(before: LicenseType | null, after: LicenseType): string[] {
  const { lines: oldLines = [], ...oldMembers } = before ?? {};
  const { lines, ...members } = after;
  return [...describeMembers('', oldMembers, members), ...describeLines(oldLines, lines)];
}

function describeMembers(name: string, before: object, after: object): string[] {
  const [oldMembers, newMembers] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...newMembers].flatMap(([member, value]) => {
    const [oldText, newText] = [describeValue(oldMembers.get(member)), describeValue(value)];
    return oldText === newText ? [] : [`${name}${member} 由 ${oldText} 改为 ${newText}`];
  });
}

function describeValue(value: unknown): string {
  return value === undefined || value === null ? '（无）' : toCanonicalJson(value);
}

function describeLines(before: LicenseType['lines'], after: LicenseType['lines']): string[] {
  const oldLines = new Map(before.map((line) => [line.key, line]));
  const keys = new Set(after.map(({ key }) => key));
  const order = before.filter(({ key }) => keys.has(key)).map(({ key }) => key);
  const newOrder = after.filter(({ key }) => oldLines.has(key)).map(({ key }) => key);
  return [
    ...before.filter(({ key }) => !keys.has(key)).map(({ key, label }) => `删除信息项 ${key}（${label}）`),
    ...after.flatMap((line) => {
      const oldLine = oldLines.get(line.key);
      const name = `信息项 ${line.key}（${line.label}）`;
      return oldLine ? describeMembers(`${name}：`, oldLine, line) : [`新增${name}：${describeValue(line)}`];
    }),
    ...(order.join() === newOrder.join() ? [] : [`信息项的顺序改为 ${newOrder.join('、')}`]),
  ];
}

/**
 * Lists what is wrong with the lines that a version removes. They may stand on licenses, so `removes` must name each
 * line that is gone, or that has another label, and nothing else.
 */
export function listRemovalProblems(before: LicenseType | null, after: LicenseType): Problem[] {
  const labels = new Map(after.lines.map(({ key, label }) => [key, label]));
  const removed = (before?.lines ?? []).filter(({ key, label }) => labels.get(key) !== label);
  const unstated = removed.filter(({ key }) => !after.removes.includes(key));
  const removedKeys = new Set(removed.map(({ key }) => key));
  return [
    ...unstated.map(({ key, label }) => ({
      place: 'removes',
      message: `已制发的证照可能载有“${label}”，删除或改名须在 removes 中写明 ${key}`,
    })),
    ...after.removes
      .filter((key) => !removedKeys.has(key))
      .map((key) => ({ place: 'removes', message: `上一版没有删除或改名的信息项 ${key}` })),
  ];
}
