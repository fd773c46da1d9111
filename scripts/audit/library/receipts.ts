import { sha256 } from '../../../subgraphs/kernel/events/events.ts';
import { LIBRARY_CONSUMERS } from '../../../subgraphs/licenses/act/event-store.ts';
import { type AuditedLog, type AuditInput, buildFinding, type Finding, leafKey, streamRows } from '../finding.ts';

const LIBRARY = Object.values(LIBRARY_CONSUMERS);

/** Audits the city library's receipts: each collected revision has one, in order, and the log has the same one. */
export async function* auditReceipts({ sql }: AuditInput, log: AuditedLog): AsyncGenerator<Finding> {
  const subjects = new Set<string>();
  const loggedSince = findFirstReceiptTime(log);
  const rows = sql<
    { stream: string; revision: number; receipt: string | null; at: Date }[]
  >`select stream, revision, receipt,
    delivered_at as at from licenses.outbox_receipt where consumer in ${sql(LIBRARY)}`;
  for await (const { stream, revision, receipt, at } of streamRows(rows)) {
    const subject = `library ${stream} ${revision}`;
    const object = `receipt:${stream} ${revision}`;
    subjects.add(subject);
    const leaf = log.leaves.get(leafKey('RECEIPT', subject));
    // Up to release 0.3, receipts were neither signed nor logged.
    if (!leaf && !isSigned(receipt) && (loggedSince === null || at < loggedSince)) continue;
    if (!leaf) yield buildFinding('RECEIPT_WITHOUT_LEAF', object, '市库的回执没有记入透明日志');
    else if ((JSON.parse(leaf.entry) as { digest?: string }).digest !== sha256(receipt ?? '')) {
      yield buildFinding('RECEIPT_CONTRADICTS', object, `与日志第 ${leaf.index} 条的回执不一致`);
    }
  }
  for (const [name, { index }] of log.leaves) {
    if (!name.startsWith('RECEIPT library ')) continue;
    const subject = name.slice('RECEIPT '.length);
    if (subjects.has(subject)) continue;
    yield buildFinding(
      'RECEIPT_MISSING',
      `receipt:${subject.slice('library '.length)}`,
      `日志第 ${index} 条的回执不见了`,
    );
    yield buildFinding('RECEIPT_MISSING', `leaf:${index}`, '回执不见了');
  }
  const missingReceipts = sql<
    { stream: string; revision: number }[]
  >`select d.stream, r as revision from licenses.outbox_delivery d
    cross join lateral generate_series(1, d.delivered) r where d.consumer in ${sql(LIBRARY)}
      and not exists (select 1 from licenses.outbox_receipt o where o.consumer = d.consumer and o.stream = d.stream and o.revision = r)`;
  for await (const { stream, revision } of streamRows(missingReceipts))
    yield buildFinding('RECEIPT_MISSING', `receipt:${stream} ${revision}`, '已记为归集，没有回执');
  const unfoundedReceipts = sql<
    { stream: string; revision: number }[]
  >`select o.stream, o.revision from licenses.outbox_receipt o
    left join licenses.outbox_event e on e.stream = o.stream and e.revision = o.revision
    left join licenses.outbox_delivery d on d.stream = o.stream and d.consumer = o.consumer
    where o.consumer in ${sql(LIBRARY)} and (e.stream is null or d.delivered is null or o.revision > d.delivered)`;
  for await (const { stream, revision } of streamRows(unfoundedReceipts))
    yield buildFinding('RECEIPT_UNFOUNDED', `receipt:${stream} ${revision}`, '有回执，没有归集');
}

/** Returns the time of the first logged receipt, or null if there is none. */
function findFirstReceiptTime(log: AuditedLog): Date | null {
  let firstAt: Date | null = null;
  for (const [name, { entry }] of log.leaves) {
    if (!name.startsWith('RECEIPT library ')) continue;
    const at = new Date((JSON.parse(entry) as { at: string }).at);
    if (firstAt === null || at < firstAt) firstAt = at;
  }
  return firstAt;
}

/** A signed receipt is a compact JWS; an older library's is plain text. */
function isSigned(receipt: string | null): receipt is string {
  return receipt !== null && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(receipt);
}
