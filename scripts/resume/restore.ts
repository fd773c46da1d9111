import type postgres from 'postgres';
import { connect } from '../../db/client.ts';
import { publishNew } from '../../subgraphs/seals/log/publication/publish-workflow.ts';
import { lockSeal, recordSealActs } from '../../subgraphs/seals/store.ts';
import { EVENT_ROUTES } from '../hub/check/agreement.ts';
import type { PublishedLog } from '../hub/check/folder-state.ts';
import { BootError } from '../hub/folder.ts';
import type { LostLeaf, VerifiedLog } from './log-files.ts';
import type { Lost } from './lost.ts';
import { SERIES, type SequenceLeap, type SkipContext } from './series.ts';

/** Brings a database that was set back on to what has been seen of it. */

/** Moves the sequences on. They take no part in transactions, so a repeated run only skips more. */
export async function leapSequences(sql: postgres.Sql, leaps: readonly SequenceLeap[]): Promise<void> {
  for (const { path, value } of leaps) await sql`select setval(${path}, ${value})`;
}

/**
 * Suspends the seals of which the log has events that the database has lost: they may have been ended, or a grant been
 * withdrawn. Their keepers resume them. Must be called after the sequences have moved on.
 */
export async function suspendSeals(hubUrl: string, { sealEvents }: Lost): Promise<void> {
  const { db, close } = connect(hubUrl, 'tongquan-resume', 1);
  try {
    for (const sealId of new Set(sealEvents.map((event) => event.sealId))) {
      await db.transaction(async (tx) => {
        const stored = await lockSeal(tx, sealId);
        if (stored?.seal.state !== 'IN_USE') return;
        const reason = '数据库恢复到旧状态，此印章之后的记录已丢失，核对后恢复使用';
        const actor = { actorId: null, actor: '恢复 resume', reason, matterId: null };
        await recordSealActs(tx, sealId, [{ event: 'SUSPENDED', ...actor, at: new Date() }], new Date());
      });
    }
  } finally {
    await close();
  }
}

/** Takes the lost leaves back and moves every series of numbers on, in one transaction. */
export async function restoreDatabase(
  sql: postgres.Sql,
  published: PublishedLog | null,
  log: VerifiedLog | null,
  context: SkipContext,
): Promise<void> {
  await sql.begin(async (tx) => {
    if (published && log && log.lostLeaves.length > 0) await restoreLog(tx, published, log);
    for (const [producer, consumer] of EVENT_ROUTES) await alignEvents(tx, producer, consumer);
    for (const series of SERIES) await series.skip(tx, context);
  });
}

/** Enters the published leaves with their places, so that the log goes on as an extension of what was published. */
async function restoreLog(
  tx: postgres.TransactionSql,
  { size, root, text, origin }: PublishedLog,
  { lostLeaves, fullTiles }: VerifiedLog,
): Promise<void> {
  for (const leaf of lostLeaves) {
    const serial = await restoreLeaf(tx, leaf);
    await tx`insert into seals.log_sequence (index, serial) values (${leaf.index}, ${serial})`;
    await tx`delete from seals.log_pending where serial = ${serial}`;
  }
  for (const { level, index, hash } of fullTiles) {
    await tx`insert into seals.log_tile (level, index, hash) values (${level}, ${index}, ${hash}) on conflict do nothing`;
  }
  await tx`update seals.log_head set size = ${size}, root = ${root}`;
  await tx`insert into seals.log_checkpoint (size, root, note, at)
    values (${size}, ${root}, ${keepLogSignature(text, origin)}, now())`;
}

/** Returns the serial of a leaf. A leaf that the database has without a place keeps its row. */
async function restoreLeaf(tx: postgres.TransactionSql, leaf: LostLeaf): Promise<number> {
  const { kind, subject, entry, hash, at } = leaf;
  const [pending] = await tx`select serial, entry from seals.log_leaf where kind = ${kind} and subject = ${subject}`;
  if (pending && pending.entry !== entry) {
    throw new BootError(
      `数据库中的 ${kind} ${subject} 与日志不同：数据库恢复后又曾使用 — the database was used after it was set back: restore the newer backup`,
    );
  }
  if (pending) return Number(pending.serial);
  const [row] = await tx`insert into seals.log_leaf (kind, subject, entry, hash, at)
    values (${kind}, ${subject}, ${entry}, ${hash}, ${at}) returning serial`;
  return Number(row?.serial);
}

/** Returns a checkpoint without the signatures of witnesses: the database keeps those by themselves. */
function keepLogSignature(text: string, origin: string): string {
  const end = text.indexOf('\n\n') + 2;
  const lines = text.slice(end).split('\n');
  return `${text.slice(0, end)}${lines.filter((line) => line.startsWith(`— ${origin} `)).join('\n')}\n`;
}

/**
 * Aligns what two schemas know of each other's events. A consumer that is older gets its events again. A producer that
 * is older goes on after what the consumer has.
 */
async function alignEvents(tx: postgres.TransactionSql, producer: string, consumer: string): Promise<void> {
  const [streams, deliveries, inbox] = [
    `${producer}.outbox_stream`,
    `${producer}.outbox_delivery`,
    `${consumer}.inbox`,
  ];
  await tx`update ${tx(deliveries)} as d set delivered = coalesce(i.revision, 0)
    from ${tx(deliveries)} as own left join ${tx(inbox)} as i on i.producer = ${producer} and i.stream = own.stream
    where own.consumer = ${consumer} and d.consumer = own.consumer and d.stream = own.stream
      and d.delivered > coalesce(i.revision, 0)`;
  const ahead = await tx<{ stream: string; revision: number }[]>`
    select i.stream, i.revision from ${tx(inbox)} as i left join ${tx(streams)} as s using (stream)
    where i.producer = ${producer} and i.revision > coalesce(s.head, 0)`;
  for (const { stream, revision } of ahead) {
    await tx`insert into ${tx(streams)} (stream, head) values (${stream}, ${revision})
      on conflict (stream) do update set head = excluded.head`;
    await tx`insert into ${tx(deliveries)} (consumer, stream, head, delivered)
      values (${consumer}, ${stream}, ${revision}, ${revision})
      on conflict (consumer, stream) do update set head = excluded.head, delivered = excluded.delivered`;
  }
}

/** Publishes the log again from the database, after its files were lost. */
export async function publishAgain(sealsUrl: string, folder: string): Promise<void> {
  const { db, close } = connect(sealsUrl, 'tongquan-resume', 1);
  try {
    while (await publishNew({ db, folder, witnesses: [] }));
  } finally {
    await close();
  }
}
