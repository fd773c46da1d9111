import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type postgres from 'postgres';
import { type NamedKey, readCheckpoint, signedBy } from '../witness/note.ts';
import { proofFromTiles } from '../witness/tile.ts';
import { goesOn, type Tree } from '../witness/tree.ts';
import type { Change, Hub } from './hub.ts';
import { memoryIn } from './memory.ts';

/**
 * Comparing with the hub (对账): first the trees of its log, then every change that its feed tells of since the last comparison. A log
 * that has not grown does not end it: what the hub did last may have reached the feed after the log, and costs one request to ask.
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
  /** Between looks at a log that seems to be behind. */
  pauseMs?: number;
}

/** The hub asks its witnesses as soon as a tree is signed, a moment before it publishes it; what stands between may keep it for two seconds. */
const ATTEMPTS_MOST = 5;
const PAUSE_MS = 1_000;
/** Differences that one comparison tells of; who has more has another trouble. */
const DIFFERENCES_MOST = 10_000;

/** The hub's log is behind what the library knows of it, or has forked: nothing else is worth comparing. */
export class LogBroken extends Error {
  override readonly name = 'LogBroken';
}

/** Throws LogBroken, and Error where the hub or its log cannot be read. Remembers how far it got only where nothing differs. */
export async function reconcile(options: ReconcileOptions): Promise<Reconciliation> {
  const { sql, hub, log, isWhole = false, now } = options;
  const startedAt = now();
  const last = await readLast(sql, log.name);
  const seen = await memoryIn(sql).of(log.name);
  const tree = await readTree(options, Math.max(last?.size ?? 0, seen?.size ?? 0));
  for (const known of [seen, last]) {
    if (known) await requireGoesOn(hub, { size: known.size, root: Buffer.from(known.root, 'base64') }, tree);
  }
  const found = { size: tree.size, root: tree.root.toString('base64') };
  const compared = await compareChanges(options, isWhole ? null : (last?.cursor ?? null), startedAt);
  const { cursor, ...told } = compared;
  if (told.differences.length === 0) await keepLast(sql, { origin: log.name, ...found, cursor, at: now() });
  return { ...found, hasGrown: last?.size !== tree.size, ...told };
}

/** The hub's tree; of one that is behind what is known, as it is after a while. */
async function readTree({ hub, log, pauseMs = PAUSE_MS }: ReconcileOptions, known: number): Promise<Tree> {
  for (let attempt = 1; ; attempt++) {
    const tree = await readTreeNow(hub, log);
    if (tree.size >= known || attempt === ATTEMPTS_MOST) return tree;
    await pause(pauseMs);
  }
}

async function readTreeNow(hub: Hub, log: NamedKey): Promise<Tree> {
  const note = await hub.logFile('checkpoint');
  if (!note) throw new Error('枢纽没有公布日志检查点');
  const checkpoint = readCheckpoint(note.toString());
  if (checkpoint.origin !== log.name) throw new Error(`枢纽的日志是 ${checkpoint.origin}，应为 ${log.name}`);
  if (!signedBy(checkpoint, log)) throw new LogBroken('枢纽的日志检查点没有该日志的签名');
  return { size: checkpoint.size, root: checkpoint.root };
}

/** Throws LogBroken unless the hub's tree begins with the one known, by a proof reckoned from the tiles that the hub shows. */
async function requireGoesOn(hub: Hub, known: Tree, tree: Tree): Promise<void> {
  const told = `枢纽日志 ${tell(tree)}，本库已知 ${tell(known)}`;
  if (tree.size < known.size) throw new LogBroken(`${told}：枢纽的日志倒退，数据曾被还原`);
  if (tree.size === known.size && !tree.root.equals(known.root)) throw new LogBroken(`${told}：枢纽的日志已分叉`);
  const proof = await proofFromTiles((path) => hub.logFile(path), known.size, tree.size);
  if (!goesOn(known, tree, proof)) throw new LogBroken(`${told}：枢纽的日志已分叉，两者不相衔接`);
}

function tell({ size, root }: Tree): string {
  return `${size} 项（根 ${root.toString('base64')}）`;
}

interface Last {
  size: number;
  root: string;
  cursor: string | null;
}

async function readLast(sql: postgres.Sql, origin: string): Promise<Last | null> {
  const [row] = await sql<{ size: string; root: string; cursor: string | null }[]>`
    select size, root, cursor from reconciled where origin = ${origin}`;
  return row ? { ...row, size: Number(row.size) } : null;
}

async function keepLast(sql: postgres.Sql, row: Last & { origin: string; at: Date }): Promise<void> {
  const { origin: _, ...changed } = row;
  await sql`insert into reconciled ${sql({ ...row })} on conflict (origin) do update set ${sql({ ...changed })}`;
}

/** Compares what the feed tells with what the library keeps, and then looks for what the library keeps and the feed does not tell. */
async function compareChanges({ sql, hub, isWhole }: ReconcileOptions, from: string | null, startedAt: Date) {
  const run = randomUUID();
  const differences: string[] = [];
  let [cursor, compared] = [from, 0];
  for (let isLast = false; !isLast && differences.length < DIFFERENCES_MOST; ) {
    const page = await hub.changes(cursor);
    if (!page.isLast && page.cursor === cursor) throw new Error('枢纽的变更流没有前进');
    differences.push(...(await comparePage(sql, page.changes, run)));
    compared += page.changes.length;
    [cursor, isLast] = [page.cursor, page.isLast];
  }
  // What arrived meanwhile is for the next comparison.
  const untold = await sql<Kept[]>`
    select number, revision, identifier, state, document_digest from act
    where ${isWhole ? sql`reconciliation is distinct from ${run}` : sql`reconciliation is null`} and collected_at < ${startedAt}
    order by number, revision limit ${DIFFERENCES_MOST}`;
  differences.push(...untold.map((act) => `${tellAct(act)} 本库已归集，枢纽变更流没有`));
  return { cursor, compared, differences: differences.slice(0, DIFFERENCES_MOST) };
}

type Kept = Change;

const FIELDS = ['identifier', 'state', 'documentDigest'] as const;

async function comparePage(sql: postgres.Sql, changes: readonly Change[], run: string): Promise<string[]> {
  const numbers = [...new Set(changes.map((one) => one.number))];
  const rows = await sql<Kept[]>`
    select number, revision, identifier, state, document_digest from act where number = any(${numbers})`;
  const kept = new Map(rows.map((row) => [`${row.revision} ${row.number}`, row]));
  const differences: string[] = [];
  const found: Kept[] = [];
  for (const change of changes) {
    const act = kept.get(`${change.revision} ${change.number}`);
    if (!act) {
      differences.push(`${tellAct(change)} 枢纽变更流有，本库没有归集`);
      continue;
    }
    found.push(act);
    for (const name of FIELDS) {
      if (act[name] === change[name]) continue;
      differences.push(`${tellAct(change)} ${name} 不同：枢纽 ${change[name]}，本库 ${act[name]}`);
    }
  }
  await sql`
    update act set reconciliation = ${run}
    from unnest(${found.map((act) => act.number)}::text[], ${found.map((act) => act.revision)}::int[]) as found (number, revision)
    where act.number = found.number and act.revision = found.revision`;
  return differences;
}

function tellAct({ number, revision }: Change): string {
  return `${number} 第 ${revision} 号`;
}
