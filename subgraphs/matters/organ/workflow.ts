import type { Transaction } from '../../../db/client.ts';
import { dayOf } from '../../kernel/day.ts';
import { sha256 } from '../../kernel/events/events.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import { findUnprintable } from '../../kernel/pdf/document.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Problem, toProblem } from '../import/import.ts';
import * as matters from '../store.ts';
import type { OrganLine, ParsedOrgans } from './list.ts';
import { applyOrgans, succeedMatter } from './reform.ts';
import { insertReform, listShares } from './store.ts';

export interface OrganImport {
  /** A sentence for each line that changes something, and for each matter whose organs change with it. */
  differences: string[];
  /** Number of lines that change something, and of lines that repeat what is entered. */
  changed: number;
  unchanged: number;
  /** If there is any, nothing was imported. */
  problems: Problem[];
}

/**
 * Changes organs (机构改革) by a list, all of it or nothing. The matters of an organ that ends pass to its successors from
 * their first day on. Must be called inside a transaction.
 */
export async function importOrgans(
  tx: Transaction,
  list: ParsedOrgans,
  { text, basis }: { text: string; basis: string | null },
  { id: actorId, name: actor, at }: { id: string; name: string; at: Date },
): Promise<OrganImport> {
  await matters.lockImport(tx);
  const organs = await matters.listAllOrgans(tx);
  const allMatters = await matters.listAllMatters(tx);
  const shares = await listShares(tx);
  const register = {
    ...{ organs: new Map(organs.map((organ) => [organ.id, organ])), shares, today: dayOf(at) },
    matters: new Set(allMatters.map(({ row }) => row.id)),
  };
  const reform = applyOrgans(list.lines, register);
  const problems = [...list.problems, ...reform.problems, ...listUnprintable(list.lines)];
  if (problems.length > 0)
    return { differences: [], changed: 0, unchanged: 0, problems: problems.sort((a, b) => a.line - b.line) };
  const { differences: changes, unchanged } = reform;
  if (changes.length === 0) return { differences: [], changed: 0, unchanged, problems: [] };
  await matters.addOrgans(tx, reform.entered);
  const entry = { importedAt: at, actorId, actor, basis, digest: sha256(text), changed: changes.length, unchanged };
  await insertReform(tx, entry, reform);
  const differences = [...changes];
  for (const matter of allMatters) {
    const moved = succeedMatter(matter, reform.ended);
    if (moved === matter) continue;
    await matters.replaceHistories(tx, moved, at);
    differences.push(`${matter.row.id} 的单位随之变更，在办件随转`);
  }
  if (reform.renamed.length > 0) await matters.resendChanged(tx, at);
  await announceReforms(tx, reform, [...shares, ...reform.ended], at);
  return { differences, changed: changes.length, unchanged, problems: [] };
}

/** Sends an event for each organ that was renamed or ended, and for each that takes over from one. */
async function announceReforms(
  tx: Transaction,
  { renamed, ended }: Pick<ReturnType<typeof applyOrgans>, 'renamed' | 'ended'>,
  shares: ReturnType<typeof applyOrgans>['ended'],
  at: Date,
): Promise<void> {
  const ids = new Set([...renamed, ...ended].map(({ organ }) => organ).concat(ended.map((share) => share.successor)));
  for (const organ of await matters.findOrgans(tx, [...ids])) {
    if (!organ) continue;
    const successions = shares
      .filter((share) => share.organ === organ.id)
      .map((share) => ({ ...share, matters: share.matters === null ? null : [...share.matters] }));
    const event = { type: 'OrganChanged', stream: `organ:${organ.id}`, occurredAt: at } as const;
    await appendEvent(tx, matters.messages, matters.CONSUMERS, { ...event, payload: { organ, successions } });
  }
}

/** Returns a problem for each name that no document could show. */
function listUnprintable(lines: readonly OrganLine[]): Problem[] {
  return lines.flatMap(({ line, name }) => {
    const reason = name === null ? null : findUnprintable(name);
    return reason === null ? [] : [toProblem(line, new Refusal('FIELD_MALFORMED', 'name', reason))];
  });
}
