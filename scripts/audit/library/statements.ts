import { sha256, toCanonicalJson } from '../../../subgraphs/kernel/events/events.ts';
import { LIBRARY_CONSUMERS } from '../../../subgraphs/licenses/act/event-store.ts';
import { type AuditedLog, type AuditInput, buildFinding, type Finding, leafKey, streamRows } from '../finding.ts';

/**
 * Audits what the city library was told that the register stated (登记声明): each statement once, in the order of the
 * acts, after the act on the license that it follows; and what the library acknowledged is what was stated.
 */
export async function* auditTold(input: AuditInput, log: AuditedLog): AsyncGenerator<Finding> {
  yield* auditEvents(input);
  yield* auditUntold(input);
  yield* auditAcknowledged(input, log);
}

interface ToldRow {
  stream: string;
  revision: number;
  number: string;
  identifier: string;
  actId: string;
}

function* findingsFor({ stream, revision, number, identifier, actId }: ToldRow, code: string, detail: string) {
  for (const object of [`receipt:${stream} ${revision}`, `act:${actId}`, `number:${number}`, `license:${identifier}`])
    yield buildFinding(code, object, detail);
}

/** Compares each event with its act, with the license's act that it follows, and with the event before it. */
async function* auditEvents({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<ToldRow[]>`
    with told as (
      select e.stream, e.revision, e.payload as p, (e.payload->>'follows')::int as follows, a.serial, a.id,
        lag(a.serial) over w as before, first_value(e.payload->>'act') over w as first_act, lag((e.payload->>'follows')::int) over w as follows_before,
        a.record ? 'jti' and a.state = 'DONE' and a.act = e.payload->>'act' and a.number = e.payload->>'number'
          and a.identifier = e.payload->>'identifier' and a.version::text = e.payload->>'version'
          and a.state_after = e.payload->>'state' and a.document_digest = e.payload->>'documentDigest'
          and a.done_at = e.occurred_at and e.stream = 'register:' || a.number as is_of_act
      from licenses.outbox_event e left join licenses.act a on a.id::text = e.payload->>'actId'
      where e.type = 'RegisterStated' window w as (partition by e.stream order by e.revision)
    )
    select t.stream, t.revision, coalesce(t.p->>'number', '') as number, coalesce(t.p->>'identifier', '') as identifier,
      coalesce(t.p->>'actId', '') as "actId"
    from told t left join licenses.outbox_stream l on l.stream = 'license:' || (t.p->>'number')
    left join licenses.outbox_event f on f.stream = l.stream and f.revision = t.follows
    left join licenses.act fa on fa.number = t.p->>'number' and fa.document_digest = f.payload->>'documentDigest'
    left join licenses.outbox_event n on n.stream = l.stream and n.revision = t.follows + 1
    left join licenses.act na on na.number = t.p->>'number' and na.document_digest = n.payload->>'documentDigest'
    where t.is_of_act is not true or t.before >= t.serial or t.follows_before > t.follows or na.serial < t.serial
      or (t.p->>'act' = 'REGISTER' and t.revision <> 1)
      -- What follows no act is of a license from paper.
      or case when t.follows = 0 then t.first_act <> 'REGISTER'
        else l.head is null or t.follows > l.head or f.payload->>'identifier' <> t.p->>'identifier' or fa.serial > t.serial
          or case when t.p->>'act' = 'LAPSE' then f.payload->>'state' not in ('VALID', 'SUSPENDED')
            else f.payload->>'state' <> t.p->>'state' end end`;
  for await (const row of streamRows(rows))
    yield* findingsFor(row, 'EVENT_DIFFERS', '告知市库的登记声明与所办的不一致');
}

/** Finds statements of which the library is not told, or is told twice. */
async function* auditUntold({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<{ id: string; number: string; identifier: string }[]>`
    select a.id, a.number, a.identifier from licenses.act a where a.state = 'DONE' and a.record ? 'jti' and (
      select count(*) from licenses.outbox_event e where e.stream = 'register:' || a.number
        and e.payload->>'actId' = a.id::text) <> 1`;
  for await (const { id, number, identifier } of streamRows(rows))
    for (const object of [`act:${id}`, `number:${number}`, `license:${identifier}`])
      yield buildFinding('EVENT_DIFFERS', object, '登记声明没有告知市库，或者告知了两次');
}

/** Compares what each receipt and its leaf name with what was stated. */
async function* auditAcknowledged({ sql }: AuditInput, log: AuditedLog): AsyncGenerator<Finding> {
  const rows = sql<
    (ToldRow & { receipt: string | null; digest: string; record: object; act: string; state: string })[]
  >`
    select r.stream, r.revision, r.receipt, a.id as "actId", a.number, a.identifier, a.document_digest as digest,
      a.record, a.act, a.state_after as state
    from licenses.outbox_receipt r join licenses.outbox_event e on e.stream = r.stream and e.revision = r.revision
    join licenses.act a on a.id::text = e.payload->>'actId'
    where r.consumer = ${LIBRARY_CONSUMERS.statements}`;
  for await (const row of streamRows(rows)) {
    const { stream, revision, identifier, digest: documentDigest, act, state } = row;
    const leaf = log.leaves.get(leafKey('RECEIPT', `library ${stream} ${revision}`));
    const recordDigest = sha256(toCanonicalJson(row.record));
    const claims = { stream, revision, identifier, act, state, documentDigest, recordDigest };
    // Where no key of receipts is pinned a receipt is any text, and only its leaf names what it is for.
    const isOfStatement =
      (leaf === undefined || containsAll(leaf.entry, { identifier, revision, documentDigest })) &&
      containsAll(readClaims(row.receipt), claims, leaf !== undefined && !isProven(leaf.entry));
    if (!isOfStatement) yield* findingsFor(row, 'RECEIPT_CONTRADICTS', '市库的回执不是关于这一登记声明的');
  }
}

const isProven = (entry: string) => (JSON.parse(entry) as { isSigned?: boolean }).isSigned === true;

/** Returns the claims of a compact JWS as text, or null for any other text. It does not verify the JWS. */
function readClaims(receipt: string | null): string | null {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(receipt ?? '')?.[1];
  return payload === undefined ? null : Buffer.from(payload, 'base64url').toString('utf8');
}

/** Whether JSON of an object has these members. `ifNone` is the answer for what is no JSON. */
function containsAll(text: string | null, members: Readonly<Record<string, unknown>>, ifNone = false): boolean {
  try {
    const value = JSON.parse(text ?? '') as Record<string, unknown>;
    return Object.entries(members).every(([name, member]) => value[name] === member);
  } catch {
    return ifNone;
  }
}
