import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type postgres from 'postgres';
import { findLogSignatures, type NamedKey, parseCheckpoint } from '../../witness/note.ts';
import { computeProof } from '../../witness/tile.ts';
import { isConsistent, type Tree } from '../../witness/tree.ts';
import { openDatabaseMemory } from '../memory.ts';
import type { Change, Hub } from './hub.ts';

/**
 * Reconciliation with the hub (对账): compares the trees of its log, then every change in its feed since the last
 * comparison. It reads the feed even if the log has not grown, because the latest changes may reach the feed after
 * the log. This costs one request.
 */

export interface Reconciliation {
  /** The hub's log as it is now. */
  size: number;
  /** Base64. */
  root: string;
  /** Whether the log has grown since the last comparison. */
  hasGrown: boolean;
  /** Changes compared. */
  compared: number;
  /** One line each. */
  differences: string[];
}

export interface ReconcileOptions {
  sql: postgres.Sql;
  hub: Hub;
  log: NamedKey;
  /** Compares everything from the first change on, whatever was compared before. */
  isWhole?: boolean;
  now: () => Date;
  /** Pause between reads of a log that seems to be behind. */
  pauseMs?: number;
}

/**
 * The hub calls its witnesses as soon as a tree is signed, a moment before it publishes the tree.
 * A proxy between hub and library may cache the old checkpoint for two seconds.
 */
const MAX_ATTEMPTS = 5;
const PAUSE_MS = 1_000;
/** Maximum differences that one comparison reports. More than this indicates another problem. */
const MAX_DIFFERENCES = 10_000;

/** The hub's log is smaller than the library knows it, has forked or is unsigned. The comparison ends. */
export class LogBroken extends Error {
  override readonly name = 'LogBroken';
}

/**
 * Compares the library with the hub. Stores the progress only if nothing differs.
 * Throws LogBroken, or Error if the hub or its log cannot be read.
 */
export async function reconcile(options: ReconcileOptions): Promise<Reconciliation> {
  const { sql, hub, log, isWhole = false, now } = options;
  const startedAt = now();
  const lastReconciliation = await readLast(sql, log.name);
  const witnessedTree = await openDatabaseMemory(sql).of(log.name);
  const tree = await readTree(options, Math.max(lastReconciliation?.size ?? 0, witnessedTree?.size ?? 0));
  for (const knownTree of [witnessedTree, lastReconciliation]) {
    if (knownTree)
      await requireConsistent(hub, { size: knownTree.size, root: Buffer.from(knownTree.root, 'base64') }, tree);
  }
  const currentTree = { size: tree.size, root: tree.root.toString('base64') };
  const comparison = await compareChanges(options, isWhole ? null : (lastReconciliation?.cursor ?? null), startedAt);
  const { cursor, ...outcome } = comparison;
  if (outcome.differences.length === 0) await storeLast(sql, { origin: log.name, ...currentTree, cursor, at: now() });
  return { ...currentTree, hasGrown: lastReconciliation?.size !== tree.size, ...outcome };
}

/** Reads the hub's tree. If it is smaller than the known size, reads it again after a pause. */
async function readTree({ hub, log, pauseMs = PAUSE_MS }: ReconcileOptions, knownSize: number): Promise<Tree> {
  for (let attempt = 1; ; attempt++) {
    const tree = await readTreeNow(hub, log);
    if (tree.size >= knownSize || attempt === MAX_ATTEMPTS) return tree;
    await pause(pauseMs);
  }
}

async function readTreeNow(hub: Hub, log: NamedKey): Promise<Tree> {
  const note = await hub.logFile('checkpoint');
  if (!note) throw new Error('枢纽没有公布日志检查点');
  const checkpoint = parseCheckpoint(note.toString());
  if (checkpoint.origin !== log.name) throw new Error(`枢纽的日志是 ${checkpoint.origin}，应为 ${log.name}`);
  if (!findLogSignatures(checkpoint, log)) throw new LogBroken('枢纽的日志检查点没有该日志的签名');
  return { size: checkpoint.size, root: checkpoint.root };
}

/** Throws LogBroken unless the hub's tree extends the known one. The proof is computed from the hub's tiles. */
async function requireConsistent(hub: Hub, known: Tree, tree: Tree): Promise<void> {
  const message = `枢纽日志 ${formatTree(tree)}，本库已知 ${formatTree(known)}`;
  if (tree.size < known.size) throw new LogBroken(`${message}：枢纽的日志倒退，数据曾被还原`);
  if (tree.size === known.size && !tree.root.equals(known.root)) throw new LogBroken(`${message}：枢纽的日志已分叉`);
  const proof = await computeProof((path) => hub.logFile(path), known.size, tree.size);
  if (!isConsistent(known, tree, proof)) throw new LogBroken(`${message}：枢纽的日志已分叉，两者不相衔接`);
}

function formatTree({ size, root }: Tree): string {
  return `${size} 项（根 ${root.toString('base64')}）`;
}

interface LastReconciliation {
  size: number;
  root: string;
  cursor: string | null;
}

async function readLast(sql: postgres.Sql, origin: string): Promise<LastReconciliation | null> {
  const [row] = await sql<{ size: string; root: string; cursor: string | null }[]>`
    select size, root, cursor from reconciled where origin = ${origin}`;
  return row ? { ...row, size: Number(row.size) } : null;
}

async function storeLast(sql: postgres.Sql, row: LastReconciliation & { origin: string; at: Date }): Promise<void> {
  const { origin: _, ...updates } = row;
  await sql`insert into reconciled ${sql({ ...row })} on conflict (origin) do update set ${sql({ ...updates })}`;
}

/** Compares the feed with the library's acts, then looks for acts of the library that the feed does not contain. */
async function compareChanges({ sql, hub, isWhole }: ReconcileOptions, from: string | null, startedAt: Date) {
  const run = randomUUID();
  const differences: string[] = [];
  let [cursor, compared] = [from, 0];
  for (let isLast = false; !isLast && differences.length < MAX_DIFFERENCES; ) {
    const page = await hub.changes(cursor);
    if (!page.isLast && page.cursor === cursor) throw new Error('枢纽的变更流没有前进');
    differences.push(...(await comparePage(sql, page.changes, run)));
    compared += page.changes.length;
    [cursor, isLast] = [page.cursor, page.isLast];
  }
  // Acts collected since the start belong to the next comparison.
  const missingInFeed = await sql<CollectedAct[]>`
    select number, revision, identifier, state, document_digest from act
    where ${isWhole ? sql`reconciliation is distinct from ${run}` : sql`reconciliation is null`} and collected_at < ${startedAt}
    order by number, revision limit ${MAX_DIFFERENCES}`;
  differences.push(...missingInFeed.map((act) => `${formatAct(act)} 本库已归集，枢纽变更流没有`));
  return { cursor, compared, differences: differences.slice(0, MAX_DIFFERENCES) };
}

type CollectedAct = Change;

const FIELDS = ['identifier', 'state', 'documentDigest'] as const;

async function comparePage(sql: postgres.Sql, changes: readonly Change[], run: string): Promise<string[]> {
  const identifiers = [...new Set(changes.map((change) => change.identifier))];
  const numbers = [...new Set(changes.map((change) => change.number))];
  const rows = await sql<CollectedAct[]>`
    select number, revision, identifier, state, document_digest from act
    where identifier = any(${identifiers}) or number = any(${numbers})`;
  // Two issuers may have printed the same number, so the identifier comes first.
  const byIdentifier = new Map(rows.map((row) => [`${row.revision} ${row.identifier}`, row]));
  const byNumber = new Map(rows.map((row) => [`${row.revision} ${row.number}`, row]));
  const differences: string[] = [];
  const matchedActs: CollectedAct[] = [];
  for (const change of changes) {
    const { revision, identifier, number } = change;
    const act = byIdentifier.get(`${revision} ${identifier}`) ?? byNumber.get(`${revision} ${number}`);
    if (!act) {
      differences.push(`${formatAct(change)} 枢纽变更流有，本库没有归集`);
      continue;
    }
    matchedActs.push(act);
    for (const name of FIELDS) {
      if (act[name] === change[name]) continue;
      differences.push(`${formatAct(change)} ${name} 不同：枢纽 ${change[name]}，本库 ${act[name]}`);
    }
  }
  await sql`
    update act set reconciliation = ${run}
    from unnest(${matchedActs.map((act) => act.number)}::text[], ${matchedActs.map((act) => act.revision)}::int[]) as found (number, revision)
    where act.number = found.number and act.revision = found.revision`;
  return differences;
}

function formatAct({ number, revision }: Change): string {
  return `${number} 第 ${revision} 号`;
}
