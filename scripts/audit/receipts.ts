import { sha256 } from '../../subgraphs/kernel/events.ts';
import { type AuditedLog, type Finding, found, type House, leafName, rowsOf } from './finding.ts';

/** Audits the city library's receipts: each collected revision has one, in order, and the log has the same one. */
export async function* auditReceipts({ sql }: House, log: AuditedLog): AsyncGenerator<Finding> {
  const known = new Set<string>();
  const since = firstOf(log);
  const rows = sql<
    { stream: string; revision: number; receipt: string | null; at: Date }[]
  >`select stream, revision, receipt,
    delivered_at as at from licenses.outbox_receipt where consumer = 'library'`;
  for await (const { stream, revision, receipt, at } of rowsOf(rows)) {
    const subject = `library ${stream} ${revision}`;
    const object = `receipt:${stream} ${revision}`;
    known.add(subject);
    const seen = log.leaves.get(leafName('RECEIPT', subject));
    // Up to release 0.3, receipts were neither signed nor logged.
    if (!seen && !isSigned(receipt) && (since === null || at < since)) continue;
    if (!seen) yield found('RECEIPT_WITHOUT_LEAF', object, '市库的回执没有记入透明日志');
    else if ((JSON.parse(seen.entry) as { digest?: string }).digest !== sha256(receipt ?? '')) {
      yield found('RECEIPT_CONTRADICTS', object, `与日志第 ${seen.index} 条的回执不一致`);
    }
  }
  for (const [name, { index }] of log.leaves) {
    if (!name.startsWith('RECEIPT library ')) continue;
    const subject = name.slice('RECEIPT '.length);
    if (known.has(subject)) continue;
    yield found('RECEIPT_MISSING', `receipt:${subject.slice('library '.length)}`, `日志第 ${index} 条的回执不见了`);
    yield found('RECEIPT_MISSING', `leaf:${index}`, '回执不见了');
  }
  const undelivered = sql<
    { stream: string; revision: number }[]
  >`select d.stream, r as revision from licenses.outbox_delivery d
    cross join lateral generate_series(1, d.delivered) r where d.consumer = 'library'
      and not exists (select 1 from licenses.outbox_receipt o where o.consumer = 'library' and o.stream = d.stream and o.revision = r)`;
  for await (const { stream, revision } of rowsOf(undelivered))
    yield found('RECEIPT_MISSING', `receipt:${stream} ${revision}`, '已记为归集，没有回执');
  const beyond = sql<{ stream: string; revision: number }[]>`select o.stream, o.revision from licenses.outbox_receipt o
    left join licenses.outbox_event e on e.stream = o.stream and e.revision = o.revision
    left join licenses.outbox_delivery d on d.stream = o.stream and d.consumer = o.consumer
    where o.consumer = 'library' and (e.stream is null or d.delivered is null or o.revision > d.delivered)`;
  for await (const { stream, revision } of rowsOf(beyond))
    yield found('RECEIPT_UNFOUNDED', `receipt:${stream} ${revision}`, '有回执，没有归集');
}

/** Returns the time of the first logged receipt, or null if there is none. */
function firstOf(log: AuditedLog): Date | null {
  let first: Date | null = null;
  for (const [name, { entry }] of log.leaves) {
    if (!name.startsWith('RECEIPT library ')) continue;
    const at = new Date((JSON.parse(entry) as { at: string }).at);
    if (first === null || at < first) first = at;
  }
  return first;
}

/** A signed receipt is a compact JWS; an older library's is plain text. */
function isSigned(receipt: string | null): receipt is string {
  return receipt !== null && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(receipt);
}
