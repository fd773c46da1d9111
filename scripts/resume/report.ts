import type { CollectedVersion } from './library.ts';
import type { Lost, LostUse } from './lost.ts';
import { SERIES, type SequenceLeap } from './series.ts';

/** What `npm run resume` tells: what is lost, by name, and what is skipped. */

/** Returns the lines of the report. */
export function listReportLines(
  lost: Lost,
  collected: readonly CollectedVersion[],
  sequences: readonly SequenceLeap[],
): string[] {
  const holders = new Map(collected.map(({ identifier, holder }) => [identifier, holder]));
  const uses = [...lost.uses, ...lost.orphanUses].filter(({ kind }) => kind !== 'CODE_USE');
  const counts = Map.groupBy(lost.leaves, ({ kind }) => kind);
  return [
    `从已公布的日志取回 ${lost.leaves.length} 条 leaves taken back from the published log`,
    ...[...counts].map(([kind, leaves]) => `  ${kind} ${leaves.length}`),
    `已丢失的用印（证照或文书要由承办人补办或收回）lost acts and documents: ${uses.length}`,
    ...uses.map((use) => `  ${formatUse(use, holders.get(use.identifier) ?? null)}`),
    `已丢失的印章事项（有关印章将停用，核对后恢复）lost events of seals, which are suspended: ${lost.sealEvents.length}`,
    ...lost.sealEvents.map(({ sealId, event, serial }) => `  ${sealId} ${event} ${serial}`),
    '跳过的编号 numbers that are skipped:',
    ...SERIES.map(({ name }) => `  ${name}`),
    ...sequences.map(({ path, value }) => `  ${path} > ${value}`),
    '日志中没有的（未用印的受理、材料、补正等）无法列出，请按纸质登记核对 — what was never sealed cannot be named here',
  ];
}

function formatUse(use: LostUse, holder: string | null): string {
  const { at, act, identifier, blankNumber, duplicateBlanks, caseId, organ } = use;
  const parts = [at, organ, act, identifier, blankNumber, ...duplicateBlanks, holder, caseId];
  return parts.filter((part) => part !== null).join('  ');
}
